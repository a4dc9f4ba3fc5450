//go:build unix

package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

func revoke(t testing.TB, s stores.Store, tok *gate.Token) {
	t.Helper()
	if err := s.RevokeToken(context.Background(), tok, stores.Note{}); err != nil {
		t.Fatalf("RevokeToken(%q): %v", tok.ID, err)
	}
}

func wantBlocked(t testing.TB, s stores.Store, tok *gate.Token, want bool) {
	t.Helper()
	if got, err := s.Blocked(context.Background(), tok); got != want || err != nil {
		t.Errorf("Blocked(%q) = %v, %v; want %v", tok.ID, got, err, want)
	}
}

// TestOpen: options that cannot be are refused before a database is asked.
func TestOpen(t *testing.T) {
	db := sqlite(t).open(t)
	for name, o := range map[string]gatesql.Options{
		"no dialect":           {},
		"an unknown dialect":   {Dialect: 9},
		"a table of two words": {Dialect: gatesql.SQLite, Table: "a b"},
		"a table that injects": {Dialect: gatesql.SQLite, Table: "a; DROP TABLE b"},
		"a table in capitals":  {Dialect: gatesql.SQLite, Table: "Revoked"},
		"a table too long":     {Dialect: gatesql.SQLite, Table: strings.Repeat("a", 41)},
		"a negative leeway":    {Dialect: gatesql.SQLite, Leeway: -1},
		"a schema in SQLite":   {Dialect: gatesql.SQLite, Schema: "main"},
		"a poll too slow":      {Dialect: gatesql.SQLite, CacheFor: time.Second, Poll: time.Second},
		"a copy too stale":     {Dialect: gatesql.SQLite, CacheFor: time.Hour},
	} {
		if _, err := gatesql.Open(t.Context(), db, o); err == nil {
			t.Errorf("Open with %s: no error", name)
		}
	}
	if _, err := gatesql.Open(t.Context(), nil, gatesql.Options{Dialect: gatesql.SQLite}); err == nil {
		t.Error("Open without a database: no error")
	}
}

// TestSchema: tables are made once, brought up to date, and refused when newer.
func TestSchema(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c, table := gatetest.NewClock(), newTable()
		o := gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now, TrustOlderTokens: true}
		db := d.open(t)
		never := o
		never.NoCreate = true
		if _, err := gatesql.Open(t.Context(), db, never); !errors.Is(err, gatesql.ErrNoSchema) {
			t.Errorf("Open with NoCreate: error = %v, want ErrNoSchema", err)
		}
		var wg sync.WaitGroup
		for i := range 6 { // as many processes, started at once
			wg.Go(func() {
				s, err := gatesql.Open(t.Context(), db, o)
				if err != nil {
					t.Errorf("Open at once: %v", err)
					return
				}
				revoke(t, s, gatetest.NewToken(c, fmt.Sprint(i)))
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		}
		wg.Wait()
		s := open(t, db, never)
		for i := range 6 {
			wantBlocked(t, s, gatetest.NewToken(c, fmt.Sprint(i)), true)
		}
		exec(t, db, "UPDATE "+table+"_meta SET version = 99")
		if _, err := gatesql.Open(t.Context(), db, o); !errors.Is(err, gatesql.ErrNewer) {
			t.Errorf("Open of newer tables: error = %v, want ErrNewer", err)
		}
		// As a process leaves it that died between the two tables.
		exec(t, db, "UPDATE "+table+"_meta SET version = 0")
		exec(t, db, "DROP TABLE "+table)
		s = open(t, db, o)
		revoke(t, s, gatetest.NewToken(c, "x"))
		wantBlocked(t, s, gatetest.NewToken(c, "x"), true)
	})
}

// TestOlder: new tables do not vouch for tokens from before them, nor for those of a
// clock that is ahead by Skew.
func TestOlder(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c, db := gatetest.NewClock(), d.open(t)
		o := gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: c.Now, Skew: 3 * time.Second}
		before, unknown := gatetest.NewToken(c, "before"), gatetest.NewToken(c, "unknown")
		unknown.IssuedAt = time.Time{}
		c.Advance(time.Second)
		first := open(t, db, o)
		c.Advance(3 * time.Second)
		ahead := gatetest.NewToken(c, "ahead")
		c.Advance(time.Second)
		after := gatetest.NewToken(c, "after")
		again := open(t, db, o)
		o.TrustOlderTokens = true
		trusting := open(t, db, o)
		for _, s := range []*gatesql.Store{first, again} {
			wantBlocked(t, s, before, true)
			wantBlocked(t, s, unknown, true)
			wantBlocked(t, s, ahead, true)
			wantBlocked(t, s, after, false)
		}
		wantBlocked(t, trusting, before, false)
		wantBlocked(t, trusting, unknown, false)
		name, begun, err := again.Epoch(t.Context())
		if name == "" || !begun.Equal(before.IssuedAt.Add(time.Second)) || err != nil {
			t.Errorf("Epoch = %q, %v, %v; want a name, and the second of the first Open", name, begun, err)
		}
	})
}

