//go:build unix

package sql_test

import (
	"testing"
	"time"

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		suite := func(conns int) func(t *testing.T) {
			return func(t *testing.T) {
				db := (&database{dialect: d.dialect, driver: d.driver, dsn: d.dsn, conns: conns}).open(t)
				gatetest.Sessions(t, func(t *testing.T, clock func() time.Time) stores.Sessions {
					return open(t, db, gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: clock, ServerClock: clock, TrustOlderTokens: true})
				})
			}
		}
		t.Run("database", suite(0))
		if d.dialect == gatesql.MySQL {
			d.dsn += "?clientFoundRows=true"
			t.Run("found rows", suite(0))
		}
		t.Run("one connection", suite(1))
	})
}
