package rpcguard_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/internal/rpcguard"
)

type blocklist func() (bool, error)

func (b blocklist) Blocked(context.Context, *gate.Token) (bool, error) { return b() }

// errRefused is what the client of a test gets.
var errRefused = errors.New("refused")

func refuse(err error) error { return fmt.Errorf("%w: %w", errRefused, err) }

// open serves a stream with a token that lives for an hour.
func open(t *testing.T, c gate.Config, p gate.Policy, every time.Duration, handle func(*rpcguard.Stream) error) error {
	t.Helper()
	c.Clock = time.Now
	g, key, _ := newGate(t, c)
	d := rpcguard.New(g, rpcguard.Options{Methods: map[string]gate.Policy{"/s/m": p}, RecheckEvery: every})
	raw := gatetest.Token(t, key, map[string]any{"iat": time.Now(), "exp": time.Now().Add(time.Hour), "fresh": time.Now().Add(time.Minute)})
	ctx := t.Context()
	opened, err := d.Check(ctx, "/s/m", call{authorization: "Bearer " + raw})
	if err != nil {
		t.Fatal(err)
	}
	return d.Serve(ctx, opened, refuse, handle)
}

// TestEnds: when a silent stream ends, and with which error.
func TestEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy gate.Policy
		every  time.Duration
		revoke time.Duration // after the stream was opened; 0 is never
		down   bool          // the blocklist cannot answer instead
		after  time.Duration
		err    error
	}{
		{name: "expiry", after: time.Hour, err: gate.ErrExpired},
		{name: "optional", policy: gate.Policy{Optional: true}, after: time.Hour, err: gate.ErrExpired},
		{name: "public", policy: gate.Policy{Public: true}, after: time.Hour, err: gate.ErrExpired},
		{name: "freshness", policy: gate.Policy{Fresh: true}, after: time.Minute, err: gate.ErrNotFresh},
		{name: "revoked, not asked", revoke: time.Minute, after: time.Hour, err: gate.ErrExpired},
		{name: "revoked", revoke: 90 * time.Second, every: time.Minute, after: 2 * time.Minute, err: gate.ErrRevoked},
		{name: "down", revoke: 90 * time.Second, down: true, every: time.Minute, after: 2 * time.Minute, err: errRefused},
		{name: "asked too rarely", every: 2 * time.Hour, after: time.Hour, err: gate.ErrExpired},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				bad := func() bool { return test.revoke > 0 && time.Since(began) >= test.revoke }
				b := blocklist(func() (bool, error) {
					if test.down && bad() {
						return false, errors.New("down")
					}
					return bad(), nil
				})
				err := open(t, gate.Config{Blocklist: b}, test.policy, test.every, func(s *rpcguard.Stream) error {
					<-s.Context().Done()
					if s.Send(func() error { return nil }) == nil || s.Receive(func() error { return nil }) == nil {
						t.Error("the stream is open after its end")
					}
					return nil // forgets the error
				})
				if !errors.Is(err, errRefused) || !errors.Is(err, test.err) {
					t.Errorf("%v, want %v", err, test.err)
				}
				if took := time.Since(began); took < test.after || took > test.after+2*time.Second {
					t.Errorf("the stream ended after %v, want %v", took, test.after)
				}
			})
		})
	}
}

// TestReceive: the end of the stream interrupts a Receive that waits, and a result that
// came is returned as it is.
func TestReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		err := open(t, gate.Config{}, gate.Policy{}, 0, func(s *rpcguard.Stream) error {
			if err := s.Receive(func() error { return io.EOF }); err != io.EOF {
				t.Errorf("Receive returns %v, want io.EOF", err)
			}
			return s.Receive(func() error { <-release; return nil })
		})
		close(release)
		if !errors.Is(err, gate.ErrExpired) {
			t.Errorf("%v, want the end of the token", err)
		}
	})
}

// TestHandlerError: the error of the handler is returned while the stream is open, and no
// timer is left.
func TestHandlerError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		b := blocklist(func() (bool, error) { asked.Add(1); return false, nil })
		err := open(t, gate.Config{Blocklist: b}, gate.Policy{}, time.Second, func(s *rpcguard.Stream) error {
			time.Sleep(2500 * time.Millisecond)
			return io.ErrUnexpectedEOF
		})
		if err != io.ErrUnexpectedEOF {
			t.Errorf("%v, want that of the handler", err)
		}
		time.Sleep(time.Minute)
		if n := asked.Load(); n != 3 {
			t.Errorf("the blocklist was asked %d times, want once for the call and twice for the stream", n)
		}
	})
}

// TestPanic: a panic of a hook in the goroutine of the timer, and one of a receiver, reach
// the goroutine of the handler.
func TestPanic(t *testing.T) {
	for _, test := range []struct {
		name   string
		verify func(asked int32)
		handle func(*rpcguard.Stream) error
	}{
		{"in a hook", func(asked int32) {
			if asked > 1 {
				panic("boom")
			}
		}, func(s *rpcguard.Stream) error { <-s.Context().Done(); return nil }},
		{"in a receiver", func(int32) {}, func(s *rpcguard.Stream) error { return s.Receive(func() error { panic("boom") }) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer func() {
					if v := recover(); v != "boom" {
						t.Errorf("recovered %v, want boom", v)
					}
				}()
				var asked atomic.Int32
				err := open(t, gate.Config{Verify: func(context.Context, *gate.Token) error {
					test.verify(asked.Add(1))
					return nil
				}}, gate.Policy{}, time.Second, test.handle)
				t.Errorf("Serve returned %v", err)
			})
		})
	}
}

// TestRecheck: a handler can ask at any time; without a stream it gets an error.
func TestRecheck(t *testing.T) {
	if rpcguard.Recheck(t.Context()) == nil {
		t.Error("Recheck of a context without a stream is nil")
	}
	var revoked atomic.Bool
	b := blocklist(func() (bool, error) { return revoked.Load(), nil })
	err := open(t, gate.Config{Blocklist: b}, gate.Policy{}, 0, func(s *rpcguard.Stream) error {
		if err := rpcguard.Recheck(s.Context()); err != nil {
			t.Errorf("Recheck of a good token: %v", err)
		}
		revoked.Store(true)
		first := rpcguard.Recheck(s.Context())
		revoked.Store(false)
		if second := rpcguard.Recheck(s.Context()); first == nil || second != first {
			t.Errorf("%v, then %v: an ended stream stays ended", first, second)
		}
		return s.Context().Err()
	})
	if !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("%v, want that of the check", err)
	}
}

// TestWithoutToken: the stream of a visitor has no timer and no end.
func TestWithoutToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, _ := newGate(t, gate.Config{})
		d := rpcguard.New(g, rpcguard.Options{Methods: map[string]gate.Policy{"/s/m": {Optional: true}}, RecheckEvery: time.Second})
		c, err := d.Check(t.Context(), "/s/m", call{})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Serve(t.Context(), c, refuse, func(s *rpcguard.Stream) error {
			time.Sleep(24 * time.Hour)
			if !gate.Guarded(s.Context()) {
				t.Error("the context has no guard")
			}
			return errors.Join(s.Context().Err(), rpcguard.Recheck(s.Context()))
		})
		if err != nil {
			t.Error(err)
		}
	})
}
