package gate_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// hero is an account of the application.
type hero struct {
	ID   int
	Name string
}

// heroes stands for a database.
var heroes = map[int]*hero{1: {1, "Bruce Wayne"}, 2: {2, "Ann Takamaki"}}

// loadHero finds the account of a token. A nil account refuses the request.
func loadHero(_ context.Context, t *gate.Token) (any, error) {
	id, err := strconv.Atoi(t.Subject)
	if err != nil {
		return nil, gate.ErrNoUser
	}
	return heroes[id], nil
}

// The account of the token is loaded before the handler runs.
func ExampleUser() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, LoadUser: loadHero})
	if err != nil {
		log.Fatal(err)
	}
	whoAmI := g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, _ := gate.User[*hero](r.Context())
		fmt.Fprintf(w, "%d is %s\n", h.ID, h.Name)
	}))

	for _, id := range []int{2, 3} { // nobody has the third
		token, err := g.CreateAccessToken(context.Background(), id, gate.TokenOptions{})
		if err != nil {
			log.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/who_am_i", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		whoAmI.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 2 is Ann Takamaki
	// 401 {"msg":"The token's user does not exist"}
}
