package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// A ring that drops keys before their last token has expired is not ready.
func TestReadyRing(t *testing.T) {
	k, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		keep   time.Duration
		create gate.Create
		leeway time.Duration
		from   time.Time
		want   string
	}{
		{"long enough", 31 * 24 * time.Hour, gate.Create{}, time.Minute, time.Time{}, ""},
		{"just", time.Hour, gate.Create{AccessLifetime: time.Hour, RefreshLifetime: time.Minute}, 0, time.Time{}, ""},
		{"without the leeway", time.Hour, gate.Create{AccessLifetime: time.Hour, RefreshLifetime: time.Minute}, time.Second, time.Time{}, "RingOptions.Lifetime"},
		{"shorter than refresh tokens", time.Hour, gate.Create{}, 0, time.Time{}, "drops a replaced key after 1h0m0s, and tokens live for 720h0m0s"},
		{"tokens without end", time.Hour, gate.Create{RefreshLifetime: gate.NoExpiry}, 0, time.Time{}, ""},
		{"pending", 31 * 24 * time.Hour, gate.Create{}, 0, time.Now().Add(time.Hour), "pending"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ring, err := keys.NewRing(keys.RingOptions{Lifetime: tt.keep}, keys.RingKey{Key: k, From: tt.from})
			if err != nil {
				t.Fatal(err)
			}
			g, err := gate.New(gate.Config{Keys: ring, Create: tt.create, Accept: gate.Accept{Leeway: tt.leeway, Lenient: gate.Lenient{NoExpiry: true}}})
			if err != nil {
				t.Fatal(err)
			}
			err = g.Ready(t.Context())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Ready = %v, want %q", err, tt.want)
			}
		})
	}
}
