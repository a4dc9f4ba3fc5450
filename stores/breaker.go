package stores

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate"
)

// Errors of [Breaker]; the gate answers them with 503.
var (
	// ErrTimeout: the store gave no answer within FailurePolicy.Timeout.
	ErrTimeout = errors.New("stores: the store did not answer in time")
	// ErrCircuitOpen: the store has failed again and again and is not being asked.
	ErrCircuitOpen = errors.New("stores: the store is failing and is not asked for now")
)

// FailurePolicy says what happens when a store does not answer. The zero value denies,
// within 250 ms, and stops asking a store that keeps failing.
type FailurePolicy struct {
	// Timeout bounds a check, also where the store ignores its context: 250 ms.
	Timeout time.Duration
	// Failures in a row open the circuit: 5. While it is open the store is not asked.
	Failures int
	// Probe is how long after a failure an open circuit lets one check through to see
	// whether the store is back: 500 ms.
	Probe time.Duration
	// Calls bounds how many checks are in the store at once, those included that were
	// given up but have not returned: 1024. One more waits, within its Timeout.
	Calls int
	// OpenForAccessTokens is insecure: access tokens are let in when the store does not
	// answer, revoked ones too. Refresh tokens, and routes whose Policy is Fresh or
	// of another Type, stay closed. Every token let in so is counted and reported.
	OpenForAccessTokens bool
	// OnEvent is told what is decided without the store's answer. It is called from the
	// goroutine of the request, by several at once, and should be quick.
	OnEvent func(Event)
}

// EventKind names what [Breaker] has done.
type EventKind string

// The kinds of events.
const (
	Denied        EventKind = "denied"         // no answer, the token was refused
	Allowed       EventKind = "allowed"        // no answer, the token was let in
	CircuitOpened EventKind = "circuit opened" // the store will not be asked for now
	CircuitClosed EventKind = "circuit closed" // the store has answered again
)

// Event is what FailurePolicy.OnEvent is told.
type Event struct {
	Kind  EventKind
	Err   error       // why there was no answer; nil for CircuitClosed
	Token *gate.Token // that was being checked
}

// Stats are counts since the guard was made, and its state.
type Stats struct {
	Checks    uint64 // all
	Failures  uint64 // the store returned an error or nothing in time
	Timeouts  uint64 // of these, nothing in time
	NotAsked  uint64 // the circuit was open
	Denied    uint64 // tokens refused without an answer
	Allowed   uint64 // tokens let in without an answer
	Opened    uint64 // how often the circuit opened
	InFlight  int    // checks in the store now, given up ones included
	IsOpen    bool   // the circuit is open
	LastError error  // the last failure; nil when there was none
}

// Breaker is a blocklist with a [FailurePolicy]. Make one with [NewBreaker]. It is safe for
// concurrent use. It writes nothing to the store and remembers no verdict.
type Breaker struct {
	store    gate.Blocklist
	policy   FailurePolicy
	circuit  circuit
	slots    chan struct{}
	lastErr  atomic.Pointer[error]
	checks   atomic.Uint64
	failures atomic.Uint64
	timeouts atomic.Uint64
	notAsked atomic.Uint64
	denied   atomic.Uint64
	allowed  atomic.Uint64
}

var _ gate.Blocklist = (*Breaker)(nil)

// Guard puts p between a gate and its store. Each check runs in a goroutine of its
// own, which ends when the store returns, so that the answer comes in time even if the
// store does not.
func NewBreaker(s gate.Blocklist, p FailurePolicy) *Breaker {
	if p.Timeout <= 0 {
		p.Timeout = 250 * time.Millisecond
	}
	if p.Failures <= 0 {
		p.Failures = 5
	}
	if p.Probe <= 0 {
		p.Probe = 500 * time.Millisecond
	}
	if p.Calls <= 0 {
		p.Calls = 1024
	}
	g := &Breaker{store: s, policy: p, slots: make(chan struct{}, p.Calls)}
	g.circuit.limit, g.circuit.pause = p.Failures, p.Probe
	if s == nil {
		g.store = gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return false, errNoStore })
	}
	return g
}

