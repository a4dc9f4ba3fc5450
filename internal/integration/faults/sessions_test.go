//go:build unix

package faults_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
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

// resigned is a store that leaves an end to the node that began it.
type resigned struct{ keeper }

func (s *resigned) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	out, err := s.keeper.Rotate(ctx, r)
	if out.Outcome == stores.SessionEnded {
		out.Outcome = stores.SessionGone
	}
	return out, err
}

// TestF10: 64 refreshes of one token at once, over three nodes.
func TestF10(t *testing.T) {
	everyPlace(t, func(t *testing.T, p place) {
		holds(t, "F10 "+p.Name, newSessionNodes(t, 5*time.Second, p.opener(t), nil).concurrent(t, pick(50, 10_000)))
	})
	memory := must(gatemem.New(gatemem.Options{}))
	open := func() stores.Sessions { return memory }
	shared := twoSteps{memory, new(sync.Mutex), map[string]stores.SessionRecord{}}
	caught(t, "F10", "no grace period", newSessionNodes(t, 5*time.Second, open, func(s stores.Sessions) stores.Sessions { return &strict{s} }).concurrent(t, 10))
	caught(t, "F10", "read, judge and write in three steps", newSessionNodes(t, 5*time.Second, open, func(stores.Sessions) stores.Sessions { own := shared; return &own }).concurrent(t, 10))
}

// TestF12: the reuse of a token ends its session on all nodes, and rotations that a
// failover has lost do not.
func TestF12(t *testing.T) {
	const grace = 300 * time.Millisecond
	everyPlace(t, func(t *testing.T, p place) {
		holds(t, "F12 "+p.Name, newSessionNodes(t, grace, p.opener(t), nil).reuse(t, pick(5, 500)))
		holds(t, "F12 lost rotations, "+p.Name, newSessionNodes(t, grace, p.opener(t), nil).lostRotations(t, pick(3, 100)))
	})
	memory := must(gatemem.New(gatemem.Options{}))
	n := newSessionNodes(t, grace, func() stores.Sessions { return memory }, func(s stores.Sessions) stores.Sessions { return &endless{s} })
	caught(t, "F12", "reuse is refused and ends nothing", n.reuse(t, 2))
}
