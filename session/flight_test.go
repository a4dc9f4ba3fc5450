package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// slow is a store that waits in Rotate.
type slow struct {
	*gatemem.Store
	calls   *int
	release chan struct{}
}

func (s *slow) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	*s.calls++
	select {
	case <-s.release:
	case <-ctx.Done():
		return stores.Rotated{}, ctx.Err()
	}
	return s.Store.Rotate(ctx, r)
}

// TestOneFlight: refreshes of one token that meet share one rotation, which is finished
// though the client that began it has left.
func TestOneFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{must(gatemem.New(gatemem.Options{})), new(int), make(chan struct{})}
		g := must(gate.New(gate.Config{Keys: must(keys.Generate(keys.ES256)), Blocklist: s}))
		m := must(session.New(g, s, session.Options{}))
		p := must(m.Start(t.Context(), "alice", session.Login{}))
		leaving, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		pairs := make([]*session.Pair, 16)
		for i := range pairs {
			wg.Go(func() {
				ctx := t.Context()
				if i == 0 {
					ctx = leaving
				}
				var err error
				if pairs[i], err = m.Refresh(ctx, p.Refresh(), nil); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		close(s.release)
		wg.Wait()
		for _, got := range pairs {
			if got == nil || got.Refresh() != pairs[0].Refresh() {
				t.Fatal("two refreshes that met have different tokens")
			}
		}
		if *s.calls != 1 {
			t.Errorf("%d rotations for refreshes that met", *s.calls)
		}
	})
}

// TestFlightHasAnEnd: a store that does not answer holds a refresh for Options.Timeout.
func TestFlightHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{must(gatemem.New(gatemem.Options{})), new(int), make(chan struct{})}
		g := must(gate.New(gate.Config{Keys: must(keys.Generate(keys.HS256)), Blocklist: s}))
		m := must(session.New(g, s, session.Options{Timeout: 3 * time.Second}))
		p := must(m.Start(t.Context(), "alice", session.Login{}))
		begin := time.Now()
		_, err := m.Refresh(t.Context(), p.Refresh(), nil)
		if !errors.Is(err, context.DeadlineExceeded) || gate.StatusCode(err) != 503 || time.Since(begin) != 3*time.Second {
			t.Errorf("Refresh = %v after %v", err, time.Since(begin))
		}
	})
}
