//go:build unix

package faults_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// sqlDatabase is one that stores are opened in.
type sqlDatabase struct {
	name, driver, dsn string
	dialect           gatesql.Dialect
	hold              []string // makes writers wait, until the transaction ends
}

func sqliteDatabase(t *testing.T) sqlDatabase { return sqliteIn(t.TempDir()) }

func sqliteIn(dir string) sqlDatabase {
	return sqlDatabase{"sqlite", "sqlite", "file:" + filepath.Join(dir, "db") +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate", gatesql.SQLite, nil}
}

func postgresDatabase(t *testing.T) sqlDatabase {
	return sqlDatabase{"postgres", "pgx", servers.StartPostgres(t, "max_connections=200").DSN, gatesql.Postgres, lockPostgres}
}

func mariaDatabase(t *testing.T) sqlDatabase {
	return sqlDatabase{"mariadb", "mysql", servers.StartMariaDB(t).DSN, gatesql.MySQL, lockMariaDB}
}

// These make writers wait until their transaction ends.
var (
	lockPostgres = []string{"LOCK TABLE gate_revoked IN SHARE ROW EXCLUSIVE MODE"}
	lockMariaDB  = []string{"SELECT COUNT(*) FROM (SELECT id FROM gate_revoked WHERE kind = 'lane' FOR UPDATE) l"}
)

func (d sqlDatabase) connect() (*sql.DB, error) {
	db, err := sql.Open(d.driver, d.dsn)
	if err == nil {
		db.SetMaxOpenConns(16)
	}
	return db, err
}

func (d sqlDatabase) pool(t *testing.T) *sql.DB {
	t.Helper()
	db, err := d.connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// store opens a store with a pool of its own, as another process would.
func (d sqlDatabase) store(t *testing.T, o gatesql.Options) *gatesql.Store {
	t.Helper()
	o.Dialect, o.TrustOlderTokens, o.Timeout = d.dialect, true, 10*time.Second
	s, err := gatesql.Open(t.Context(), d.pool(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if o.CacheFor > 0 {
		keepCopy(t, s)
	}
	return s
}

// keepCopy keeps the copy of a store until the test ends, and waits until there is one.
func keepCopy(t *testing.T, s *gatesql.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	servers.Eventually(t, 20*time.Second, func() error {
		if !s.Fresh() {
			return context.DeadlineExceeded
		}
		return nil
	})
}

// slow makes writers wait for that long.
func (d sqlDatabase) slow(t *testing.T, db *sql.DB, wait time.Duration) func() {
	return func() {
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			t.Error(err)
			return
		}
		for _, query := range d.hold {
			if _, err := tx.Exec(query); err != nil {
				t.Error(err)
			}
		}
		time.AfterFunc(wait, func() { _ = tx.Rollback() })
	}
}

// TestLogOutEverywhereSQL logs an account out everywhere against thieves who refresh, in
// every database, with and without copies in memory, clocks that differ, and a writer
// that takes a third of a second.
func TestLogOutEverywhereSQL(t *testing.T) {
	for name, start := range map[string]func(*testing.T) sqlDatabase{"sqlite": sqliteDatabase, "postgres": postgresDatabase, "mariadb": mariaDatabase} {
		t.Run(name, func(t *testing.T) { logOutEverywhereIn(t, start(t)) })
	}
}

func logOutEverywhereIn(t *testing.T, d sqlDatabase) {
	const cacheFor = 200 * time.Millisecond
	db := d.pool(t)
	nodes := func(o gatesql.Options) func(func() time.Time) stores.Store {
		return func(clock func() time.Time) stores.Store {
			o.Clock = clock
			return d.store(t, o)
		}
	}
	for _, tt := range []struct {
		name    string
		offsets []time.Duration
		create  gate.Create
		o       gatesql.Options
	}{
		{"", sameClock, gate.Create{}, gatesql.Options{}},
		{", copy, clocks 2s apart", apart2s, gate.Create{}, gatesql.Options{CacheFor: cacheFor}},
		{", clocks 60s apart", apart60s, gate.Create{}, gatesql.Options{}},
		{", no generations, clocks 2s apart", apart2s, gate.Create{OmitGeneration: true}, gatesql.Options{}},
		{", no generations, clocks 60s apart", apart60s, gate.Create{OmitGeneration: true}, gatesql.Options{Skew: 61 * time.Second}},
	} {
		f := newFleet(t, tt.offsets, tt.create, nodes(tt.o))
		f.stale = tt.o.CacheFor
		logOutEverywhere(t, d.name+tt.name, f)
	}
	for name, create := range map[string]gate.Create{", writer 350ms": {}, ", writer 350ms, no generations": {OmitGeneration: true}} {
		f := newFleet(t, sameClock, create, nodes(gatesql.Options{}))
		f.slow = d.slow(t, db, 350*time.Millisecond)
		logOutEverywhere(t, d.name+name, f)
	}
	f := newFleet(t, apart2s, gate.Create{OmitGeneration: true}, nodes(gatesql.Options{Skew: -1}))
	survivors, _ := f.everywhere(5)
	caught(t, "F25 "+d.name, "no allowance for clocks", survivors)
}
