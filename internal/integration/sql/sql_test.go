//go:build unix

// Package sql_test runs gatesql against real databases.
package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// database is one to test with.
type database struct {
	dialect gatesql.Dialect
	driver  string
	dsn     string
	conns   int // most connections; 0: any number
	server  *servers.Process
}

// open returns a pool of its own, as another process would have.
func (d *database) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(d.conns)
	if d.conns == 0 {
		db.SetMaxOpenConns(12)
		db.SetMaxIdleConns(12)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func sqlite(t testing.TB) *database {
	path := filepath.Join(t.TempDir(), "db")
	return &database{dialect: gatesql.SQLite, driver: "sqlite",
		dsn: "file:" + path + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"}
}

func postgres(t testing.TB) *database {
	p := servers.StartPostgres(t, "max_connections=200")
	return &database{dialect: gatesql.Postgres, driver: "pgx", dsn: p.DSN, server: p.Process}
}

func mariadb(t testing.TB) *database {
	m := servers.StartMariaDB(t)
	return &database{dialect: gatesql.MySQL, driver: "mysql", dsn: m.DSN, server: m.Process}
}

// each runs a test with every database.
func each(t *testing.T, test func(t *testing.T, d *database)) {
	for _, tt := range []struct {
		name string
		make func(testing.TB) *database
	}{{"SQLite", sqlite}, {"PostgreSQL", postgres}, {"MariaDB", mariadb}} {
		t.Run(tt.name, func(t *testing.T) { test(t, tt.make(t)) })
	}
}

// tables makes names that no other test has.
var tables atomic.Int64

func newTable() string { return fmt.Sprintf("revoked_%d", tables.Add(1)) }

func open(t testing.TB, db *sql.DB, o gatesql.Options) *gatesql.Store {
	t.Helper()
	s, err := gatesql.Open(context.Background(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// run keeps the copy in front of s up to date until the test ends, and waits until it
// has been.
func run(t testing.TB, s *gatesql.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	})
}

func TestBlocklist(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		suite := func(conns int, cacheFor time.Duration) func(t *testing.T) {
			return func(t *testing.T) {
				db := (&database{dialect: d.dialect, driver: d.driver, dsn: d.dsn, conns: conns}).open(t)
				gatetest.Blocklist(t, func(t *testing.T, clock func() time.Time) stores.Store {
					s := open(t, db, gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: clock, CacheFor: cacheFor, Poll: cacheFor / 100, TrustOlderTokens: true})
					if cacheFor > 0 {
						run(t, s)
					}
					return s
				})
			}
		}
		t.Run("database", suite(0, 0))
		if d.dialect == gatesql.MySQL { // a driver may be told to count rows in another way
			d.dsn += "?clientFoundRows=true"
			t.Run("found rows", suite(0, 0))
		}
		t.Run("one connection", suite(1, 0))
		t.Run("copy in memory", suite(0, time.Second))
	})
}

// TestPgBouncer: a pooler that gives each transaction another connection.
func TestPgBouncer(t *testing.T) {
	d := &database{dialect: gatesql.Postgres, driver: "pgx", dsn: servers.StartPgBouncer(t, servers.StartPostgres(t))}
	db := d.open(t)
	for _, cacheFor := range []time.Duration{0, time.Second} {
		t.Run(cacheFor.String(), func(t *testing.T) {
			gatetest.Blocklist(t, func(t *testing.T, clock func() time.Time) stores.Store {
				s := open(t, db, gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: clock, CacheFor: cacheFor, Poll: cacheFor / 100, TrustOlderTokens: true})
				if cacheFor > 0 {
					run(t, s)
				}
				return s
			})
		})
	}
}