// errNoStore keeps a guard of nothing closed.
var errNoStore = errors.New("stores: Guard was given no store")

// Blocked reports whether t was revoked. What the route demands it reads in
// [gate.Token.Policy], which a gate sets.
func (g *Breaker) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	g.checks.Add(1)
	if err := ctx.Err(); err != nil {
		return false, err
	}
	probe, ok := g.circuit.enter(time.Now())
	if !ok {
		g.notAsked.Add(1)
		return g.without(t, ErrCircuitOpen)
	}
	blocked, err := g.askInTime(ctx, t)
	switch {
	case err == nil || errors.Is(err, ErrLifetime):
		if g.circuit.succeeded(probe) {
			g.report(Event{CircuitClosed, nil, t})
		}
		return blocked, err
	case ctx.Err() != nil: // the caller left: that says nothing about the store
		g.circuit.undecided(probe)
		return false, err
	}
	g.failures.Add(1)
	g.lastErr.Store(&err)
	if g.circuit.failed(probe, time.Now()) {
		g.report(Event{CircuitOpened, err, t})
	}
	return g.without(t, err)
}

// Unwrap returns the store.
func (g *Breaker) Unwrap() gate.Blocklist { return g.store }

// answer is what a store said.
type answer struct {
	blocked bool
	err     error
}

// askInTime asks the store and waits no longer than the timeout.
func (g *Breaker) askInTime(ctx context.Context, t *gate.Token) (bool, error) {
	own, cancel := context.WithTimeout(ctx, g.policy.Timeout)
	defer cancel()
	select {
	case g.slots <- struct{}{}:
	case <-own.Done():
		return false, g.late(ctx)
	}
	got := make(chan answer, 1)
	go func() {
		defer func() { <-g.slots }()
		got <- g.askSafely(own, t)
	}()
	select {
	case a := <-got:
		return a.blocked, a.err
	case <-own.Done():
	}
	select {
	case a := <-got: // both at once
		return a.blocked, a.err
	default:
		return false, g.late(ctx)
	}
}

// late is the error of a check that was given up.
func (g *Breaker) late(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.timeouts.Add(1)
	return ErrTimeout
}

// askSafely turns a panic into an error: in a goroutine of its own it would end the
// program, where net/http would have ended one request.
func (g *Breaker) askSafely(ctx context.Context, t *gate.Token) (a answer) {
	defer func() {
		if v := recover(); v != nil {
			a = answer{false, fmt.Errorf("stores: the store panicked: %v", v)}
		}
	}()
	blocked, err := g.store.Blocked(ctx, t)
	return answer{blocked, err}
}

// without decides for a store that has not answered.
func (g *Breaker) without(t *gate.Token, err error) (bool, error) {
	p := t.Policy()
	if g.policy.OpenForAccessTokens && t.Type == gate.Access && !p.Fresh && (p.Type == "" || p.Type == gate.Access) {
		g.allowed.Add(1)
		g.report(Event{Allowed, err, t})
		return false, nil
	}
	g.denied.Add(1)
	g.report(Event{Denied, err, t})
	return false, err
}

func (g *Breaker) report(e Event) {
	if g.policy.OnEvent != nil {
		g.policy.OnEvent(e)
	}
}

// Stats returns the counts.
func (g *Breaker) Stats() Stats {
	s := Stats{
		Checks: g.checks.Load(), Failures: g.failures.Load(), Timeouts: g.timeouts.Load(),
		NotAsked: g.notAsked.Load(), Denied: g.denied.Load(), Allowed: g.allowed.Load(),
		InFlight: len(g.slots),
	}
	s.Opened, s.IsOpen = g.circuit.state()
	if err := g.lastErr.Load(); err != nil {
		s.LastError = *err
	}
	return s
}
