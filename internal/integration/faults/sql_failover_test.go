//go:build unix

package faults_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

// follower is a copy as a careful programmer might keep one: it reads what has a higher
// number than the last that it has read.
type follower struct {
	mu   sync.Mutex
	last int64
	ids  map[string]bool
}

func (f *follower) poll(ctx context.Context, db *sql.DB) {
	rows, err := db.QueryContext(ctx, `SELECT id, seq FROM gate_revoked WHERE seq > $1`, f.last)
	if err != nil {
		return
	}
	defer rows.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for rows.Next() {
		var id string
		var seq int64
		if rows.Scan(&id, &seq) == nil {
			f.ids[id], f.last = true, max(f.last, seq)
		}
	}
}

func (f *follower) Blocked(_ context.Context, t *gate.Token) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ids[storekit.HashID(stores.Token, "", t.ID)], nil
}

// TestLaggingStandby lets a standby that lags take over from a primary under a copy in memory: what
// is revoked afterwards the copy refuses within CacheFor, although the new primary gives
// numbers again that the copy has seen.
func TestLaggingStandby(t *testing.T) {
	t.Parallel()
	var kept, naive finding
	restarts := 0
	rounds := pick(5, 100)
	for range rounds {
		k, n, r := lagging(t)
		kept.add(k)
		naive.add(n)
		restarts += r
	}
	kept.more = fmt.Sprintf(" (%d failovers, %d noticed)", rounds, restarts)
	holds(t, "F19 postgres failover under a copy", kept)
	caught(t, "F19", "a copy that follows numbers", naive)
	if restarts < rounds {
		t.Errorf("F19: %d of %d failovers were reported", restarts, rounds)
	}
}

// lagging is one failover.
func lagging(t *testing.T) (kept, naive finding, restarts int) {
	primary := servers.StartPostgres(t, "wal_keep_size=64MB")
	const cacheFor = time.Second
	restarted := make(chan struct{}, 10)
	d := sqlDatabase{driver: "pgx", dsn: primary.DSN, dialect: gatesql.Postgres}
	writer := d.store(t, gatesql.Options{})
	reader := d.store(t, gatesql.Options{CacheFor: cacheFor, Poll: 20 * time.Millisecond, OnEvent: func(_ context.Context, e gate.Event) {
		if e.Name == stores.CacheRestarted {
			restarted <- struct{}{}
		}
	}})
	f, db := &follower{ids: map[string]bool{}}, d.pool(t)
	revoke := func(n int) (tokens []*gate.Token) {
		for range n {
			tok := newToken()
			servers.Eventually(t, 20*time.Second, func() error { return writer.RevokeToken(t.Context(), tok, stores.Note{}) })
			tokens = append(tokens, tok)
		}
		return tokens
	}
	all := revoke(20)
	standby := primary.Standby()
	servers.Eventually(t, 20*time.Second, func() error { return standby.Psql("SELECT 1/COUNT(*) FROM gate_revoked WHERE id <> '!'") })
	standby.Kill()
	lost := revoke(15)
	f.poll(t.Context(), db)
	servers.Eventually(t, 10*time.Second, func() error {
		if blocked, known := reader.Recall(lost[14]); !blocked || !known {
			return errors.New("the copy has not seen what will be lost")
		}
		return nil
	})
	primary.Kill()
	standby.TakeOver(primary)
	all = append(all, revoke(6)...)
	if err := writer.RevokeSubject(t.Context(), all[25].Subject, stores.SubjectOptions{}, stores.Note{}); err != nil {
		t.Error(err)
	}
	nap(t.Context(), cacheFor)
	f.poll(t.Context(), db)
	kept = (&ledger{tokens: all}).audit(t.Context(), reader).open()
	naive = (&ledger{tokens: all[20:]}).audit(t.Context(), f)
	standby.Kill()
	return kept, naive, len(restarted)
}
