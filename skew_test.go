package gate_test

import (
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// Skew is for what has begun, Leeway for what has ended, and the larger one for the first.
func TestSkew(t *testing.T) {
	for _, tt := range []struct {
		name         string
		skew, leeway time.Duration
		claim        string
		ahead        int64
		want         string
	}{
		{"none, now", -1, 0, "iat", 0, "ok"},
		{"none, iat", -1, 0, "iat", 1, "iat_future"},
		{"none, nbf", -1, 0, "nbf", 1, "nbf_future"},
		{"a second, iat", time.Second, 0, "iat", 1, "ok"},
		{"a second, iat behind", time.Second, 0, "iat", 2, "iat_future"},
		{"a second, exp", time.Second, 0, "exp", 0, "expired"},
		{"smaller than the leeway", time.Second, 2 * time.Minute, "nbf", 120, "ok"},
		{"none, smaller than the leeway", -1, time.Second, "nbf", 1, "ok"},
		{"larger than the leeway", time.Hour, time.Second, "nbf", 3600, "ok"},
		{"larger than the leeway, exp", time.Hour, time.Second, "exp", -1, "expired"},
		{"default, exp", 0, 0, "exp", 0, "expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Accept: gate.Accept{Skew: tt.skew, Leeway: tt.leeway}})
			_, err := g.CheckToken(t.Context(), token(tt.claim, at(tt.ahead)), gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
}
