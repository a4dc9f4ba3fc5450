//go:build linux

package faults_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores/gateredis"
)

// TestPowerCut cuts the power in the middle of writes: what was not synced to the disk is
// gone. With appendfsync always nothing that was acknowledged is lost; with everysec what
// is younger than two seconds may be.
func TestPowerCut(t *testing.T) {
	open := func(r *servers.Redis) revoker {
		return newStore(t, connect(t, alone(r.Addr)), gateredis.Options{Insecure: gateredis.Insecure{AllowEverysec: true}})
	}
	server, cut := servers.StartPoweredRedis(t, servers.Durable...)
	_, _, f := crash(t, server, cut, pick(3, 30), 150*time.Millisecond, open)
	holds(t, "F23 redis power cut, appendfsync always", f)

	const window = 3 * time.Second
	server, cut = servers.StartPoweredRedis(t, servers.Everysec...)
	l, killed, f := crash(t, server, cut, pick(2, 20), window, open)
	lost := f.bad
	f.bad, f.what = 0, "acknowledged revocations lost that were not of the last moments"
	for _, i := range l.lost {
		next := slices.IndexFunc(killed, func(k time.Time) bool { return k.After(l.acked[i]) })
		if next >= 0 && killed[next].Sub(l.acked[i]) > window {
			f.bad++
		}
	}
	f.more = fmt.Sprintf(" (%d younger ones lost; %d cuts)", len(l.lost)-f.bad, len(killed))
	holds(t, "F23 redis power cut, appendfsync everysec", f)
	f.bad, f.what = lost, "acknowledged revocations lost"
	caught(t, "F23", "everysec taken for always", f)
}
