//go:build unix

package faults_test

import (
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
	"github.com/jwtgate/gate/stores/gateredis"
)

// redisNodes opens stores of one server, one client each.
func redisNodes(t *testing.T, co rueidis.ClientOption, o gateredis.Options) func(func() time.Time) stores.Store {
	o.Timeout = 5 * time.Second
	return func(clock func() time.Time) stores.Store {
		o.Clock = clock
		return newStore(t, connect(t, co), o)
	}
}

var (
	sameClock = make([]time.Duration, 3)
	apart2s   = []time.Duration{0, -2 * time.Second, 0}
	apart60s  = []time.Duration{-60 * time.Second, 0, 0}
)

// TestLogOutEverywhere logs an account out everywhere against thieves who refresh, and
// expects that none of their tokens is good afterwards, and that every later login is.
func TestLogOutEverywhere(t *testing.T) {
	memory := must(gatemem.New(gatemem.Options{}))
	logOutEverywhere(t, "gatemem", newFleet(t, sameClock, gate.Create{}, func(func() time.Time) stores.Store { return memory }))
	logOutEverywhere(t, "gatemem, gates' clocks 60s apart", newFleet(t, apart60s, gate.Create{}, func(func() time.Time) stores.Store { return memory }))

	server := servers.StartRedis(t, servers.Durable...)
	single := alone(server.Addr)
	const cacheFor = 200 * time.Millisecond
	for _, tt := range []struct {
		name    string
		offsets []time.Duration
		create  gate.Create
		o       gateredis.Options
	}{
		{"redis", sameClock, gate.Create{}, gateredis.Options{}},
		{"redis, cache", sameClock, gate.Create{}, gateredis.Options{CacheFor: cacheFor}},
		{"redis, clocks 2s apart", apart2s, gate.Create{}, gateredis.Options{}},
		{"redis, clocks 60s apart, cache", apart60s, gate.Create{}, gateredis.Options{CacheFor: cacheFor}},
		{"redis, no generations, clocks 2s apart", apart2s, gate.Create{OmitGeneration: true}, gateredis.Options{}},
		{"redis, no generations, clocks 60s apart", apart60s, gate.Create{OmitGeneration: true}, gateredis.Options{Skew: 61 * time.Second}},
	} {
		f := newFleet(t, tt.offsets, tt.create, redisNodes(t, single, tt.o))
		f.stale = tt.o.CacheFor
		logOutEverywhere(t, tt.name, f)
	}
	for name, create := range map[string]gate.Create{"redis, writer 350ms": {}, "redis, writer 350ms, no generations": {OmitGeneration: true}} {
		f := newFleet(t, sameClock, create, redisNodes(t, single, gateredis.Options{}))
		f.slow = func() { server.CLI("CLIENT", "PAUSE", "350", "WRITE") }
		logOutEverywhere(t, name, f)
	}

	// The second stamp and Skew are what covers tokens without a generation.
	f := newFleet(t, apart2s, gate.Create{OmitGeneration: true}, redisNodes(t, single, gateredis.Options{Skew: -1}))
	survivors, _ := f.everywhere(5)
	caught(t, "F25", "no allowance for clocks", survivors)
}

// TestLogOutEverywhereSentinel is the same under Sentinel.
func TestLogOutEverywhereSentinel(t *testing.T) {
	t.Parallel()
	g := servers.StartSentinel(t, 1, servers.Durable...)
	co := rueidis.ClientOption{InitAddress: g.Addrs(), Sentinel: rueidis.SentinelOption{MasterSet: g.Name}}
	logOutEverywhere(t, "sentinel", newFleet(t, apart2s, gate.Create{}, redisNodes(t, co, gateredis.Options{Replicas: 1})))
	f := newFleet(t, apart60s, gate.Create{}, redisNodes(t, co, gateredis.Options{Replicas: 1, CacheFor: 200 * time.Millisecond}))
	f.stale = 200 * time.Millisecond
	logOutEverywhere(t, "sentinel, cache", f)
}

// TestLogOutEverywhereCluster is the same on a Cluster.
func TestLogOutEverywhereCluster(t *testing.T) {
	t.Parallel()
	c := servers.StartCluster(t, 3, 0, servers.Durable...)
	co := rueidis.ClientOption{InitAddress: c.Addrs()}
	logOutEverywhere(t, "cluster", newFleet(t, apart2s, gate.Create{}, redisNodes(t, co, gateredis.Options{})))
	f := newFleet(t, apart60s, gate.Create{}, redisNodes(t, co, gateredis.Options{CacheFor: 200 * time.Millisecond}))
	f.stale = 200 * time.Millisecond
	logOutEverywhere(t, "cluster, cache", f)
}
