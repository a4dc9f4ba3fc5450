//go:build unix

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
)

// sessionNodes are the nodes of a service with sessions, each with a client of its own.
type sessionNodes struct {
	gates    []*gate.Gate
	managers []*session.Manager
	key      *keys.Key
	store    stores.Sessions // of the first
	grace    time.Duration
	reused   atomic.Int64 // events, of all nodes
	rotated  atomic.Int64
}

// newSessionNodes makes three nodes. wrap may put a fault in front of a node's store.
func newSessionNodes(t *testing.T, grace time.Duration, open func() stores.Sessions, wrap func(stores.Sessions) stores.Sessions) *sessionNodes {
	t.Helper()
	n := &sessionNodes{grace: grace, key: must(keys.Generate(keys.HS256))}
	for range 3 {
		store := open()
		if n.store == nil {
			n.store = store
		}
		if wrap != nil {
			store = wrap(store)
		}
		g := must(gate.New(gate.Config{Keys: n.key, Blocklist: store, OnEvent: n.count}))
		m, err := session.New(g, store, session.Options{Grace: grace})
		if err != nil {
			t.Fatal(err)
		}
		n.gates, n.managers = append(n.gates, g), append(n.managers, m)
	}
	return n
}

func (n *sessionNodes) count(_ context.Context, e gate.Event) {
	switch e.Name {
	case session.RefreshReused:
		n.reused.Add(1)
	case session.RefreshRotated:
		n.rotated.Add(1)
	}
}

var subjects atomic.Int64

// start logs a new user in at a node.
func (n *sessionNodes) start(t *testing.T) (*session.Pair, string) {
	t.Helper()
	subject := fmt.Sprintf("user-%d", subjects.Add(1))
	p, err := n.managers[rand.IntN(3)].Start(t.Context(), subject, session.Login{})
	if err != nil {
		t.Fatal(err)
	}
	return p, subject
}

// atOnce refreshes one token that often at once, over all nodes.
func (n *sessionNodes) atOnce(ctx context.Context, raw string, times int) (pairs []*session.Pair, errs []error) {
	var wg sync.WaitGroup
	pairs, errs = make([]*session.Pair, times), make([]error, times)
	begin := make(chan struct{})
	for i := range times {
		wg.Go(func() {
			<-begin
			pairs[i], errs[i] = n.managers[i%3].Refresh(ctx, raw, nil)
		})
	}
	close(begin)
	wg.Wait()
	return pairs, errs
}

// concurrent is rounds of 64 refreshes at once: all have to get one refresh token, by one
// rotation, and access tokens that are good on all nodes.
func (n *sessionNodes) concurrent(t *testing.T, rounds int) finding {
	t.Helper()
	f := finding{what: "rounds of 64 refreshes at once with two answers, or none"}
	for range rounds {
		p, _ := n.start(t)
		before := n.rotated.Load()
		pairs, errs := n.atOnce(t.Context(), p.Refresh(), 64)
		f.of++
		if !n.agree(t.Context(), pairs, errs) || n.rotated.Load() != before+1 {
			f.bad++
		}
	}
	return f
}

func (n *sessionNodes) agree(ctx context.Context, pairs []*session.Pair, errs []error) bool {
	for i, p := range pairs {
		if errs[i] != nil || p.Refresh() != pairs[0].Refresh() {
			return false
		}
	}
	for _, g := range n.gates {
		if _, err := g.CheckToken(ctx, pairs[len(pairs)-1].Access(), gate.Policy{}); err != nil {
			return false
		}
	}
	return true
}

// errKilled is what a node that was killed answers: nothing.
var errKilled = errors.New("the node was killed")

// keeper is stores.Sessions, for structs that embed it.
type keeper = stores.Sessions

// killed is the store of a node that is killed at a point of its first rotation.
type killed struct {
	keeper
	point string
	once  sync.Once
}

// die reports whether the node dies here.
func (k *killed) die(point string) (dies bool) {
	if k.point == point {
		k.once.Do(func() { dies = true })
	}
	return dies
}

// Unwrap lets the gate find what else the store can do.
func (k *killed) Unwrap() gate.Blocklist { return k.keeper }

func (k *killed) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	if k.die("before the rotation") {
		return stores.Rotated{}, errKilled
	}
	out, err := k.keeper.Rotate(ctx, r)
	if k.die("after the rotation") {
		return stores.Rotated{}, errKilled
	}
	return out, err
}

func (k *killed) RevokeSession(ctx context.Context, id string, n stores.Note) error {
	if k.die("before the end is revoked") {
		return errKilled
	}
	return k.keeper.RevokeSession(ctx, id, n)
}

func (k *killed) RemoveSession(ctx context.Context, subject, id string) (bool, error) {
	if k.die("before the record is removed") {
		return false, errKilled
	}
	return k.keeper.RemoveSession(ctx, subject, id)
}

// killedNode is a node beside the others that dies at a point.
func (n *sessionNodes) killedNode(open func() stores.Sessions, point string) *session.Manager {
	store := &killed{keeper: open(), point: point}
	g := must(gate.New(gate.Config{Keys: n.key, Blocklist: store, OnEvent: n.count}))
	return must(session.New(g, store, session.Options{Grace: n.grace}))
}

