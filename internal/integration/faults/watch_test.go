//go:build unix

package faults_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// closedForGood reports whether asking again is useless.
func closedForGood(err error) bool { return errors.Is(err, stores.ErrWiped) }

// A watch asks nodes about tokens that are revoked one by one, and counts checks that
// began later than stale after the acknowledgement and let the token in.
type watch struct {
	stale  time.Duration
	tokens []*gate.Token
	acked  []atomic.Int64 // since start, in nanoseconds; 0: not yet
	start  time.Time
	next   atomic.Int64 // token to be revoked

	checks, late, errors atomic.Int64
	mu                   sync.Mutex
	slowest              time.Duration
	times                []time.Duration // of a sample
}

func newWatch(tokens int, stale time.Duration) *watch {
	w := &watch{stale: stale, acked: make([]atomic.Int64, tokens), start: time.Now()}
	for range tokens {
		w.tokens = append(w.tokens, newToken())
	}
	return w
}

// revoke revokes the tokens one after another, again until each is acknowledged,
// with a pause after each, until ctx ends.
func (w *watch) revoke(ctx context.Context, store revoker, pause time.Duration) {
	for i, tok := range w.tokens {
		w.next.Store(int64(i))
		for ctx.Err() == nil {
			call, cancel := context.WithTimeout(ctx, callLimit)
			err := store.RevokeToken(call, tok, stores.Note{})
			cancel()
			if err == nil {
				w.acked[i].Store(int64(time.Since(w.start)))
				break
			}
			nap(ctx, time.Millisecond)
		}
		if !nap(ctx, pause) {
			return
		}
	}
}

// verify asks a node by so many goroutines until ctx ends: about the tokens that are
// revoked and some that will be.
func (w *watch) verify(ctx context.Context, list gate.Blocklist, verifiers int) {
	var wg sync.WaitGroup
	for range verifiers {
		wg.Go(func() {
			for ctx.Err() == nil {
				runtime.Gosched() // answers from a cache would keep the core to themselves
				w.ask(ctx, list, rand.N(min(len(w.tokens), int(w.next.Load())+64)))
			}
		})
	}
	wg.Wait()
}

func (w *watch) ask(ctx context.Context, list gate.Blocklist, i int) {
	acked := w.acked[i].Load()
	begun := time.Now()
	blocked, err := list.Blocked(context.WithoutCancel(ctx), w.tokens[i])
	took := time.Since(begun)
	w.checks.Add(1)
	switch {
	case err != nil:
		w.errors.Add(1)
		nap(ctx, time.Millisecond)
	case !blocked && acked != 0 && begun.Sub(w.start) > time.Duration(acked)+w.stale:
		w.late.Add(1)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slowest = max(w.slowest, took)
	if len(w.times) < 1<<20 {
		w.times = append(w.times, took)
	}
}

// acknowledged is how many are revoked.
func (w *watch) acknowledged() (n int) {
	for i := range w.acked {
		if w.acked[i].Load() != 0 {
			n++
		}
	}
	return n
}

func (w *watch) finding() finding {
	return finding{bad: int(w.late.Load()), of: int(w.checks.Load()), what: "checks let a revoked token in"}
}

// quantile is of times that are all there.
func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	times = slices.Sorted(slices.Values(times))
	return times[min(int(q*float64(len(times))), len(times)-1)]
}
