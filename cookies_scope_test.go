package gate_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/compat"
)

// What a login chooses for its cookies is recorded, and inherited.
func TestLoginCookies(t *testing.T) {
	g := newGate(t, gate.Config{})
	for _, o := range []gate.CookieOptions{
		{}, {MaxAge: time.Hour}, {MaxAge: gate.UntilExpiry}, {Domain: "example.com"}, {MaxAge: 30 * 24 * time.Hour, Domain: "example.com"},
	} {
		_, refresh, err := g.Issue(t.Context(), gate.Refresh, "alice", gate.TokenOptions{Cookies: o})
		if err != nil {
			t.Fatal(err)
		}
		raw, access, err := g.Issue(t.Context(), gate.Access, "alice", gate.TokenOptions{From: refresh})
		if err != nil || access.CookieOptions() != o {
			t.Errorf("%+v became %+v, %v", o, access.CookieOptions(), err)
		}
		list := must(g.AccessCookies(t.Context(), raw, gate.CookieOptions{}))
		if last := list[len(list)-1]; last.Domain != o.Domain || (last.MaxAge > 0) != (o.MaxAge != 0) {
			t.Errorf("%+v: cookie %v", o, last)
		}
	}
	tok := must(g.Decode(t.Context(), token("cookie_scope", `"mine"`), gate.DecodeOptions{}))
	if got := tok.CookieOptions(); got != (gate.CookieOptions{}) {
		t.Errorf("a claim of the application's own is read as %+v", got)
	}
}

func TestLoginCookiesRefused(t *testing.T) {
	host := gate.Cookies{Access: gate.CookieNames{Name: "__Host-a"}}
	for _, tt := range []struct {
		name    string
		cookies gate.Cookies
		o       gate.CookieOptions
	}{
		{"negative age", gate.Cookies{}, gate.CookieOptions{MaxAge: -time.Hour}},
		{"age in seconds for nanoseconds", gate.Cookies{}, gate.CookieOptions{MaxAge: 3600}},
		{"bad domain", gate.Cookies{}, gate.CookieOptions{Domain: "a;b"}},
		{"a domain for a cookie of the host", host, gate.CookieOptions{Domain: "example.com"}},
	} {
		g := newGate(t, gate.Config{Cookies: tt.cookies})
		if raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Cookies: tt.o}); err == nil {
			t.Errorf("%s: %s", tt.name, raw)
		}
	}
}

// A login that a browser was to remember for an hour has no cookies after that hour.
func TestLoginCookiesEnd(t *testing.T) {
	c := newClock()
	g := newGate(t, gate.Config{Clock: c.now, Create: gate.Create{AccessLifetime: 2 * time.Hour}})
	raw := must(g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Cookies: gate.CookieOptions{MaxAge: time.Hour}}))
	for _, tt := range []struct {
		after time.Duration
		want  int // Max-Age; 0 for an error
	}{{0, 3600}, {59 * time.Minute, 60}, {time.Hour - time.Second, 1}, {time.Hour - time.Second/2, 1}, {time.Hour, 0}, {90 * time.Minute, 0}} {
		c.Time = start.Add(tt.after)
		list, err := g.AccessCookies(t.Context(), raw, gate.CookieOptions{})
		got := 0
		if err == nil {
			got = list[0].MaxAge
		}
		if got != tt.want {
			t.Errorf("after %v: Max-Age %d (%v), want %d", tt.after, got, err, tt.want)
		}
	}
	if list, err := g.AccessCookies(t.Context(), raw, gate.CookieOptions{MaxAge: time.Minute}); err != nil || list[0].MaxAge != 60 {
		t.Errorf("what the call says counts: %v, %v", list, err)
	}
}

