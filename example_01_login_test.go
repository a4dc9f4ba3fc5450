package gate_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// login hands out an access token for the right name and password.
func login(g *gate.Gate) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if name != "alice" || password != "correct horse" { // ask your database
			http.Error(w, "wrong name or password", http.StatusUnauthorized)
			return
		}
		token, err := g.CreateAccessToken(r.Context(), name, gate.TokenOptions{})
		if err != nil {
			http.Error(w, "try again later", http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"access_token": token})
	}
}

// protected is reached with a valid token only.
func protected(w http.ResponseWriter, r *http.Request) {
	token, _ := gate.FromContext(r.Context())
	fmt.Fprintf(w, "logged in as %s", token.Subject)
}

// Log in, and open a guarded route with the token.
func Example() {
	key, err := keys.Generate(keys.HS256) // lost at exit; for a secret that you keep: keys.HMAC
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /login", login(g))
	mux.Handle("GET /protected", g.Require(gate.Policy{})(http.HandlerFunc(protected)))

	r := httptest.NewRequest("POST", "/login", nil)
	r.SetBasicAuth("alice", "correct horse")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		log.Fatal(err)
	}

	for _, header := range []string{"Bearer " + answer.AccessToken, ""} {
		r := httptest.NewRequest("GET", "/protected", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// 200 logged in as alice
	// 401 {"msg":"The Authorization header is missing"}
}
