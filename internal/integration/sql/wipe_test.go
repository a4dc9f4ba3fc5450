//go:build unix

package sql_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// wantWiped: nothing is let in. A write is refused; in MySQL, where it does not see the
// sentinel, it may be taken, and is kept.
func wantWiped(t *testing.T, d *database, s *gatesql.Store, tok *gate.Token) {
	t.Helper()
	if got, err := s.Blocked(t.Context(), tok); !errors.Is(err, stores.ErrWiped) {
		t.Errorf("Blocked = %v, %v; want ErrWiped", got, err)
	}
	if err := s.RevokeToken(t.Context(), tok, stores.Note{}); !errors.Is(err, stores.ErrWiped) && (err != nil || d.dialect != gatesql.MySQL) {
		t.Errorf("RevokeToken: error = %v, want ErrWiped", err)
	}
	if _, err := s.Cleanup(t.Context()); !errors.Is(err, stores.ErrWiped) {
		t.Errorf("Cleanup: error = %v, want ErrWiped", err)
	}
	if gen, err := s.Generation(t.Context(), "alice"); !errors.Is(err, stores.ErrWiped) {
		t.Errorf("Generation = %d, %v; want ErrWiped", gen, err)
	}
}

// wipes are ways to lose what was revoked.
var wipes = map[string]func(table string) []string{
	"emptied":       func(table string) []string { return []string{"DELETE FROM " + table} },
	"dropped":       func(table string) []string { return []string{"DROP TABLE " + table, "DROP TABLE " + table + "_meta"} },
	"entries gone":  func(table string) []string { return []string{"DROP TABLE " + table} },
	"both emptied":  func(table string) []string { return []string{"DELETE FROM " + table, "DELETE FROM " + table + "_meta"} },
	"sentinel gone": func(table string) []string { return []string{"DELETE FROM " + table + " WHERE kind = 'epoch'"} },
}

// TestWiped: a store that lost its rows is closed, in all processes that run, and opens
// in all of them when an operator says so, through any of them, and in whatever
// order the others have started. What was issued before stays refused.
func TestWiped(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		for name, statements := range wipes {
			for who, cacheFor := range []time.Duration{0, 100 * time.Millisecond, 0} {
				{
					c, table, db := gatetest.NewClock(), newTable(), d.open(t)
					o := gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now, CacheFor: cacheFor, Poll: cacheFor / 10}
					other := o
					other.Scope = stores.NewScope("other")
					apart := open(t, db, other)
					var all []*gatesql.Store
					for range 2 {
						s := open(t, db, o)
						if all = append(all, s); cacheFor > 0 {
							run(t, s)
							eventually(t, 30*time.Second, "the copy", s.Fresh)
						}
					}
					c.Advance(time.Minute)
					tok := gatetest.NewToken(c, "x")
					revoke(t, all[0], tok)
					for _, query := range statements(table) {
						exec(t, db, query)
					}
					if cacheFor > 0 {
						eventually(t, 30*time.Second, name+": the copy hears of it", func() bool { return !all[0].Fresh() && !all[1].Fresh() })
					}
					for _, s := range all {
						if _, err := s.Blocked(t.Context(), tok); err == nil {
							t.Errorf("%s: a check is no error", name)
						}
					}
					c.Advance(time.Minute)
					third, err := gatesql.Open(t.Context(), db, o) // starts after the wipe
					if err == nil {
						all = append(all, third)
						if got, err := third.Blocked(t.Context(), tok); err == nil && !got {
							t.Errorf("%s: a process that starts lets in what was revoked", name)
						}
						wantWiped(t, d, all[0], tok)
						wantWiped(t, d, all[1], tok)
					}
					if err := all[min(who, len(all)-1)].AcceptWipe(t.Context(), c.Now()); err != nil {
						t.Fatalf("%s: AcceptWipe: %v", name, err)
					}
					c.Advance(time.Minute)
					fresh := gatetest.NewToken(c, "fresh")
					for i, s := range append(all, open(t, db, o)) {
						wantBlocked(t, s, tok, true)
						wantBlocked(t, s, fresh, false)
						id := gatetest.NewToken(c, string(rune('a'+i)))
						revoke(t, s, id)
						wantBlocked(t, s, id, true)
					}
					if got, err := apart.Blocked(t.Context(), tok); err == nil && !got && name != "sentinel gone" {
						t.Errorf("%s: AcceptWipe of one scope has opened another", name)
					}
				}
			}
		}
	})
}

// TestWipedInPoll: a wipe in the middle of reading the copy is not read as "nothing is
// revoked".
func TestWipedInPoll(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c, table, admin := gatetest.NewClock(), newTable(), d.open(t)
		tok := gatetest.NewToken(c, "x")
		o := gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now, TrustOlderTokens: true}
		revoke(t, open(t, admin, o), tok)
		var wipe, failed atomic.Bool
		o.CacheFor, o.Poll, o.Prune = time.Minute, 10*time.Second, -1
		o.Clock = func() time.Time { // a poll asks for the time while it reads
			if wipe.CompareAndSwap(true, false) {
				exec(t, admin, "DELETE FROM "+table)
			}
			return c.Now()
		}
		o.OnEvent = func(_ context.Context, e gate.Event) {
			if e.Name == stores.CacheFailed {
				failed.Store(true)
			}
		}
		s := open(t, d.open(t), o)
		wipe.Store(true)
		run(t, s)
		eventually(t, 10*time.Second, "a poll with a wipe in it", func() bool { return failed.Load() || s.Fresh() })
		if blocked, err := s.Blocked(t.Context(), tok); err == nil && !blocked {
			t.Error("a copy that was read in a wipe lets in what was revoked")
		}
	})
}