// survives kills a node in the middle of a refresh, and lets the user try again on the
// others: the user goes on, and there is one live token.
func (n *sessionNodes) survives(t *testing.T, node *session.Manager) bool {
	t.Helper()
	p, _ := n.start(t)
	if _, err := node.Refresh(t.Context(), p.Refresh(), nil); !errors.Is(err, errKilled) {
		t.Fatalf("the node was not killed: %v", err)
	}
	next, err := n.managers[rand.IntN(3)].Refresh(t.Context(), p.Refresh(), nil)
	if err != nil {
		return false
	}
	nap(t.Context(), n.grace+50*time.Millisecond)
	after, err := n.managers[rand.IntN(3)].Refresh(t.Context(), next.Refresh(), nil)
	if err != nil || after.RefreshToken().ID == next.RefreshToken().ID {
		return false
	}
	_, err = n.managers[rand.IntN(3)].Refresh(t.Context(), p.Refresh(), nil)
	return errors.Is(err, session.ErrReused) // no second branch
}

// unfinished kills a node in the middle of ending a session for reuse, and lets the thief
// and the user meet the other nodes: they finish the end.
func (n *sessionNodes) unfinished(t *testing.T, node *session.Manager) bool {
	t.Helper()
	p, subject := n.start(t)
	next, err := n.managers[0].Refresh(t.Context(), p.Refresh(), nil)
	if err != nil {
		t.Fatal(err)
	}
	nap(t.Context(), n.grace+50*time.Millisecond)
	before := n.reused.Load()
	if _, err := node.Refresh(t.Context(), p.Refresh(), nil); !errors.Is(err, errKilled) {
		t.Fatalf("the node was not killed: %v", err)
	}
	_, errs := n.atOnce(t.Context(), next.Refresh(), 3)
	return n.reused.Load() == before+1 && n.ended(t.Context(), subject, next, errs)
}

// killedAnywhere kills nodes at each point of a rotation and of an end.
func (n *sessionNodes) killedAnywhere(t *testing.T, open func() stores.Sessions, rounds int) finding {
	t.Helper()
	f := finding{what: "nodes killed in a rotation, after which a user was out or a thief in"}
	for range rounds {
		for _, point := range []string{"before the rotation", "after the rotation"} {
			f.of++
			if !n.survives(t, n.killedNode(open, point)) {
				f.bad++
			}
		}
		for _, point := range []string{"before the end is revoked", "before the record is removed"} {
			f.of++
			if !n.unfinished(t, n.killedNode(open, point)) {
				f.bad++
			}
		}
	}
	return f
}

// reuse lets three nodes meet an old token at once: the session ends on all of them, with
// one event.
func (n *sessionNodes) reuse(t *testing.T, rounds int) finding {
	t.Helper()
	f := finding{what: "reused tokens after which the session went on, or whose event did not come once"}
	for range rounds {
		p, subject := n.start(t)
		next, err := n.managers[0].Refresh(t.Context(), p.Refresh(), nil)
		if err != nil {
			t.Fatal(err)
		}
		nap(t.Context(), n.grace+50*time.Millisecond)
		before := n.reused.Load()
		_, errs := n.atOnce(t.Context(), p.Refresh(), 6)
		f.of++
		if n.reused.Load() != before+1 || !n.ended(t.Context(), subject, next, errs) {
			f.bad++
		}
	}
	return f
}

func (n *sessionNodes) ended(ctx context.Context, subject string, next *session.Pair, errs []error) bool {
	for _, err := range errs {
		if !errors.Is(err, gate.ErrRevoked) {
			return false
		}
	}
	for i, g := range n.gates {
		_, access := g.CheckToken(ctx, next.Access(), gate.Policy{})
		_, refresh := n.managers[i].Refresh(ctx, next.Refresh(), nil)
		list, err := n.managers[i].List(ctx, subject)
		if !errors.Is(access, gate.ErrRevoked) || !errors.Is(refresh, gate.ErrRevoked) || err != nil || len(list) != 0 {
			return false
		}
	}
	return true
}

// lostRotations takes the last rotations back, as a failover does that loses writes: nobody
// is logged out, and the thief of an older token still is caught.
func (n *sessionNodes) lostRotations(t *testing.T, rounds int) finding {
	t.Helper()
	f := finding{what: "users logged out by a failover, or old tokens taken after it"}
	for lost := range rounds {
		p, subject := n.start(t)
		first, record := p, must(n.store.Sessions(t.Context(), subject))[0]
		for range lost%3 + 1 {
			next, err := n.managers[rand.IntN(3)].Refresh(t.Context(), p.Refresh(), nil)
			if err != nil {
				t.Fatal(err)
			}
			p = next
			nap(t.Context(), n.grace+50*time.Millisecond)
		}
		if _, err := n.store.RemoveSession(t.Context(), subject, record.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := n.store.AddSession(t.Context(), record, stores.SessionLimit{}); err != nil {
			t.Fatal(err)
		}
		pairs, errs := n.atOnce(t.Context(), p.Refresh(), 3)
		good := n.agree(t.Context(), pairs, errs) && pairs[0].RefreshToken().ID == p.RefreshToken().ID
		nap(t.Context(), n.grace+50*time.Millisecond)
		_, err := n.managers[rand.IntN(3)].Refresh(t.Context(), first.Refresh(), nil)
		f.of++
		if !good || !errors.Is(err, session.ErrReused) {
			f.bad++
		}
	}
	return f
}
