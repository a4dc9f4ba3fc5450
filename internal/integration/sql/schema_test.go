//go:build unix

package sql_test

import (
	"context"
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
		"a poll too slow":      {Dialect: gatesql.SQLite, Front: &gatesql.Front{MaxStale: time.Second, Poll: time.Second}},
		"a copy too stale":     {Dialect: gatesql.SQLite, Front: &gatesql.Front{MaxStale: time.Hour}},
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
		o := gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now}
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

// TestOlder: new tables do not vouch for tokens from before them.
func TestOlder(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c, db := gatetest.NewClock(), d.open(t)
		o := gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: c.Now}
		before, unknown := gatetest.NewToken(c, "before"), gatetest.NewToken(c, "unknown")
		unknown.IssuedAt = time.Time{}
		c.Advance(time.Second)
		first := open(t, db, o)
		with := gatetest.NewToken(c, "with")
		c.Advance(time.Minute)
		again := open(t, db, o)
		o.TrustOlderTokens = true
		trusting := open(t, db, o)
		for _, s := range []*gatesql.Store{first, again} {
			wantBlocked(t, s, before, true)
			wantBlocked(t, s, unknown, true)
			wantBlocked(t, s, with, false)
		}
		wantBlocked(t, trusting, before, false)
		wantBlocked(t, trusting, unknown, false)
	})
}

// TestWiped: a store whose tables went is closed, made anew or not.
func TestWiped(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		for _, front := range []*gatesql.Front{nil, {MaxStale: 100 * time.Millisecond, Poll: 10 * time.Millisecond}} {
			c, table := gatetest.NewClock(), newTable()
			o := gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now, Front: front}
			db := d.open(t)
			s, tok := open(t, db, o), gatetest.NewToken(c, "x")
			ended := make(chan error, 1)
			if front != nil {
				go func() { ended <- s.Run(t.Context()) }()
			}
			revoke(t, s, tok)
			wantBlocked(t, s, tok, true)
			exec(t, db, "DELETE FROM "+table+"_meta")
			if front != nil {
				if err := <-ended; !errors.Is(err, stores.ErrWiped) {
					t.Errorf("Run after the row of meta went: %v, want ErrWiped", err)
				}
			}
			wantWiped(t, s, tok)
			exec(t, db, "DROP TABLE "+table+"_meta")
			exec(t, db, "DROP TABLE "+table)
			if got, err := s.Blocked(t.Context(), tok); err == nil {
				t.Errorf("Blocked without tables = %v, nil; want an error", got)
			}
			other := open(t, d.open(t), o) // somebody starts, and makes them anew
			wantBlocked(t, other, tok, false)
			wantWiped(t, s, tok)
			if _, err := s.Cleanup(t.Context()); !errors.Is(err, stores.ErrWiped) {
				t.Errorf("Cleanup: error = %v, want ErrWiped", err)
			}
		}
	})
}

func wantWiped(t *testing.T, s *gatesql.Store, tok *gate.Token) {
	t.Helper()
	if got, err := s.Blocked(t.Context(), tok); !errors.Is(err, stores.ErrWiped) {
		t.Errorf("Blocked = %v, %v; want ErrWiped", got, err)
	}
	if err := s.RevokeToken(t.Context(), tok, stores.Note{}); !errors.Is(err, stores.ErrWiped) {
		t.Errorf("RevokeToken: error = %v, want ErrWiped", err)
	}
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
		t.Error("Run without Front: no error")
	}
}

// TestPrune: a write deletes some of what is past its time, Cleanup the rest, and
// neither touches what lives.
func TestPrune(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c, table, db := gatetest.NewClock(), newTable(), d.open(t)
		s := open(t, db, gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now, Prune: 10})
		const n = 60
		for i := range n {
			revoke(t, s, gatetest.NewToken(c, fmt.Sprint(i)))
		}
		c.Advance(10 * time.Minute)
		live := gatetest.NewToken(c, "live")
		revoke(t, s, live)
		forever := gatetest.NewToken(c, "forever")
		forever.Expiry, forever.Subject, forever.SessionID = time.Time{}, "", ""
		revoke(t, s, forever)
		if got := count(t, db, table); got != n+2 {
			t.Errorf("%d rows while all live, want %d", got, n+2)
		}
		c.Advance(15 * time.Minute)
		revoke(t, s, gatetest.NewToken(c, "one"))
		if got := count(t, db, table); got != n+3-10 {
			t.Errorf("%d rows after one write, want %d: ten fewer and one more", got, n+3-10)
		}
		deleted, err := s.Cleanup(t.Context())
		if deleted != n-10 || err != nil {
			t.Errorf("Cleanup = %d, %v; want %d", deleted, err, n-10)
		}
		wantBlocked(t, s, forever, true)
		c.Advance(-10 * time.Minute)
		wantBlocked(t, s, live, true)
	})
}

// TestPlan: the databases find the rows of a check, and those to delete, by their keys.
func TestPlan(t *testing.T) {
	const check = `SELECT m.epoch, r.kind, r.before_at, r.all_before_at, r.except_id FROM plan_meta m LEFT JOIN plan` +
		` r ON r.id IN ('a', 'b', 'c') AND r.until_at > 5 AND r.undone = 0 WHERE m.id = 1`
	each(t, func(t *testing.T, d *database) {
		db := d.open(t)
		open(t, db, gatesql.Options{Dialect: d.dialect, Table: "plan"})
		fill(t, db, "plan", 20_000)
		explain, scan := "EXPLAIN ", "Seq Scan on plan r"
		switch d.dialect {
		case gatesql.SQLite:
			explain, scan = "EXPLAIN QUERY PLAN ", "SCAN r"
		case gatesql.Postgres:
			exec(t, db, "ANALYZE plan")
		default:
			exec(t, db, "ANALYZE TABLE plan")
			scan = "r ALL "
		}
		plan := text(t, db, explain+check)
		if strings.Contains(plan, scan) {
			t.Errorf("the check reads the whole table:\n%s", plan)
		}
		prune := map[gatesql.Dialect]string{
			gatesql.SQLite:   `DELETE FROM plan WHERE id IN (SELECT id FROM plan WHERE until_at <= 5 ORDER BY until_at LIMIT 100)`,
			gatesql.Postgres: `DELETE FROM plan WHERE ctid = ANY (ARRAY(SELECT ctid FROM plan WHERE until_at <= 5 ORDER BY until_at LIMIT 100))`,
			gatesql.MySQL:    `DELETE FROM plan WHERE until_at <= 5 ORDER BY until_at LIMIT 100`,
		}[d.dialect]
		plan = text(t, db, explain+prune)
		for _, scan := range []string{"Seq Scan", "SCAN", " ALL "} {
			if strings.Contains(plan, scan) {
				t.Errorf("deleting what is past reads the whole table:\n%s", plan)
			}
		}
	})
}
