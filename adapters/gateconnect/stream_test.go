package gateconnect_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateconnect"
	"github.com/jwtgate/gate/gatetest"
)

// TestStreamExpiry: messages pass until the token expires, whatever the handler does.
func TestStreamExpiry(t *testing.T) {
	for _, o := range protocols {
		clock := gatetest.NewClock()
		w := serve(t, gate.Config{Clock: clock.Now}, all(gate.Policy{Public: true}))
		w.handle = func(ctx context.Context, s *bidi) error {
			if echo(ctx, s) != nil && (s.Send(&text{}) == nil || ctx.Err() == nil) {
				t.Error("the stream is open after its end")
			}
			return nil // forgets the error
		}
		h := http.Header{"Authorization": {"Bearer " + clock.Token(t, w.key, map[string]any{"exp": clock.Now().Add(time.Hour)})}}
		s, err := w.open(t, h, o...)
		want(t, err, 0, "")
		clock.Advance(59 * time.Minute)
		want(t, ping(s), 0, "")
		clock.Advance(2 * time.Minute)
		want(t, ping(s), connect.CodeUnauthenticated, "EXPIRED")
	}
}

// TestRecheck: a revocation ends a silent stream, and a handler can ask.
func TestRecheck(t *testing.T) {
	for _, every := range []time.Duration{0, time.Millisecond} {
		var revoked atomic.Bool
		o := all(gate.Policy{})
		o.RecheckEvery = every
		w := serve(t, gate.Config{Blocklist: blocklist(func(*gate.Token) (bool, error) { return revoked.Load(), nil })}, o)
		w.handle = func(ctx context.Context, s *bidi) error {
			if every > 0 {
				return echo(ctx, s)
			}
			for range 2 {
				if _, err := s.Receive(); err != nil {
					return err
				}
				if gateconnect.Recheck(ctx) == nil {
					s.Send(&text{})
				}
			}
			return nil
		}
		s, err := w.open(t, w.bearer(t, nil))
		want(t, err, 0, "")
		revoked.Store(true)
		if every == 0 {
			err = ping(s)
		} else {
			_, err = s.Receive()
		}
		want(t, err, connect.CodeUnauthenticated, "REVOKED")
	}
	if gateconnect.Recheck(t.Context()) == nil {
		t.Error("Recheck of a context without a stream is nil")
	}
}
