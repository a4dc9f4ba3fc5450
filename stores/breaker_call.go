package stores

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate"
)

// patience bounds a call whose answer nobody hears. Before that its context ends when it
// is found to be out of time, and not by a clock, which goes on while the process waits
// for a core.
const patience = time.Minute

const (
	// steps are the parts of a timeout. A part counts as long as it should be, however
	// long it took: in a process that is short of CPU the answer waits for a core, again
	// and again on its way, as this count does.
	steps = 10
	// yields is how often a step lets every other goroutine run once. In a process that
	// is not busy it takes no time.
	yields = 5
)

// A call is one question to the store. It is judged once: by the store's answer, or by
// the first goroutine that finds its time used up.
type call struct {
	b      *Breaker
	ctx    context.Context // of the caller
	token  *gate.Token
	probe  bool
	start  time.Time
	begun  atomic.Bool // the goroutine runs
	cancel context.CancelFunc
	judged atomic.Bool
	got    chan answer
}

// answer is what a store said.
type answer struct {
	blocked bool
	err     error
}

// ask asks the store where the circuit lets it.
func (b *Breaker) ask(ctx context.Context, t *gate.Token, how func(context.Context, *gate.Token) (bool, error)) (bool, error) {
	probe, ok := b.circuit.enter(time.Now())
	if !ok {
		b.notAsked.Add(1)
		return false, ErrCircuitOpen
	}
	c := &call{b: b, ctx: ctx, token: t, probe: probe, start: time.Now(), got: make(chan answer, 1)}
	if err := c.enter(); err != nil {
		return false, err
	}
	// Who leaves early says nothing about the store, and must not make it fail.
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	c.cancel = cancel
	go c.run(own, how)
	return c.wait(ctx)
}

// enter waits for a place in the store.
func (c *call) enter() error {
	select {
	case c.b.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(c.b.policy.Timeout)
	defer timer.Stop()
	select {
	case c.b.slots <- struct{}{}:
		return nil
	case <-c.ctx.Done():
		c.b.circuit.undecided(c.probe)
		return c.ctx.Err()
	case <-timer.C:
		c.judge(ErrTimeout)
		return ErrTimeout
	}
}

// run asks the store.
func (c *call) run(ctx context.Context, how func(context.Context, *gate.Token) (bool, error)) {
	defer func() { <-c.b.slots }()
	defer c.cancel()
	c.begun.Store(true)
	a := askSafely(ctx, c.token, how)
	c.judge(a.err)
	c.got <- a
}

// askSafely turns a panic into an error: in a goroutine of its own it would end the
// program, where net/http would have ended one request.
func askSafely(ctx context.Context, t *gate.Token, how func(context.Context, *gate.Token) (bool, error)) (a answer) {
	defer func() {
		if v := recover(); v != nil {
			a = answer{false, fmt.Errorf("stores: the store panicked: %v", v)}
		}
	}()
	blocked, err := how(ctx, t)
	return answer{blocked, err}
}

// wait returns the answer, or an error when the caller leaves or the time is up. It
// goes on without a caller who leaves, so that a store that hangs is noticed.
func (c *call) wait(ctx context.Context) (bool, error) {
	step := c.b.policy.Timeout / steps
	timer := time.NewTimer(step)
	defer timer.Stop()
	for left := steps; left > 0; timer.Reset(step) {
		select {
		case a := <-c.got:
			return a.blocked, a.err
		case <-ctx.Done():
			go c.wait(context.Background())
			return false, ctx.Err()
		case <-timer.C:
		}
		for range yields {
			runtime.Gosched() // who waits longer for a core goes first, such as the reader of an answer
		}
		if c.begun.Load() {
			left--
		}
	}
	c.judge(ErrTimeout)
	c.cancel()
	return false, ErrTimeout
}

// judge takes down how the call ended, once.
func (c *call) judge(err error) {
	if c.judged.Swap(true) {
		return
	}
	b, timeout := c.b, errors.Is(err, ErrTimeout)
	if !timeout {
		b.waited.Add(int64(time.Since(c.start)))
	}
	switch {
	case err == nil:
		b.answered.Add(1)
		if b.circuit.succeeded(c.probe) {
			b.report(c.ctx, gate.Event{Name: CircuitClosed, Token: c.token})
		}
		return
	case closes(err):
		b.answered.Add(1)
		b.circuit.undecided(c.probe)
		return
	case timeout:
		b.timeouts.Add(1)
	}
	b.failures.Add(1)
	b.last.Store(&failure{err, time.Now()})
	if b.circuit.failed(c.probe, time.Now()) {
		b.report(c.ctx, gate.Event{Name: CircuitOpened, Err: err, Token: c.token})
	}
}
