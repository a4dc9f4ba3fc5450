//go:build linux

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// soakGrace is longer than any fault, and so than any try of a user.
const soakGrace = 20 * time.Second

// soakStale is CacheFor of the nodes that have a copy.
const soakStale = time.Second

// comeback is how long a node may be away after a fault. A store looks at its server again
// once a second while something is wrong.
const comeback = 5 * time.Second

// TestSoak runs random faults of all kinds for as long as SOAK says, one after another:
// bad wires, killed, frozen, full, emptied and unplugged servers, failovers, replicas, and
// slow and frozen writers. The nodes, some with a copy, have to give right answers in
// time, keep what they acknowledged, keep users logged in, and be back soon. Nothing may
// grow.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil {
		t.Skip("a soak takes its time; set SOAK, for example to 10m")
	}
	sites := []*site{redisSite(t), sentinelSite(t), postgresSite(t), mariaSite(t), sqliteSite(t)}
	total := soaked{}
	for _, s := range sites { // the first faults allocate what later ones use again
		for i := range s.faults {
			total.add(s.round(i))
		}
	}
	goroutines, heap := rest(sites)
	for end := time.Now().Add(length); time.Now().Before(end); {
		s := sites[rand.N(len(sites))]
		total.add(s.round(rand.N(len(s.faults))))
	}
	nowGoroutines, nowHeap := rest(sites)
	total.report(t)
	fmt.Printf("F18 soak of %v: goroutines %d to %d, heap %d to %d KiB\n", length, goroutines, nowGoroutines, heap>>10, nowHeap>>10)
	// The pools of MariaDB have up to 16 connections each, with a goroutine for each. A leak
	// would be one of every fault.
	if nowGoroutines > goroutines+5*16 || nowHeap > heap+heap/2+4<<20 {
		t.Errorf("growth: goroutines %d to %d, heap %d to %d KiB", goroutines, nowGoroutines, heap>>10, nowHeap>>10)
	}
}

// soaked is what rounds came to.
type soaked struct {
	answers, kept, users, matured finding
	rounds                        int
	back, slowest                 time.Duration
	late                          []string // what came back too late
}

func (s *soaked) add(o soaked) {
	s.answers.add(o.answers)
	s.kept.add(o.kept)
	s.users.add(o.users)
	s.matured.add(o.matured)
	s.rounds++
	s.back, s.slowest = max(s.back, o.back), max(s.slowest, o.slowest)
	s.late = append(s.late, o.late...)
}

func (s *soaked) report(t *testing.T) {
	s.answers.more = fmt.Sprintf(" (%d faults, slowest %v, back after at most %v)", s.rounds, s.slowest, s.back)
	for _, f := range []finding{s.answers, s.kept, s.users, s.matured} {
		holds(t, "F18 soak", f)
	}
	if len(s.late) > 0 {
		t.Errorf("nodes were back only later than %v: %q", comeback, s.late)
	}
}

// A site is one server, or group of servers, with the nodes of a service.
type site struct {
	t        *testing.T
	name     string
	stores   []stores.Store // of the nodes
	nodes    []*stores.Breaker
	direct   stores.Store // nothing is in its way
	jury     *jury
	sessions *sessionNodes
	users    []soakUser // whose grace period runs
	faults   []fault
}

// A fault begins, and is repaired some time later.
type fault struct {
	name  string
	begin func() (repair func())
	wipe  bool // the store forgets, and an operator accepts it at the end
}

// A soakUser has refreshed once.
type soakUser struct {
	first, held *session.Pair
	at          time.Time
}

// newSite opens the nodes of a site: two without a copy and one with.
func newSite(t *testing.T, name string, open func(cacheFor time.Duration) stores.Store, direct stores.Store) *site {
	s := &site{t: t, name: name, direct: direct}
	var all []stores.Sessions
	for _, cacheFor := range []time.Duration{0, 0, soakStale} {
		store := open(cacheFor)
		s.stores, s.nodes = append(s.stores, store), append(s.nodes, guard(store))
		all = append(all, store.(stores.Sessions))
	}
	s.sessions = newSessionNodes(t, soakGrace, func() stores.Sessions {
		store := all[0]
		all = all[1:]
		return store
	}, nil)
	s.sessions.events = nil
	s.jury = newJury(t, 100, s.direct)
	return s
}

// round has one fault among good times.
func (s *site) round(i int) (out soaked) {
	f := s.faults[i]
	s.hear(between(50*time.Millisecond, 200*time.Millisecond))
	out.matured = s.matured()
	var l ledger
	users := s.login(3)
	ctx, cancel := context.WithCancel(s.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { l.write(ctx, s.stores[0], 1) })
	for i := range users {
		wg.Go(func() { s.refreshUntil(ctx, &users[i]) })
	}
	repair := f.begin()
	s.hear(between(200*time.Millisecond, 1200*time.Millisecond))
	cancel()
	wg.Wait()
	repair()
	if f.wipe {
		out.users = s.accept(users)
	}
	for _, n := range s.nodes {
		out.back = max(out.back, s.jury.back(s.t, n))
	}
	if out.back > comeback {
		out.late = append(out.late, fmt.Sprintf("%s: %s: %v", s.name, f.name, out.back))
	}
	if !f.wipe {
		out.users = s.goOn(users)
	}
	nap(s.t.Context(), soakStale+50*time.Millisecond)
	for _, store := range s.stores {
		out.kept.add(l.audit(s.t.Context(), store))
	}
	var times []time.Duration
	out.answers, times = s.jury.reset()
	out.slowest = quantile(times, 1)
	if bad := out.answers.bad + out.kept.bad + out.users.bad + out.matured.bad; bad > 0 {
		s.t.Errorf("%s: %s: %d answers, %d revocations, %d users, %d older users", s.name, f.name,
			out.answers.bad, out.kept.bad, out.users.bad, out.matured.bad)
	}
	return out
}

