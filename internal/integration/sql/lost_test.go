//go:build unix

package sql_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// TestLostWrite: the write of a call is lost in a failover, and another call, which
// spares a session, has the greater generation by then. The first call writes again: a
// greater generation does not say that the record covers what it has written.
func TestLostWrite(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		db, table := d.open(t), newTable()
		o := gatesql.Options{Dialect: d.dialect, Table: table}
		other := open(t, db, o)
		subjects := func(where string) (n int) {
			if err := db.QueryRow("SELECT count(*) FROM " + table + " WHERE kind = 'subject' AND " + where).Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		lose := func() {
			exec(t, db, "DELETE FROM "+table+" WHERE kind = 'subject'")
			if err := other.RevokeSubject(t.Context(), "alice", stores.SubjectOptions{ExceptSession: "phone"}, stores.Note{}); err != nil {
				t.Error(err)
			}
		}
		var armed, lost atomic.Bool
		o.Clock = func() time.Time { // which a call reads before each of its writes
			if armed.Load() && subjects("1 = 1") > 0 && lost.CompareAndSwap(false, true) {
				lose()
			}
			return time.Now()
		}
		store := open(t, db, o)
		armed.Store(true)
		if err := store.RevokeSubject(t.Context(), "alice", stores.SubjectOptions{}, stores.Note{}); err != nil {
			t.Fatal(err)
		}
		if !lost.Load() {
			t.Fatal("no write was lost")
		}
		if subjects("gen > 0 AND gen = all_gen AND except_id = ''") != 1 {
			t.Error("the session that the other call spares survived the call that spares none")
		}
	})
}
