// Command routes is an API on http.ServeMux with a table of its routes: each has a policy,
// and none can be added without one. Paths that are not in the table are refused before
// they are not found.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	h, err := newHandler()
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(srv.Serve(l))
}

// scopes are a database of users here, and a name is enough to log in.
var scopes = map[string]string{"alice": "articles:write", "bob": ""}

func newHandler() (http.Handler, error) {
	key, err := keys.Generate(keys.HS256) // a real service keeps its key: docs/keys.md
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Config{Keys: key, OnError: gate.JSONErrors("error")})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", say("well"))
	mux.HandleFunc("POST /login", login(g))
	for pattern, route := range table {
		mux.Handle(pattern, g.Require(route.policy)(route.handle))
	}
	return mux, nil
}

var (
	anyone = gate.Policy{Public: true} // a bad token counts as none
	user   = gate.Policy{}
	fresh  = gate.Policy{Fresh: true}
	author = gate.Policy{Scopes: []string{"articles:write"}}
)

// table has all routes of http.ServeMux but those that are open.
var table = map[string]struct {
	policy gate.Policy
	handle http.HandlerFunc
}{
	"GET /{$}":              {anyone, hello},
	"GET /me":               {user, hello},
	"DELETE /me":            {fresh, say("deleted")},
	"GET /articles/{id}":    {user, article},
	"POST /articles":        {author, say("created")},
	"DELETE /articles/{id}": {author, article},
	"GET /files/{path...}":  {user, http.StripPrefix("/files/", http.HandlerFunc(file)).ServeHTTP},
	"/":                     {user, http.NotFound}, // all other paths and methods
}

// login answers with an access token, which is fresh.
func login(g *gate.Gate) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PostFormValue("name")
		scope, ok := scopes[name]
		if !ok {
			http.Error(w, "no such user", http.StatusUnauthorized)
			return
		}
		raw, err := g.CreateAccessToken(r.Context(), name, gate.TokenOptions{Fresh: true, Claims: map[string]any{"scope": scope}})
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(map[string]string{"access_token": raw})
	}
}

func hello(w http.ResponseWriter, r *http.Request) {
	name := "visitor"
	if t, ok := gate.FromContext(r.Context()); ok {
		name = t.Subject
	}
	fmt.Fprintln(w, "Hello", name)
}

func article(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s article %s\n", r.Method, r.PathValue("id"))
}

func file(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "the file", r.URL.Path) }

// say answers every request with a text.
func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, text) }
}
