package session_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

var onceConfig = gate.Config{Create: gate.Create{Types: []gate.TokenType{"once", "other"}}}

func newOneTime(t *testing.T) (*fixture, *session.OneTime) {
	t.Helper()
	f := newFixture(t, onceConfig, session.Options{})
	return f, must(session.NewOneTime(f.gate, f.store, "once"))
}

var reset = session.Use{Purpose: "reset", Context: "hash of the old password"}

func TestOneTime(t *testing.T) {
	_, once := newOneTime(t)
	raw, err := once.Issue(t.Context(), "alice", reset, session.OneTimeOptions{ExpiresIn: time.Hour, Claims: map[string]any{"to": "a@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // a mail program opens the link
		if tok, err := once.Check(t.Context(), raw, reset); err != nil || tok.Subject != "alice" {
			t.Fatalf("Check = %v, %v", tok, err)
		}
	}
	tok, err := once.Redeem(t.Context(), raw, reset)
	if err != nil || tok.Subject != "alice" {
		t.Fatalf("Redeem = %v, %v", tok, err)
	}
	if _, err := once.Redeem(t.Context(), raw, reset); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := once.Check(t.Context(), raw, reset); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("Check of a redeemed token: %v", err)
	}
}

// TestOneTimeAtOnce: of many at once, one succeeds.
func TestOneTimeAtOnce(t *testing.T) {
	_, once := newOneTime(t)
	raw := must(once.Issue(t.Context(), "alice", reset, session.OneTimeOptions{ExpiresIn: time.Minute}))
	var wg sync.WaitGroup
	var n atomic.Int32
	for range 32 {
		wg.Go(func() {
			switch _, err := once.Redeem(t.Context(), raw, reset); {
			case err == nil:
				n.Add(1)
			case !errors.Is(err, gate.ErrRevoked):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n.Load() != 1 {
		t.Errorf("%d calls have redeemed one token", n.Load())
	}
}

// TestOneTimeIsBound: a token serves one use, and no other token serves it.
func TestOneTimeIsBound(t *testing.T) {
	f, once := newOneTime(t)
	hour := session.OneTimeOptions{ExpiresIn: time.Hour}
	raw := must(once.Issue(t.Context(), "alice", reset, hour))
	p := f.start(t)
	other := must(must(session.NewOneTime(f.gate, f.store, "other")).Issue(t.Context(), "alice", reset, hour))
	plain, _, err := f.gate.Issue(t.Context(), "once", "alice", gate.TokenOptions{ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, raw string
		use       session.Use
		want      error
	}{
		{"another purpose", raw, session.Use{Purpose: "confirm", Context: reset.Context}, gate.ErrRejected},
		{"another context", raw, session.Use{Purpose: "reset", Context: "hash of the new password"}, gate.ErrRejected},
		{"no context", raw, session.Use{Purpose: "reset"}, gate.ErrRejected},
		{"an access token", p.Access(), reset, gate.ErrWrongType},
		{"a refresh token", p.Refresh(), reset, gate.ErrWrongType},
		{"another type", other, reset, gate.ErrWrongType},
		{"no purpose in the token", plain, reset, gate.ErrRejected},
		{"the use itself", raw, reset, nil},
	} {
		if _, err := once.Redeem(t.Context(), tt.raw, tt.use); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := f.gate.CheckToken(t.Context(), other, gate.Policy{}); !errors.Is(err, gate.ErrWrongType) {
		t.Errorf("a one-time token on a route: %v", err)
	}
}

func TestOneTimeEnds(t *testing.T) {
	f, once := newOneTime(t)
	p := f.start(t)
	issue := func(o session.OneTimeOptions) string { return must(once.Issue(t.Context(), "alice", reset, o)) }
	late, ofSession := issue(session.OneTimeOptions{ExpiresIn: time.Minute}), issue(session.OneTimeOptions{ExpiresIn: time.Hour, From: p.AccessToken()})
	f.clock.Advance(time.Minute)
	if _, err := once.Redeem(t.Context(), late, reset); !errors.Is(err, gate.ErrExpired) {
		t.Errorf("after its minute: %v", err)
	}
	if err := f.End(t.Context(), "alice", p.AccessToken().SessionID); err != nil {
		t.Fatal(err)
	}
	if _, err := once.Redeem(t.Context(), ofSession, reset); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("after its session: %v", err)
	}
	pending := issue(session.OneTimeOptions{ExpiresIn: time.Hour})
	if err := f.EndAll(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := once.Redeem(t.Context(), pending, reset); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("after EndAll: %v", err)
	}
}

func TestOneTimeRefuses(t *testing.T) {
	f, once := newOneTime(t)
	if _, err := once.Issue(t.Context(), "alice", session.Use{}, session.OneTimeOptions{ExpiresIn: time.Hour}); err == nil {
		t.Error("no purpose")
	}
	if _, err := once.Issue(t.Context(), "alice", reset, session.OneTimeOptions{}); err == nil {
		t.Error("no lifetime")
	}
	if _, err := once.Issue(t.Context(), "alice", reset, session.OneTimeOptions{ExpiresIn: time.Hour, Claims: map[string]any{"purpose": "admin"}}); err == nil {
		t.Error("the application's claims take the place of the purpose")
	}
	if _, err := once.Check(t.Context(), "x", session.Use{}); err == nil {
		t.Error("Check without a purpose")
	}
	errs := []error{}
	for _, make := range []func() (*session.OneTime, error){
		func() (*session.OneTime, error) { return session.NewOneTime(nil, f.store, "once") },
		func() (*session.OneTime, error) { return session.NewOneTime(f.gate, f.store, "unknown") },
		func() (*session.OneTime, error) {
			return session.NewOneTime(f.gate, must(gatemem.New(gatemem.Options{})), "once")
		},
	} {
		_, err := make()
		errs = append(errs, err)
	}
	if slices.Contains(errs, nil) {
		t.Errorf("NewOneTime = %v", errs)
	}
}
