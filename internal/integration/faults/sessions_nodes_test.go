//go:build unix

package faults_test

import (
	"context"
	crand "crypto/rand"
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
	secret   []byte
	store    stores.Sessions // of the first
	grace    time.Duration
	mu       sync.Mutex
	events   map[[2]string]int // of all nodes, by name and session; nil: not counted
}

// newSessionNodes makes three nodes. wrap may put a fault in front of a node's store.
func newSessionNodes(t *testing.T, grace time.Duration, open func() stores.Sessions, wrap func(stores.Sessions) stores.Sessions) *sessionNodes {
	t.Helper()
	n := &sessionNodes{grace: grace, secret: make([]byte, 32), events: map[[2]string]int{}}
	_, _ = crand.Read(n.secret)
	for range 3 {
		store := open()
		if n.store == nil {
			n.store = store
		}
		if wrap != nil {
			store = wrap(store)
		}
		g, m, err := newNode(store, n.secret, grace, n.count)
		if err != nil {
			t.Fatal(err)
		}
		n.gates, n.managers = append(n.gates, g), append(n.managers, m)
	}
	return n
}

// newNode makes what a node needs.
func newNode(store stores.Sessions, secret []byte, grace time.Duration, onEvent func(context.Context, gate.Event)) (*gate.Gate, *session.Manager, error) {
	key, err := keys.HMAC(keys.HS256, secret)
	if err != nil {
		return nil, nil, err
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: store, OnEvent: onEvent})
	if err != nil {
		return nil, nil, err
	}
	m, err := session.New(g, store, session.Options{Grace: grace})
	return g, m, err
}

func (n *sessionNodes) count(_ context.Context, e gate.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.events != nil && (e.Name == session.RefreshReused || e.Name == session.RefreshRotated) {
		n.events[[2]string{e.Name, e.Token.SessionID}]++
	}
}

// happened is how many such events there were of a session.
func (n *sessionNodes) happened(name string, p *session.Pair) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.events[[2]string{name, p.RefreshToken().SessionID}]
}

// atATime is how many rounds that mostly wait are under way at once.
const atATime = 8

// rounds runs rounds, some at once, and counts those that were not good.
func rounds(times int, what string, one func(i int) (good bool)) finding {
	f := finding{of: times, what: what}
	var wg sync.WaitGroup
	var bad atomic.Int64
	slots := make(chan struct{}, atATime)
	for i := range times {
		slots <- struct{}{}
		wg.Go(func() {
			if !one(i) {
				bad.Add(1)
			}
			<-slots
		})
	}
	wg.Wait()
	f.bad = int(bad.Load())
	return f
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
		pairs, errs := n.atOnce(t.Context(), p.Refresh(), 64)
		f.of++
		if !n.agree(t.Context(), pairs, errs) || n.happened(session.RefreshRotated, p) != 1 {
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

// keeper is stores.Sessions, for structs that embed it.
type keeper = stores.Sessions

// reuse lets three nodes meet an old token at once: the session ends on all of them, with
// one event.
func (n *sessionNodes) reuse(t *testing.T, times int) finding {
	t.Helper()
	return rounds(times, "reused tokens after which the session went on, or whose event did not come once", func(int) bool {
		p, subject := n.start(t)
		next, err := n.managers[0].Refresh(t.Context(), p.Refresh(), nil)
		if err != nil {
			t.Error(err)
			return false
		}
		nap(t.Context(), n.grace+50*time.Millisecond)
		_, errs := n.atOnce(t.Context(), p.Refresh(), 6)
		return n.happened(session.RefreshReused, p) == 1 && n.ended(t.Context(), subject, next, errs)
	})
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
func (n *sessionNodes) lostRotations(t *testing.T, times int) finding {
	t.Helper()
	return rounds(times, "users logged out by a failover, or old tokens taken after it", func(i int) bool {
		first, subject := n.start(t)
		record := must(n.store.Sessions(t.Context(), subject))[0]
		p, err := n.steps(t.Context(), first, i%3+1)
		if err != nil {
			t.Error(err)
			return false
		}
		if _, err := n.store.RemoveSession(t.Context(), subject, record.ID); err != nil {
			t.Error(err)
		}
		if _, err := n.store.AddSession(t.Context(), record, stores.SessionLimit{}); err != nil {
			t.Error(err)
		}
		pairs, errs := n.atOnce(t.Context(), p.Refresh(), 3)
		good := n.agree(t.Context(), pairs, errs) && pairs[0].RefreshToken().ID == p.RefreshToken().ID
		nap(t.Context(), n.grace+50*time.Millisecond)
		_, err = n.anyone().Refresh(t.Context(), first.Refresh(), nil)
		return good && errors.Is(err, session.ErrReused)
	})
}

// steps refreshes so many times, each after the grace period of the one before.
func (n *sessionNodes) steps(ctx context.Context, p *session.Pair, times int) (*session.Pair, error) {
	for range times {
		next, err := n.anyone().Refresh(ctx, p.Refresh(), nil)
		if err != nil {
			return nil, err
		}
		p = next
		nap(ctx, n.grace+50*time.Millisecond)
	}
	return p, nil
}

func (n *sessionNodes) anyone() *session.Manager { return n.managers[rand.IntN(len(n.managers))] }
