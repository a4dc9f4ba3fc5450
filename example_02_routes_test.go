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

// A whole site behind one guard, a route that also takes visitors without a token,
// and a guard that you write.
func Example_routes() {
	wholeSite()
	forwardAuth()
	optionalRoute()
	adminGuard()
	// Output:
	// GET /health 200 https://app.example
	// POST /login 200 https://app.example
	// GET /orders 401 https://app.example
	// GET /forgotten 401 https://app.example
	// OPTIONS /orders 204 https://app.example
	// "GET" 204 "alice"
	// "POST" 403 ""
	// "" 400 ""
	// 200 hello, stranger
	// 200 hello, alice
	// 401 {"msg":"The token's signature is wrong"}
	// 200 welcome, alice
	// 403 admins only
}

// says answers every request with a text.
func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}

// cors is an example of a CORS middleware.
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
func wholeSite() {
	key, err := keys.Generate(keys.HS256)
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
func forwardAuth() {
	key, err := keys.Generate(keys.HS256)
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
}

// greet knows its visitor, if the visitor brought a token.
func greet(w http.ResponseWriter, r *http.Request) {
	if token, ok := gate.FromContext(r.Context()); ok {
		fmt.Fprintln(w, "hello,", token.Subject)
		return
	}
	fmt.Fprintln(w, "hello, stranger")
}

// An optional route takes requests without a token, and still refuses a bad one.
func optionalRoute() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	route := g.Require(gate.Policy{Optional: true})(http.HandlerFunc(greet))

	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, header := range []string{"", "Bearer " + token, "Bearer " + token + "x"} {
		r := httptest.NewRequest("GET", "/hello", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		route.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
}

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

// Check checks a request and writes no answer: start your own guards with it.
func adminGuard() {
	key, err := keys.Generate(keys.HS256)
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
}
