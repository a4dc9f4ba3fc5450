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
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"accepted", nil, "ok"},
		{"refused", mine, "rejected"},
		{"refused with a sentinel of the gate", gate.ErrExpired, "rejected"},
		{"refused with an Error of the gate", &gate.Error{Kind: gate.ErrMissing, Reason: "missing"}, "rejected"},
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
			if !errors.Is(err, tt.err) || gate.StatusCode(err) != 403 {
				t.Errorf("error = %v with status %d, want %v with 403", err, gate.StatusCode(err), tt.err)
			}
		})
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
