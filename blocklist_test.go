package gate_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jwtgate/gate"
)

func TestBlocklist(t *testing.T) {
	down := errors.New("connection refused")
	for _, tt := range []struct {
		name   string
		block  bool
		err    error
		policy gate.Policy
		want   string
	}{
		{"not revoked", false, nil, gate.Policy{}, "ok"},
		{"revoked", true, nil, gate.Policy{}, "revoked"},
		{"revoked, blocklist skipped", true, nil, gate.Policy{SkipBlocklist: true}, "ok"},
		{"down", false, down, gate.Policy{}, "failure"},
		{"down, and it says revoked", true, down, gate.Policy{}, "failure"},
		{"down, blocklist skipped", false, down, gate.Policy{SkipBlocklist: true}, "ok"},
		{"its error is a gate's refusal", false, gate.ErrRevoked, gate.Policy{}, "failure"},
		{"its error is another gate's refusal", false, &gate.Error{Kind: gate.ErrExpired, Reason: "expired"}, gate.Policy{}, "failure"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Blocklist: gate.BlocklistFunc(func(_ context.Context, tok *gate.Token) (bool, error) {
				if tok.ID != "id-1" || tok.Subject != "alice" {
					t.Errorf("asked for %v", tok)
				}
				return tt.block, tt.err
			})})
			_, err := g.CheckToken(t.Context(), token(), tt.policy)
			checkVerdict(t, err, tt.want)
			if tt.want == "failure" && gate.StatusCode(err) != 503 {
				t.Errorf("status = %d, want 503", gate.StatusCode(err))
			}
			if errors.Is(tt.err, down) && tt.want == "failure" && !errors.Is(err, down) {
				t.Errorf("error %v does not wrap %v", err, down)
			}
		})
	}
}

// Nobody is asked about a token that is refused for another reason.
func TestBlocklistNotAsked(t *testing.T) {
	g := newGate(t, gate.Config{Blocklist: gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) {
		t.Error("asked")
		return false, nil
	})})
	for _, raw := range []string{token() + "x", token("exp", at(0)), refreshToken(), "x"} {
		if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); err == nil {
			t.Errorf("%s is accepted", raw)
		}
	}
}
