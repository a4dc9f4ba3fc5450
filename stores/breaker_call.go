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

// grace is how many timeouts the store may take to return. What it says after the first
// one counts only where the process was too busy to hear it in time.
const grace = 4

// yields is how often a check that is out of time lets every other goroutine run once,
// before it gives up: the answer may have come, and wait for a core.
const yields = 4

// A call is one question to the store. It is judged once: by the store's answer, or by
// whoever finds that it is out of time.
type call struct {
	b      *Breaker
	ctx    context.Context // of the caller
	token  *gate.Token
	probe  bool
	begun  atomic.Int64 // since start, plus one; 0: the goroutine has not run yet
	start  time.Time
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
	go c.run(how)
	return c.wait()
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

// run asks the store under a context that outlives the caller's: who leaves early says
// nothing about the store, and must not make it fail.
func (c *call) run(how func(context.Context, *gate.Token) (bool, error)) {
	defer func() { <-c.b.slots }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), grace*c.b.policy.Timeout)
	defer cancel()
	c.begun.Store(int64(time.Since(c.start)) + 1)
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

// wait returns the answer, or an error when the caller leaves or the time is up.
func (c *call) wait() (bool, error) {
	timer := time.NewTimer(c.b.policy.Timeout)
	defer timer.Stop()
	for {
		select {
		case a := <-c.got:
			return a.blocked, a.err
		case <-c.ctx.Done():
			time.AfterFunc(max(c.left(), 0), func() { c.judge(ErrTimeout) })
			return false, c.ctx.Err()
		case <-timer.C:
			if left := c.left(); left > 0 {
				timer.Reset(left)
				continue
			}
			if a, ok := c.late(); ok {
				return a.blocked, a.err
			}
			c.judge(ErrTimeout)
			return false, ErrTimeout
		}
	}
}

// left is what remains of the timeout, which counts from when the goroutine ran.
func (c *call) left() time.Duration {
	begun := time.Duration(c.begun.Load())
	if begun == 0 {
		return c.b.policy.Timeout
	}
	return c.b.policy.Timeout - time.Since(c.start.Add(begun-1))
}

// late returns an answer that waits for a core. In an idle process yielding returns at
// once.
func (c *call) late() (answer, bool) {
	for range yields {
		runtime.Gosched()
		select {
		case a := <-c.got:
			return a, true
		default:
		}
	}
	return answer{}, false
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
