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

// says answers every request with a text.
func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}

// cors stands for any CORS middleware.
func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
		next.ServeHTTP(w, r)
	})
}

// A whole site behind one guard, but for some paths: the guard has the pattern "/", and
// http.ServeMux takes the more specific pattern where there is one. A path that somebody
// adds later and forgets is guarded. CORS middleware goes around everything, so that
// refusals have its headers too; a preflight needs no token.
func ExampleGate_Require_routes() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	members := http.NewServeMux()
	members.Handle("GET /orders", says("your orders"))

	site := http.NewServeMux()
	site.Handle("/", g.Require(gate.Policy{})(members))
	site.Handle("GET /health", says("well"))
	site.Handle("POST /login", says("welcome"))
	app := cors(site)

	for _, request := range []string{"GET /health", "POST /login", "GET /orders", "GET /forgotten", "OPTIONS /orders"} {
		var method, path string
		fmt.Sscan(request, &method, &path)
		r := httptest.NewRequest(method, path, nil)
		if method == http.MethodOptions { // as a browser sends it
			r.Header.Set("Access-Control-Request-Method", "GET")
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Println(request, w.Code, w.Header().Get("Access-Control-Allow-Origin"))
	}
	// Output:
	// GET /health 200 https://app.example
	// POST /login 200 https://app.example
	// GET /orders 401 https://app.example
	// GET /forgotten 401 https://app.example
	// OPTIONS /orders 204 https://app.example
}

// asForwarded gives a request the method of the one that the proxy asks about, since
// cookies are checked against CSRF by it. A request without it is refused: the proxy
// has to be told to send it. Only the proxy may reach this handler.
func asForwarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		if r.Method = r.Header.Get("X-Forwarded-Method"); r.Method == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Forward authentication: a proxy (nginx auth_request, Traefik ForwardAuth, Caddy
// forward_auth) asks this handler before each request to services that know nothing of
// tokens, and hands on the headers of a good answer.
func ExampleGate_Require_forwardAuth() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Locations: []gate.Location{gate.FromCookies(), gate.FromHeader("Authorization", "Bearer")}})
	if err != nil {
		log.Fatal(err)
	}
	verdict := asForwarded(g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := gate.FromContext(r.Context())
		w.Header().Set("X-Forwarded-User", token.Subject)
		w.WriteHeader(http.StatusNoContent)
	})))
	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, method := range []string{"GET", "POST", ""} {
		r := httptest.NewRequest("GET", "/auth", nil)
		r.Header.Set("X-Forwarded-Method", method)
		r.AddCookie(&http.Cookie{Name: "access_token_cookie", Value: token})
		w := httptest.NewRecorder()
		verdict.ServeHTTP(w, r)
		fmt.Printf("%q %d %q\n", method, w.Code, w.Header().Get("X-Forwarded-User"))
	}
	// Output:
	// "GET" 204 "alice"
	// "POST" 403 ""
	// "" 400 ""
}
