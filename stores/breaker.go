package stores

import (
	"context"
	"errors"
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
	// Timeout bounds a check, also where the store ignores its context: 250 ms. It counts
	// from when the store is asked. A process that is short of CPU may take longer: the
	// wait for a free core is not held against the store.
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
	// answer, revoked ones too. Other tokens, and routes whose Policy is Fresh or of a
	// type other than access, stay closed, and so does the making of new tokens from old
	// ones. Every token that is let in this way is counted and reported. A store that answers that it
	// cannot judge ([ErrWiped], [ErrUnsafe], [ErrReadOnly], and the errors of a token:
	// [ErrLifetime], [ErrForgotten], [ErrNoStore]) is closed all the same.
	OpenForAccessTokens bool
	// OnEvent is called for what is decided without the store's answer: [CheckDenied],
	// [CheckAllowed], [CircuitOpened], [CircuitClosed]. It is called from the goroutine
	// of the request, or of the check, by several at once, and should be quick.
	OnEvent func(context.Context, gate.Event)
}

// MemoryBlocklist is implemented by stores and caches that can answer from the memory
// of the process. [Breaker] asks it first, in the caller's goroutine.
type MemoryBlocklist interface {
	// Recall is gate.Blocklist's Blocked answered without waiting for anything. Where
	// known is false, Blocked must be asked.
	Recall(t *gate.Token) (blocked, known bool)
}

// Stats are counts since the breaker was made, and its state.
type Stats struct {
	Checks    uint64        // all
	Recalled  uint64        // answered from memory
	Answered  uint64        // answered by the store, errors of the token included
	Waited    time.Duration // for those, in all
	Failures  uint64        // the store returned an error or nothing in time
	Timeouts  uint64        // of these, nothing in time
	NotAsked  uint64        // the circuit was open
	Denied    uint64        // tokens refused without an answer
	Allowed   uint64        // tokens let in without an answer
	Opened    uint64        // how often the circuit opened
	InFlight  int           // checks in the store now, given up ones included
	IsOpen    bool          // the circuit is open
	LastError error         // the last failure; nil when there was none
	FailedAt  time.Time     // when that was
}

// failure is the last one.
type failure struct {
	err error
	at  time.Time
}

// Breaker is a circuit breaker: a blocklist with a [FailurePolicy]. Make one with
// [NewBreaker], one for each store. It is safe for concurrent use. It writes nothing
// to the store and caches no answer.
type Breaker struct {
	store   gate.Blocklist
	direct  func(context.Context, *gate.Token) (bool, error)
	memory  MemoryBlocklist // nil: none
	policy  FailurePolicy
	circuit circuit
	slots   chan struct{}
	last    atomic.Pointer[failure]

	checks, recalled, answered, failures, timeouts, notAsked, denied, allowed atomic.Uint64
	waited                                                                    atomic.Int64
}

var _ gate.Blocklist = (*Breaker)(nil)

// NewBreaker returns a breaker for a store. A [MemoryBlocklist] answers in the
// goroutine of the caller. Any other check runs in a new goroutine, which ends when
// the store returns, so that the caller gets its answer in time even if the store does
// not answer.
func NewBreaker(s gate.Blocklist, p FailurePolicy) *Breaker {
	setDefault(&p.Timeout, 250*time.Millisecond)
	setDefault(&p.Failures, 5)
	setDefault(&p.Probe, 500*time.Millisecond)
	setDefault(&p.Calls, 1024)
	if s == nil {
		s = gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return false, errNothing })
	}
	b := &Breaker{store: s, direct: direct(s), policy: p, slots: make(chan struct{}, p.Calls)}
	b.memory, _ = s.(MemoryBlocklist)
	b.circuit.limit, b.circuit.pause = p.Failures, p.Probe
	return b
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// errNothing keeps a breaker of nothing closed.
var errNothing = errors.New("stores: NewBreaker was given no store")

// Unwrap returns the store, so that a gate finds its other interfaces.
func (b *Breaker) Unwrap() gate.Blocklist { return b.store }

// Blocked reports whether t was revoked. It reads what the route demands from
// [gate.Token.Policy].
func (b *Breaker) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	b.checks.Add(1)
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if b.memory != nil {
		if blocked, known := b.memory.Recall(t); known {
			b.recalled.Add(1)
			return blocked, nil
		}
	}
	blocked, err := b.ask(ctx, t, b.store.Blocked)
	if err == nil || !b.opens(ctx, t, err) {
		return blocked, err
	}
	b.allowed.Add(1)
	b.report(ctx, gate.Event{Name: CheckAllowed, Err: err, Token: t})
	return false, nil
}

// BlockedDirect is Blocked answered by the store, never from memory. Without an answer
// it returns an error, whatever the policy.
func (b *Breaker) BlockedDirect(ctx context.Context, t *gate.Token) (bool, error) {
	b.checks.Add(1)
	if err := ctx.Err(); err != nil {
		return false, err
	}
	blocked, err := b.ask(ctx, t, b.direct)
	if err != nil && ctx.Err() == nil && !closes(err) {
		b.deny(ctx, t, err)
	}
	return blocked, err
}

// opens reports whether t is let in although the store has not answered.
func (b *Breaker) opens(ctx context.Context, t *gate.Token, err error) bool {
	if ctx.Err() != nil || closes(err) {
		return false
	}
	p := t.Policy()
	if b.policy.OpenForAccessTokens && t.Type == gate.Access && !p.Fresh && (p.Type == "" || p.Type == gate.Access) {
		return true
	}
	b.deny(ctx, t, err)
	return false
}

func (b *Breaker) deny(ctx context.Context, t *gate.Token, err error) {
	b.denied.Add(1)
	b.report(ctx, gate.Event{Name: CheckDenied, Err: err, Token: t})
}

// closes reports whether the store has answered that it cannot judge the token, now or
// ever. That is neither a failure nor a success of the store.
func closes(err error) bool {
	for _, known := range []error{ErrLifetime, ErrForgotten, ErrNoStore, ErrWiped, ErrUnsafe, ErrReadOnly} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

func (b *Breaker) report(ctx context.Context, e gate.Event) {
	if b.policy.OnEvent != nil {
		b.policy.OnEvent(ctx, e)
	}
}

// Stats returns the counts.
func (b *Breaker) Stats() Stats {
	s := Stats{
		Checks: b.checks.Load(), Recalled: b.recalled.Load(), Answered: b.answered.Load(),
		Waited: time.Duration(b.waited.Load()), Failures: b.failures.Load(), Timeouts: b.timeouts.Load(),
		NotAsked: b.notAsked.Load(), Denied: b.denied.Load(), Allowed: b.allowed.Load(), InFlight: len(b.slots),
	}
	s.Opened, s.IsOpen = b.circuit.state()
	if f := b.last.Load(); f != nil {
		s.LastError, s.FailedAt = f.err, f.at
	}
	return s
}
