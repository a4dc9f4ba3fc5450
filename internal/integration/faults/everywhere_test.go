//go:build unix

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
)

// A fleet is some nodes with one key and one store, each with a gate and a clock of its
// own, and what is done to the store.
type fleet struct {
	t     *testing.T
	gates []*gate.Gate
	nodes []stores.Store
	stale time.Duration // how old an answer of a node may be
	slow  func()        // makes the next write slow; nil: not
	old   bool          // tokens have no generation
}

// newFleet returns a fleet whose nodes' clocks differ by the offsets. open opens the
// store of a node.
func newFleet(t *testing.T, offsets []time.Duration, create gate.Create, open func(clock func() time.Time) stores.Store) *fleet {
	t.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, old: create.OmitGeneration}
	for _, offset := range offsets {
		clock := func() time.Time { return time.Now().Add(offset) }
		store := open(clock)
		g, err := gate.New(gate.Config{
			Keys: key, Clock: clock, Create: create, Locations: []gate.Location{gate.FromCookies()},
			Blocklist: stores.NewBreaker(store, stores.FailurePolicy{Timeout: 5 * time.Second}),
			Accept:    gate.Accept{Skew: 5 * time.Minute},
		})
		if err != nil {
			t.Fatal(err)
		}
		f.gates, f.nodes = append(f.gates, g), append(f.nodes, store)
	}
	return f
}

// A thief has stolen the tokens of a login, and makes new ones of them as fast as the
// nodes let him, until stop is closed.
type thief struct {
	f       *fleet
	subject string
	mu      sync.Mutex
	loot    []string
}

func (th *thief) keep(raw string) {
	th.mu.Lock()
	defer th.mu.Unlock()
	th.loot = append(th.loot, raw)
}

// refresh goes the explicit way: an access token, and a refresh token that takes the
// place of the one it came from.
func (th *thief) refresh(stop <-chan struct{}, raw string) {
	ctx := context.Background()
	for i := 0; !closed(stop); i++ {
		g := th.f.gates[i%len(th.f.gates)]
		t, err := g.CheckToken(ctx, raw, gate.Policy{Type: gate.Refresh})
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		for _, typ := range []gate.TokenType{gate.Access, gate.Refresh} {
			fresh, _, err := g.Issue(ctx, typ, t.Identity(), gate.TokenOptions{From: t})
			if err != nil {
				break
			}
			th.keep(fresh)
			if typ == gate.Refresh {
				raw = fresh
			}
		}
	}
}

// renew goes the implicit way, by the cookies of a site.
func (th *thief) renew(stop <-chan struct{}, raw string) {
	var sites []http.Handler
	for _, g := range th.f.gates {
		page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		sites = append(sites, g.Renew(gate.RenewOptions{Within: 14*time.Minute + 59*time.Second})(g.Require(gate.Policy{})(page)))
	}
	for i := 0; !closed(stop); i++ {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: "access_token_cookie", Value: raw})
		w := httptest.NewRecorder()
		sites[i%len(sites)].ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			time.Sleep(time.Millisecond)
		}
		for _, c := range w.Result().Cookies() {
			if c.Name == "access_token_cookie" && c.Value != "" {
				raw = c.Value
				th.keep(raw)
			}
		}
	}
}

func closed(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// everywhere logs an account out everywhere while thieves refresh, and the user logs in
// again at once, so many times. It counts the tokens of thieves that are good
// afterwards, and the logins that are not.
func (f *fleet) everywhere(rounds int) (survivors, dead finding) {
	survivors.what, dead.what = "stolen or refreshed tokens are good after the return", "logins after the return are refused"
	for i := range rounds {
		s, d := f.round(i)
		survivors.add(s)
		dead.add(d)
	}
	return survivors, dead
}

func (f *fleet) round(i int) (survivors, dead finding) {
	subject := fmt.Sprint("user-", serial.Add(1))
	th := &thief{f: f, subject: subject}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	login := f.gates[i%len(f.gates)]
	access := must(login.CreateAccessToken(context.Background(), subject, gate.TokenOptions{ExpiresIn: 10 * time.Minute}))
	refresh := must(login.CreateRefreshToken(context.Background(), subject, gate.TokenOptions{}))
	th.loot = []string{access, refresh}
	wg.Go(func() { th.refresh(stop, refresh) })
	wg.Go(func() { th.refresh(stop, refresh) })
	wg.Go(func() { th.renew(stop, access) })
	nap(f.t.Context(), between(time.Millisecond, 20*time.Millisecond))
	if f.slow != nil {
		f.slow()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := f.nodes[(i+1)%len(f.nodes)].RevokeSubject(ctx, subject, stores.SubjectOptions{}, stores.Note{}); err != nil {
		f.t.Errorf("RevokeSubject: %v", err)
	}
	// In the same second, on another node.
	again := must(f.gates[(i+2)%len(f.gates)].CreateAccessToken(context.Background(), subject, gate.TokenOptions{}))
	dead = f.refused([]string{again})
	nap(f.t.Context(), f.stale+5*time.Millisecond) // thieves go on
	close(stop)
	wg.Wait()
	loot := th.loot[max(0, len(th.loot)-500):]
	loot = append(loot, access, refresh)
	good := f.refused(loot)
	survivors = finding{bad: good.of - good.bad, of: good.of, what: "stolen or refreshed tokens are good after the return"}
	dead.add(f.refused([]string{again}))
	dead.what = "logins after the return are refused"
	return survivors, dead
}

// refused counts those of the tokens that any node refuses as revoked, out of all
// verdicts.
func (f *fleet) refused(tokens []string) (n finding) {
	for i, raw := range tokens {
		gates := f.gates
		if len(tokens) > 10 {
			gates = gates[i%len(gates) : i%len(gates)+1]
		}
		for _, g := range gates {
			n.of++
			if _, err := g.CheckToken(context.Background(), raw, gate.Policy{Type: gate.AnyTokenType}); errors.Is(err, gate.ErrRevoked) {
				n.bad++
			} else if err != nil {
				f.t.Errorf("CheckToken: %v", err)
			}
		}
	}
	return n
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// logOutEverywhere runs and reports rounds on a fleet.
func logOutEverywhere(t *testing.T, name string, f *fleet) {
	t.Helper()
	rounds := pick(20, 1000)
	survivors, dead := f.everywhere(rounds)
	survivors.more, dead.more = fmt.Sprintf(" (%d rounds)", rounds), fmt.Sprintf(" (%d rounds)", rounds)
	name = strings.TrimSpace("F25 " + name)
	holds(t, name, survivors)
	if !f.old { // without generations nobody promises this
		holds(t, name, dead)
	}
}
