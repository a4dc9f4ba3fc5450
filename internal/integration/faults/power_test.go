//go:build linux

package faults_test

import (
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores/gateredis"
)

// TestPowerCut cuts the power in the middle of writes: what was not synced to the disk is
// gone. With appendfsync always nothing that was acknowledged is lost; with everysec what
// is younger than two seconds may be.
func TestPowerCut(t *testing.T) {
	run := func(args []string, cuts int, low time.Duration) (*ledger, []time.Time, finding) {
		server, cut := servers.StartPoweredRedis(t, args...)
		return crash(t, cut, server.Start, cuts, low, func() revoker {
			return newStore(t, connect(t, alone(server.Addr)), gateredis.Options{Insecure: gateredis.Insecure{AllowEverysec: true}})
		})
	}
	_, _, f := run(servers.Durable, pick(3, 30), 150*time.Millisecond)
	holds(t, "F23 redis power cut, appendfsync always", f)

	const window = 3 * time.Second
	l, ended, f := run(servers.Everysec, pick(2, 20), window)
	holds(t, "F23 redis power cut, appendfsync everysec", oldLost(l, ended, window, f))
	caught(t, "F23", "everysec taken for always", f)
}
