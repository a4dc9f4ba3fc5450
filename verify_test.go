package gate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jwtgate/gate"
)

func TestVerify(t *testing.T) {
	mine := errors.New("the account is locked")
	shared := &gate.Error{Kind: gate.ErrScope, Reason: "of my own", Name: "admin"}
	for _, tt := range []struct {
		name   string
		err    error
		want   string
		is     error
		status int
	}{
		{"accepted", nil, "ok", nil, 0},
		{"refused", mine, "rejected", mine, 403},
		{"a kind", gate.ErrExpired, "expired", gate.ErrExpired, 401},
		{"a kind, wrapped", fmt.Errorf("step up: %w", gate.ErrScope), "scope", gate.ErrScope, 403},
		{"a kind and a failure", gate.Unavailable(gate.ErrExpired), "failure", nil, 503},
		{"an Error", &gate.Error{Kind: gate.ErrRevoked, Reason: "revoked"}, "revoked", gate.ErrRevoked, 401},
		{"an Error without kind", &gate.Error{Reason: "x"}, "rejected", gate.ErrRejected, 403},
		{"a failure", fmt.Errorf("verify: %w", gate.Unavailable(mine)), "failure", mine, 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Verify: func(_ context.Context, tok *gate.Token) error {
				if tok.Subject != "alice" {
					t.Errorf("asked for %v", tok)
				}
				return tt.err
			}})
			_, err := g.CheckToken(t.Context(), token(), gate.Policy{})
			checkVerdict(t, err, tt.want)
			if err == nil {
				return
			}
			if tt.is != nil && !errors.Is(err, tt.is) || tt.is == nil && errors.Is(err, gate.ErrExpired) || gate.StatusCode(err) != tt.status {
				t.Errorf("error = %v with status %d, want %v with %d", err, gate.StatusCode(err), tt.is, tt.status)
			}
		})
	}
	g := newGate(t, gate.Config{Verify: func(context.Context, *gate.Token) error { return shared }})
	_, err := g.CheckToken(t.Context(), token(), gate.Policy{})
	var e *gate.Error
	if !errors.As(err, &e) || e.Kind != gate.ErrScope || e.Reason != "of my own" || e.Token == nil || shared.Token != nil {
		t.Errorf("an Error of the application = %+v, want a copy with the token; the application's has %v", e, shared.Token)
	}
}

type account struct{ name string }

func TestLoadUser(t *testing.T) {
	down := errors.New("connection refused")
	for _, tt := range []struct {
		name string
		user any
		err  error
		want string
	}{
		{"pointer", &account{"alice"}, nil, "ok"},
		{"value", account{"alice"}, nil, "ok"},
		{"zero value", account{}, nil, "ok"},
		{"nil", nil, nil, "no_user"},
		{"nil pointer", (*account)(nil), nil, "no_user"},
		{"nil map", map[string]any(nil), nil, "no_user"},
		{"nil slice", []string(nil), nil, "no_user"},
		{"ErrNoUser", nil, gate.ErrNoUser, "no_user"},
		{"ErrNoUser, wrapped", &account{}, fmt.Errorf("mine: %w", gate.ErrNoUser), "no_user"},
		{"store down", nil, down, "failure"},
		{"store down, with a user", &account{"alice"}, down, "failure"},
		{"another gate's refusal", nil, gate.ErrExpired, "failure"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{LoadUser: func(context.Context, *gate.Token) (any, error) { return tt.user, tt.err }})
			tok, err := g.CheckToken(t.Context(), token(), gate.Policy{})
			checkVerdict(t, err, tt.want)
			if tt.want == "failure" && gate.StatusCode(err) != 503 {
				t.Errorf("status = %d, want 503", gate.StatusCode(err))
			}
			if user, ok := gate.User[any](gate.NewContext(t.Context(), tok)); ok != (tt.want == "ok") || ok && user != tt.user {
				t.Errorf("User = %v, %v", user, ok)
			}
		})
	}
}