// hear asks all nodes, some thousand times a second.
func (s *site) hear(d time.Duration) {
	var wg sync.WaitGroup
	for _, n := range s.nodes {
		wg.Go(func() { s.jury.hear(paced{n}, 4, d) })
	}
	wg.Wait()
}

// paced leaves the machine time for others.
type paced struct{ gate.Blocklist }

func (p paced) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	defer time.Sleep(2 * time.Millisecond)
	return p.Blocklist.Blocked(ctx, t)
}

func (s *site) login(n int) []soakUser {
	users := make([]soakUser, n)
	for i := range users {
		subject := fmt.Sprint("user-", subjects.Add(1))
		servers.Eventually(s.t, time.Minute, func() error { // a connection may be from before a fault, or a replica behind
			p, err := s.sessions.anyone().Start(s.t.Context(), subject, session.Login{})
			users[i] = soakUser{first: p, held: p}
			return err
		})
	}
	return users
}

// refreshUntil lets a user refresh again and again, with the token of the last answer.
func (s *site) refreshUntil(ctx context.Context, u *soakUser) {
	for u.at = time.Now(); ctx.Err() == nil; nap(ctx, 20*time.Millisecond) {
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		if next, err := s.sessions.anyone().Refresh(call, u.held.Refresh(), nil); err == nil {
			u.held = next
		}
		cancel()
	}
}

// successor is the only token that the first one of a session may lead to for now.
func (u soakUser) successor() string {
	first := u.first.RefreshToken()
	return storekit.Successor(first.SessionID, first.ID)
}

// goOn lets users refresh after a fault: the token that they have and the first one lead
// to the same token, which is kept for later.
func (s *site) goOn(users []soakUser) finding {
	return s.each(users, "users logged out by a fault, or with two live tokens", func(u *soakUser) bool {
		next, err := s.sessions.refresh(s.t.Context(), u.held)
		if err != nil {
			return false
		}
		u.held = next
		twin, err := s.sessions.refresh(s.t.Context(), u.first)
		s.users = append(s.users, *u)
		return err == nil && next.RefreshToken().ID == u.successor() && twin.RefreshToken().ID == u.successor()
	})
}

func (s *site) each(users []soakUser, what string, good func(*soakUser) bool) finding {
	f := finding{of: len(users), what: what}
	for i := range users {
		if !good(&users[i]) {
			f.bad++
		}
	}
	return f
}

// matured looks at the users whose grace period is over: the token that they have is
// rotated, and the first one ends the session.
func (s *site) matured() finding {
	var ripe []soakUser
	for len(s.users) > 0 && time.Since(s.users[0].at) > soakGrace+15*time.Second {
		ripe, s.users = append(ripe, s.users[0]), s.users[1:]
	}
	ctx, next := s.t.Context(), map[*session.Pair]*session.Pair{}
	f := s.each(ripe, "users who could not go on later, or thieves who could", func(u *soakUser) bool {
		p, err := s.sessions.refresh(ctx, u.held)
		next[u.first] = p
		if err != nil || p.RefreshToken().ID == u.held.RefreshToken().ID {
			return false
		}
		_, err = s.sessions.refresh(ctx, u.first)
		return errors.Is(err, session.ErrReused)
	})
	if len(ripe) > 0 {
		nap(ctx, soakStale+50*time.Millisecond)
	}
	f.bad += s.each(ripe, "", func(u *soakUser) bool {
		p := next[u.first]
		return p != nil && s.sessions.ended(ctx, u.first.RefreshToken().Subject, p, nil) == nil
	}).bad
	return f
}

// accept is the operator's word after a wipe: everybody has to log in again, and can.
func (s *site) accept(users []soakUser) finding {
	if err := s.direct.(interface {
		AcceptWipe(ctx context.Context, notBefore time.Time) error
	}).AcceptWipe(s.t.Context(), time.Now()); err != nil {
		s.t.Fatal(err)
	}
	out, _ := s.jury.reset()
	if out.bad > 0 {
		s.t.Errorf("%s: %d of %d answers wrong or late in a wipe", s.name, out.bad, out.of)
	}
	s.jury = newJury(s.t, 100, s.direct)
	nap(s.t.Context(), soakStale+50*time.Millisecond)
	old := append(users, s.users...)
	s.users = nil
	f := s.each(old, "tokens from before a wipe were taken", func(u *soakUser) bool {
		_, first := s.sessions.refresh(s.t.Context(), u.first)
		_, held := s.sessions.refresh(s.t.Context(), u.held)
		return errors.Is(first, gate.ErrRevoked) && errors.Is(held, gate.ErrRevoked)
	})
	return f
}

// rest returns how many goroutines there are, and how much memory is held, at rest.
func rest(sites []*site) (goroutines int, heap uint64) {
	for _, s := range sites {
		s.hear(200 * time.Millisecond)
		s.jury.reset()
	}
	time.Sleep(3 * time.Second) // calls that were given up return
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return ours(), m.HeapAlloc
}

// ours counts the goroutines of the stores and their clients. The proxy leaves some of
// its own behind where a toxic is taken away from a connection that hangs.
func ours() (n int) {
	var text strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&text, 1)
	for _, group := range strings.Split(text.String(), "\n\n") {
		var count int
		if _, err := fmt.Sscanf(group, "%d @", &count); err != nil {
			continue
		}
		for _, of := range []string{"rueidis", "jwtgate/gate/stores", "jwtgate/gate/session", "database/sql", "pgx", "go-sql-driver"} {
			if strings.Contains(group, of) {
				n += count
				break
			}
		}
	}
	return n
}
