// Command grpc is a service of notes that everybody can watch: a policy for each method, a
// login with a refresh token, streams that end with their token, and a client whose
// credentials renew themselves.
//
//	go run ./examples/grpc                          # the service
//	go run ./examples/grpc -client -name alice      # writes each line, prints all notes
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategrpc"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen, or to connect to")
	lifetime := flag.Duration("lifetime", 15*time.Minute, "lifetime of access tokens")
	client := flag.Bool("client", false, "run the client")
	name := flag.String("name", "alice", "who the client is")
	flag.Parse()
	if *client {
		log.Fatal(chat(context.Background(), *addr, *name, os.Stdin, os.Stdout))
	}
	srv, err := newServer(*lifetime)
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", l.Addr())
	log.Fatal(srv.Serve(l))
}

// policies has every method that clients may call. A method that is missing is denied.
var policies = map[string]gate.Policy{
	notes + "Login":                {Public: true},
	notes + "Refresh":              {Public: true}, // the token is in the message
	notes + "*":                    {},
	notes + "Add":                  {Scopes: []string{"notes:write"}},
	"/grpc.health.v1.Health/Check": {Public: true},
}

func newServer(lifetime time.Duration) (*grpc.Server, error) {
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
	guard := gategrpc.New(g, gategrpc.Options{Methods: policies, RecheckEvery: time.Second})
	srv := grpc.NewServer(grpc.ChainUnaryInterceptor(guard.Unary), grpc.ChainStreamInterceptor(guard.Stream))
	// [end]
	srv.RegisterService(&service, &server{sessions: sessions, watchers: map[chan string]bool{}})
	grpc_health_v1.RegisterHealthServer(srv, health.NewServer())
	return srv, nil
}
