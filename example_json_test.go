package gate_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// order reads the same body that the gate has found the token in.
func order(w http.ResponseWriter, r *http.Request) {
	token, _ := gate.FromContext(r.Context())
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cannot read the body", http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, token.Subject, strings.Contains(string(body), `"item":"tea"`))
}

// A token in a JSON body. The body stays readable for the handler.
func ExampleFromJSON() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{
		Keys:      key,
		Locations: []gate.Location{gate.FromJSON("access_token", "refresh_token")},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	route := g.Require(gate.Policy{})(http.HandlerFunc(order))
	for _, body := range []string{
		`{"item":"tea","access_token":"` + token + `"}`,
		`{"item":"tea"}`,
	} {
		r := httptest.NewRequest("POST", "/orders", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		route.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 alice true
	// 401 {"msg":"The JSON body has no member access_token"}
}
