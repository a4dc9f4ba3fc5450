package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

func TestStart(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	p, err := f.Start(t.Context(), 42, session.Login{Device: session.Device{Name: "phone"}, Claims: map[string]any{"role": "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	a, r := p.AccessToken(), p.RefreshToken()
	if a.SessionID == "" || a.SessionID != r.SessionID || a.CSRF() != r.CSRF() || a.Subject != "42" || !a.Fresh || a.Type != gate.Access || r.Type != gate.Refresh {
		t.Errorf("Start = %v and %v of the sessions %q and %q", a, r, a.SessionID, r.SessionID)
	}
	for _, tok := range []*gate.Token{a, r} {
		var c struct {
			Role string `json:"role"`
		}
		if err := tok.Claims(&c); err != nil || c.Role != "admin" {
			t.Errorf("the %s token has the role %q, %v", tok.Type, c.Role, err)
		}
	}
	list, err := f.List(t.Context(), "42")
	if err != nil || len(list) != 1 || list[0].ID != r.SessionID || list[0].Device.Name != "phone" || !list[0].Created.Equal(f.clock.Now()) {
		t.Errorf("List = %+v, %v", list, err)
	}
	if n := f.events.count(session.SessionStarted); n != 1 {
		t.Errorf("%d events %s", n, session.SessionStarted)
	}
}

// TestTwoTabs: two tabs that refresh at once get the same refresh token, and both are
// logged in after that. A third, with a token of long ago, ends the session.
func TestTwoTabs(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	p := f.start(t)
	one, two := f.refresh(t, p.Refresh()), f.refresh(t, p.Refresh())
	if one.Refresh() != two.Refresh() || one.RefreshToken().ID == p.RefreshToken().ID {
		t.Error("the second tab did not get the token of the first")
	}
	if err := errors.Join(f.access(t, one), f.access(t, two)); err != nil {
		t.Error(err)
	}
	f.clock.Advance(grace)
	f.refresh(t, two.Refresh())
	if n := f.events.count(session.SessionEnded); n != 0 {
		t.Errorf("%d sessions ended", n)
	}
}

func TestLostAnswer(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	p := f.start(t)
	lost := f.refresh(t, p.Refresh())
	f.clock.Advance(grace - time.Second)
	again := f.refresh(t, p.Refresh())
	if again.Refresh() != lost.Refresh() {
		t.Error("the answer that was asked for again has another refresh token")
	}
	if again.AccessToken().ID == lost.AccessToken().ID {
		t.Error("the access token is not a new one")
	}
	if n := f.events.count(session.RefreshReplayed); n != 1 {
		t.Errorf("%d events %s", n, session.RefreshReplayed)
	}
}

// TestGraceEndIsFixed: uses within the grace period do not move its end.
func TestGraceEndIsFixed(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	p := f.start(t)
	f.refresh(t, p.Refresh())
	for range 9 {
		f.clock.Advance(time.Second)
		f.refresh(t, p.Refresh())
	}
	f.clock.Advance(time.Second)
	if _, err := f.Refresh(t.Context(), p.Refresh(), nil); !errors.Is(err, session.ErrReused) {
		t.Errorf("after the grace period: %v", err)
	}
}

// TestReuse: an old token ends the session with one event, and its access tokens at once.
func TestReuse(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	stolen := f.start(t)
	other := f.start(t)
	p := f.refresh(t, stolen.Refresh())
	f.clock.Advance(grace)
	_, err := f.Refresh(t.Context(), stolen.Refresh(), nil)
	if !errors.Is(err, session.ErrReused) || !errors.Is(err, gate.ErrRevoked) || gate.StatusCode(err) != 401 {
		t.Errorf("Refresh = %v (%d)", err, gate.StatusCode(err))
	}
	if err := f.access(t, p); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("the access token of the ended session: %v", err)
	}
	for _, raw := range []string{stolen.Refresh(), p.Refresh()} {
		if _, err := f.Refresh(t.Context(), raw, nil); !errors.Is(err, gate.ErrRevoked) || errors.Is(err, session.ErrReused) {
			t.Errorf("a token of the ended session: %v", err)
		}
	}
	if err := f.access(t, other); err != nil {
		t.Errorf("another session of the user: %v", err)
	}
	if a, b := f.events.count(session.RefreshReused), f.events.count(session.SessionEnded); a != 1 || b != 1 {
		t.Errorf("%d events of reuse, %d of an end", a, b)
	}
	list := must(f.List(t.Context(), "alice"))
	if len(list) != 1 || list[0].ID != other.RefreshToken().SessionID {
		t.Errorf("List = %+v", list)
	}
}

// TestParentOnly: with an open grace period too, the parent of the live token is taken and
// its grandparent is not.
func TestParentOnly(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	first := f.start(t)
	second := f.refresh(t, first.Refresh())
	f.clock.Advance(grace)
	f.refresh(t, second.Refresh())
	f.refresh(t, second.Refresh())
	if _, err := f.Refresh(t.Context(), first.Refresh(), nil); !errors.Is(err, session.ErrReused) {
		t.Errorf("the grandparent: %v", err)
	}
}

func TestOneRotationInGrace(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	p := f.refresh(t, f.start(t).Refresh())
	again := f.refresh(t, p.Refresh())
	if again.RefreshToken().ID != p.RefreshToken().ID || again.RefreshToken().Expiry != p.RefreshToken().Expiry {
		t.Error("the live token was rotated while its grace period was open")
	}
	if n := f.events.count(session.RefreshRepeated); n != 1 {
		t.Errorf("%d events %s", n, session.RefreshRepeated)
	}
}

func TestIdleAndAbsoluteEnd(t *testing.T) {
	o := session.Options{Idle: time.Hour, Absolute: 150 * time.Minute}
	f := newFixture(t, gate.Config{}, o)
	idle := f.start(t)
	f.clock.Advance(time.Hour)
	if _, err := f.Refresh(t.Context(), idle.Refresh(), nil); !errors.Is(err, gate.ErrExpired) {
		t.Errorf("after an idle hour: %v", err)
	}
	p, end := f.start(t), f.clock.Now().Add(o.Absolute)
	for range 149 {
		f.clock.Advance(time.Minute)
		p = f.refresh(t, p.Refresh())
		if p.RefreshToken().Expiry.After(end) || p.AccessToken().Expiry.After(end) {
			t.Fatalf("a token lives until %v and %v, the session until %v", p.RefreshToken().Expiry, p.AccessToken().Expiry, end)
		}
	}
	f.clock.Advance(time.Minute)
	if _, err := f.Refresh(t.Context(), p.Refresh(), nil); err == nil {
		t.Error("the session has no end")
	}
}

func TestEndOfSessions(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(f *fixture, ctx context.Context, sid string) error
		own  bool // the session itself goes on
		rest bool // the others go on
	}{
		{name: "End", end: func(f *fixture, ctx context.Context, sid string) error { return f.End(ctx, "alice", sid) }, rest: true},
		{name: "EndOthers", end: func(f *fixture, ctx context.Context, sid string) error { return f.EndOthers(ctx, "alice", sid) }, own: true},
		{name: "EndAll", end: func(f *fixture, ctx context.Context, sid string) error { return f.EndAll(ctx, "alice") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, gate.Config{}, session.Options{})
			own, other, bob := f.start(t), f.start(t), must(f.Start(t.Context(), "bob", session.Login{}))
			ctx, leave := context.WithCancel(t.Context())
			leave() // the client is gone
			if err := tt.end(f, ctx, own.AccessToken().SessionID); err != nil {
				t.Fatal(err)
			}
			for p, open := range map[*session.Pair]bool{own: tt.own, other: tt.rest, bob: true} {
				_, err := f.Refresh(t.Context(), p.Refresh(), nil)
				if (err == nil) != open || (f.access(t, p) == nil) != open {
					t.Errorf("%v: refresh %v, access %v, want open: %v", p, err, f.access(t, p), open)
				}
			}
			after := f.start(t) // in the same second
			if err := f.access(t, f.refresh(t, after.Refresh())); err != nil {
				t.Errorf("a login right after: %v", err)
			}
		})
	}
}

