package gate_test

import (
	"context"
	"testing"

	"github.com/jwtgate/gate"
)

func TestContext(t *testing.T) {
	tok := must(newGate(t, gate.Config{}).CheckToken(t.Context(), token(), gate.Policy{}))
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		token   *gate.Token
		guarded bool
	}{
		{"no guard", t.Context(), nil, false},
		{"visitor without a token", gate.NewContext(t.Context(), nil), nil, true},
		{"token", gate.NewContext(t.Context(), tok), tok, true},
		{"visitor behind an inner guard", gate.NewContext(gate.NewContext(t.Context(), tok), nil), nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := gate.FromContext(tt.ctx); got != tt.token || ok != (tt.token != nil) {
				t.Errorf("FromContext = %v, %v; want %v", got, ok, tt.token)
			}
			if got := gate.Guarded(tt.ctx); got != tt.guarded {
				t.Errorf("Guarded = %v, want %v", got, tt.guarded)
			}
		})
	}
}

func TestUser(t *testing.T) {
	alice := &account{"alice"}
	g := newGate(t, gate.Config{LoadUser: func(context.Context, *gate.Token) (any, error) { return alice, nil }})
	tok := must(g.CheckToken(t.Context(), token(), gate.Policy{}))
	ctx := gate.NewContext(t.Context(), tok)
	if got, ok := gate.User[*account](ctx); !ok || got != alice {
		t.Errorf("User[*account] = %v, %v; want alice", got, ok)
	}
	if got, ok := gate.User[account](ctx); ok || got != (account{}) {
		t.Errorf("User of another type = %v, %v; want neither", got, ok)
	}
	if got, ok := gate.User[*account](t.Context()); ok || got != nil {
		t.Errorf("User without a token = %v, %v; want neither", got, ok)
	}
	if got, ok := gate.User[*account](gate.NewContext(t.Context(), nil)); ok || got != nil {
		t.Errorf("User of a visitor = %v, %v; want neither", got, ok)
	}
}
