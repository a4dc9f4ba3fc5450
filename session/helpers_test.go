package session_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// fixture is a manager on a store in memory, with a clock that tests move.
type fixture struct {
	*session.Manager
	gate   *gate.Gate
	store  *gatemem.Store
	clock  *gatetest.Clock
	events *events
}

// events collects what a gate tells.
type events struct {
	mu   sync.Mutex
	list []gate.Event
}

func (e *events) add(_ context.Context, v gate.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, v)
}

// count is how many events have the name.
func (e *events) count(name string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range e.list {
		if v.Name == name {
			n++
		}
	}
	return n
}

// newFixture returns a manager with o, on a gate of cfg; what cfg lacks is filled in.
func newFixture(t testing.TB, cfg gate.Config, o session.Options) *fixture {
	t.Helper()
	f := &fixture{clock: gatetest.NewClock(), events: &events{}}
	f.store = must(gatemem.New(gatemem.Options{Clock: f.clock.Now}))
	if cfg.Keys == nil {
		cfg.Keys = must(keys.Generate(keys.HS256))
	}
	if cfg.Blocklist == nil {
		cfg.Blocklist = f.store
	}
	cfg.Clock, cfg.OnEvent = f.clock.Now, f.events.add
	f.gate = must(gate.New(cfg))
	m, err := session.New(f.gate, f.store, o)
	if err != nil {
		t.Fatal(err)
	}
	f.Manager = m
	return f
}

// start logs alice in.
func (f *fixture) start(t testing.TB) *session.Pair {
	t.Helper()
	p, err := f.Start(t.Context(), "alice", session.Login{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// refresh must succeed.
func (f *fixture) refresh(t testing.TB, raw string) *session.Pair {
	t.Helper()
	p, err := f.Refresh(t.Context(), raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// access is what a route says to an access token.
func (f *fixture) access(t testing.TB, p *session.Pair) error {
	t.Helper()
	_, err := f.gate.CheckToken(t.Context(), p.Access(), gate.Policy{})
	return err
}

const grace = 10 * time.Second // of session.Options