// TestEndIsForTheOwner: to know the ID of a session is not enough to end it.
func TestEndIsForTheOwner(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	p := f.start(t)
	if err := f.End(t.Context(), "mallory", p.AccessToken().SessionID); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("End by somebody else = %v", err)
	}
	if err := f.EndOthers(t.Context(), "mallory", p.AccessToken().SessionID); err != nil {
		t.Error(err)
	}
	if err := f.EndOthers(t.Context(), "alice", ""); err == nil {
		t.Error("EndOthers without a session is no error")
	}
	if err := f.access(t, p); err != nil {
		t.Errorf("the session: %v", err)
	}
}

// TestOwnSessionID: an application that names its sessions itself ends them by that name.
func TestOwnSessionID(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	p := must(f.Start(t.Context(), "alice", session.Login{Claims: map[string]any{"sid": "mine"}}))
	p = f.refresh(t, p.Refresh())
	if err := f.End(t.Context(), "alice", "mine"); err != nil {
		t.Fatal(err)
	}
	if err := f.access(t, p); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("after its end: %v", err)
	}
}

func TestMaxSessions(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{MaxSessions: 2})
	first := f.start(t)
	f.clock.Advance(time.Second)
	second := f.start(t)
	f.clock.Advance(time.Second)
	third := f.start(t)
	if err := f.access(t, first); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("the oldest session: %v", err)
	}
	if err := errors.Join(f.access(t, second), f.access(t, third)); err != nil {
		t.Error(err)
	}
	f = newFixture(t, gate.Config{}, session.Options{MaxSessions: 1, RefuseNew: true})
	f.start(t)
	if _, err := f.Start(t.Context(), "alice", session.Login{}); !errors.Is(err, stores.ErrTooManySessions) {
		t.Errorf("the second session: %v", err)
	}
	if err := f.EndAll(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if err := f.access(t, f.start(t)); err != nil {
		t.Errorf("after EndAll: %v", err)
	}
}

