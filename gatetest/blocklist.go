package gatetest

import (
	"testing"
	"time"

	"github.com/jwtgate/gate/stores"
)

// Blocklist runs the suite that every store of revoked tokens passes. newStore returns
// an empty store that tells the time by clock and has the default Leeway
// ([stores.DefaultLeeway]) and MaxLifetime ([stores.DefaultMaxLifetime]); it closes
// what it opens with t.Cleanup.
func Blocklist(t *testing.T, newStore func(t *testing.T, clock func() time.Time) stores.Store) {
	t.Run("starts empty", func(t *testing.T) {
		c := NewClock()
		blocked, err := newStore(t, c.Now).Blocked(t.Context(), NewToken(c, "a"))
		if blocked || err != nil {
			t.Errorf("Blocked = %v, %v; want false, nil", blocked, err)
		}
	})
}
