package gate_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// adminOnly is a guard of the application's own, on top of Check.
func adminOnly(g *gate.Gate, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := g.Check(r, gate.Policy{})
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		var claims struct {
			Admin bool `json:"admin"`
		}
		if err := token.Claims(&claims); err != nil || !claims.Admin {
			http.Error(w, "admins only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r.WithContext(gate.NewContext(r.Context(), token)))
	})
}

// Check judges a request and writes nothing: guards of your own begin with it.
func ExampleGate_Check() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	route := adminOnly(g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := gate.FromContext(r.Context())
		fmt.Fprintln(w, "welcome,", token.Subject)
	}))
	for _, admin := range []bool{true, false} {
		token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{
			Claims: map[string]any{"admin": admin},
		})
		if err != nil {
			log.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/admin", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		route.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 welcome, alice
	// 403 admins only
}
