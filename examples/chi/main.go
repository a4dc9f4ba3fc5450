// Command chi is an API on chi: a login, a route for users, one for admins, one that needs a
// new login, the routes that refresh tokens and log out, and CORS around all.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/cors"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

// An account is what the application knows of a user.
type account struct{ name, password, scope string }

// accounts are a database here; a real one has hashes of passwords.
var accounts = map[string]account{
	"alice": {"Alice", "wonderland", "admin"},
	"bob":   {"Bob", "builder", ""},
}

type api struct {
	gate     *gate.Gate
	sessions *session.Manager
}

func newAPI() (*api, error) {
	key, err := keys.Generate(keys.HS256) // lost at exit: docs/keys.md shows how to keep one
	if err != nil {
		return nil, err
	}
	store, err := gatemem.New(gatemem.Options{})
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: store, LoadUser: loadUser, OnError: gate.JSONErrors("error")})
	if err != nil {
		return nil, err
	}
	sessions, err := session.New(g, store, session.Options{})
	return &api{g, sessions}, err
}

// loadUser is called for every accepted token.
func loadUser(_ context.Context, t *gate.Token) (any, error) {
	if a, ok := accounts[t.Subject]; ok {
		return a, nil
	}
	return nil, gate.ErrNoUser
}

// routes has what is open to everybody. All other paths are guarded, also those that do not
// exist.
func (a *api) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Logger, middleware.Recoverer)
	r.Use(cors.Handler(cors.Options{ // before the guards, so that pages can read refusals
		AllowedOrigins: []string{"https://app.example"},
		AllowedMethods: []string{"GET", "POST", "DELETE"},
		AllowedHeaders: []string{"Authorization"},
	}))
	r.Post("/login", a.logIn)
	r.Handle("/auth/*", a.sessions.Handler("/auth/"))
	r.Mount("/", a.members())
	return r
}

func (a *api) members() http.Handler {
	r := chi.NewRouter()
	r.Use(a.gate.Require(gate.Policy{}))
	r.Get("/me", me)
	r.With(a.gate.Require(gate.Policy{Fresh: true})).Delete("/me", me) // one route
	r.Route("/admin", func(r chi.Router) {                             // all below a path
		r.Use(a.gate.Require(gate.Policy{Scopes: []string{"admin"}}))
		r.Get("/", me)
		r.Get("/users/{name}", me)
	})
	return r
}

func (a *api) logIn(w http.ResponseWriter, r *http.Request) {
	name := r.PostFormValue("name")
	account, ok := accounts[name]
	if !ok || r.PostFormValue("password") != account.password {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "Wrong name or password"}) // the client may have left
		return
	}
	pair, err := a.sessions.Start(r.Context(), name, session.Login{Claims: map[string]any{"scope": account.scope}})
	if err != nil {
		a.gate.WriteError(w, r, err)
		return
	}
	a.sessions.Write(w, r, pair)
}

func me(w http.ResponseWriter, r *http.Request) {
	user, _ := gate.User[account](r.Context())
	fmt.Fprintf(w, "%s %s: you are %s\n", r.Method, r.URL.Path, user.name)
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	a, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	log.Fatal(http.Serve(l, a.routes()))
}
