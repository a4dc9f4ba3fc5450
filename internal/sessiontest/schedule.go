package sessiontest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
)

// Leeway is that of the stores.
const Leeway = time.Minute

const grace = 10 * time.Second

// run is one random schedule, of the manager and of the model beside it.
type run struct {
	*testing.T
	gate    *gate.Gate
	manager *session.Manager
	clock   *gatetest.Clock
	subject string
	m       model
	rnd     *rand.Rand
	pairs   [][]*session.Pair // by login, then by refresh token
	log     []string
}

func (r *run) did(format string, args ...any) {
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

func (r *run) start() {
	r.did("login %d", len(r.pairs))
	r.clock.Advance(time.Millisecond) // so that one session is the oldest
	r.m.start(r.clock.Now())
	p, err := r.manager.Start(r.Context(), r.subject, session.Login{})
	if err != nil {
		r.Fatal(err)
	}
	r.pairs = append(r.pairs, []*session.Pair{p})
}

// refresh brings a random refresh token of a random session, more often a young one.
func (r *run) refresh() {
	n := r.rnd.IntN(len(r.pairs))
	chain := r.pairs[n]
	i := max(0, len(chain)-1-r.rnd.IntN(3))
	r.did("refresh of login %d with token %d of %d", n, i, len(chain))
	want := r.m.refresh(r.m.logins[n], i, r.clock.Now())
	got, err := r.manager.Refresh(r.Context(), chain[i].Refresh(), nil)
	switch {
	case (err != nil) != (want < 0):
		r.Fatalf("Refresh = %v, %v; the model says token %d\n%q", got, err, want, r.log)
	case err == nil && want == len(chain):
		r.pairs[n] = append(chain, got)
	case err == nil && got.Refresh() != chain[want].Refresh():
		r.Fatalf("Refresh returned another token than number %d\n%q", want, r.log)
	}
}

func (r *run) end() {
	n, now := r.rnd.IntN(len(r.pairs)), r.clock.Now()
	sid, kept := r.pairs[n][0].AccessToken().SessionID, r.m.logins[n]
	var err error
	switch r.rnd.IntN(3) {
	case 0:
		r.did("End of login %d", n)
		if err = r.manager.End(r.Context(), r.subject, sid); errors.Is(err, session.ErrNoSession) {
			err = nil
		}
		kept.over = true
	case 1:
		r.did("EndOthers but login %d", n)
		err = r.manager.EndOthers(r.Context(), r.subject, sid)
		for _, l := range r.m.open(now, 0) {
			l.over = l.over || l != kept
		}
	case 2:
		r.did("EndAll")
		err = r.manager.EndAll(r.Context(), r.subject)
		for _, l := range r.m.open(now, 0) {
			l.over = true
		}
	}
	if err != nil {
		r.Fatal(err)
	}
}

// compare holds the list, and every access token there was, to the model.
func (r *run) compare() {
	now := r.clock.Now()
	open, list := r.m.open(now, 0), r.list()
	if len(list) != len(open) {
		r.Fatalf("List has %d sessions, the model %d\n%q", len(list), len(open), r.log)
	}
	for n, l := range r.m.logins {
		for _, p := range r.pairs[n] {
			alive := !l.over && now.Before(p.AccessToken().Expiry)
			if err := r.access(p); (err == nil) != alive {
				r.Fatalf("an access token of login %d: %v; the model says %v\n%q", n, err, alive, r.log)
			}
			if p.AccessToken().Expiry.After(l.end) || p.RefreshToken().Expiry.After(l.end) {
				r.Fatalf("a token of login %d outlives its session\n%q", n, r.log)
			}
		}
	}
}

func (r *run) list() []session.Info {
	list, err := r.manager.List(r.Context(), r.subject)
	if err != nil {
		r.Fatal(err)
	}
	return list
}

// access is what a route says to an access token.
func (r *run) access(p *session.Pair) error {
	_, err := r.gate.CheckToken(r.Context(), p.Access(), gate.Policy{})
	return err
}

func (r *run) step() {
	switch n := r.rnd.IntN(20); {
	case n < 2:
		r.start()
	case n < 12:
		r.refresh()
	case n < 13:
		r.end()
	default:
		pause := []time.Duration{time.Second, 4 * time.Second, grace, 5 * time.Minute, 40 * time.Minute}[r.rnd.IntN(5)]
		r.did("%v", pause)
		r.clock.Advance(pause)
	}
}

// AgainstModel lets random schedules of logins, refreshes, ends and pauses run on a store,
// and holds the manager to the model after each step. open returns a store with [Leeway],
// for which clock is the node's and the server's.
func AgainstModel(t *testing.T, rounds int, open func(clock func() time.Time) stores.Sessions) {
	t.Helper()
	clock := gatetest.NewClock()
	store := open(clock.Now)
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: store, Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	o := session.Options{Idle: time.Hour, Absolute: 3 * time.Hour, Grace: grace, MaxSessions: 3}
	m, err := session.New(g, store, o)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range rounds {
		r := run{T: t, gate: g, manager: m, clock: clock, subject: fmt.Sprint("user-", seed), rnd: rand.New(rand.NewPCG(uint64(seed), 1))}
		r.m = model{idle: o.Idle, abs: o.Absolute, max: o.MaxSessions}
		r.start()
		for range 60 {
			r.step()
			r.compare()
		}
	}
}
