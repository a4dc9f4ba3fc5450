//go:build unix

package faults_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
	"github.com/jwtgate/gate/stores/gateredis"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

// strict is a store without a grace period, as many libraries have it.
type strict struct{ keeper }

func (s *strict) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	r.Grace = time.Nanosecond
	return s.keeper.Rotate(ctx, r)
}

// twoSteps is a store that reads, judges, and writes, with no condition between.
type twoSteps struct {
	keeper
	mu      *sync.Mutex
	records map[string]stores.SessionRecord
}

func (s *twoSteps) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	s.mu.Lock()
	record, ok := s.records[r.Token.SessionID]
	s.mu.Unlock()
	if !ok {
		for _, have := range must(s.Sessions(ctx, r.Token.Subject)) {
			if have.ID == r.Token.SessionID {
				record = have
			}
		}
	}
	out, changed := storekit.Rotate(record, r, false, time.Now())
	nap(ctx, time.Millisecond) // the way to the server
	if changed {
		s.mu.Lock()
		s.records[record.ID] = out.Session
		s.mu.Unlock()
	}
	return out, nil
}

// endless is a store whose sessions go on after a reuse.
type endless struct{ keeper }

func (s *endless) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	records := must(s.Sessions(ctx, r.Token.Subject))
	if len(records) == 1 {
		if out, _ := storekit.Rotate(records[0], r, false, time.Now()); out.Outcome == stores.SessionReused {
			return stores.Rotated{Outcome: stores.SessionGone}, nil
		}
	}
	return s.keeper.Rotate(ctx, r)
}

// sessionStores are the stores that sessions are kept in, opened once for each node.
func sessionStores(t *testing.T) map[string]func() stores.Sessions {
	memory := must(gatemem.New(gatemem.Options{}))
	all := map[string]func() stores.Sessions{"gatemem": func() stores.Sessions { return memory }}
	for _, start := range []func(*testing.T) sqlDatabase{sqliteDatabase, postgresDatabase, mariaDatabase} {
		d := start(t)
		all[d.name] = func() stores.Sessions { return d.store(t, gatesql.Options{}) }
	}
	server := alone(servers.StartRedis(t, servers.Durable...).Addr)
	all["redis"] = func() stores.Sessions { return newStore(t, connect(t, server), gateredis.Options{}) }
	return all
}

// TestF10: 64 refreshes of one token at once, over three nodes.
func TestF10(t *testing.T) {
	for name, open := range sessionStores(t) {
		holds(t, "F10 "+name, newSessionNodes(t, 5*time.Second, open, nil).concurrent(t, pick(50, 10_000)))
	}
	memory := must(gatemem.New(gatemem.Options{}))
	open := func() stores.Sessions { return memory }
	shared := twoSteps{memory, new(sync.Mutex), map[string]stores.SessionRecord{}}
	caught(t, "F10", "no grace period", newSessionNodes(t, 5*time.Second, open, func(s stores.Sessions) stores.Sessions { return &strict{s} }).concurrent(t, 10))
	caught(t, "F10", "read, judge and write in three steps", newSessionNodes(t, 5*time.Second, open, func(stores.Sessions) stores.Sessions { own := shared; return &own }).concurrent(t, 10))
}

// TestF11: a node is killed at each point of a rotation.
func TestF11(t *testing.T) {
	const grace = 300 * time.Millisecond
	for name, open := range sessionStores(t) {
		holds(t, "F11 "+name, newSessionNodes(t, grace, open, nil).killedAnywhere(t, open, pick(2, 100)))
	}
	memory := must(gatemem.New(gatemem.Options{}))
	open := func() stores.Sessions { return &strict{memory} }
	n := newSessionNodes(t, grace, func() stores.Sessions { return memory }, func(s stores.Sessions) stores.Sessions { return &strict{s} })
	caught(t, "F11", "no grace period", n.killedAnywhere(t, open, 1))
}

// TestF12: the reuse of a token ends its session on all nodes, and rotations that a
// failover has lost do not.
func TestF12(t *testing.T) {
	const grace = 300 * time.Millisecond
	for name, open := range sessionStores(t) {
		holds(t, "F12 "+name, newSessionNodes(t, grace, open, nil).reuse(t, pick(5, 500)))
		holds(t, "F12 lost rotations, "+name, newSessionNodes(t, grace, open, nil).lostRotations(t, pick(3, 100)))
	}
	memory := must(gatemem.New(gatemem.Options{}))
	n := newSessionNodes(t, grace, func() stores.Sessions { return memory }, func(s stores.Sessions) stores.Sessions { return &endless{s} })
	caught(t, "F12", "reuse is refused and ends nothing", n.reuse(t, 2))
}