func TestClosed(t *testing.T) {
	d, c := sqlite(t), gatetest.NewClock()
	s := open(t, d.open(t), gatesql.Options{Dialect: d.dialect, Clock: c.Now})
	tok := gatetest.NewToken(c, "x")
	revoke(t, s, tok)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Blocked(t.Context(), tok); err == nil {
		t.Errorf("Blocked after Close = %v, nil; want an error", got)
	}
	if err := s.RevokeToken(t.Context(), tok, stores.Note{}); err == nil {
		t.Error("RevokeToken after Close: no error")
	}
	if err := s.Run(t.Context()); err == nil {
		t.Error("Run after Close: no error")
	}
}

// TestCleanup: what is past its time goes, in batches, and what lives stays. A write
// deletes nothing.
func TestCleanup(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c, table, db := gatetest.NewClock(), newTable(), d.open(t)
		s := open(t, db, gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now, TrustOlderTokens: true})
		const n = 2100
		var many []*gate.Token
		for i := range n {
			many = append(many, gatetest.NewToken(c, fmt.Sprint(i)))
		}
		if err := s.RevokeTokens(t.Context(), many, stores.Note{}); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, 1, 999, n - 1} {
			wantBlocked(t, s, many[i], true)
		}
		c.Advance(10 * time.Minute)
		live := gatetest.NewToken(c, "live")
		revoke(t, s, live)
		forever := gatetest.NewToken(c, "forever")
		forever.Expiry, forever.Subject, forever.SessionID = time.Time{}, "", ""
		revoke(t, s, forever)
		c.Advance(15 * time.Minute)
		revoke(t, s, gatetest.NewToken(c, "one"))
		if got := entries(t, db, table); got != n+3 {
			t.Errorf("%d rows before Cleanup, want %d", got, n+3)
		}
		deleted, err := s.Cleanup(t.Context())
		if deleted != n || err != nil {
			t.Errorf("Cleanup = %d, %v; want %d", deleted, err, n)
		}
		wantBlocked(t, s, forever, true)
		c.Advance(-10 * time.Minute)
		wantBlocked(t, s, live, true)
	})
}

// entries counts rows apart from those that the store keeps for itself.
func entries(t testing.TB, db *sql.DB, table string) int {
	t.Helper()
	return count(t, db, table+" WHERE kind NOT IN ('epoch', 'lane')")
}

// TestPlan: the databases find the rows of a check and of lists, the changes since a
// poll, and the rows to delete, by their keys.
func TestPlan(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		db := d.open(t)
		open(t, db, gatesql.Options{Dialect: d.dialect, Table: "plan"})
		fill(t, db, "plan", 20_000)
		explain := "EXPLAIN "
		switch d.dialect {
		case gatesql.SQLite:
			explain = "EXPLAIN QUERY PLAN "
		case gatesql.Postgres:
			exec(t, db, "ANALYZE plan")
		default:
			exec(t, db, "ANALYZE TABLE plan")
		}
		changes := "SELECT id FROM plan WHERE seq >= 20000"
		if d.dialect == gatesql.MySQL {
			changes = "SELECT id FROM plan WHERE lane = 0 AND seq >= 20000 OR lane = 1 AND seq >= 20001"
		}
		for name, query := range map[string]string{
			"check":   "SELECT kind, gen FROM plan WHERE id IN ('a', 'b', 'c', 'd') AND until_at > 5 AND undone = 0",
			"list":    "SELECT id FROM plan WHERE kind = 'subject' AND id > 'a' AND until_at > 5 AND undone = 0 ORDER BY id LIMIT 100",
			"changes": changes,
			"prune": map[gatesql.Dialect]string{
				gatesql.SQLite:   `DELETE FROM plan WHERE id IN (SELECT id FROM plan WHERE until_at <= 5 ORDER BY until_at LIMIT 100) AND seq < (SELECT MAX(seq) FROM plan)`,
				gatesql.Postgres: `DELETE FROM plan WHERE ctid = ANY (ARRAY(SELECT ctid FROM plan WHERE until_at <= 5 ORDER BY until_at LIMIT 100))`,
				gatesql.MySQL:    `DELETE FROM plan WHERE until_at <= 5 ORDER BY until_at LIMIT 100`,
			}[d.dialect],
		} {
			plan := text(t, db, explain+query)
			for _, scan := range []string{"Seq Scan", "SCAN", " ALL ", "plan index "} {
				if strings.Contains(plan, scan) {
					t.Errorf("%s reads the whole table:\n%s", name, plan)
				}
			}
		}
	})
}