// TestDisabledUser: LoadUser runs on every refresh, in a grace period too.
func TestDisabledUser(t *testing.T) {
	disabled, calls := false, 0
	f := newFixture(t, gate.Config{LoadUser: func(context.Context, *gate.Token) (any, error) {
		if calls++; disabled {
			return nil, nil
		}
		return "alice", nil
	}}, session.Options{})
	p := f.start(t)
	f.refresh(t, p.Refresh())
	disabled = true
	if _, err := f.Refresh(t.Context(), p.Refresh(), nil); !errors.Is(err, gate.ErrNoUser) {
		t.Errorf("a disabled user: %v", err)
	}
	if calls != 2 {
		t.Errorf("LoadUser was called %d times for 2 refreshes", calls)
	}
}

// TestPairPrintsNoToken: no verb and no log shows a token.
func TestPairPrintsNoToken(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	p := f.start(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{p, *p, struct{ P session.Pair }{*p}, session.Pair{}} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, p.Access()) || strings.Contains(text, p.Refresh()) {
				t.Errorf("%s of a %T shows a token", verb, v)
			}
		}
	}
	if _, err := p.MarshalJSON(); err == nil {
		t.Error("a Pair is written as JSON")
	}
}

func TestNewRefuses(t *testing.T) {
	clock := gatetest.NewClock()
	store := must(gatemem.New(gatemem.Options{Clock: clock.Now}))
	key := must(keys.Generate(keys.HS256))
	good := gate.Config{Keys: key, Blocklist: store}
	for _, tt := range []struct {
		name string
		cfg  gate.Config
		o    session.Options
		want string
	}{
		{"no blocklist", gate.Config{Keys: key}, session.Options{}, "not the blocklist"},
		{"another store", gate.Config{Keys: key, Blocklist: must(gatemem.New(gatemem.Options{}))}, session.Options{}, "not the blocklist"},
		{"a value", gate.Config{Keys: key, Blocklist: valueStore{}}, session.Options{}, "not the blocklist"},
		{"no expiry", gate.Config{Keys: key, Blocklist: store, Create: gate.Create{RefreshLifetime: gate.NoExpiry}, Accept: gate.Accept{Lenient: gate.Lenient{NoExpiry: true}}}, session.Options{}, "expire"},
		{"grace", good, session.Options{Grace: -1}, "Grace"},
		{"grace over idle", good, session.Options{Idle: time.Minute, Grace: time.Hour}, "Grace"},
		{"absolute", good, session.Options{Absolute: time.Millisecond}, "Absolute"},
		{"timeout", good, session.Options{Timeout: -1}, "Timeout"},
		{"idle over the gate's bound", good, session.Options{Idle: 20 * 365 * 24 * time.Hour}, "MaxLifetime"},
		{"unknown delivery", good, session.Options{Delivery: 7}, "Delivery"},
		{"cookies that the gate does not read", good, session.Options{Delivery: session.Cookies}, "FromCookies"},
		{"all logins remembered", gate.Config{Keys: key, Blocklist: store, Cookies: gate.Cookies{MaxAge: time.Hour}}, session.Options{Delivery: session.Split}, "MaxAge"},
	} {
		if _, err := session.New(must(gate.New(tt.cfg)), store, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New = %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	if _, err := session.New(nil, store, session.Options{}); err == nil {
		t.Error("New takes a nil gate")
	}
	behind := stores.NewBreaker(store, stores.FailurePolicy{})
	if _, err := session.New(must(gate.New(gate.Config{Keys: key, Blocklist: behind})), store, session.Options{}); err != nil {
		t.Errorf("a store behind a breaker: %v", err)
	}
}

// valueStore is a blocklist that is no pointer.
type valueStore struct{}

func (valueStore) Blocked(context.Context, *gate.Token) (bool, error) { return false, nil }
