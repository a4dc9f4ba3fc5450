package gate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// refreshTokens answers a refresh token with a new access token of the same session, so
// that a logout ends both.
func refreshTokens(g *gate.Gate) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := gate.FromContext(r.Context())
		raw, access, err := g.Issue(r.Context(), gate.Access, token.Identity(), gate.TokenOptions{From: token})
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{
			"access_token": raw, "expires_in": int(access.Expiry.Sub(access.IssuedAt).Seconds()),
		})
	}
}

// Explicit refresh: the client keeps a long-lived refresh token, which opens one
// route, and gets short-lived access tokens there.
func Example_refresh() {
	key, err := keys.Generate(keys.HS256)
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
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(send("POST", "/refresh", refresh)), &answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println("expires in", answer.ExpiresIn)
	fmt.Println(send("GET", "/protected", answer.AccessToken))
	fmt.Print(send("POST", "/refresh", answer.AccessToken))
	// Output:
	// {"msg":"An access token is wanted here"}
	// expires in 900
	// come in
	// {"msg":"A refresh token is wanted here"}
}
