//go:build unix

package faults_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores/gatesql"
)

func openSQL(t *testing.T, dsn string) (*gatesql.Store, *sql.DB) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	s, err := gatesql.Open(t.Context(), db, gatesql.Options{Dialect: gatesql.Postgres})
	if err != nil {
		t.Fatal(err)
	}
	return s, db
}

// TestF8 kills PostgreSQL, and the connections to it, in the middle of writes.
func TestF8(t *testing.T) {
	t.Parallel()
	kill := func(pg *servers.Postgres) { pg.Kill(); pg.Start() }
	terminate := func(pg *servers.Postgres) {
		_, db := openSQL(t, pg.DSN)
		for range 5 {
			if _, err := db.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"); err != nil {
				t.Error(err)
			}
			nap(t.Context(), 50*time.Millisecond)
		}
	}
	run := func(times int, fault func(*servers.Postgres), settings ...string) finding {
		pg := servers.StartPostgres(t, settings...)
		store, _ := openSQL(t, pg.DSN)
		var l ledger
		for range times {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { l.write(ctx, store, 8); close(done) }()
			enough := l.size() + 50
			servers.Eventually(t, 30*time.Second, func() error {
				if l.size() < enough {
					return errors.New("nothing is written")
				}
				return nil
			})
			nap(ctx, between(0, 200*time.Millisecond))
			fault(pg)
			cancel()
			<-done
		}
		f := l.audit(t.Context(), store).open()
		other, _ := openSQL(t, pg.DSN)
		f.add(l.audit(t.Context(), other).open())
		f.more = fmt.Sprintf(" (%d times, %d writes refused)", times, l.errors)
		return f
	}
	holds(t, "F8 postgres kill -9", run(pick(3, 100), kill))
	holds(t, "F8 postgres, all connections terminated", run(pick(2, 50), terminate))
	// A kill right after PostgreSQL has filled a page of its log loses nothing: it takes
	// more than one, now and then.
	planted := run(1, kill, "synchronous_commit=off", "wal_writer_delay=10s", "wal_writer_flush_after=0")
	for tries := 1; planted.bad == 0 && tries < 5; tries++ {
		planted = run(1, kill, "synchronous_commit=off", "wal_writer_delay=10s", "wal_writer_flush_after=0")
	}
	caught(t, "F8", "synchronous_commit=off", planted)
}
