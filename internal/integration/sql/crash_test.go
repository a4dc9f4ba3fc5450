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

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// TestCrash: what was acknowledged is there when the server has crashed, and while it
// is down every check is an error.
func TestCrash(t *testing.T) {
	for name, make := range map[string]func(testing.TB) *database{"PostgreSQL": postgres, "MariaDB": mariadb} {
		t.Run(name, func(t *testing.T) {
			d, c := make(t), gatetest.NewClock()
			db := d.open(t)
			s := open(t, db, gatesql.Options{Dialect: d.dialect, Clock: c.Now, TrustOlderTokens: true})
			var mu sync.Mutex
			var acknowledged []string
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					for i := 0; ; i++ {
						id := fmt.Sprint(w, "/", i)
						if err := s.RevokeToken(t.Context(), gatetest.NewToken(c, id), stores.Note{}); err != nil {
							return
						}
						mu.Lock()
						acknowledged = append(acknowledged, id)
						mu.Unlock()
					}
				})
			}
			eventually(t, 30*time.Second, "some writes", func() bool { mu.Lock(); defer mu.Unlock(); return len(acknowledged) > 200 })
			d.server.Kill()
			wg.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if got, err := s.Blocked(ctx, gatetest.NewToken(c, acknowledged[0])); err == nil {
				t.Errorf("Blocked while the server is down = %v, nil; want an error", got)
			}
			d.server.Start()
			db.SetMaxIdleConns(0) // connections from before the crash
			for _, id := range acknowledged {
				wantBlocked(t, s, gatetest.NewToken(c, id), true)
			}
			t.Logf("%d acknowledged revocations, all there after SIGKILL", len(acknowledged))
		})
	}
}

// TestTimeout: a write that waits for a lock of another process ends by
// Options.Timeout and by its context, also on the server. The driver of SQLite
// interrupts a wait, but not one that begins in that very moment; then the busy timeout
// ends it.
func TestTimeout(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		d.dsn = strings.Replace(d.dsn, "busy_timeout(10000)", "busy_timeout(1000)", 1)
		c, db := gatetest.NewClock(), d.open(t)
		o := gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: c.Now, TrustOlderTokens: true, Timeout: 2 * time.Second}
		s, tok := open(t, db, o), gatetest.NewToken(c, "x")
		revoke(t, s, tok)
		tx, err := d.open(t).BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.Exec("UPDATE " + o.Table + " SET seq = seq + 1"); err != nil { // all rows
			t.Fatal(err)
		}
		for name, limit := range map[string]time.Duration{"the option": time.Hour, "the context": 200 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			start := time.Now()
			if err := s.RevokeToken(ctx, tok, stores.Note{}); err == nil {
				t.Error("RevokeToken while another process holds the rows: no error")
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("RevokeToken gave up after %v, bounded by %s", took, name)
			}
		}
		if st := s.Stats(); st.WriteErrors != 2 || st.LastWriteError == nil || st.Writes != 1 {
			t.Errorf("Stats = %+v, want 2 errors, and the last one", st)
		}
		wantBlocked(t, s, tok, true) // checks do not wait for writers
		if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
			t.Fatal(err)
		}
		revoke(t, s, gatetest.NewToken(c, "y"))
		if err := s.Stats().LastWriteError; err != nil {
			t.Errorf("LastWriteError = %v after a write", err)
		}
	})
}
