//go:build unix

package faults_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
	"github.com/jwtgate/gate/stores/gateredis"
	"github.com/jwtgate/gate/stores/gatesql"
)

// A place is where sessions are kept. Its fields can be given to another process.
type place struct {
	Name        string
	Driver, DSN string // of a database
	Dialect     gatesql.Dialect
	Addrs       []string // of Redis servers, or of sentinels
	MasterSet   string
	NoWait      bool // a write is acknowledged before a replica has it
	memory      *gatemem.Store
}

// client is how a process connects to the Redis servers.
func (p place) client() rueidis.ClientOption {
	o := rueidis.ClientOption{InitAddress: p.Addrs, ForceSingleClient: p.MasterSet == "" && len(p.Addrs) == 1}
	o.ConnWriteTimeout, o.Dialer.Timeout = time.Second, time.Second
	o.ClientTrackingOptions = gateredis.Tracking("")
	o.Sentinel.MasterSet = p.MasterSet
	if p.MasterSet != "" {
		o.Sentinel.TopologyRefreshInterval = 5 * time.Second
	}
	return o
}

// open opens a store with a client of its own, as a process does.
func (p place) open(ctx context.Context) (s stores.Sessions, closeClient func(), err error) {
	switch {
	case p.memory != nil:
		return p.memory, func() {}, nil
	case p.Driver != "":
		db, err := sqlDatabase{driver: p.Driver, dsn: p.DSN}.connect()
		if err != nil {
			return nil, nil, err
		}
		s, err := gatesql.Open(ctx, db, gatesql.Options{Dialect: p.Dialect, TrustOlderTokens: true, Timeout: 10 * time.Second})
		return s, func() { _ = db.Close() }, err
	}
	client, err := rueidis.NewClient(p.client())
	if err != nil {
		return nil, nil, err
	}
	o := gateredis.Options{TrustOlderTokens: true, Timeout: 5 * time.Second}
	if p.MasterSet != "" && !p.NoWait {
		o.Replicas = 1
	}
	own, err := gateredis.New(client, o)
	if err == nil {
		err = own.Check(ctx)
	}
	return own, client.Close, err
}

// opener opens stores that are closed when the test ends.
func (p place) opener(t *testing.T) func() stores.Sessions {
	return func() stores.Sessions {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s, closeClient, err := p.open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(closeClient)
		return s
	}
}

// places start what sessions are kept in, by name.
var places = map[string]func(t *testing.T) place{
	"gatemem": func(*testing.T) place {
		return place{memory: must(gatemem.New(gatemem.Options{}))}
	},
	"sqlite":   func(t *testing.T) place { return sqliteDatabase(t).place() },
	"postgres": func(t *testing.T) place { return postgresDatabase(t).place() },
	"mariadb":  func(t *testing.T) place { return mariaDatabase(t).place() },
	"redis": func(t *testing.T) place {
		return place{Addrs: []string{servers.StartRedis(t, servers.Durable...).Addr}}
	},
	"sentinel": func(t *testing.T) place {
		g := servers.StartSentinel(t, 1, servers.Durable...)
		return place{Addrs: g.Addrs(), MasterSet: g.Name}
	},
	"cluster": func(t *testing.T) place {
		return place{Addrs: servers.StartCluster(t, 3, 0, servers.Durable...).Addrs()}
	},
}

func (d sqlDatabase) place() place { return place{Driver: d.driver, DSN: d.dsn, Dialect: d.dialect} }

// everyPlace runs a test at each place, and returns when all have ended. The long form
// runs them one after another, so that they have the machine for themselves.
func everyPlace(t *testing.T, test func(t *testing.T, p place)) {
	t.Run("at", func(t *testing.T) {
		for name, start := range places {
			t.Run(name, func(t *testing.T) {
				if !long() {
					t.Parallel()
				}
				p := start(t)
				p.Name = name
				test(t, p)
			})
		}
	})
}
