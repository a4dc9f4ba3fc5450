//go:build unix

package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// TestLossySettings: settings that lose what was acknowledged are refused at the start,
// by an error that names them, unless they are allowed.
func TestLossySettings(t *testing.T) {
	maria := servers.StartMariaDB(t, "--log-bin=log", "--sync-binlog=1", "--binlog-format=ROW")
	admin := (&database{driver: "mysql", dsn: maria.DSN}).open(t)
	path := filepath.Join(t.TempDir(), "db")
	const good = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	for _, tt := range []struct {
		name    string
		d       database
		set     string // in MariaDB
		reset   string
		says    string // "" accepts
		allowed gatesql.Insecure
	}{
		{"PostgreSQL without fsync", database{dialect: gatesql.Postgres, driver: "pgx", dsn: servers.StartPostgres(t, "fsync=off").DSN}, "", "",
			"fsync", gatesql.Insecure{AllowLossyServer: true}},
		{"MariaDB", database{dialect: gatesql.MySQL, driver: "mysql", dsn: maria.DSN}, "", "", "", gatesql.Insecure{}},
		{"MariaDB with a lazy log", database{dialect: gatesql.MySQL, driver: "mysql", dsn: maria.DSN},
			"SET GLOBAL innodb_flush_log_at_trx_commit = 2", "SET GLOBAL innodb_flush_log_at_trx_commit = 1",
			"innodb_flush_log_at_trx_commit", gatesql.Insecure{AllowLossyServer: true}},
		{"MariaDB with a lazy binary log", database{dialect: gatesql.MySQL, driver: "mysql", dsn: maria.DSN},
			"SET GLOBAL sync_binlog = 0", "SET GLOBAL sync_binlog = 1", "sync_binlog", gatesql.Insecure{AllowLossyServer: true}},
		{"SQLite", database{dialect: gatesql.SQLite, driver: "sqlite", dsn: "file:" + path + good}, "", "", "", gatesql.Insecure{}},
		{"SQLite by its name alone", database{dialect: gatesql.SQLite, driver: "sqlite", dsn: "file:" + path}, "", "",
			"busy_timeout(5000)", gatesql.Insecure{AllowFragileSQLite: true}},
		{"SQLite in memory", database{dialect: gatesql.SQLite, driver: "sqlite", dsn: ":memory:", conns: 1}, "", "",
			"in memory", gatesql.Insecure{AllowFragileSQLite: true}},
		{"SQLite without write-ahead logging", database{dialect: gatesql.SQLite, driver: "sqlite", dsn: "file:" + path + "2?_pragma=busy_timeout(5000)&_pragma=journal_mode(DELETE)"}, "", "",
			"journal_mode", gatesql.Insecure{AllowFragileSQLite: true}},
		{"SQLite that does not sync", database{dialect: gatesql.SQLite, driver: "sqlite", dsn: "file:" + path + strings.Replace(good, "FULL", "NORMAL", 1)}, "", "",
			"synchronous", gatesql.Insecure{AllowLossyServer: true}},
		{"SQLite for queries only", database{dialect: gatesql.SQLite, driver: "sqlite", dsn: "file:" + path + good + "&_pragma=query_only(1)"}, "", "",
			"query_only", gatesql.Insecure{AllowReplica: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.set != "" {
				exec(t, admin, tt.set)
				defer exec(t, admin, tt.reset)
			}
			o := gatesql.Options{Dialect: tt.d.dialect}
			s, err := gatesql.Open(t.Context(), tt.d.open(t), o)
			if tt.says == "" {
				if err != nil {
					t.Errorf("Open: %v", err)
				}
				return
			}
			if !errors.Is(err, stores.ErrUnsafe) && !errors.Is(err, stores.ErrReadOnly) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open = %v, %v; want an error with %q", s, err, tt.says)
			}
			o.Insecure = tt.allowed
			if _, err := gatesql.Open(t.Context(), tt.d.open(t), o); err != nil {
				t.Errorf("Open where it is allowed: %v", err)
			}
		})
	}
}

