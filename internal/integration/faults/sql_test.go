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

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
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
	s, err := gatesql.Open(t.Context(), db, gatesql.Options{Dialect: gatesql.Postgres, TrustOlderTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	return s, db
}

// TestPostgresCrash kills PostgreSQL, and the connections to it, in the middle of writes.
func TestPostgresCrash(t *testing.T) {
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
	run := func(times int, fault func(*servers.Postgres), planted bool, settings ...string) finding {
		pg := servers.StartPostgres(t, settings...)
		sound, db := openSQL(t, pg.DSN)
		var store revoker = sound
		if planted {
			store = careless{sound, db}
		}
		other, _ := openSQL(t, pg.DSN)
		return writesThrough(t, times, func() { fault(pg) }, store, other)
	}
	holds(t, "F8 postgres kill -9", run(pick(3, 100), kill, false))
	holds(t, "F8 postgres kill -9, its synchronous_commit off", run(pick(2, 50), kill, false, lossy...))
	holds(t, "F8 postgres, all connections terminated", run(pick(2, 50), terminate, false))
	// A kill right after PostgreSQL has filled a page of its log loses nothing: it takes
	// more than one, now and then.
	planted := run(1, kill, true, lossy...)
	for tries := 1; planted.bad == 0 && tries < 5; tries++ {
		planted = run(1, kill, true, lossy...)
	}
	caught(t, "F8", "synchronous_commit=off", planted)
}

// TestMariaDBCrash kills MariaDB in the middle of writes.
func TestMariaDBCrash(t *testing.T) {
	t.Parallel()
	run := func(times int, options ...string) finding {
		m := servers.StartMariaDB(t, options...)
		d := sqlDatabase{driver: "mysql", dsn: m.DSN, dialect: gatesql.MySQL}
		o := gatesql.Options{Insecure: gatesql.Insecure{AllowLossyServer: len(options) > 0}}
		return writesThrough(t, times, func() { m.Kill(); m.Start() }, d.store(t, o), d.store(t, o))
	}
	holds(t, "F8 mariadb kill -9", run(pick(3, 100)))
	const lazy = "--innodb-flush-log-at-trx-commit=0"
	planted := run(1, lazy)
	for tries := 1; planted.bad == 0 && tries < 5; tries++ {
		planted = run(1, lazy)
	}
	caught(t, "F8 mariadb", "innodb_flush_log_at_trx_commit=0, allowed", planted)
}

// writesThrough lets writers write while a fault befalls the server, so many times, and looks
// for what was acknowledged, by that store and by another one.
func writesThrough(t *testing.T, times int, fault func(), store revoker, other gate.Blocklist) finding {
	t.Helper()
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
		fault()
		cancel()
		<-done
	}
	f := l.audit(t.Context(), store).open()
	f.add(l.audit(t.Context(), other).open())
	f.more = fmt.Sprintf(" (%d times, %d writes refused)", times, l.errors)
	return f
}

// careless is a store that leaves it to the server when a commit is on disk.
type careless struct {
	*gatesql.Store
	db *sql.DB
}

func (c careless) RevokeToken(ctx context.Context, tok *gate.Token, _ stores.Note) error {
	_, err := c.db.ExecContext(ctx, `INSERT INTO gate_revoked (id, kind, revoked_at, until_at, undone, seq, before_at, all_before_at, except_id, revoked_by, why)`+
		` VALUES ($1, 'token', 0, $2, 0, 1, 0, 0, '', '', '')`, storekit.HashID(stores.Token, "", tok.ID), tok.Expiry.Unix())
	return err
}

// lossy are settings with which PostgreSQL acknowledges long before it writes.
var lossy = []string{"synchronous_commit=off", "wal_writer_delay=10s", "wal_writer_flush_after=0"}
