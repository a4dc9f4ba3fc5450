//go:build unix

package faults_test

import (
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/internal/sessiontest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
	"github.com/jwtgate/gate/stores/gatesql"
)

// TestSessionsAgainstModel holds sessions in every database to a model of them.
func TestSessionsAgainstModel(t *testing.T) {
	for _, start := range []func(*testing.T) sqlDatabase{sqliteDatabase, postgresDatabase, mariaDatabase} {
		d := start(t)
		t.Run(d.name, func(t *testing.T) {
			sessiontest.AgainstModel(t, pick(30, 500), func(clock func() time.Time) stores.Sessions {
				return d.store(t, gatesql.Options{Clock: clock, ServerClock: clock, Leeway: sessiontest.Leeway})
			})
		})
	}
	server := alone(servers.StartRedis(t, servers.Durable...).Addr)
	t.Run("redis", func(t *testing.T) {
		sessiontest.AgainstModel(t, pick(30, 500), func(clock func() time.Time) stores.Sessions {
			return newStore(t, connect(t, server), gateredis.Options{Clock: clock, ServerClock: clock, Leeway: sessiontest.Leeway})
		})
	})
}
