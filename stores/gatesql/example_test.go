package gatesql_test

import (
	"context"
	"database/sql"
	"log"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// A gate whose revoked tokens stand in PostgreSQL, with a copy in memory that answers
// the checks, and a guard for when the database is down. The program imports a driver,
// here one that is called "pgx".
func Example() {
	ctx := context.Background()
	db, err := sql.Open("pgx", "postgres://app@db.example/app")
	if err != nil {
		log.Fatal(err)
	}
	store, err := gatesql.Open(ctx, db, gatesql.Options{
		Dialect: gatesql.Postgres,
		Front:   &gatesql.Front{OnError: func(err error) { log.Print(err) }},
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Print(store.Run(ctx)) }()
	go func() {
		for range time.Tick(24 * time.Hour) {
			if _, err := store.Cleanup(ctx); err != nil {
				log.Print(err)
			}
		}
	}()
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: stores.NewBreaker(store, stores.FailurePolicy{})})
	if err != nil {
		log.Fatal(err)
	}
	_ = g.Require(gate.Policy{})
}
