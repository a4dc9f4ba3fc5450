//go:build unix

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// fat is naive with a kilobyte in each entry, which fills the buffers of the wire to a
// replica that does not read.
type fat struct{ naive }

var padding = strings.Repeat("x", 1024)

func (s fat) RevokeToken(ctx context.Context, t *gate.Token, _ stores.Note) error {
	return s.client.Do(ctx, s.client.B().Set().Key("naive:"+t.ID).Value(padding).Ex(time.Hour).Build()).Error()
}

// loseMaster are the ways in which a group loses its master. Each returns what is to
// be done once another has taken over.
var loseMaster = map[string]func(t *testing.T, g *servers.SentinelGroup) func(){
	"kill -9": func(_ *testing.T, g *servers.SentinelGroup) func() {
		g.Nodes[0].Kill()
		return func() {}
	},
	"frozen, and thawed later": func(_ *testing.T, g *servers.SentinelGroup) func() {
		g.Nodes[0].Freeze()
		return g.Nodes[0].Thaw
	},
	"kill -9 while replicas lag": func(t *testing.T, g *servers.SentinelGroup) func() {
		for _, n := range g.Nodes[1:] {
			n.Freeze()
		}
		// Else what a slow machine writes is on its way to them, in the buffers of sockets.
		g.Nodes[0].CLI("CLIENT", "KILL", "TYPE", "replica")
		nap(t.Context(), 450*time.Millisecond)
		g.Nodes[0].Kill()
		for _, n := range g.Nodes[1:] {
			n.Thaw()
		}
		return func() {}
	},
}

// TestSentinelFailover takes the master from a group under Sentinel, while writers write: what was
// acknowledged, once a replica had it, is kept.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, how string, open func(t *testing.T, c rueidis.Client) revoker) finding {
		g := servers.StartSentinel(t, 2, servers.Everysec...) // which is quick, so that replicas lag
		o := rueidis.ClientOption{InitAddress: g.Addrs(), Sentinel: rueidis.SentinelOption{MasterSet: g.Name}}
		store := open(t, connect(t, o))
		var l ledger
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan struct{})
		go func() { l.write(ctx, store, 16); close(done) }()
		nap(ctx, 300*time.Millisecond)
		down := time.Now()
		after := loseMaster[how](t, g)
		servers.Eventually(t, 30*time.Second, func() error {
			if g.Master() == g.Nodes[0] {
				return errors.New("no failover")
			}
			return nil
		})
		had := l.size()
		servers.Eventually(t, 30*time.Second, func() error {
			if l.size() < had+10 {
				return errors.New("nothing is acknowledged after the failover")
			}
			return nil
		})
		outage := time.Since(down)
		if outage > 10*time.Second { // most of it is the sentinels' own
			t.Errorf("F6 %s: nothing could be revoked for %v", how, outage)
		}
		after()
		nap(ctx, 500*time.Millisecond)
		cancel()
		<-done
		f := l.audit(t.Context(), store).open()
		f.add(l.audit(t.Context(), open(t, connect(t, o))).open())
		f.more = fmt.Sprintf(" (outage %v, %d writes refused)", outage.Round(time.Millisecond), l.errors)
		return f
	}
	for _, how := range []string{"kill -9", "frozen, and thawed later", "kill -9 while replicas lag"} {
		for i := range pick(1, 20) { // each in a test of its own, whose servers end with it
			t.Run(fmt.Sprint(how, i), func(t *testing.T) {
				holds(t, "F6 sentinel, master "+how+", WAIT 1", run(t, how, func(t *testing.T, c rueidis.Client) revoker {
					return newStore(t, c, gateredis.Options{Replicas: 1, Insecure: gateredis.Insecure{AllowEverysec: true}})
				}))
			})
		}
	}
	caught(t, "F6", "no WAIT", run(t, "kill -9 while replicas lag", func(_ *testing.T, c rueidis.Client) revoker { return fat{naive{c}} }))
}

