// Command connect is a service of notes on Connect: a policy for each method, a stream that
// ends with its token, a service behind net/http middleware, and the routes of package
// session, all on one server and open to a page of another origin.
//
//	go run ./examples/connect
//	go run ./examples/connect -client -name alice "buy milk"
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/rs/cors"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateconnect"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen, or to connect to")
	lifetime := flag.Duration("lifetime", 15*time.Minute, "lifetime of access tokens")
	origin := flag.String("origin", "https://app.example", "origin of the page that uses the service")
	client := flag.Bool("client", false, "run the client: it adds its arguments as notes, and prints all notes")
	name := flag.String("name", "alice", "who the client is")
	flag.Parse()
	if *client {
		if err := run(context.Background(), "http://"+*addr, *name, flag.Args(), os.Stdout); err != nil {
			log.Fatal(err)
		}
		return
	}
	h, err := newHandler(*lifetime, *origin)
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, Protocols: new(http.Protocols)}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true) // for gRPC clients; with TLS HTTP/2 needs no setting
	log.Fatal(srv.Serve(l))
}

// policies has every method that clients may call. A method that is missing is denied.
var policies = map[string]gate.Policy{
	notes + "*":   {},
	notes + "Add": {Scopes: []string{"notes:write"}},
}

func newHandler(lifetime time.Duration, origin string) (http.Handler, error) {
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
	sessions, err := session.New(g, store, session.Options{})
	if err != nil {
		return nil, err
	}
	// [guard]
	guard := gateconnect.New(g, gateconnect.Options{Methods: policies, RecheckEvery: time.Second})
	admin := g.Require(gate.Policy{Scopes: []string{"notes:write"}})
	s := &server{gate: g, sessions: sessions}
	mux := http.NewServeMux()
	mux.Handle(notes, s.notes(guard.Option()))
	mux.Handle(stats, admin(s.stats())) // one policy for all methods: net/http middleware
	mux.HandleFunc("POST /login", s.login)
	mux.Handle("/auth/", sessions.Handler("/auth/"))
	// [end]
	// CORS goes around everything, so that the page can read refusals too.
	return cors.New(cors.Options{
		AllowedOrigins: []string{origin},
		AllowedMethods: []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{"Authorization", "Content-Type", "Connect-Protocol-Version", "Connect-Timeout-Ms"},
	}).Handler(mux), nil
}
