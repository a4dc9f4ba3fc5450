//go:build unix

package storebench_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

// database is one that gatesql is measured with.
type database struct {
	name    string
	dialect gatesql.Dialect
	db      *sql.DB
}

// databases starts all three. Commits are flushed to the disk, as in production.
func databases(t *testing.T) []database {
	open := func(driver, dsn string) *sql.DB {
		db, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		db.SetMaxOpenConns(16)
		db.SetMaxIdleConns(16)
		return db
	}
	dsn := "file:" + filepath.Join(t.TempDir(), "db") + "?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	return []database{
		{"sqlite", gatesql.SQLite, open("sqlite", dsn)},
		{"postgres", gatesql.Postgres, open("pgx", servers.StartPostgres(t).DSN)},
		{"mariadb", gatesql.MySQL, open("mysql", servers.StartMariaDB(t).DSN)},
	}
}

func (d database) store(t *testing.T) *gatesql.Store {
	t.Helper()
	s, err := gatesql.Open(t.Context(), d.db, gatesql.Options{Dialect: d.dialect, TrustOlderTokens: true, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// numbered gives PostgreSQL its parameters.
func (d database) numbered(query string) string {
	for i := 1; d.dialect == gatesql.Postgres && strings.Contains(query, "?"); i++ {
		query = strings.Replace(query, "?", fmt.Sprint("$", i), 1)
	}
	return query
}

func (d database) prepare(t *testing.T, query string) *sql.Stmt {
	t.Helper()
	st, err := d.db.Prepare(d.numbered(query))
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// TestSQL compares checks per second with a prepared SELECT of the same keys from the
// same table through the driver alone. Each call has a context of its own that can end,
// as that of a request, and a deadline: they cost a goroutine and a timer for each query.
// The driver's query selects one column, looks at no time, and is given the hashes.
func TestSQL(t *testing.T) {
	n := rounds(t)
	_, full := fixtures()
	var bodies []*body
	for _, d := range databases(t) {
		store := d.store(t)
		var gone []*gate.Token
		for i := range full {
			if revoked(i) {
				gone = append(gone, full[i])
			}
		}
		if err := store.RevokeTokens(t.Context(), gone, stores.Note{}); err != nil {
			t.Fatal(err)
		}
		driver := reading(d.prepare(t, "SELECT kind FROM gate_revoked WHERE id IN (?, ?, ?, ?)"), full)
		for _, goroutines := range []int{1, 16, 64} {
			bodies = append(bodies,
				&body{store: d.name, who: "driver", goroutines: goroutines, check: driver},
				&body{store: d.name, who: "gatesql", goroutines: goroutines, check: func(i int) error {
					i %= len(full)
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					blocked, err := store.Blocked(ctx, full[i])
					if err == nil && blocked != revoked(i) {
						err = errVerdict
					}
					return err
				}})
		}
	}
	compare(t, n, bodies, "driver")
}

// reading asks by a prepared statement for the keys that a check asks for.
func reading(query *sql.Stmt, tokens []*gate.Token) func(int) error {
	var keys [][4]any
	for _, tok := range tokens {
		keys = append(keys, [4]any{storekit.HashID(stores.Token, "", tok.ID), storekit.HashID(stores.Session, "", tok.SessionID),
			storekit.HashID(stores.Subject, "", tok.Subject), "!" + storekit.HashID("epoch", "", "")[1:]})
	}
	return func(i int) error {
		i %= len(keys)
		request, end := context.WithCancel(context.Background())
		defer end()
		ctx, cancel := context.WithTimeout(request, 30*time.Second)
		defer cancel()
		rows, err := query.QueryContext(ctx, keys[i][:]...)
		if err != nil {
			return err
		}
		defer rows.Close()
		blocked := false
		for rows.Next() {
			var kind string
			if err := rows.Scan(&kind); err != nil {
				return err
			}
			blocked = blocked || kind == string(stores.Token)
		}
		if blocked != revoked(i) {
			return errVerdict
		}
		return rows.Err()
	}
}

// plainTable is a table with the columns and indexes of gate_revoked.
func plainTable(d gatesql.Dialect) []string {
	hash, end := `VARCHAR(32) COLLATE "C"`, ""
	switch d {
	case gatesql.SQLite:
		hash = "VARCHAR(32)"
	case gatesql.MySQL:
		hash, end = "VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin", " ENGINE=InnoDB"
	}
	create := "CREATE TABLE plain (id " + hash + " NOT NULL PRIMARY KEY, kind VARCHAR(8) NOT NULL, revoked_at BIGINT NOT NULL, until_at BIGINT NOT NULL, " +
		"undone INTEGER NOT NULL, seq BIGINT NOT NULL, before_at BIGINT NOT NULL, all_before_at BIGINT NOT NULL, except_id " + hash + " NOT NULL, " +
		"revoked_by VARCHAR(512) NOT NULL, why VARCHAR(512) NOT NULL, gen BIGINT NOT NULL DEFAULT 0, all_gen BIGINT NOT NULL DEFAULT 0, lane SMALLINT NOT NULL DEFAULT -1)"
	feed := "seq"
	if d == gatesql.MySQL {
		feed = "lane, seq"
	}
	return []string{create + end, "CREATE INDEX plain_until ON plain (until_at)", "CREATE INDEX plain_feed ON plain (" + feed + ")", "CREATE INDEX plain_kind ON plain (kind, id)"}
}

var written atomic.Int64

// TestSQLWrites compares revocations per second with an INSERT of the same row, which
// commits by itself, into a table with the same indexes through the same pool.
func TestSQLWrites(t *testing.T) {
	n := min(rounds(t), 30) // commits are slow
	var bodies []*body
	for _, d := range databases(t) {
		store := d.store(t)
		for _, query := range plainTable(d.dialect) {
			if _, err := d.db.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
		insert := d.prepare(t, "INSERT INTO plain (id, kind, revoked_at, until_at, undone, seq, before_at, all_before_at, except_id, revoked_by, why, lane)"+
			" VALUES (?, 'token', ?, ?, 0, ?, 0, 0, '', '', '', ?)")
		now := time.Now()
		plain := func(int) error {
			i := written.Add(1)
			_, err := insert.Exec(storekit.HashID(stores.Token, "", fmt.Sprint("plain", i)), now.Unix(), now.Unix()+3600, i, i%64)
			return err
		}
		revoke := func(int) error {
			i := written.Add(1)
			return store.RevokeToken(context.Background(), &gate.Token{ID: fmt.Sprint("token", i), Type: gate.Access, IssuedAt: now, Expiry: now.Add(time.Hour)}, stores.Note{})
		}
		for _, goroutines := range []int{1, 16, 64} {
			bodies = append(bodies,
				&body{store: d.name + "-write", who: "insert", goroutines: goroutines, check: plain, slow: true},
				&body{store: d.name + "-write", who: "gatesql", goroutines: goroutines, check: revoke, slow: true})
		}
	}
	compare(t, n, bodies, "insert")
}
