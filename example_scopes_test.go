package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// ownReports lets a token in only for the reports of its own team.
func ownReports(_ context.Context, t *gate.Token) error {
	var claims struct {
		Team string `json:"team"`
	}
	if err := t.Claims(&claims); err != nil {
		return err
	}
	if claims.Team != "red" {
		return errors.New("these are the reports of team red")
	}
	return nil
}

// A route names the scopes that a token must have, and may have a rule of its own.
func ExamplePolicy_scopes() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	guard := g.Require(gate.Policy{Scopes: []string{"reports:read"}, Allow: ownReports})
	reports := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "all is well") }))

	for _, claims := range []map[string]any{
		{"scope": "reports:read profile", "team": "red"},
		{"scope": "reports:read", "team": "blue"},
		{"scope": "profile", "team": "red"},
	} {
		token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{Claims: claims})
		if err != nil {
			log.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/reports", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		reports.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 all is well
	// 403 {"msg":"The token is not accepted here"}
	// 403 {"msg":"The token lacks the scope that this route asks for"}
}
