package gategrpc

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/jwtgate/gate"
)

// Stream is a grpc.StreamServerInterceptor. It checks the token when the stream is opened,
// again when the token expires, every Options.RecheckEvery, and at each [Recheck]. The
// first check that refuses ends the stream: its context is canceled, SendMsg and RecvMsg
// return an error, also where they are waiting for a message, and the client gets the
// code of that check, whatever the handler returns. A message that is already waiting
// for the client to read is still sent. A handler must not use a message after RecvMsg
// has returned an error for it.
func (d *Guard) Stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	p, ok := d.policy(info.FullMethod)
	if !ok {
		return unlisted
	}
	outer := ss.Context()
	t, err := d.g.CheckRequest(outer, request{outer}, p)
	if err != nil {
		return refuse(err)
	}
	if t != nil { // from here on, a token that is refused does not count as none
		p.Optional, p.Public = false, false
	}
	s := &stream{ServerStream: ss, d: d, p: p, t: t, outer: outer}
	s.ctx, s.cancel = context.WithCancelCause(context.WithValue(gate.NewContext(outer, t), streamKey{}, s))
	s.arm(0)
	defer s.stop()
	err = next(srv, s)
	panicked, ended := s.state()
	if panicked != nil {
		panic(panicked)
	}
	return cmp.Or(ended, err)
}

type streamKey struct{}

// Recheck checks the token of a guarded stream again, and ends the stream if it is refused.
// ctx is the context of the stream or one made from it. Call it before an answer that must
// not be given to a token that was revoked a moment ago, or for the streams of a user who
// logs out. The error is for the client, like those of [Guard.Stream]; a context that is of
// no guarded stream is an error too.
func Recheck(ctx context.Context) error {
	s, ok := ctx.Value(streamKey{}).(*stream)
	if !ok {
		return errNoStream
	}
	return s.recheck()
}

var errNoStream = errors.New("gategrpc: the context is not of a guarded stream")

// stream is a grpc.ServerStream that ends when its token is refused.
type stream struct {
	grpc.ServerStream
	d      *Guard
	p      gate.Policy
	t      *gate.Token // nil for a visitor without one
	outer  context.Context
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	timer    *time.Timer // nil for a token that never expires, if there is no RecheckEvery
	stopped  bool        // the handler has returned
	ended    error       // why the guard has ended the stream
	panicked any         // the panic of a hook in the goroutine of the timer
}

// Context implements grpc.ServerStream.
func (s *stream) Context() context.Context { return s.ctx }

// SendMsg implements grpc.ServerStream.
func (s *stream) SendMsg(m any) error {
	if err := s.current(); err != nil {
		return err
	}
	return s.ServerStream.SendMsg(m)
}

// RecvMsg implements grpc.ServerStream. The goroutine ends with the stream, at the latest.
func (s *stream) RecvMsg(m any) error {
	if err := s.current(); err != nil {
		return err
	}
	received := make(chan received, 1)
	go s.receive(m, received)
	select {
	case r := <-received:
		return s.take(r)
	case <-s.ctx.Done():
		if _, ended := s.state(); ended != nil {
			return ended
		}
		return s.take(<-received) // gRPC itself knows why
	}
}

// received is the result of a RecvMsg.
type received struct {
	err      error
	panicked any
}

func (s *stream) receive(m any, to chan<- received) {
	r := received{panicked: "gategrpc: RecvMsg ended its goroutine"}
	defer func() {
		if v := recover(); v != nil {
			r.panicked = v
		}
		to <- r
	}()
	r = received{err: s.ServerStream.RecvMsg(m)}
}

func (s *stream) take(r received) error {
	if r.panicked != nil {
		panic(r.panicked)
	}
	return cmp.Or(r.err, s.current())
}

// current returns why no message may pass, or nil.
func (s *stream) current() error {
	if _, ended := s.state(); ended != nil {
		return ended
	}
	if due := s.due(); !due.IsZero() && !s.d.clock().Before(due) {
		return s.recheck()
	}
	return nil
}

// due is when the token expires or is no longer as fresh as the policy wants it; zero is
// never.
func (s *stream) due() (at time.Time) {
	if s.t == nil {
		return at
	}
	if !s.t.Expiry.IsZero() {
		at = s.t.Expiry.Add(s.d.leeway)
	}
	if until := s.t.FreshUntil; s.p.Fresh && !until.IsZero() && (at.IsZero() || until.Before(at)) {
		at = until
	}
	return at
}

// recheck checks the token and ends the stream if it is refused.
func (s *stream) recheck() error {
	if _, ended := s.state(); ended != nil {
		return ended
	}
	if err := s.outer.Err(); err != nil {
		return status.FromContextError(err).Err()
	}
	if _, err := s.d.g.CheckRequest(s.outer, request{s.outer}, s.p); err != nil {
		return s.end(refuse(err), nil)
	}
	return nil
}

// end ends the stream, unless it has ended, and returns why it did.
func (s *stream) end(err error, panicked any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended, s.panicked = err, panicked
		s.cancel(err)
	}
	return s.ended
}

func (s *stream) state() (panicked any, ended error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.panicked, s.ended
}

// arm sets the timer for the next check, in at least the time given.
func (s *stream) arm(least time.Duration) {
	wait := s.d.o.RecheckEvery
	if due := s.due(); !due.IsZero() {
		left := due.Sub(s.d.clock())
		if wait <= 0 || left < wait {
			wait = max(left, least, 1)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if wait > 0 && s.t != nil && !s.stopped {
		s.timer = time.AfterFunc(wait, s.fire)
	}
}

// fire is called by the timer. A panic of a hook is for the goroutine of the handler,
// where others can recover from it.
func (s *stream) fire() {
	defer func() {
		if v := recover(); v != nil {
			s.end(refuse(errPanic), v)
		}
	}()
	if s.recheck() == nil {
		s.arm(time.Second)
	}
}

var errPanic = errors.New("gategrpc: a hook of the gate panicked")

// stop stops the timer when the handler has returned.
func (s *stream) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.cancel(nil)
}