// TestBinlogFormat: statements in the binary log would give replicas other numbers.
func TestBinlogFormat(t *testing.T) {
	m := servers.StartMariaDB(t, "--log-bin=log", "--sync-binlog=1", "--binlog-format=STATEMENT")
	_, err := gatesql.Open(t.Context(), (&database{driver: "mysql", dsn: m.DSN}).open(t), gatesql.Options{Dialect: gatesql.MySQL})
	if !errors.Is(err, stores.ErrUnsafe) || !strings.Contains(err.Error(), "binlog_format") {
		t.Errorf("Open = %v, want ErrUnsafe that names binlog_format", err)
	}
}

// TestSearchPath: the tables are those of one schema, whatever a connection's
// search_path is later, and two sets of tables are an error.
func TestSearchPath(t *testing.T) {
	d, c := postgres(t), gatetest.NewClock()
	admin := d.open(t)
	exec(t, admin, "CREATE SCHEMA one; CREATE SCHEMA two")
	with := func(path string) *sql.DB {
		return (&database{driver: "pgx", dsn: d.dsn + "&search_path=" + path}).open(t)
	}
	o := gatesql.Options{Dialect: d.dialect, Clock: c.Now, TrustOlderTokens: true}
	first := with("one")
	first.SetMaxOpenConns(1)
	s, tok := open(t, first, o), gatetest.NewToken(c, "x")
	exec(t, first, "SET search_path = two")
	revoke(t, s, tok)
	wantBlocked(t, open(t, with("two,one"), o), tok, true)
	if _, err := gatesql.Open(t.Context(), with("nowhere"), o); err == nil || !strings.Contains(err.Error(), "Options.Schema") {
		t.Errorf("Open without a schema: %v, want an error that names Options.Schema", err)
	}
	other := o
	other.Schema = "two"
	wantBlocked(t, open(t, with("one"), other), tok, false)
	if _, err := gatesql.Open(t.Context(), with("two,one"), o); err == nil || !strings.Contains(err.Error(), "more than one schema") {
		t.Errorf("Open with two sets of tables: %v, want an error", err)
	}
}

// TestFull: a database without space says so, by the error that all stores have for it,
// by an event and by Ready, and goes on when there is space again.
func TestFull(t *testing.T) {
	c := gatetest.NewClock()
	d := sqlite(t)
	db := d.open(t)
	db.SetMaxOpenConns(1) // the bound is the connection's
	events := make(chan string, 100)
	s := open(t, db, gatesql.Options{Dialect: d.dialect, Clock: c.Now, TrustOlderTokens: true, OnEvent: func(_ context.Context, e gate.Event) { events <- e.Name }})
	exec(t, db, "PRAGMA max_page_count = 30")
	first := gatetest.NewToken(c, "first")
	revoke(t, s, first)
	var err error
	for i, refused := 0, 0; refused < 200 && i < 50_000; i++ { // in a row: every page is full
		if err = s.RevokeToken(t.Context(), gatetest.NewToken(c, fmt.Sprint(i)), stores.Note{}); err == nil {
			refused = 0
			continue
		}
		refused++
	}
	if !errors.Is(err, stores.ErrFull) {
		t.Fatalf("RevokeToken without space: %v, want ErrFull", err)
	}
	if err := s.Ready(t.Context(), gate.Needs{}); !errors.Is(err, stores.ErrFull) {
		t.Errorf("Ready without space: %v, want ErrFull", err)
	}
	wantBlocked(t, s, first, true)
	var seen []string
	for len(events) > 0 {
		seen = append(seen, <-events)
	}
	if !slices.Contains(seen, stores.StoreFailing) {
		t.Errorf("events %q, want %s", seen, stores.StoreFailing)
	}
	exec(t, db, "PRAGMA max_page_count = 100000")
	if err := s.Ready(t.Context(), gate.Needs{}); err != nil || s.Stats().LastWriteError != nil {
		t.Errorf("Ready with space: %v; LastWriteError %v", err, s.Stats().LastWriteError)
	}
}

