//go:build unix

package gateredis_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// connect returns a client with the settings that the package advises.
func connect(t testing.TB, o rueidis.ClientOption) rueidis.Client {
	t.Helper()
	o.ConnWriteTimeout = 2 * time.Second
	o.ClientTrackingOptions = gateredis.Tracking("")
	client, err := rueidis.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func single(t testing.TB, args ...string) (*servers.Redis, rueidis.Client) {
	t.Helper()
	r := servers.StartRedis(t, args...)
	return r, connect(t, rueidis.ClientOption{InitAddress: []string{r.Addr}, ForceSingleClient: true})
}

func sentinel(t testing.TB) rueidis.Client {
	t.Helper()
	g := servers.StartSentinel(t, 2, servers.Durable...)
	return connect(t, rueidis.ClientOption{InitAddress: g.Addrs(), Sentinel: rueidis.SentinelOption{MasterSet: g.Name}})
}

func cluster(t testing.TB) rueidis.Client {
	t.Helper()
	return connect(t, rueidis.ClientOption{InitAddress: servers.StartCluster(t, 3, 0, servers.Durable...).Addrs()})
}

// mustNew is New with a timeout that a loaded machine keeps.
func mustNew(t testing.TB, client rueidis.Client, o gateredis.Options) *gateredis.Store {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	s, err := gateredis.New(client, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var scopes atomic.Int64

// scope is one that no other test uses, so that tests can share a server.
func scope() string { return fmt.Sprint("scope-", scopes.Add(1)) }

func TestBlocklist(t *testing.T) {
	for _, tt := range []struct {
		name    string
		connect func(t *testing.T) rueidis.Client
		options gateredis.Options
	}{
		{"single", func(t *testing.T) rueidis.Client { _, c := single(t, servers.Durable...); return c }, gateredis.Options{}},
		{"single, cached", func(t *testing.T) rueidis.Client { _, c := single(t, servers.Durable...); return c }, gateredis.Options{CacheFor: time.Second}},
		{"sentinel, two replicas waited for", func(t *testing.T) rueidis.Client { return sentinel(t) }, gateredis.Options{Replicas: 2}},
		{"cluster", func(t *testing.T) rueidis.Client { return cluster(t) }, gateredis.Options{}},
		{"cluster, cached", func(t *testing.T) rueidis.Client { return cluster(t) }, gateredis.Options{CacheFor: time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := tt.connect(t)
			newStore := func(t *testing.T, clock func() time.Time) *gateredis.Store {
				o := tt.options
				o.Scope, o.Clock, o.ServerClock = stores.NewScope(scope()), clock, clock
				o.TrustOlderTokens = true // the suite's tokens are of any age
				return mustNew(t, client, o)
			}
			gatetest.Blocklist(t, func(t *testing.T, clock func() time.Time) stores.Store { return newStore(t, clock) })
			t.Run("sessions", func(t *testing.T) {
				gatetest.Sessions(t, func(t *testing.T, clock func() time.Time) stores.Sessions { return newStore(t, clock) })
			})
		})
	}
}

func testKey(t testing.TB) *keys.Key {
	t.Helper()
	key, err := keys.HMAC(keys.HS256, []byte("a secret of thirty-two bytes, ok"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
