//go:build unix

package sql_test

import (
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		suite := func(conns int) func(t *testing.T) {
			return func(t *testing.T) {
				db := (&database{dialect: d.dialect, driver: d.driver, dsn: d.dsn, conns: conns}).open(t)
				gatetest.Sessions(t, func(t *testing.T, clock func() time.Time) stores.Sessions {
					return open(t, db, gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: clock, ServerClock: clock, TrustOlderTokens: true, Timeout: 20 * time.Second})
				})
			}
		}
		t.Run("database", suite(0))
		if d.dialect == gatesql.MySQL {
			d.dsn += "?clientFoundRows=true"
			t.Run("found rows", suite(0))
		}
		t.Run("one connection", suite(1))
	})
}

// TestSessionsByServersClock: a node whose clock is hours off judges grace periods as the
// others do.
func TestSessionsByServersClock(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		off := func() time.Time { return time.Now().Add(-3 * time.Hour) }
		s := open(t, d.open(t), gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: off, TrustOlderTokens: true})
		now := time.Now().Truncate(time.Second)
		r := stores.SessionRecord{ID: "a", Subject: "alice", Live: "first", Generation: stores.NoGeneration, Issued: now, Expires: now.Add(time.Hour), End: now.Add(time.Hour)}
		if _, err := s.AddSession(t.Context(), r, stores.SessionLimit{}); err != nil {
			t.Fatal(err)
		}
		tok := &gate.Token{ID: "first", SessionID: "a", Subject: "alice", IssuedAt: now, Expiry: r.Expires}
		for _, want := range []stores.Outcome{stores.SessionRotated, stores.SessionReplayed} {
			out, err := s.Rotate(t.Context(), stores.Rotation{Token: tok, Grace: time.Minute})
			if err != nil || out.Outcome != want {
				t.Errorf("Rotate = %+v, %v; want outcome %d", out, err, want)
			}
			if left := time.Until(out.Session.GraceEnd); left < 50*time.Second || left > 70*time.Second {
				t.Errorf("the grace period ends in %v, want a minute", left)
			}
		}
	})
}
