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

// refreshTokens answers a refresh token with a new access token.
func refreshTokens(g *gate.Gate) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := gate.FromContext(r.Context())
		access, err := g.CreateAccessToken(r.Context(), token.Identity(), gate.TokenOptions{})
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		fmt.Fprint(w, access)
	}
}

// Explicit refresh: the client keeps a long-lived refresh token, which opens one
// route, and gets short-lived access tokens there.
func ExampleGate_CreateRefreshToken() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /refresh", g.Require(gate.Policy{Type: gate.Refresh})(refreshTokens(g)))
	mux.Handle("GET /protected", g.Require(gate.Policy{})(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "come in") })))
	send := func(method, path, token string) string {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Body.String()
	}

	refresh, err := g.CreateRefreshToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(send("GET", "/protected", refresh))
	access := send("POST", "/refresh", refresh)
	fmt.Println(send("GET", "/protected", access))
	fmt.Print(send("POST", "/refresh", access))
	// Output:
	// {"msg":"An access token is wanted here"}
	// come in
	// {"msg":"A refresh token is wanted here"}
}
