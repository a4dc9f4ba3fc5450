package gatetest_test

import (
	"errors"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

func TestContext(t *testing.T) {
	type account struct{ Name string }
	for _, tt := range []struct {
		name   string
		claims map[string]any
		want   gate.TokenType
	}{
		{"nothing said", nil, gate.Access},
		{"refresh", map[string]any{"type": "refresh"}, gate.Refresh},
		{"a type of one's own", map[string]any{"type": gate.TokenType("reset")}, "reset"},
		{"no type", map[string]any{"type": nil}, ""},
		{"issued in another year", map[string]any{"iat": time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), "nbf": nil, "exp": nil}, gate.Access},
		{"issued in seconds", map[string]any{"iat": 1_700_000_000, "nbf": nil, "exp": 1_700_000_060}, gate.Access},
		{"hardly a claim", map[string]any{"jti": nil, "iat": nil, "nbf": nil, "exp": nil, "fresh": nil}, gate.Access},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claims := maps.Clone(tt.claims)
			ctx := gatetest.Context(t, claims, &account{"Alice"})
			tok, ok := gate.FromContext(ctx)
			user, found := gate.User[*account](ctx)
			if !ok || !found || user.Name != "Alice" || tok.Subject != "alice" || tok.Type != tt.want || tok.VerifiedIssuer() != "" || !gate.Guarded(ctx) {
				t.Errorf("token %v, user %v", tok, user)
			}
			if !reflect.DeepEqual(claims, tt.claims) {
				t.Errorf("the claims were changed to %v", claims)
			}
		})
	}
	if _, found := gate.User[*account](gatetest.Context(t, nil, nil)); found {
		t.Error("a user, though none was given")
	}
}

func TestVerifiedToken(t *testing.T) {
	for _, issuer := range []string{"", "https://idp.example"} {
		tok := gatetest.VerifiedToken(t, issuer, map[string]any{"sub": "bob", "scope": "read write", "n": 9007199254740993, "aud": []string{"api"}})
		var claims struct {
			Scope string `json:"scope"`
			N     int64  `json:"n"`
		}
		if err := tok.Claims(&claims); err != nil || claims.Scope != "read write" || claims.N != 9007199254740993 {
			t.Errorf("Claims = %+v, %v", claims, err)
		}
		if tok.VerifiedIssuer() != issuer || tok.Issuer != issuer || tok.Subject != "bob" || tok.VerifiedKey() == nil {
			t.Errorf("token %v of %q, want bob's of %q", tok, tok.VerifiedIssuer(), issuer)
		}
	}
}

// Tokens and clock fit each other, whatever the time is.
func TestClockToken(t *testing.T) {
	key := newKey(t, keys.HS256)
	for _, c := range []*gatetest.Clock{gatetest.NewClock(), gatetest.ClockAt(time.Now()), gatetest.ClockAt(time.Unix(1_000_000_000, 0))} {
		g := newGate(t, gate.Config{Keys: key, Clock: c.Now})
		raw := c.Token(t, key, map[string]any{"sub": "carol"})
		tok, err := g.CheckToken(t.Context(), raw, gate.Policy{})
		if err != nil || tok.Subject != "carol" {
			t.Errorf("at %v: %v, %v", c.Now(), tok, err)
		}
		c.Advance(time.Hour)
		_, err = g.CheckToken(t.Context(), raw, gate.Policy{})
		if !errors.Is(err, gate.ErrExpired) {
			t.Errorf("an hour later: error = %v, want ErrExpired", err)
		}
	}
}
