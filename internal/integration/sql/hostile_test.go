//go:build unix

package sql_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

// TestHostileRows: rows that no store writes stop no program, and let no token in.
func TestHostileRows(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c, failed := gatetest.NewClock(), new(atomic.Int64)
		o := gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: c.Now, TrustOlderTokens: true, CacheFor: 20 * time.Second, Poll: 20 * time.Millisecond}
		o.OnEvent = func(_ context.Context, e gate.Event) {
			if e.Name == stores.CacheFailed {
				failed.Add(1)
			}
		}
		db := d.open(t)
		s := open(t, db, o)
		insert := func(id, kind, except string, more string, values string) {
			t.Helper()
			exec(t, db, fmt.Sprintf("INSERT INTO %s (id, kind, revoked_at, until_at, undone, seq, before_at, all_before_at, except_id, revoked_by, why, gen, all_gen%s)"+
				" VALUES ('%s', '%s', 0, 9000000000, 0, 5, -9000000000000000000, 0, '%s', '', '', 9000000000000000000, -1%s)", o.Table, more, id, kind, except, values))
		}
		insert(storekit.HashID(stores.Token, "", "odd"), "nonsense", "", "", "")
		insert(storekit.HashID(stores.Subject, "", "mallory"), "subject", "\x01\x02", "", "")
		if d.dialect == gatesql.MySQL {
			insert("far", "lane", "", ", lane", ", 99")
		}
		run(t, s)
		if d.dialect == gatesql.MySQL {
			eventually(t, 10*time.Second, "the report", func() bool { return failed.Load() > 0 })
		} else {
			eventually(t, 10*time.Second, "the copy", s.Fresh)
		}
		for range 2 {
			wantBlocked(t, s, gatetest.NewToken(c, "odd"), true)
			wantBlocked(t, s, gatetest.NewToken(c, "other"), false)
			if gen, err := s.Generation(t.Context(), "mallory"); err != nil || gen < 9000000000000000000 {
				t.Errorf("Generation = %d, %v; want at least that of the record", gen, err)
			}
			if list, err := s.Sessions(t.Context(), "mallory"); err != nil || len(list) > 0 {
				t.Errorf("Sessions = %v, %v", list, err)
			}
			if err := s.RevokeSubject(t.Context(), "mallory", stores.SubjectOptions{}, stores.Note{}); err != nil {
				t.Errorf("RevokeSubject with a generation far ahead: %v", err)
			}
		}
	})
}
