package stores_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
)

// flaky is a store whose behaviour a test sets.
type flaky struct {
	mode  atomic.Int32
	calls atomic.Int64
	hang  chan struct{} // closed: hanging calls return
}

const (
	good int32 = iota
	revoked
	failing
	hangs // until hang is closed, whatever its context says
	slow  // 100 ms, and obeys its context
	panics
	overlong
)

var errDown = errors.New("store down")

func newFlaky() *flaky { return &flaky{hang: make(chan struct{})} }

func (f *flaky) Blocked(ctx context.Context, _ *gate.Token) (bool, error) {
	f.calls.Add(1)
	switch f.mode.Load() {
	case revoked:
		return true, nil
	case failing:
		return false, errDown
	case hangs:
		<-f.hang
		return false, nil
	case slow:
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(100 * time.Millisecond):
			return false, nil
		}
	case panics:
		panic("bug in the store")
	case overlong:
		return false, fmt.Errorf("store: %w", stores.ErrLifetime)
	}
	return false, nil
}

var access = &gate.Token{ID: "a", Type: gate.Access}

// checked is a token as a route with a policy shows it to a blocklist.
func checked(t *testing.T, typ string, p gate.Policy) *gate.Token {
	t.Helper()
	return checkedClaims(t, map[string]any{"type": typ}, p)
}

func freshToken(t *testing.T) *gate.Token {
	t.Helper()
	return checkedClaims(t, map[string]any{"fresh": true}, gate.Policy{Fresh: true})
}

func checkedClaims(t *testing.T, claims map[string]any, p gate.Policy) (tok *gate.Token) {
	t.Helper()
	key, err := keys.HMAC(keys.HS256, []byte("a secret of thirty-two bytes, ok"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Accept: gate.Accept{Lenient: gate.Lenient{AnyType: true}},
		Blocklist: gate.BlocklistFunc(func(_ context.Context, seen *gate.Token) (bool, error) { tok = seen; return false, nil })})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.CheckToken(t.Context(), gatetest.Token(t, key, claims), p); err != nil {
		t.Fatal(err)
	}
	return tok
}

// events records what a breaker reports.
type events struct {
	mu  sync.Mutex
	all []string
}

func (e *events) on(_ context.Context, ev gate.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev.Name)
}

func (e *events) count(name string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, got := range e.all {
		if got == name {
			n++
		}
	}
	return n
}

func TestBreakerPassesAnswers(t *testing.T) {
	f := newFlaky()
	g := stores.NewBreaker(f, stores.FailurePolicy{OpenForAccessTokens: true})
	for _, tt := range []struct {
		mode    int32
		blocked bool
		err     error
	}{{good, false, nil}, {revoked, true, nil}, {overlong, false, stores.ErrLifetime}} {
		f.mode.Store(tt.mode)
		for range 10 {
			if got, err := g.Blocked(t.Context(), access); got != tt.blocked || !errors.Is(err, tt.err) {
				t.Errorf("mode %d: Blocked = %v, %v; want %v, %v", tt.mode, got, err, tt.blocked, tt.err)
			}
		}
	}
	if s := g.Stats(); s.Checks != 30 || s.Failures != 0 || s.IsOpen || s.Denied+s.Allowed != 0 || s.LastError != nil {
		t.Errorf("Stats = %+v, want 30 checks and no failure", s)
	}
}

// TestBreakerWhoGetsIn: without an answer nobody gets in but by the field that says so,
// and then with access tokens alone, where nothing more is demanded.
func TestBreakerWhoGetsIn(t *testing.T) {
	decoded := &gate.Token{ID: "r", Type: gate.Refresh} // no route has seen it
	for _, tt := range []struct {
		name  string
		open  bool
		token *gate.Token
		in    bool
	}{
		{"closed", false, checked(t, "access", gate.Policy{}), false},
		{"open", true, checked(t, "access", gate.Policy{}), true},
		{"open, optional", true, checked(t, "access", gate.Policy{Optional: true}), true},
		{"open, fresh", true, freshToken(t), false},
		{"open, refresh", true, checked(t, "refresh", gate.Policy{Type: gate.Refresh}), false},
		{"open, logout route", true, checked(t, "access", gate.Policy{Type: gate.AnyTokenType}), false},
		{"open, logout route for refresh tokens", true, checked(t, "access", gate.Policy{Type: gate.AnyTokenType, Locations: []gate.Location{gate.FromCookies(gate.Refresh)}}), false},
		{"open, decoded refresh token", true, decoded, false},
		{"open, token of another type", true, checked(t, "other", gate.Policy{}), false},
	} {
		for mode, name := range map[int32]string{failing: "failing", panics: "panicking", hangs: "hanging"} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, ev := newFlaky(), &events{}
					defer close(f.hang)
					f.mode.Store(mode)
					g := stores.NewBreaker(f, stores.FailurePolicy{OpenForAccessTokens: tt.open, OnEvent: ev.on})
					const n = 12 // beyond the opening of the circuit
					for range n {
						blocked, err := g.Blocked(t.Context(), tt.token)
						if blocked || (err == nil) != tt.in {
							t.Fatalf("Blocked = %v, %v; let in: want %v", blocked, err, tt.in)
						}
					}
					s := g.Stats()
					if in, out := ev.count(stores.CheckAllowed), ev.count(stores.CheckDenied); in+out != n || (in == n) != tt.in || s.Allowed != uint64(in) || s.Denied != uint64(out) {
						t.Errorf("%d events allowed, %d denied, Stats %+v; want all %d, let in %v", in, out, s, n, tt.in)
					}
				})
			})
		}
	}
}

