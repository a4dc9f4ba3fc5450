package jwks

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/jwtgate/gate/keys"
)

// flight is a fetch that is running.
type flight struct {
	done chan struct{} // closed when the fetch has ended
	err  error         // set before done is closed
}

// maxWaiting is how many requests with an unknown kid may wait for a fetch at once.
const maxWaiting = 64

var errBusy = errors.New("keys/jwks: the set is being fetched, and too many requests wait for it")

// joining says what to do if a fetch is already running.
type joining uint8

const (
	leave   joining = iota // do not wait for it
	join                   // wait
	joinFew                // wait, unless maxWaiting requests already wait
)

// refresh fetches the set. Within the cooldown of the last fetch it returns the error of
// that fetch instead.
func (r *Remote) refresh(ctx context.Context, how joining) error {
	f, mine, err := r.board()
	switch {
	case f == nil:
		return err
	case mine:
		defer r.land(f, r.o.Clock())
		f.err = errPanicked
		f.err = r.fetch(ctx)
		return f.err
	case how == leave:
		return nil
	case how == joinFew:
		defer r.waiting.Add(-1)
		if r.waiting.Add(1) > maxWaiting {
			return errBusy
		}
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("keys/jwks: waiting for the set: %w", ctx.Err())
	}
}

// errPanicked is the error for waiting requests when the caller's client panics.
var errPanicked = errors.New("keys/jwks: the fetch was given up")

// board returns the running fetch, or a new one that the caller must make; then mine is
// true. Within the cooldown it returns no fetch, and the error of the last one.
func (r *Remote) board() (f *flight, mine bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.flight != nil:
		return r.flight, false, nil
	case r.o.Clock().Before(r.next):
		return nil, false, r.err
	}
	r.flight = &flight{done: make(chan struct{})}
	return r.flight, true, nil
}

// land ends a fetch that began at the given time.
func (r *Remote) land(f *flight, began time.Time) {
	r.mu.Lock()
	r.flight, r.err = nil, f.err
	r.failures++
	if f.err == nil {
		r.failures = 0
	}
	r.next = began.Add(r.cooldown())
	r.mu.Unlock()
	close(f.done)
}

// cooldown returns the shortest time to the next fetch. Before the first successful fetch
// it is one second at first and then doubles. After a failure up to a fifth is added at
// random, so that the nodes of a service do not all fetch at the same time.
func (r *Remote) cooldown() time.Duration {
	d := r.o.Cooldown
	if r.state.Load() == nil {
		d = min(d, time.Second<<min(r.failures-1, 10))
	}
	if r.failures > 0 {
		d += rand.N(d/5 + 1)
	}
	return d
}

// fetch fetches the set and replaces the old one. It is not cancelled with the request
// that caused it; only Options.Timeout limits it.
func (r *Remote) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.o.Timeout)
	defer cancel()
	old := r.state.Load()
	s, err := r.get(ctx, old)
	e := Event{Name: Refreshed, URL: r.url}
	if err != nil {
		e.Name, e.Err = Failed, err
		s = old
	}
	if s != nil {
		r.put(s)
		e.Keys = len(s.set.Keys())
	}
	r.o.OnEvent(ctx, e)
	if err == nil {
		r.warn(ctx, s.set, e)
	}
	return err
}

// put makes s the set in use.
func (r *Remote) put(s *state) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Store(s)
	if r.live.Load() != nil {
		r.live.Store(s)
	}
}

// warn sends an event if the set has a private key or secret.
func (r *Remote) warn(ctx context.Context, set *keys.Set, e Event) {
	for _, k := range set.Skipped() {
		if errors.Is(k.Err, keys.ErrExposed) {
			e.Name, e.Err = Exposed, fmt.Errorf("key %d of the set: %w", k.Index, k.Err)
			r.o.OnEvent(ctx, e)
		}
	}
}

// Run fetches the set, and fetches it again before it is due, until ctx ends. Then it
// returns the error of ctx. While Run runs, no token with a known key waits for a fetch.
func (r *Remote) Run(ctx context.Context) error {
	r.running.Add(1)
	defer r.running.Add(-1)
	defer r.dropLive()
	for ctx.Err() == nil {
		if r.ahead() <= 0 {
			// refresh has reported an error to OnEvent.
			_ = r.refresh(ctx, join)
		}
		timer := time.NewTimer(max(min(r.ahead(), r.keepLive()), minPause))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	return ctx.Err()
}

// keepLive lets requests use the set without reading the clock, if it is not too old. It
// returns the time until it is too old.
func (r *Remote) keepLive() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state.Load()
	if s == nil || !r.real {
		return math.MaxInt64
	}
	left := s.closed.Sub(r.o.Clock())
	if left <= 0 {
		r.live.Store(nil)
		return math.MaxInt64
	}
	r.live.Store(s)
	return left
}

func (r *Remote) dropLive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live.Store(nil)
}

// minPause is the shortest pause of Run, so that it does not spin if the clock stops.
const minPause = 10 * time.Millisecond

// ahead returns the time until Run has to fetch: after three quarters of the time to the
// next due fetch, but not within the cooldown.
func (r *Remote) ahead() time.Duration {
	var at time.Time
	if s := r.state.Load(); s != nil {
		at = s.due.Add(-s.due.Sub(s.fetched) / 4)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next.After(at) {
		at = r.next
	}
	return at.Sub(r.o.Clock())
}
