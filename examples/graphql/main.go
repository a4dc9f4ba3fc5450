// Command graphql is a GraphQL service with one endpoint and several policies: one for each
// field that needs it. Subscriptions use the same endpoint over a WebSocket (the protocol
// graphql-transport-ws), and end with their token.
//
//	go run ./examples/graphql
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/graph-gophers/graphql-go"
	"github.com/graph-gophers/graphql-go/relay"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	lifetime := flag.Duration("lifetime", 15*time.Minute, "lifetime of access tokens")
	flag.Parse()
	h, err := newHandler(*lifetime)
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
var scopes = map[string]string{"alice": "notes:write", "bob": ""}

// site is what the handlers need.
type site struct {
	gate   *gate.Gate
	store  *gatemem.Store
	schema *graphql.Schema
}

func newHandler(lifetime time.Duration) (http.Handler, error) {
	key, err := keys.Generate(keys.HS256) // a real service keeps its key: docs/keys.md
	if err != nil {
		return nil, err
	}
	store, err := gatemem.New(gatemem.Options{})
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: store, Create: gate.Create{AccessLifetime: lifetime}})
	if err != nil {
		return nil, err
	}
	schema, err := graphql.ParseSchema(schema, &resolver{watchers: map[chan string]bool{}}, graphql.MaxDepth(5))
	if err != nil {
		return nil, err
	}
	s := &site{g, store, schema}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	mux.Handle("POST /logout", g.Require(gate.Policy{})(http.HandlerFunc(s.logout)))
	// A bad token is refused here. Without one only the fields for everybody answer.
	mux.Handle("POST /graphql", g.Require(gate.Policy{Optional: true})(http.HandlerFunc(s.query)))
	mux.HandleFunc("GET /graphql", s.subscribe)
	return http.MaxBytesHandler(mux, 1<<20), nil
}

// query answers queries and mutations.
func (s *site) query(w http.ResponseWriter, r *http.Request) {
	ctx := withChecker(r.Context(), func(p gate.Policy) (*gate.Token, error) { return s.gate.Check(r, p) })
	(&relay.Handler{Schema: s.schema}).ServeHTTP(w, r.WithContext(ctx))
}

func (s *site) login(w http.ResponseWriter, r *http.Request) {
	name := r.PostFormValue("name")
	scope, ok := scopes[name]
	if !ok {
		http.Error(w, "no such user", http.StatusUnauthorized)
		return
	}
	raw, err := s.gate.CreateAccessToken(r.Context(), name, gate.TokenOptions{Claims: map[string]any{"scope": scope}})
	if err != nil {
		s.gate.WriteError(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"access_token": raw})
}

func (s *site) logout(w http.ResponseWriter, r *http.Request) {
	t, _ := gate.FromContext(r.Context())
	if err := s.store.RevokeSession(r.Context(), t.SessionID, stores.Note{}); err != nil {
		s.gate.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
