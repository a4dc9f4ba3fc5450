package stores_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// TestBreakerCallerLeaves: callers that give up say nothing about the store, and are
// never let in. A store that hangs is found out all the same.
func TestBreakerCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlaky()
		g := stores.NewBreaker(f, stores.FailurePolicy{Failures: 2, OpenForAccessTokens: true})
		leave := func() {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			if _, err := g.Blocked(ctx, access); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error = %v, want context.DeadlineExceeded", err)
			}
			cancel()
			if _, err := g.Blocked(ctx, access); err == nil {
				t.Error("a context that has ended: no error")
			}
		}
		f.mode.Store(slow)
		for range 10 {
			leave()
		}
		time.Sleep(time.Second)
		if s := g.Stats(); s.IsOpen || s.Failures != 0 || s.Allowed != 0 || s.Answered != 10 {
			t.Errorf("a slow store: Stats = %+v, want ten answers and no failure", s)
		}
		f.mode.Store(hangs)
		leave()
		leave()
		if s := g.Stats(); s.Failures != 0 {
			t.Errorf("within the timeout: Stats = %+v, want no failure", s)
		}
		time.Sleep(time.Second)
		if s := g.Stats(); !s.IsOpen || s.Timeouts != 2 || s.Allowed != 0 {
			t.Errorf("a store that hangs: Stats = %+v, want an open circuit", s)
		}
		close(f.hang)
	})
}

// TestBreakerLateDeadline: a store that notices the caller's deadline before the caller
// does, or reports it in its own words, has not failed.
func TestBreakerLateDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		eager := gate.BlocklistFunc(func(ctx context.Context, _ *gate.Token) (bool, error) {
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 100*time.Millisecond {
				return false, errors.New("not enough time")
			}
			return true, nil
		})
		g := stores.NewBreaker(eager, stores.FailurePolicy{OpenForAccessTokens: true})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		for range 10 {
			if blocked, err := g.Blocked(ctx, access); !blocked || err != nil {
				t.Errorf("Blocked = %v, %v; want true", blocked, err)
			}
		}
		if s := g.Stats(); s.Failures != 0 || s.Allowed != 0 {
			t.Errorf("Stats = %+v, want no failure", s)
		}
	})
}

// TestBreakerClosedErrors: a fault of the token, and a store that says that it cannot
// judge, are closed under every policy, and neither open nor close the circuit.
func TestBreakerClosedErrors(t *testing.T) {
	for _, known := range []error{stores.ErrLifetime, stores.ErrForgotten, stores.ErrNoStore, stores.ErrWiped, stores.ErrUnsafe, stores.ErrReadOnly} {
		synctest.Test(t, func(t *testing.T) {
			fault := errDown
			store := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return false, fmt.Errorf("store: %w", fault) })
			g := stores.NewBreaker(store, stores.FailurePolicy{Failures: 2, OpenForAccessTokens: true})
			check := func(want error) {
				t.Helper()
				if blocked, err := g.Blocked(t.Context(), access); blocked || !errors.Is(err, want) {
					t.Errorf("%v: Blocked = %v, %v; want %v", known, blocked, err, want)
				}
			}
			check(nil) // a failure: open by policy
			for fault = known; g.Stats().Checks < 10; {
				check(known)
			}
			if s := g.Stats(); s.IsOpen || s.Failures != 1 || s.Allowed != 1 || s.Denied != 0 {
				t.Errorf("%v: Stats = %+v, want a failure and nothing else", known, s)
			}
			fault = errDown
			check(nil) // the second in a row: what came between was no success
			if !g.Stats().IsOpen {
				t.Errorf("%v counts as a success", known)
			}
			time.Sleep(time.Second)
			fault = known
			check(known) // the probe
			if !g.Stats().IsOpen {
				t.Errorf("%v closes the circuit", known)
			}
		})
	}
}

// remembering is a store with a memory.
type remembering struct {
	*flaky
	recalls        atomic.Int64
	blocked, known bool
}

func (r *remembering) Recall(*gate.Token) (blocked, known bool) {
	r.recalls.Add(1)
	return r.blocked, r.known
}

func (r *remembering) BlockedDirect(context.Context, *gate.Token) (bool, error) {
	r.calls.Add(1)
	return false, errDown
}

// TestBreakerMemory: answers from memory come without asking the store, whatever the
// circuit, and tell it nothing; new tokens are never made by them.
func TestBreakerMemory(t *testing.T) {
	r := &remembering{flaky: newFlaky(), blocked: true, known: true}
	g := stores.NewBreaker(r, stores.FailurePolicy{Failures: 1, OpenForAccessTokens: true})
	check := func(wantBlocked bool, want error) {
		t.Helper()
		if blocked, err := g.Blocked(t.Context(), access); blocked != wantBlocked || !errors.Is(err, want) {
			t.Errorf("Blocked = %v, %v; want %v, %v", blocked, err, wantBlocked, want)
		}
	}
	check(true, nil)
	r.blocked = false
	check(false, nil)
	if r.calls.Load() != 0 {
		t.Error("the store was asked for what is in memory")
	}
	if _, err := g.BlockedDirect(t.Context(), access); !errors.Is(err, errDown) {
		t.Errorf("BlockedDirect = %v, want the store's error", err)
	}
	check(false, nil)
	if s := g.Stats(); !s.IsOpen || s.Recalled != 3 || s.Failures != 1 || s.Allowed != 0 || s.Denied != 1 {
		t.Errorf("Stats = %+v, want an open circuit and three answers from memory", s)
	}
	if _, err := g.BlockedDirect(t.Context(), access); !errors.Is(err, stores.ErrCircuitOpen) {
		t.Errorf("BlockedDirect with an open circuit = %v, want ErrCircuitOpen", err)
	}
	r.known = false
	check(false, nil) // open by policy
	if s := g.Stats(); s.Allowed != 1 {
		t.Errorf("Stats = %+v, want one let in", s)
	}
}

// TestBreakerBusy: an answer that came in time and waits for a core counts. The store
// answers at once, but only one goroutine runs at a time, each for long.
func TestBreakerBusy(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	quick := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) {
		runtime.Gosched() // as a client that waits for its socket
		return false, nil
	})
	g := stores.NewBreaker(quick, stores.FailurePolicy{Timeout: 5 * time.Millisecond})
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			for range 5 {
				for begun := time.Now(); time.Since(begun) < time.Millisecond; {
				}
				if _, err := g.Blocked(t.Context(), access); err != nil {
					t.Errorf("Blocked: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if s := g.Stats(); s.Failures != 0 {
		t.Errorf("Stats = %+v, want no failure", s)
	}
}