// TestBreakerTimeout: the answer comes in time from a store that never returns, and the
// calls that were given up are no more than Calls.
func TestBreakerTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlaky()
		f.mode.Store(hangs)
		const calls = 8
		g := stores.NewBreaker(f, stores.FailurePolicy{Timeout: 40 * time.Millisecond, Failures: 1000, Calls: calls})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				start := time.Now()
				_, err := g.Blocked(t.Context(), access)
				if took := time.Since(start); !errors.Is(err, stores.ErrTimeout) || took != 40*time.Millisecond {
					t.Errorf("error = %v after %v, want ErrTimeout after 40ms", err, took)
				}
			})
		}
		wg.Wait()
		if s := g.Stats(); s.InFlight != calls || s.Timeouts != 50 || f.calls.Load() != calls {
			t.Errorf("Stats = %+v with %d calls in the store, want %d in flight and 50 timeouts", s, f.calls.Load(), calls)
		}
		f.mode.Store(good)
		close(f.hang)
		synctest.Wait()
		if _, err := g.Blocked(t.Context(), access); err != nil || g.Stats().InFlight != 0 {
			t.Errorf("once the calls have returned: %v, %d in flight; want nil, 0", err, g.Stats().InFlight)
		}
	})
}

// TestBreakerCircuit follows a store through an outage.
func TestBreakerCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, ev := newFlaky(), &events{}
		g := stores.NewBreaker(f, stores.FailurePolicy{Failures: 3, Probe: time.Second, OnEvent: ev.on})
		check := func(want error) {
			t.Helper()
			if _, err := g.Blocked(t.Context(), access); !errors.Is(err, want) {
				t.Errorf("error = %v, want %v", err, want)
			}
		}
		f.mode.Store(failing)
		check(errDown)
		check(errDown)
		f.mode.Store(good)
		check(nil) // not in a row
		f.mode.Store(failing)
		for range 3 {
			check(errDown)
		}
		asked := f.calls.Load()
		for range 100 {
			check(stores.ErrCircuitOpen)
		}
		time.Sleep(999 * time.Millisecond)
		check(stores.ErrCircuitOpen)
		if got := f.calls.Load(); got != asked {
			t.Errorf("an open circuit asked the store %d times", got-asked)
		}
		time.Sleep(time.Millisecond)
		check(errDown) // the probe
		check(stores.ErrCircuitOpen)
		time.Sleep(time.Second)
		f.mode.Store(good)
		check(nil)
		check(nil)
		if s := g.Stats(); s.IsOpen || s.Opened != 1 || s.NotAsked != 102 || !errors.Is(s.LastError, errDown) {
			t.Errorf("Stats = %+v, want closed, opened once, 102 not asked", s)
		}
		if ev.count(stores.CircuitOpened) != 1 || ev.count(stores.CircuitClosed) != 1 {
			t.Errorf("events %v, want the circuit opened and closed once", ev.all)
		}
	})
}

// TestBreakerProbe: of many that come while the circuit is open one asks the store, and
// the answer counts although its caller has left.
func TestBreakerProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlaky()
		f.mode.Store(failing)
		g := stores.NewBreaker(f, stores.FailurePolicy{Failures: 1, Probe: time.Second})
		_, _ = g.Blocked(t.Context(), access)
		time.Sleep(time.Second)
		f.mode.Store(slow)
		before := f.calls.Load()
		leaving, leave := context.WithCancel(t.Context())
		go func() { _, _ = g.Blocked(leaving, access) }()
		synctest.Wait()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := g.Blocked(t.Context(), access); !errors.Is(err, stores.ErrCircuitOpen) {
					t.Errorf("beside the probe: error = %v, want ErrCircuitOpen", err)
				}
			})
		}
		wg.Wait()
		if got := f.calls.Load() - before; got != 1 {
			t.Errorf("%d calls in the store, want one probe", got)
		}
		leave()
		synctest.Wait()
		time.Sleep(150 * time.Millisecond) // until the store has answered
		if _, err := g.Blocked(t.Context(), access); err != nil || g.Stats().IsOpen {
			t.Errorf("after the probe, whose caller has left: %v, open %v; want nil, closed", err, g.Stats().IsOpen)
		}
	})
}

func TestBreakerOfNothing(t *testing.T) {
	g := stores.NewBreaker(nil, stores.FailurePolicy{})
	if blocked, err := g.Blocked(t.Context(), access); err == nil {
		t.Errorf("NewBreaker(nil): Blocked = %v, nil; want an error", blocked)
	}
}

// TestBreakerInGate: what clients and routes see of a store that is down.
func TestBreakerInGate(t *testing.T) {
	key, err := keys.HMAC(keys.HS256, []byte("a secret of thirty-two bytes, ok"))
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range []bool{false, true} {
		f := newFlaky()
		f.mode.Store(failing)
		g, err := gate.New(gate.Config{Keys: key, Blocklist: stores.NewBreaker(f, stores.FailurePolicy{OpenForAccessTokens: open})})
		if err != nil {
			t.Fatal(err)
		}
		raw := gatetest.Token(t, key, nil)
		for _, p := range []gate.Policy{{}, {Type: gate.AnyTokenType}} {
			h := g.Require(p)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, gatetest.Request("GET", "/", raw))
			want := http.StatusServiceUnavailable
			if open && p.Type == "" {
				want = http.StatusNoContent
			}
			if w.Code != want || strings.Contains(w.Body.String(), errDown.Error()) {
				t.Errorf("open %v, policy %+v: %d %s; want %d without the store's error", open, p, w.Code, w.Body, want)
			}
		}
	}
}

func BenchmarkBreaker(b *testing.B) {
	g := stores.NewBreaker(newFlaky(), stores.FailurePolicy{})
	b.ReportAllocs()
	for b.Loop() {
		_, _ = g.Blocked(b.Context(), access)
	}
}
