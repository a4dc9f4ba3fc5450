//go:build unix

package storebench_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// TestSQL compares checks per second with a prepared SELECT of one row by primary key
// through the driver alone.
func TestSQL(t *testing.T) {
	n := rounds(t)
	pg := servers.StartPostgres(t, "synchronous_commit=off") // for the filling; checks do not write
	db, err := sql.Open("pgx", pg.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	store, err := gatesql.Open(t.Context(), db, gatesql.Options{Dialect: gatesql.Postgres, TrustOlderTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	bare, full := fixtures()
	if _, err := db.Exec("CREATE TABLE bare (id text PRIMARY KEY, until bigint NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	for i := range bare {
		if !revoked(i) {
			continue
		}
		if _, err := db.Exec("INSERT INTO bare VALUES ($1, 1)", key(i)); err != nil {
			t.Fatal(err)
		}
		for _, tok := range []*gate.Token{bare[i], full[i]} {
			if err := store.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	query, err := db.Prepare("SELECT until FROM bare WHERE id = $1")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	driver := func(i int) error {
		i %= tokens
		var until int64
		err := query.QueryRowContext(ctx, key(i)).Scan(&until)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case (err == nil) != revoked(i):
			return errVerdict
		}
		return nil
	}
	var bodies []*body
	for _, goroutines := range []int{1, 16, 64} {
		bodies = append(bodies,
			&body{store: "postgres", who: "pgx", goroutines: goroutines, check: driver},
			&body{store: "postgres", who: "gatesql", goroutines: goroutines, check: asking(store, full)},
			&body{store: "postgres", who: "gatesql-id-alone", goroutines: goroutines, check: asking(store, bare)})
	}
	compare(t, n, bodies, "pgx")
}
