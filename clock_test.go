package gate_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// TestRetiringKey: the ring says when a key ends, and the gate when a token does, each by
// its own clock.
func TestRetiringKey(t *testing.T) {
	after := func(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
	for _, tt := range []struct {
		name       string
		ring, gate func() time.Time
		wait       time.Duration
		want       error
	}{
		{"both have time.Now", nil, nil, 0, nil},
		{"the token has expired", nil, nil, 20 * time.Minute, gate.ErrExpired},
		{"the key has ended", nil, nil, 3 * time.Hour, gate.ErrInvalid},
		{"for the gate alone it is later", nil, after(20 * time.Minute), 0, gate.ErrExpired},
		{"for the gate alone it is much later", nil, after(3 * time.Hour), 0, gate.ErrExpired},
		{"for the gate alone it is earlier", nil, after(-15 * time.Minute), 20 * time.Minute, nil},
		{"for the ring alone it is much later", after(3 * time.Hour), nil, 0, gate.ErrInvalid},
		{"for the ring alone it is earlier", after(-15 * time.Minute), nil, 20 * time.Minute, gate.ErrExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old, next := must(keys.Generate(keys.ES256)), must(keys.Generate(keys.ES256))
				raw := must(must(gate.New(gate.Config{Keys: must(keys.NewSet(old))})).CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}))
				ring := must(keys.NewRing(keys.RingOptions{Lifetime: time.Hour, Clock: tt.ring},
					keys.RingKey{Key: old}, keys.RingKey{Key: next, From: time.Now()}))
				g := must(gate.New(gate.Config{Keys: ring, Clock: tt.gate}))
				time.Sleep(tt.wait)
				if tok, err := g.CheckToken(t.Context(), raw, gate.Policy{}); !errors.Is(err, tt.want) {
					t.Errorf("CheckToken = %v, %v; want %v", tok, err, tt.want)
				}
			})
		})
	}
}
