package rpcguard

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jwtgate/gate"
)

// A Stream ends when its token is refused.
type Stream struct {
	d      *Guard
	call   Call
	refuse func(error) error // makes the error for the client
	clock  func() time.Time
	leeway time.Duration
	outer  context.Context
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	timer    *time.Timer // nil if the token never expires and RecheckEvery is 0
	stopped  bool        // the handler has returned
	ended    error       // why the guard has ended the stream
	panicked any         // the panic of a hook in the goroutine of the timer
}

type streamKey struct{}

// Serve calls handle with a stream. c is the result of [Guard.Check], and refuse makes the
// error for the client. Serve returns the error of handle or, if the guard has ended the
// stream, the error for that.
func (d *Guard) Serve(outer context.Context, c Call, refuse func(error) error, handle func(*Stream) error) error {
	if c.Token != nil { // a token that is refused later ends the stream, also if the policy is optional
		c.policy.Optional, c.policy.Public = false, false
	}
	cfg := d.g.Config()
	s := &Stream{d: d, call: c, refuse: refuse, clock: cfg.Clock, leeway: cfg.Accept.Leeway, outer: outer}
	s.ctx, s.cancel = context.WithCancel(context.WithValue(gate.NewContext(outer, c.Token), streamKey{}, s))
	s.arm(0)
	defer s.stop()
	err := handle(s)
	panicked, ended := s.state()
	if panicked != nil {
		panic(panicked)
	}
	return cmp.Or(ended, err)
}

// Recheck checks the token of the stream whose context ctx is made from.
func Recheck(ctx context.Context) error {
	s, ok := ctx.Value(streamKey{}).(*Stream)
	if !ok {
		return errNoStream
	}
	return s.recheck()
}

var errNoStream = errors.New("gate: the context is not of a guarded stream")

// Context returns the context for the handler.
func (s *Stream) Context() context.Context { return s.ctx }

// Send calls send unless the stream has ended.
func (s *Stream) Send(send func() error) error {
	if err := s.current(); err != nil {
		return err
	}
	return send()
}

// Receive calls receive in a goroutine and returns its error. If the stream ends first,
// Receive returns the error of the stream at once.
func (s *Stream) Receive(receive func() error) error {
	if err := s.current(); err != nil {
		return err
	}
	result := make(chan received, 1)
	go run(receive, result)
	select {
	case r := <-result:
		return s.take(r)
	case <-s.ctx.Done():
		if _, ended := s.state(); ended != nil {
			return ended
		}
		return s.take(<-result) // the transport knows the reason
	}
}

type received struct {
	err      error
	panicked any
}

func run(receive func() error, to chan<- received) {
	r := received{panicked: "gate: the goroutine that receives was ended"}
	defer func() {
		if v := recover(); v != nil {
			r.panicked = v
		}
		to <- r
	}()
	r = received{err: receive()}
}

func (s *Stream) take(r received) error {
	if r.panicked != nil {
		panic(r.panicked)
	}
	return cmp.Or(r.err, s.current())
}

// current returns the error for sending or receiving now. It is nil while the stream is
// open.
func (s *Stream) current() error {
	if _, ended := s.state(); ended != nil {
		return ended
	}
	if due := s.due(); !due.IsZero() && !s.clock().Before(due) {
		return s.recheck()
	}
	return nil
}

// due returns when the token expires, or when it is no longer as fresh as the policy
// demands. The zero time means never.
func (s *Stream) due() (at time.Time) {
	if s.call.Token == nil {
		return at
	}
	if !s.call.Token.Expiry.IsZero() {
		at = s.call.Token.Expiry.Add(s.leeway)
	}
	if until := s.call.Token.FreshUntil; s.call.policy.Fresh && !until.IsZero() && (at.IsZero() || until.Before(at)) {
		at = until
	}
	return at
}

// recheck checks the token and ends the stream if it is refused.
func (s *Stream) recheck() error {
	if _, ended := s.state(); ended != nil {
		return ended
	}
	if err := s.outer.Err(); err != nil {
		return err
	}
	if _, err := s.d.g.CheckRequest(s.outer, s.call.request, s.call.policy); err != nil {
		return s.end(s.refuse(err), nil)
	}
	return nil
}

// end ends the stream, unless it has ended before. It returns the error with which the
// stream has ended.
func (s *Stream) end(err error, panicked any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended, s.panicked = err, panicked
		s.cancel()
	}
	return s.ended
}

func (s *Stream) state() (panicked any, ended error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.panicked, s.ended
}

// arm sets the timer for the next check, but not earlier than the given time from now.
func (s *Stream) arm(least time.Duration) {
	wait := s.d.o.RecheckEvery
	if due := s.due(); !due.IsZero() {
		left := due.Sub(s.clock())
		if wait <= 0 || left < wait {
			wait = max(left, least, 1)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if wait > 0 && s.call.Token != nil && !s.stopped {
		s.timer = time.AfterFunc(wait, s.fire)
	}
}

// fire is called by the timer. It passes a panic of a hook to the goroutine of the
// handler, where middleware can recover from it.
func (s *Stream) fire() {
	defer func() {
		if v := recover(); v != nil {
			s.end(s.refuse(errPanic), v)
		}
	}()
	if s.recheck() == nil {
		s.arm(time.Second)
	}
}

var errPanic = errors.New("gate: a hook of the gate panicked")

// stop stops the timer when the handler has returned.
func (s *Stream) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.cancel()
}
