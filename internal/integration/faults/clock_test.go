//go:build unix

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

const gateLeeway = 10 * time.Second

// newGate returns a node's gate with a clock and a store of its own.
func newGate(t *testing.T, clock func() time.Time, list gate.Blocklist) *gate.Gate {
	t.Helper()
	key, err := keys.HMAC(keys.HS256, []byte("0123456789abcdef0123456789abcdeF"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{
		Keys: key, Blocklist: list, Clock: clock,
		Create: gate.Create{AccessLifetime: time.Minute}, Accept: gate.Accept{Leeway: gateLeeway, Skew: gateLeeway},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestBordersOfTime looks at the borders of time: a token is accepted in [nbf - leeway,
// exp + leeway) of the node's clock, neither a nanosecond more nor less, and a
// revocation outlives that on every node whose clock is within the store's leeway.
func TestBordersOfTime(t *testing.T) {
	t.Parallel()
	server := servers.StartRedis(t, servers.Durable...)
	client := connect(t, alone(server.Addr))
	var windows, revocations finding
	for _, year := range []int{2026, 2037, 2038, 2040, 2106, 2200} {
		for _, skew := range []time.Duration{0, -time.Minute, time.Minute, -4 * time.Minute, 4 * time.Minute} {
			clock := gatetest.NewClock()
			clock.Set(time.Date(year, 1, 19, 3, 14, 7, 0, time.UTC))
			store := newStore(t, client, gateredis.Options{
				Scope: stores.NewScope(fmt.Sprint(year, skew)), Clock: clock.Now, TrustOlderTokens: true,
			})
			windows.add(checkWindow(t, clock, store))
			revocations.add(checkOutlives(t, clock, skew, store))
		}
	}
	windows.what, revocations.what = "instants judged wrongly", "instants let a revoked token in"
	holds(t, "F13 window of acceptance", windows)
	holds(t, "F13 revoked, clocks apart by up to 4m", revocations)
	lapse(t, server)
}

func checkWindow(t *testing.T, clock *gatetest.Clock, store gate.Blocklist) finding {
	t.Helper()
	g := newGate(t, clock.Now, store)
	issued := clock.Now()
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer clock.Set(issued)
	var f finding
	expiry := issued.Add(time.Minute)
	for _, tt := range []struct {
		at   time.Time
		good bool
	}{
		{issued.Add(-gateLeeway - 1), false},
		{issued.Add(-gateLeeway), true},
		{issued, true},
		{expiry, true},
		{expiry.Add(gateLeeway - 1), true},
		{expiry.Add(gateLeeway), false},
		{expiry.Add(time.Hour), false},
		{issued.Add(-time.Hour), false},
	} {
		clock.Set(tt.at)
		f.of++
		if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); (err == nil) != tt.good {
			t.Logf("at %v of a token of %v: %v, want accepted: %v", tt.at, issued, err, tt.good)
			f.bad++
		}
	}
	return f
}

// checkOutlives has a node revoke whose clock differs from that of the node that
// checks, which also steps in the middle of a request.
func checkOutlives(t *testing.T, clock *gatetest.Clock, skew time.Duration, store *gateredis.Store) finding {
	t.Helper()
	issued := clock.Now()
	defer clock.Set(issued)
	step := time.Duration(0)
	checker := func() time.Time { step ^= time.Second; return clock.Now().Add(step) } // to and fro, each time it is read
	g := newGate(t, checker, store)
	raw, err := g.CreateAccessToken(t.Context(), "bob", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := g.Decode(t.Context(), raw, gate.DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	clock.Set(issued.Add(skew))
	if err := store.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
		t.Fatal(err)
	}
	var f finding
	for at := -gateLeeway; at < time.Minute+2*gateLeeway; at += time.Second {
		clock.Set(issued.Add(at))
		f.of++
		if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); err == nil {
			f.bad++
		} else if !errors.Is(err, gate.ErrRevoked) && !errors.Is(err, gate.ErrExpired) && !errors.Is(err, gate.ErrInvalid) {
			t.Errorf("at %v: %v", at, err)
		}
	}
	return f
}

// lapse lets real time pass until the server itself removes what has expired: not
// before the last gate refuses the token by itself.
func lapse(t *testing.T, server *servers.Redis) {
	t.Helper()
	client := connect(t, alone(server.Addr))
	behind := func() time.Time { return time.Now().Add(-time.Second) }
	run := func(store revoker) finding {
		tok := newToken()
		tok.Expiry = time.Now().Add(time.Second)
		if err := store.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
			t.Fatal(err)
		}
		// A gate with a leeway of a second, whose clock is a second behind.
		f := finding{what: "checks let a revoked token in"}
		for behind().Before(tok.Expiry.Add(time.Second)) {
			f.of++
			if blocked, err := store.Blocked(context.Background(), tok); !blocked && err == nil {
				f.bad++
			}
			nap(t.Context(), time.Millisecond)
		}
		return f
	}
	o := gateredis.Options{Leeway: 2 * time.Second, Scope: stores.NewScope("lapse")}
	holds(t, "F13 an entry outlives its token on a node that is behind", run(newStore(t, client, o)))
	caught(t, "F13", "an entry that ends with its token", run(naive{client}))
}