// Package flask sets and clears cookies in one scope, looks at no origin, and renews as
// the original's create_access_token would.
func TestCookiesOfFlask(t *testing.T) {
	cfg := gate.Config{Keys: hs256, Clock: stopped, Locations: []gate.Location{gate.FromCookies()}, Cookies: gate.Cookies{Domain: "example.com"}}
	g := compatGate(t, cfg, compat.Options{AnyIdentity: true, OneScope: true, SkipOrigin: true, NewRenewal: true})
	list := must(g.AccessCookies(t.Context(), token(), gate.CookieOptions{Domain: "sub.example.com"}))
	if n, m := len(list), len(g.ClearCookies(gate.CookieOptions{}, gate.Access)); n != 2 || m != 2 {
		t.Errorf("%d cookies set, %d cleared; want 2, 2", n, m)
	}
	r := request("POST", "/", append([]string{"Cookie: access_token_cookie=" + token("exp", at(60), "iat", at(0)), "X-CSRF-TOKEN: canary-csrf-1"}, crossSite...)...)
	tok, err := g.Check(r, gate.Policy{})
	checkVerdict(t, err, "ok")
	for session, login := range map[time.Duration]string{gate.NoExpiry: "", time.Hour: `"auth_time":` + at(0)} {
		list = must(g.RenewCookies(t.Context(), tok, nil, gate.RenewOptions{Within: time.Hour, MaxSession: session}))
		_, got := texts(t, list[0].Value)
		if !strings.Contains(got, `"exp":`+at(900)) || !strings.Contains(got, login) || strings.Contains(got, "auth_time") != (login != "") || strings.Contains(got, "canary-csrf-1") {
			t.Errorf("renewed with MaxSession %v: %s", session, got)
		}
	}
}

// Adapters renew by the pure half: cookies, nothing, or why not.
func TestRenewCookies(t *testing.T) {
	var events []gate.Event
	cfg := gate.Config{Locations: []gate.Location{gate.FromCookies()}, OnEvent: func(_ context.Context, e gate.Event) {
		if e.Name == gate.TokenRenewed || e.Name == gate.RenewalFailed {
			events = append(events, e)
		}
	}}
	g := newGate(t, cfg)
	errNo := errors.New("demoted")
	refuse := func(context.Context, *gate.Token, *gate.TokenOptions) error { return errNo }
	for _, tt := range []struct {
		name    string
		raw     string
		o       gate.RenewOptions
		cookies int
		err     error
		event   string
	}{
		{"due", ending(), gate.RenewOptions{}, 2, nil, gate.TokenRenewed},
		{"not yet", token(), gate.RenewOptions{}, 0, nil, ""},
		{"of another type", refreshToken("exp", at(soon), "iat", at(-840)), gate.RenewOptions{}, 0, nil, ""},
		{"of another issuer", ending("iss", `"https://other.example"`), gate.RenewOptions{}, 0, nil, ""},
		{"refused", ending(), gate.RenewOptions{Successor: refuse}, 0, errNo, gate.RenewalFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events = nil
			tok, err := g.Check(cookie(tt.raw), gate.Policy{Type: gate.AnyTokenType})
			checkVerdict(t, err, "ok")
			list, err := g.RenewCookies(t.Context(), tok, nil, tt.o)
			if len(list) != tt.cookies || !errors.Is(err, tt.err) {
				t.Errorf("%d cookies, %v; want %d, %v", len(list), err, tt.cookies, tt.err)
			}
			if tt.event == "" && len(events) != 0 || tt.event != "" && (len(events) != 1 || events[0].Name != tt.event || !errors.Is(events[0].Err, tt.err)) {
				t.Errorf("events %v, want %q", events, tt.event)
			}
			if tt.event == gate.TokenRenewed && events[0].Token.ID == tok.ID {
				t.Error("the event has the old token")
			}
		})
	}
}

// Two gates and middlewares of other kinds may add cookies too: SetCookies is for any.
func TestSetCookiesOfNone(t *testing.T) {
	w := new(headerOnly)
	gate.SetCookies(w, nil)
	if len(w.Header()) != 0 {
		t.Errorf("header = %v, want none", w.Header())
	}
}

type headerOnly struct{ h http.Header }

func (w *headerOnly) Header() http.Header {
	if w.h == nil {
		w.h = http.Header{}
	}
	return w.h
}
func (w *headerOnly) Write(b []byte) (int, error) { return len(b), nil }
func (w *headerOnly) WriteHeader(int)             {}

// The route that skips the check says so to hooks.
func TestSkipCSRF(t *testing.T) {
	g := csrfGate(t, gate.CSRF{})
	tok, err := g.Check(request("POST", "/", append(crossSite, "Cookie: access_token_cookie="+token())...), gate.Policy{SkipCSRF: true})
	checkVerdict(t, err, "ok")
	if err == nil && !tok.Policy().SkipCSRF {
		t.Error("Token.Policy does not have SkipCSRF")
	}
}
