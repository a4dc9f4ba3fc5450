package gatesql_test

import (
	"context"
	"database/sql"
	"log"
	"log/slog"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// A gate with its revoked tokens in PostgreSQL, a copy in memory that answers the
// checks, and a breaker for when the database is down. The program imports a driver,
// here one that is called "pgx".
func Example() {
	ctx := context.Background()
	db, err := sql.Open("pgx", "postgres://app@db.example/app")
	if err != nil {
		log.Fatal(err)
	}
	store, err := gatesql.Open(ctx, db, gatesql.Options{
		Dialect:  gatesql.Postgres,
		CacheFor: 2 * time.Second,
		OnEvent:  gate.SlogEvents(slog.Default()),
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Print(store.Run(ctx)) }()
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
