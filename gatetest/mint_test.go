package gatetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

func newKey(t *testing.T, alg keys.Algorithm) *keys.Key {
	t.Helper()
	k, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newGate(t *testing.T, cfg gate.Config) *gate.Gate {
	t.Helper()
	g, err := gate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestToken(t *testing.T) {
	key, now := newKey(t, keys.HS256), time.Now()
	g := newGate(t, gate.Config{Keys: key})
	for _, tt := range []struct {
		name   string
		header map[string]any
		claims map[string]any
		policy gate.Policy
		want   error
	}{
		{"plain", nil, nil, gate.Policy{}, nil},
		{"refresh", nil, map[string]any{"type": "refresh"}, gate.Policy{Type: gate.Refresh}, nil},
		{"wrong type", nil, map[string]any{"type": "refresh"}, gate.Policy{}, gate.ErrWrongType},
		{"fresh", nil, map[string]any{"fresh": true}, gate.Policy{Fresh: true}, nil},
		{"not fresh", nil, nil, gate.Policy{Fresh: true}, gate.ErrNotFresh},
		{"expired", nil, map[string]any{"exp": now.Add(-time.Minute)}, gate.Policy{}, gate.ErrExpired},
		{"not yet", nil, map[string]any{"nbf": now.Add(time.Hour)}, gate.Policy{}, gate.ErrInvalid},
		{"without exp", nil, map[string]any{"exp": nil}, gate.Policy{}, gate.ErrInvalid},
		{"without jti", nil, map[string]any{"jti": nil}, gate.Policy{}, gate.ErrInvalid},
		{"exp of text", nil, map[string]any{"exp": "tomorrow"}, gate.Policy{}, gate.ErrInvalid},
		{"typ of another kind", map[string]any{"typ": "logout+jwt"}, nil, gate.Policy{}, gate.ErrInvalid},
		{"no typ", map[string]any{"typ": nil}, nil, gate.Policy{}, nil},
		{"another algorithm", map[string]any{"alg": "none"}, nil, gate.Policy{}, gate.ErrInvalid},
	} {
		raw := gatetest.TokenWithHeader(t, key, tt.header, tt.claims)
		if _, err := g.Check(gatetest.Request("GET", "/", raw), tt.policy); !errors.Is(err, tt.want) {
			t.Errorf("%s: error = %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := g.Check(gatetest.Request("GET", "/", ""), gate.Policy{}); !errors.Is(err, gate.ErrMissing) {
		t.Errorf("no token: error = %v, want ErrMissing", err)
	}
	a, b := gatetest.Token(t, key, nil), gatetest.Token(t, key, nil)
	ta, errA := g.CheckToken(t.Context(), a, gate.Policy{})
	tb, errB := g.CheckToken(t.Context(), b, gate.Policy{})
	if errA != nil || errB != nil || ta.ID == tb.ID || ta.Subject != "alice" {
		t.Errorf("two tokens: %v, %v, errors %v, %v; want two of alice with a jti of their own", ta, tb, errA, errB)
	}
}

func TestTokenOfEveryAlgorithm(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.HS512, keys.ES256, keys.EdDSA} {
		key := newKey(t, alg).WithID("the-key")
		g := newGate(t, gate.Config{Keys: key})
		raw := gatetest.Token(t, key, nil)
		if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if u, err := gate.Peek(raw); err != nil || u.KeyID() != "the-key" {
			t.Errorf("%s: kid %q, %v; want the-key", alg, u.KeyID(), err)
		}
		for range 20 {
			if _, err := g.CheckToken(t.Context(), gatetest.Tampered(gatetest.Token(t, key, nil)), gate.Policy{}); !errors.Is(err, gate.ErrInvalid) {
				t.Errorf("%s, tampered: error = %v, want ErrInvalid", alg, err)
			}
		}
	}
}

func TestCookieRequest(t *testing.T) {
	g := newGate(t, gate.Config{Keys: newKey(t, keys.HS256), Locations: []gate.Location{gate.FromCookies()}})
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := g.AccessCookies(t.Context(), raw, gate.CookieOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := g.CheckToken(t.Context(), raw, gate.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Check(gatetest.CookieRequest("POST", "/", tok.CSRF(), cookies...), gate.Policy{}); err != nil {
		t.Errorf("with the CSRF value: %v", err)
	}
	for _, csrf := range []string{"", "other"} {
		if _, err := g.Check(gatetest.CookieRequest("POST", "/", csrf, cookies...), gate.Policy{}); !errors.Is(err, gate.ErrCSRF) {
			t.Errorf("with CSRF value %q: error = %v, want ErrCSRF", csrf, err)
		}
	}
}

func TestClock(t *testing.T) {
	c, key := gatetest.NewClock(), newKey(t, keys.HS256)
	g := newGate(t, gate.Config{Keys: key, Clock: c.Now})
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		move time.Duration
		want error
	}{{0, nil}, {14 * time.Minute, nil}, {time.Minute, gate.ErrExpired}, {-time.Second, nil}, {-time.Hour, gate.ErrInvalid}} {
		c.Advance(tt.move)
		if _, err := g.CheckToken(context.Background(), raw, gate.Policy{}); !errors.Is(err, tt.want) {
			t.Errorf("at %v: error = %v, want %v", c.Now(), err, tt.want)
		}
	}
	want := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	if c.Set(want); !c.Now().Equal(want) {
		t.Errorf("Now = %v after Set(%v)", c.Now(), want)
	}
}