// documentedGrants are the statements that docs/production.md shows.
func documentedGrants(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/grants.sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPrivileges: users with the documented rights and no other can do all that their
// programs do. One that only checks needs to read.
func TestPrivileges(t *testing.T) {
	for _, tt := range []struct {
		d     *database
		grant []string
		user  func(dsn, name string) string
	}{
		{postgres(t), []string{
			"CREATE ROLE app LOGIN", "CREATE ROLE reader LOGIN", documentedGrants(t), "GRANT USAGE ON SCHEMA public TO reader",
			"GRANT SELECT ON gate_revoked, gate_revoked_meta TO reader"},
			func(dsn, name string) string { return strings.Replace(dsn, "postgres@", name+"@", 1) }},
		{mariadb(t), []string{
			"CREATE USER app@'%'", "CREATE USER reader@'%'", "GRANT SELECT, INSERT, UPDATE, DELETE ON test.gate_revoked TO app@'%'",
			"GRANT SELECT, INSERT, UPDATE, DELETE ON test.gate_revoked_sessions TO app@'%'", "GRANT SELECT ON test.gate_revoked_meta TO app@'%'", "GRANT SELECT ON test.gate_revoked TO reader@'%'", "GRANT SELECT ON test.gate_revoked_meta TO reader@'%'"},
			func(dsn, name string) string { return strings.Replace(dsn, "root@", name+"@", 1) }},
	} {
		admin, c := tt.d.open(t), gatetest.NewClock()
		if tt.d.dialect == gatesql.MySQL { // whose test databases are open to everybody
			exec(t, admin, "DELETE FROM mysql.db")
			exec(t, admin, "DELETE FROM mysql.global_priv WHERE user = ''")
			exec(t, admin, "FLUSH PRIVILEGES")
		}
		o := gatesql.Options{Dialect: tt.d.dialect, Clock: c.Now, TrustOlderTokens: true}
		open(t, admin, o)
		for _, query := range tt.grant {
			exec(t, admin, query)
		}
		as := func(name string) *gatesql.Store {
			o := o
			o.NoCreate, o.CacheFor = true, time.Second
			s := open(t, (&database{driver: tt.d.driver, dsn: tt.user(tt.d.dsn, name)}).open(t), o)
			run(t, s)
			eventually(t, 10*time.Second, "the copy of "+name, s.Fresh)
			return s
		}
		app, reader, tok := as("app"), as("reader"), gatetest.NewToken(c, "x")
		revoke(t, app, tok)
		wantBlocked(t, app, tok, true)
		eventually(t, 30*time.Second, "a revocation in the copy of a reader", func() bool {
			blocked, err := reader.Blocked(t.Context(), tok)
			return blocked && err == nil
		})
		for name, err := range map[string]error{
			"RevokeSession": app.RevokeSession(t.Context(), "s", stores.Note{}),
			"RevokeSubject": app.RevokeSubject(t.Context(), "alice", stores.SubjectOptions{}, stores.Note{}),
			"RestoreToken":  app.RestoreToken(t.Context(), tok.ID),
			"Cleanup":       second(app.Cleanup(t.Context())),
			"List":          second(app.List(t.Context(), stores.ListOptions{Kind: stores.Session})),
			"Generation":    second(app.Generation(t.Context(), "alice")),
			"AcceptWipe":    app.AcceptWipe(t.Context(), c.Now()),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := reader.RevokeToken(t.Context(), tok, stores.Note{}); err == nil {
			t.Error("a reader has revoked a token")
		}
	}
}

func second[T any](_ T, err error) error { return err }
