package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
)

// TestNothingPrintsTokens: whatever of a session a program logs, no token is in it.
func TestNothingPrintsTokens(t *testing.T) {
	f := newFixture(t, pagesConfig, session.Options{Delivery: session.Cookies})
	p := f.start(t)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "access_token_cookie="+p.Access())
	guard := f.gate.Guard(gate.Policy{Public: true})
	v := guard.Check(t.Context(), gate.HTTPRequest(r))
	r.Header.Set("Cookie", "access_token_cookie="+p.Refresh())
	bad := guard.Check(t.Context(), gate.HTTPRequest(r))
	for _, x := range []any{p, *p, f.Manager, f.gate, v, &v, bad, &bad, guard, f.events.list, gate.TokenOptions{From: p.RefreshToken()},
		stores.Rotation{Token: p.RefreshToken()}, session.OneTimeOptions{From: p.AccessToken()}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
			text := fmt.Sprintf(verb, x)
			for _, secret := range []string{p.Access(), p.Refresh(), p.AccessToken().CSRF(), fmt.Sprintf("%x", p.Access())} {
				if strings.Contains(text, secret) {
					t.Errorf("%T in %s has a token or a CSRF value", x, verb)
				}
			}
		}
	}
}

// TestForgedSteps: no token does what another one is for, and nothing comes of a spent one.
func TestForgedSteps(t *testing.T) {
	f := newFixture(t, gate.Config{Create: gate.Create{Types: []gate.TokenType{"once"}}}, session.Options{})
	once := must(session.NewOneTime(f.gate, f.store, "once"))
	use := session.Use{Purpose: "x"}
	p := f.start(t)
	ticket := must(once.Issue(t.Context(), "alice", use, session.OneTimeOptions{ExpiresIn: time.Hour, From: p.AccessToken()}))
	for name, raw := range map[string]string{"access": p.Access(), "ticket": ticket, "none": "", "dots": "..", "long": strings.Repeat("a.", 1<<20)} {
		if _, err := f.Refresh(t.Context(), raw, nil); err == nil {
			t.Errorf("%s refreshes", name)
		}
	}
	for name, raw := range map[string]string{"ticket": ticket, "refresh": p.Refresh()} {
		if _, err := f.gate.CheckToken(t.Context(), raw, gate.Policy{}); err == nil {
			t.Errorf("%s opens", name)
		}
	}
	tok := must(once.Redeem(t.Context(), ticket, use))
	for _, typ := range []gate.TokenType{gate.Access, gate.Refresh, "once"} {
		if _, _, err := f.gate.Issue(t.Context(), typ, "alice", gate.TokenOptions{From: tok, ExpiresIn: time.Minute}); !errors.Is(err, gate.ErrRevoked) {
			t.Errorf("from a spent token: %s: %v", typ, err)
		}
	}
	second, _, err := f.gate.Issue(t.Context(), gate.Refresh, "alice", gate.TokenOptions{From: p.RefreshToken()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Refresh(t.Context(), second, nil); !errors.Is(err, session.ErrReused) {
		t.Errorf("a stranger's refresh token: %v", err)
	}
	if f.access(t, p) == nil {
		t.Error("access goes on")
	}
}

// TestSpentInLeeway: a ticket that is taken after its expiry counts once too.
func TestSpentInLeeway(t *testing.T) {
	f := newFixture(t, gate.Config{Create: gate.Create{Types: []gate.TokenType{"once"}}, Accept: gate.Accept{Leeway: 30 * time.Second}}, session.Options{})
	once := must(session.NewOneTime(f.gate, f.store, "once"))
	use := session.Use{Purpose: "x"}
	raw := must(once.Issue(t.Context(), "alice", use, session.OneTimeOptions{ExpiresIn: time.Minute}))
	f.clock.Advance(time.Minute + 10*time.Second)
	if _, err := once.Redeem(t.Context(), raw, use); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := once.Redeem(t.Context(), raw, use); err == nil {
			t.Error("twice")
		}
		f.clock.Advance(9 * time.Second)
	}
}

// TestHostileRequests: no request is a panic, and none without a token gets anything.
func TestHostileRequests(t *testing.T) {
	for _, d := range []session.Delivery{session.JSON, session.Cookies, session.Split} {
		f := newFixture(t, gate.Config{Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()}}, session.Options{Delivery: d, Device: session.DeviceOf})
		h := f.Handler("/auth/")
		for _, route := range []string{"POST refresh", "POST logout", "GET csrf", "POST logout/all", "POST logout/others", "GET sessions", "DELETE sessions/x", "DELETE sessions/%00%ff", "DELETE sessions/" + strings.Repeat("a", 1<<16)} {
			method, path, _ := strings.Cut(route, " ")
			for _, head := range []string{"", "Cookie: refresh_token_cookie=", "Cookie: refresh_token_cookie=a; refresh_token_cookie=b", "Cookie: " + strings.Repeat("refresh_token_cookie=a.b.c; ", 2900), "Authorization: Bearer", "Authorization: Bearer ..", "Authorization: Bearer a.b.c", "Content-Type: application/json"} {
				r := httptest.NewRequest(method, "/auth/"+path, strings.NewReader(`{"refresh_token":{"refresh_token":"x"}}`))
				if name, v, ok := strings.Cut(head, ": "); ok {
					r.Header.Set(name, v)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code < 400 || w.Code > 403 || len(w.Header()["Set-Cookie"]) != 0 {
					t.Errorf("%v %.40s %.60q: %d %v", d, route, head, w.Code, w.Header())
				}
			}
		}
	}
}

// TestOldScopeCookies: a browser that has an old cookie and a new one is no thief.
func TestOldScopeCookies(t *testing.T) {
	f := newFixture(t, pagesConfig, session.Options{Delivery: session.Cookies})
	first := f.start(t)
	for _, wait := range []time.Duration{time.Second, time.Minute, time.Hour} {
		f.clock.Advance(wait)
		second := f.refresh(t, first.Refresh())
		f.clock.Advance(time.Minute)
		for _, order := range [][2]string{{first.Refresh(), second.Refresh()}, {second.Refresh(), first.Refresh()}} {
			r := httptest.NewRequest("POST", "/auth/refresh", nil)
			r.Header.Set("Cookie", "refresh_token_cookie="+order[0]+"; refresh_token_cookie="+order[1])
			r.Header.Set("X-CSRF-TOKEN", first.RefreshToken().CSRF())
			w := httptest.NewRecorder()
			f.Handler("/auth/").ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
		first = f.start(t)
	}
}

// TestLogoutWithOldCookies: all that a browser has may have expired, and it has an old
// cookie and a new one.
func TestLogoutWithOldCookies(t *testing.T) {
	f := newFixture(t, pagesConfig, session.Options{Delivery: session.Cookies, Idle: time.Hour})
	first := f.start(t)
	f.clock.Advance(time.Second)
	second := f.refresh(t, first.Refresh())
	f.clock.Advance(2 * time.Hour)
	r := httptest.NewRequest("POST", "/auth/logout", nil)
	r.Header.Set("Cookie", "refresh_token_cookie="+first.Refresh()+"; refresh_token_cookie="+second.Refresh())
	r.Header.Set("X-CSRF-TOKEN", first.RefreshToken().CSRF())
	w := httptest.NewRecorder()
	f.Handler("/auth/").ServeHTTP(w, r)
	if w.Code != http.StatusNoContent {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestRenewCrossSite: a request of another site is refreshed on its way, and refused still.
func TestRenewCrossSite(t *testing.T) {
	f := newFixture(t, pagesConfig, session.Options{Delivery: session.Cookies})
	p := f.start(t)
	f.clock.Advance(16 * time.Minute)
	mux := http.NewServeMux()
	hit := false
	mux.Handle("POST /pay", f.gate.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hit = true })))
	for _, head := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Accept", "x"}} {
		r := httptest.NewRequest("POST", "/pay", nil)
		r.Header.Set("Cookie", "refresh_token_cookie="+p.Refresh()+"; access_token_cookie="+p.Access())
		r.Header.Set(head[0], head[1])
		w := httptest.NewRecorder()
		f.Renew(mux).ServeHTTP(w, r)
		if hit || w.Code != 403 {
			t.Errorf("%v: %d", head, w.Code)
		}
	}
}
