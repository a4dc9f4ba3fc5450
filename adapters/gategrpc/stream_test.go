package gategrpc_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategrpc"
	"github.com/jwtgate/gate/gatetest"
)

// open opens a stream and makes sure that its handler runs.
func (w *world) open(t *testing.T, raw string) pb.TestService_FullDuplexCallClient {
	t.Helper()
	s, err := w.client.FullDuplexCall(as(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := ping(s); err != nil {
		t.Fatal(err)
	}
	return s
}

func ping(s pb.TestService_FullDuplexCallClient) error {
	if err := s.Send(&pb.StreamingOutputCallRequest{}); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	_, err := s.Recv()
	return err
}

// TestStreamExpiry: messages pass until the token expires and not after, also where the
// policy is Optional or Public, and whatever the handler makes of the error.
func TestStreamExpiry(t *testing.T) {
	for name, policy := range map[string]gate.Policy{"": {}, "optional": {Optional: true}, "public": {Public: true}} {
		t.Run(name, func(t *testing.T) {
			clock := gatetest.NewClock()
			w := serve(t, gate.Config{Clock: clock.Now}, all(policy))
			w.app.duplex = func(s pb.TestService_FullDuplexCallServer) error {
				if err := echo(s); err != nil {
					if again := s.Send(&pb.StreamingOutputCallResponse{}); again == nil {
						t.Error("a message was sent after the end")
					}
					if s.Context().Err() == nil {
						t.Error("the context of the stream is not canceled")
					}
				}
				return nil // forgets the error
			}
			s := w.open(t, clock.Token(t, w.key, map[string]any{"exp": clock.Now().Add(time.Hour)}))
			clock.Advance(59 * time.Minute)
			if err := ping(s); err != nil {
				t.Fatalf("before the expiry: %v", err)
			}
			clock.Advance(2 * time.Minute)
			want(t, ping(s), codes.Unauthenticated, "EXPIRED")
		})
	}
}

// TestStreamVisitor: a stream without a token does not end.
func TestStreamVisitor(t *testing.T) {
	clock := gatetest.NewClock()
	o := all(gate.Policy{Optional: true})
	o.RecheckEvery = time.Millisecond
	w := serve(t, gate.Config{Clock: clock.Now}, o)
	s := w.open(t, "")
	clock.Advance(1000 * time.Hour)
	want(t, ping(s), codes.OK, "")
}

// TestStreamFreshness: a stream for fresh tokens ends when the token is fresh no more.
func TestStreamFreshness(t *testing.T) {
	clock := gatetest.NewClock()
	for _, test := range []struct {
		policy gate.Policy
		code   codes.Code
		reason string
	}{{gate.Policy{Fresh: true}, codes.Unauthenticated, "NOT_FRESH"}, {gate.Policy{}, codes.OK, ""}} {
		w := serve(t, gate.Config{Clock: clock.Now}, all(test.policy))
		s := w.open(t, clock.Token(t, w.key, map[string]any{"fresh": clock.Now().Add(10 * time.Minute)}))
		clock.Advance(11 * time.Minute)
		want(t, ping(s), test.code, test.reason)
	}
}

// TestStreamSilent: a stream that waits for a message ends when the token expires.
func TestStreamSilent(t *testing.T) {
	begin := time.Now()
	shifted := atomic.Int64{}
	clock := func() time.Time { return time.Now().Add(time.Duration(shifted.Load())) }
	w := serve(t, gate.Config{Clock: clock}, all(gate.Policy{}))
	done := make(chan error, 1)
	w.app.duplex = func(s pb.TestService_FullDuplexCallServer) error {
		err := echo(s)
		done <- err
		return err
	}
	exp := begin.Add(time.Hour).Truncate(time.Second)
	shifted.Store(int64(time.Until(exp) - 300*time.Millisecond)) // the token expires in 300 ms
	s := w.open(t, w.token(t, map[string]any{"exp": exp}))
	_, err := s.Recv()
	want(t, err, codes.Unauthenticated, "EXPIRED")
	want(t, <-done, codes.Unauthenticated, "EXPIRED")
}

// TestRecheckEvery: a revocation ends an open stream, and so does a store that fails.
func TestRecheckEvery(t *testing.T) {
	for _, test := range []struct {
		answer error // of the blocklist; nil revokes
		code   codes.Code
		reason string
	}{{nil, codes.Unauthenticated, "REVOKED"}, {errDown, codes.Unavailable, "UNAVAILABLE"}} {
		var revoked atomic.Bool
		o := all(gate.Policy{})
		o.RecheckEvery = time.Millisecond
		w := serve(t, gate.Config{Blocklist: blocklist(func(*gate.Token) (bool, error) {
			if revoked.Load() {
				return true, test.answer
			}
			return false, nil
		})}, o)
		s := w.open(t, w.token(t, nil))
		want(t, ping(s), codes.OK, "")
		revoked.Store(true)
		_, err := s.Recv()
		want(t, err, test.code, test.reason)
	}
}

// TestRecheck: a handler asks again.
func TestRecheck(t *testing.T) {
	var revoked atomic.Bool
	w := serve(t, gate.Config{Blocklist: blocklist(func(*gate.Token) (bool, error) { return revoked.Load(), nil })}, all(gate.Policy{}))
	w.app.duplex = func(s pb.TestService_FullDuplexCallServer) error {
		if _, err := s.Recv(); err != nil {
			return err
		}
		if err := gategrpc.Recheck(s.Context()); err != nil {
			return status.Errorf(codes.Internal, "the token was good: %v", err)
		}
		if err := s.Send(&pb.StreamingOutputCallResponse{}); err != nil {
			return err
		}
		if _, err := s.Recv(); err != nil {
			return err
		}
		if first, again := gategrpc.Recheck(s.Context()), gategrpc.Recheck(s.Context()); first == nil || first != again {
			t.Errorf("Recheck = %v, then %v", first, again)
		}
		return nil
	}
	s := w.open(t, w.token(t, nil))
	revoked.Store(true)
	want(t, ping(s), codes.Unauthenticated, "REVOKED")
	if gategrpc.Recheck(context.Background()) == nil {
		t.Error("Recheck of a context without a stream is nil")
	}
}

// TestRecheckPanic: a hook that panics in a later check ends the stream, and the panic is
// one of the handler's goroutine, where it can be recovered from.
func TestRecheckPanic(t *testing.T) {
	var bad atomic.Bool
	o := all(gate.Policy{Allow: func(context.Context, *gate.Token) error {
		if bad.Load() {
			panic("in a hook")
		}
		return nil
	}})
	o.RecheckEvery = time.Millisecond
	recovered := make(chan any, 1)
	w := serve(t, gate.Config{}, o, grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
		defer func() {
			recovered <- recover()
			err = status.Error(codes.Internal, "panic")
		}()
		return next(srv, ss)
	}))
	s := w.open(t, w.token(t, nil))
	bad.Store(true)
	_, err := s.Recv()
	want(t, err, codes.Internal, "")
	if v := <-recovered; v != "in a hook" {
		t.Errorf("recovered %v", v)
	}
}

// TestClientGone: the handler learns that the client has gone as it does without a guard.
func TestClientGone(t *testing.T) {
	w := serve(t, gate.Config{}, all(gate.Policy{}))
	done := make(chan error, 1)
	w.app.duplex = func(s pb.TestService_FullDuplexCallServer) error {
		err := echo(s)
		done <- err
		if again := gategrpc.Recheck(s.Context()); !errors.Is(again, context.Canceled) {
			t.Errorf("Recheck = %v", again)
		}
		done <- nil
		return err
	}
	ctx, cancel := context.WithCancel(as(t, w.token(t, nil)))
	s, err := w.client.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want(t, ping(s), codes.OK, "")
	cancel()
	if err := <-done; status.Code(err) != codes.Canceled {
		t.Errorf("the handler got %v", err)
	}
	<-done
}
