// Command chi is an API on chi, which needs no adapter: routes that are open, a site that is
// guarded but for them, groups and sub-routers with policies of their own, and CORS around
// all.
//
//	go run ./examples/chi
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/cors"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	h, err := newHandler("https://app.example")
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
var scopes = map[string]string{"alice": "articles:write admin", "bob": ""}

func newHandler(origin string) (http.Handler, error) {
	key, err := keys.Generate(keys.HS256) // a real service keeps its key: docs/keys.md
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Config{Keys: key, OnError: gate.JSONErrors("error")})
	if err != nil {
		return nil, err
	}
	return routes(g, origin), nil
}

func routes(g *gate.Gate, origin string) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	// CORS before the guards, so that pages can read refusals, and preflights need no token.
	r.Use(cors.Handler(cors.Options{
		AllowedOrigins: []string{origin},
		AllowedMethods: []string{"GET", "POST", "DELETE"},
		AllowedHeaders: []string{"Authorization"},
	}))
	r.Get("/health", say("well"))
	r.Post("/login", login(g))
	r.Mount("/", members(g)) // all other paths, also those that nobody has
	return r
}

// members is the part of the site that needs a token.
func members(g *gate.Gate) http.Handler {
	r := chi.NewRouter()
	r.Use(g.Require(gate.Policy{}))
	r.Get("/me", me)
	r.Route("/articles", func(r chi.Router) { // a sub-router with a policy for some of its routes
		r.Get("/", say("all articles"))
		r.Get("/{id}", article)
		r.Group(func(r chi.Router) {
			r.Use(g.Require(gate.Policy{Scopes: []string{"articles:write"}}))
			r.Post("/", say("created"))
			r.Delete("/{id}", article)
		})
	})
	r.With(g.Require(gate.Policy{Fresh: true})).Delete("/me", say("deleted")) // one route
	r.Mount("/admin", admin(g))
	return r
}

// admin is a router of its own, with a policy for all of it.
func admin(g *gate.Gate) http.Handler {
	r := chi.NewRouter()
	r.Use(g.Require(gate.Policy{Scopes: []string{"admin"}}))
	r.Get("/users", say("all users"))
	return r
}

// login answers with an access token. It is fresh, and so good for all routes.
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

func me(w http.ResponseWriter, r *http.Request) {
	t, _ := gate.FromContext(r.Context())
	fmt.Fprint(w, "Hello ", t.Subject)
}

func article(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s article %s", r.Method, chi.URLParam(r, "id"))
}

// say answers every request with a text.
func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}
