//go:build unix

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

// unforgiving is a store that takes each token that is not the recorded one, or its
// parent, for a reused one: also the tokens of rotations that it has lost itself.
type unforgiving struct{ keeper }

func (s *unforgiving) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	records, err := s.Sessions(ctx, r.Token.Subject)
	if err != nil {
		return stores.Rotated{}, err
	}
	if len(records) == 1 {
		if out, _ := storekit.Rotate(records[0], r, false, time.Now()); out.Outcome == stores.SessionAdopted {
			return stores.Rotated{Outcome: stores.SessionReused, Session: records[0]}, nil
		}
	}
	return s.keeper.Rotate(ctx, r)
}

// A laggard is a place with a replica that can be left without the last writes.
type laggard struct {
	place
	stop func() // nothing reaches the replica any more
	fail func() // the replica takes over
}

// laggingSentinel freezes the replica and drops its connection, so that nothing that is
// written from then on is on its way to it. Nobody waits for replicas.
func laggingSentinel(t *testing.T) laggard {
	g := servers.StartSentinel(t, 1, servers.Durable...)
	p := place{Name: "sentinel", Addrs: g.Addrs(), MasterSet: g.Name, NoWait: true}
	return laggard{p, func() {
		servers.Eventually(t, 10*time.Second, func() error {
			if out := g.Nodes[0].CLI("WAIT", "1", "1000"); out != "1" {
				return errors.New("the replica lags by itself")
			}
			return nil
		})
		g.Nodes[1].Freeze()
		g.Nodes[0].CLI("CLIENT", "KILL", "TYPE", "replica")
	}, func() {
		g.Nodes[0].Kill()
		g.Nodes[1].Thaw()
		servers.Eventually(t, 30*time.Second, func() error {
			if g.Master() != g.Nodes[1] {
				return errors.New("no failover")
			}
			return nil
		})
	}}
}

// laggingPostgres kills the standby, and starts it in the place of the primary.
func laggingPostgres(t *testing.T) laggard {
	primary := servers.StartPostgres(t, "wal_keep_size=64MB")
	d := sqlDatabase{driver: "pgx", dsn: primary.DSN, dialect: gatesql.Postgres}
	p := d.place()
	p.Name = "postgres"
	p.opener(t)() // makes the tables
	standby := primary.Standby()
	return laggard{p, func() {
		servers.Eventually(t, 20*time.Second, func() error {
			return primary.Psql("SELECT 1/COUNT(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()")
		})
		standby.Kill()
	}, func() {
		primary.Kill()
		standby.TakeOver(primary)
	}}
}

// A failedOver is a user with the token that the store has kept, and the one that he has.
type failedOver struct{ kept, held *session.Pair }

// failover lets users refresh, takes the last one to three rotations of each from the
// store by a failover, and lets them refresh with what they have. Every other one meets a
// thief, who comes first with the token that was live for the store.
func (n *sessionNodes) failover(t *testing.T, l laggard, users int) finding {
	t.Helper()
	all := make([]failedOver, users)
	for i := range all {
		first, _ := n.start(t)
		kept, err := n.refresh(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		all[i].kept = kept
	}
	nap(t.Context(), n.grace+50*time.Millisecond)
	l.stop()
	lost := rounds(users, "rotations failed before the failover", func(i int) (err error) {
		all[i].held, err = n.steps(t.Context(), all[i].kept, i%3+1)
		return err
	})
	l.fail()
	if lost.bad > 0 {
		return lost
	}
	var slow atomic.Int64
	f := rounds(users, "users logged out by a failover, or with two live tokens after it", func(i int) error {
		err := n.afterFailover(t.Context(), all[i], i%2 == 1)
		if err == errSlow { // there is no other failover to try it with
			slow.Add(1)
			return nil
		}
		return err
	})
	f.of -= int(slow.Load())
	return f
}

// afterFailover lets a user refresh whose last rotations are lost, after a thief if there
// is one.
func (n *sessionNodes) afterFailover(ctx context.Context, u failedOver, thief bool) error {
	began := time.Now()
	if thief {
		p, err := n.refresh(ctx, u.kept)
		if err != nil {
			return err
		}
		if old := u.kept.RefreshToken(); p.RefreshToken().ID != storekit.Successor(old.SessionID, old.ID) {
			return errors.New("the thief has another token")
		}
	}
	p, err := n.refresh(ctx, u.held)
	if err == nil && p.RefreshToken().ID != u.held.RefreshToken().ID {
		err = errors.New("the user has another token")
	}
	if err = n.late(began, err); err != nil {
		return err
	}
	nap(ctx, n.grace+50*time.Millisecond)
	next, err := n.refresh(ctx, p)
	if err != nil {
		return err
	}
	if next.RefreshToken().ID == u.held.RefreshToken().ID {
		return errors.New("the token is not rotated any more")
	}
	return n.wantReused(ctx, u.kept, next)
}

// TestF11Failover loses the last rotations by a real failover: Sentinel promotes a replica
// that lags, and an operator promotes a PostgreSQL standby that does.
func TestF11Failover(t *testing.T) {
	const grace = 400 * time.Millisecond
	run := func(t *testing.T, start func(*testing.T) laggard, users int, plant func(stores.Sessions) stores.Sessions) finding {
		l := start(t)
		return newSessionNodes(t, grace, l.opener(t), plant).failover(t, l, users)
	}
	for name, start := range map[string]func(*testing.T) laggard{"sentinel": laggingSentinel, "postgres": laggingPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, times := finding{}, pick(1, 20)
			for i := range times { // each in a test of its own, whose servers end with it
				t.Run(fmt.Sprint(i), func(t *testing.T) { f.add(run(t, start, 12, nil)) })
			}
			f.more = fmt.Sprintf(" (%d failovers)", times)
			holds(t, "F11 failover that loses rotations, "+name, f)
		})
	}
	t.Run("planted", func(t *testing.T) {
		t.Parallel()
		f := run(t, laggingPostgres, 6, func(s stores.Sessions) stores.Sessions { return &unforgiving{s} })
		caught(t, "F11 failover", "lost rotations taken for reuse", f)
	})
}
