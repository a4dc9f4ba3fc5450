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
	"github.com/jwtgate/gate/internal/integration/servers"
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

// errSlow means that a round shows nothing: the machine was so slow that a grace period
// was over.
var errSlow = errors.New("the grace period was over")

// late returns err, or errSlow if a grace period that began at the given time is over.
func (n *sessionNodes) late(began time.Time, err error) error {
	if err != nil && time.Since(began) > n.grace {
		return errSlow
	}
	return err
}

// rounds runs rounds, some at once, and counts the errors. A round that shows
// nothing is run again.
func rounds(times int, what string, one func(i int) error) finding {
	f := finding{of: times, what: what}
	var wg sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, atATime)
	for i := range times {
		slots <- struct{}{}
		wg.Go(func() {
			err := one(i)
			for tries := 0; err == errSlow && tries < 20; tries++ {
				err = one(i)
			}
			if err != nil {
				mu.Lock()
				f.bad, f.more = f.bad+1, fmt.Sprintf(" (one: %v)", err)
				mu.Unlock()
			}
			<-slots
		})
	}
	wg.Wait()
	return f
}

var subjects atomic.Int64

// start logs a new user in at a node.
func (n *sessionNodes) start(t *testing.T) (*session.Pair, string) {
	t.Helper()
	subject := fmt.Sprintf("user-%d", subjects.Add(1))
	var p *session.Pair
	servers.Eventually(t, 20*time.Second, func() (err error) { // a store that is not there is tried again
		p, err = n.anyone().Start(t.Context(), subject, session.Login{})
		return err
	})
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
			pairs[i], errs[i] = insist(ctx, n.managers[i%3], raw)
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
		if n.agree(t.Context(), pairs, errs) != nil || n.happened(session.RefreshRotated, p) != 1 {
			f.bad++
		}
	}
	return f
}

// agree returns an error if the answers differ, or a node refuses one.
func (n *sessionNodes) agree(ctx context.Context, pairs []*session.Pair, errs []error) error {
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, p := range pairs {
		if p.Refresh() != pairs[0].Refresh() {
			return errors.New("two live tokens")
		}
	}
	for _, g := range n.gates {
		if _, err := g.CheckToken(ctx, pairs[len(pairs)-1].Access(), gate.Policy{}); err != nil {
			return err
		}
	}
	return nil
}

// insist refreshes until the store has answered, as a client does.
func insist(ctx context.Context, m *session.Manager, raw string) (next *session.Pair, err error) {
	for {
		next, err = m.Refresh(ctx, raw, nil)
		if err == nil || errors.Is(err, gate.ErrRevoked) || !nap(ctx, 5*time.Millisecond) {
			return next, err
		}
	}
}

// refresh refreshes at any node.
func (n *sessionNodes) refresh(ctx context.Context, p *session.Pair) (*session.Pair, error) {
	return insist(ctx, n.anyone(), p.Refresh())
}

// keeper is stores.Sessions, for structs that embed it.
type keeper = stores.Sessions

// reuse lets three nodes meet an old token at once: the session ends on all of them, with
// one event.
func (n *sessionNodes) reuse(t *testing.T, times int) finding {
	t.Helper()
	return rounds(times, "reused tokens after which the session went on, or whose event did not come once", func(int) error {
		p, subject := n.start(t)
		next, err := n.refresh(t.Context(), p)
		if err != nil {
			return err
		}
		nap(t.Context(), n.grace+50*time.Millisecond)
		_, errs := n.atOnce(t.Context(), p.Refresh(), 6)
		if events := n.happened(session.RefreshReused, p); events != 1 {
			return fmt.Errorf("%d events", events)
		}
		return n.ended(t.Context(), subject, next, errs)
	})
}

// ended returns an error if the session goes on at a node, or an answer was not that it is
// over.
func (n *sessionNodes) ended(ctx context.Context, subject string, next *session.Pair, errs []error) error {
	for i, g := range n.gates {
		_, access := g.CheckToken(ctx, next.Access(), gate.Policy{})
		_, refresh := insist(ctx, n.managers[i], next.Refresh())
		errs = append(errs, access, refresh)
		if list, err := n.managers[i].List(ctx, subject); err != nil || len(list) != 0 {
			return fmt.Errorf("%d sessions are listed: %v", len(list), err)
		}
	}
	for _, err := range errs {
		if !errors.Is(err, gate.ErrRevoked) {
			return fmt.Errorf("the session goes on: %v", err)
		}
	}
	return nil
}

// wantReused returns an error if a token does not end its session, which next is of.
func (n *sessionNodes) wantReused(ctx context.Context, old, next *session.Pair) error {
	if _, err := n.refresh(ctx, old); !errors.Is(err, session.ErrReused) {
		return fmt.Errorf("an old token: %v", err)
	}
	return n.ended(ctx, old.RefreshToken().Subject, next, nil)
}

// lostRotations takes the last rotations back, as a failover does that loses writes: nobody
// is logged out, and the thief of an older token still is caught.
func (n *sessionNodes) lostRotations(t *testing.T, times int) finding {
	t.Helper()
	return rounds(times, "users logged out by a failover, or old tokens taken after it", func(i int) error {
		ctx := t.Context()
		first, subject := n.start(t)
		record := must(n.store.Sessions(ctx, subject))[0]
		p, err := n.steps(ctx, first, i%3+1)
		if err != nil {
			return err
		}
		if _, err := n.store.RemoveSession(ctx, subject, record.ID); err != nil {
			return err
		}
		if _, err := n.store.AddSession(ctx, record, stores.SessionLimit{}); err != nil {
			return err
		}
		began := time.Now()
		pairs, errs := n.atOnce(ctx, p.Refresh(), 3)
		if err = n.agree(ctx, pairs, errs); err == nil && pairs[0].RefreshToken().ID != p.RefreshToken().ID {
			err = errors.New("another token")
		}
		if err = n.late(began, err); err != nil {
			return err
		}
		nap(ctx, n.grace+50*time.Millisecond)
		return n.wantReused(ctx, first, pairs[0])
	})
}

// steps refreshes so many times, each after the grace period of the one before.
func (n *sessionNodes) steps(ctx context.Context, p *session.Pair, times int) (*session.Pair, error) {
	for range times {
		next, err := n.refresh(ctx, p)
		if err != nil {
			return nil, err
		}
		p = next
		nap(ctx, n.grace+50*time.Millisecond)
	}
	return p, nil
}

func (n *sessionNodes) anyone() *session.Manager { return n.managers[rand.IntN(len(n.managers))] }