// A rig is a Cluster with three nodes of a service on it.
type rig struct {
	t     *testing.T
	c     *servers.Cluster
	nodes []*gateredis.Store
}

// run has one node revoke, and one and the given verifier verify, while the fault
// happens.
func (r *rig) run(stale time.Duration, verifier gate.Blocklist, fault func()) *watch {
	w := newWatch(20000, stale)
	ctx, cancel := context.WithCancel(r.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.revoke(ctx, r.nodes[0], time.Millisecond) })
	wg.Go(func() { w.verify(ctx, r.nodes[1], 8) })
	wg.Go(func() { w.verify(ctx, verifier, 8) })
	fault()
	cancel()
	wg.Wait()
	return w
}

// total is what a watch has found, and what of the acknowledged is lost.
func (r *rig) total(w *watch) finding {
	l := ledger{}
	for i, tok := range w.tokens {
		if w.acked[i].Load() != 0 {
			l.tokens = append(l.tokens, tok)
		}
	}
	f := w.finding()
	lost := l.audit(r.t.Context(), r.nodes[2]).open()
	if lost.of == 0 {
		r.t.Error("F7: nothing was revoked")
	}
	f.bad += lost.bad
	f.more = fmt.Sprintf(" (%d revoked, %d of them lost, %d checks refused)", lost.of, lost.bad, w.errors.Load())
	return f
}

// kill kills a master, waits until its replica has taken over, and starts it again as
// a replica of that, which has none for WAIT.
func (r *rig) kill(n *servers.Redis) {
	nap(r.t.Context(), 300*time.Millisecond)
	n.Kill()
	servers.Eventually(r.t, 30*time.Second, func() error {
		if masters := r.c.Masters(r.c.Nodes[1]); len(masters) < 3 || slices.Contains(masters, n) {
			return errors.New("no failover")
		}
		return nil
	})
	n.Start()
	servers.Eventually(r.t, 30*time.Second, func() error {
		if out, _ := n.TryCLI("INFO", "replication"); !strings.Contains(out, "master_link_status:up") {
			return errors.New("the old master is no replica yet")
		}
		return nil
	})
	nap(r.t.Context(), 500*time.Millisecond)
}

func (r *rig) move(from, to *servers.Redis, slots int) {
	if err := r.c.Reshard(from, to, slots); err != nil {
		r.t.Error(err)
	}
}

// TestClusterMovesSlots moves slots of a Cluster under load, and kills masters.
func TestClusterMovesSlots(t *testing.T) {
	t.Parallel()
	c := servers.StartCluster(t, 3, 1, servers.Durable...)
	o := rueidis.ClientOption{InitAddress: c.Addrs()}
	r := &rig{t, c, nodes(t, 3, o, gateredis.Options{Replicas: 1, Timeout: time.Second})}
	slots, a, b := pick(1000, 5000), c.Nodes[0], c.Nodes[1]
	plain := r.nodes[2]
	holds(t, fmt.Sprintf("F7 cluster, %d slots moved, S=0", slots), r.total(r.run(0, plain, func() { r.move(a, b, slots) })))
	cached := newStore(t, connect(t, o), gateredis.Options{CacheFor: time.Second, Timeout: time.Second})
	holds(t, fmt.Sprintf("F7 cluster, %d slots moved back, cache, S=1s", slots),
		r.total(r.run(time.Second, cached, func() { r.move(b, a, slots) })))
	holds(t, "F7 cluster, a master killed -9, WAIT 1", r.total(r.run(0, plain, func() { r.kill(c.Nodes[2]) })))
	quick := newStore(t, connect(t, o), gateredis.Options{Timeout: 20 * time.Millisecond})
	w := r.run(0, trusting{quick}, func() { r.kill(a) })
	caught(t, "F7", "an error taken for not revoked", w.finding())
}
