//go:build unix

package browser_test

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// held holds refreshes up in the server, and counts those that are there at once.
type held struct {
	now, most atomic.Int32
	open      chan struct{}
}

func (h *held) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	n := h.now.Add(1)
	defer h.now.Add(-1)
	h.most.Store(max(h.most.Load(), n))
	select {
	case <-h.open:
	case <-r.Context().Done():
	}
	next.ServeHTTP(w, r)
}

// reach returns when n refreshes are in the server.
func (h *held) reach(t *testing.T, n int32) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for h.now.Load() < n {
		if time.Now().After(deadline) {
			t.Fatalf("%d refreshes in the server, want %d", h.now.Load(), n)
		}
		time.Sleep(time.Millisecond) // another process: there is nothing to wait on
	}
}

// twoTabs returns two tabs of one login, whose access tokens have expired.
func twoTabs(t *testing.T, s *site, options string) [2]context.Context {
	t.Helper()
	first := newProfile(t)
	tabs := [2]context.Context{first, newTab(t, first)}
	visitWithClient(t, tabs[0], s.url(app)+"/page", options)
	logIn(t, tabs[0], "alice")
	visitWithClient(t, tabs[1], s.url(app)+"/page", options)
	wantText(t, tabs[1], `"/me"`, "200 alice ")
	s.clock.Advance(time.Hour)
	return tabs
}

// TestTwoTabs: two tabs refresh at once, and both stay logged in. With Web Locks the second
// one waits; without them the server gives both the same token.
func TestTwoTabs(t *testing.T) {
	for _, tt := range []struct {
		name, options, before string
		delivery              session.Delivery
		locks                 bool
	}{
		{"split", "", "0", session.Split, true},
		{"cookies", cookiesClient, "0", session.Cookies, true},
		{"split without locks", "", `Object.defineProperty(navigator, "locks", { value: undefined }) && 0`, session.Split, false},
		{"cookies without locks", cookiesClient, `Object.defineProperty(navigator, "locks", { value: undefined }) && 0`, session.Cookies, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, gate.Cookies{}, tt.delivery)
			tabs := twoTabs(t, s, tt.options)
			before := s.times(session.RefreshRotated)
			h := &held{open: make(chan struct{})}
			s.onRefresh(h.serve)
			for i, tab := range tabs {
				eval[int](t, tab, tt.before)
				// Two requests of one tab share a refresh.
				eval[int](t, tab, `globalThis.both = Promise.all([text("/me"), text("/me?note=2")]), 0`)
				switch {
				case i == 0 || !tt.locks:
					h.reach(t, int32(i+1))
				default:
					waitFor(t, tab, `(async () => (await navigator.locks.query()).pending.length === 1)()`)
				}
			}
			close(h.open)
			for i, tab := range tabs {
				if got := eval[[]string](t, tab, "both"); !slices.Equal(got, []string{"200 alice ", "200 alice 2"}) {
					t.Errorf("tab %d: %q", i+1, got)
				}
			}
			want := int32(2)
			if tt.locks {
				want = 1
			}
			if got := h.most.Load(); got != want {
				t.Errorf("%d refreshes at once, want %d", got, want)
			}
			if n := s.times(session.RefreshRotated) - before; n != 1 {
				t.Errorf("%d rotations, want 1", n)
			}
			s.clock.Advance(time.Hour)
			for _, tab := range tabs {
				wantText(t, tab, `"/me"`, "200 alice ")
				s.clock.Advance(time.Minute)
			}
			if n := s.times(session.RefreshReused); n != 0 {
				t.Errorf("%d false alarms", n)
			}
		})
	}
}

// TestTwoTabsAlone: pages without the client rely on the grace period of the server. A tab
// that comes later with the old token would be a thief; browsers do not keep it.
func TestTwoTabsAlone(t *testing.T) {
	s := newSite(t, gate.Cookies{}, session.Cookies)
	tabs := twoTabs(t, s, cookiesClient)
	h := &held{open: make(chan struct{})}
	s.onRefresh(h.serve)
	const refresh = `fetch("/auth/refresh", { method: "POST", headers: { "X-CSRF-TOKEN": document.cookie.match(/csrf_refresh_token=([^;]+)/)[1] } }).then((r) => r.status)`
	for i, tab := range tabs {
		eval[int](t, tab, `globalThis.answer = `+refresh+`, 0`)
		h.reach(t, int32(i+1))
	}
	close(h.open)
	for round := range 3 {
		for i, tab := range tabs {
			if status := eval[int](t, tab, "answer"); status != 200 {
				t.Errorf("round %d, tab %d: %d", round, i+1, status)
			}
		}
		s.clock.Advance(time.Minute) // after the grace period
		for _, tab := range tabs {
			eval[int](t, tab, `globalThis.answer = `+refresh+`, 0`)
			eval[int](t, tab, "answer")
		}
	}
	if rotated, reused := s.times(session.RefreshRotated), s.times(session.RefreshReused); rotated != 4 || reused != 0 {
		t.Errorf("%d rotations and %d false alarms, want 4 and 0", rotated, reused)
	}

	// The control: a refresh token that somebody has kept ends the session.
	old := cookieValue(t, tabs[0], "refresh_token_cookie")
	s.clock.Advance(time.Minute)
	eval[int](t, tabs[0], refresh)
	s.clock.Advance(time.Minute)
	setCookie(t, tabs[0], s.url(app), "refresh_token_cookie", old)
	if status := eval[int](t, tabs[0], refresh); status != 401 || s.times(session.RefreshReused) != 1 {
		t.Errorf("an old token: %d, with %d alarms", status, s.times(session.RefreshReused))
	}
}

// TestLogoutInAnotherTab: the other tab hears of it, and has no token any more. A tab of
// another profile stays logged in.
func TestLogoutInAnotherTab(t *testing.T) {
	eachDelivery(t, func(t *testing.T, options string, delivery session.Delivery) {
		s := newSite(t, gate.Cookies{}, delivery)
		stranger := newProfile(t)
		visitWithClient(t, stranger, s.url(app)+"/page", options)
		logIn(t, stranger, "alice")
		tabs := twoTabs(t, s, options)
		wantText(t, tabs[1], `"/me"`, "200 alice ")
		eval[bool](t, tabs[0], `gate.logout().then(() => true)`)
		waitFor(t, tabs[1], `events.includes("logout in another tab")`)
		wantText(t, tabs[1], `"/me"`, "401 ")
		wantText(t, tabs[0], `"/me"`, "401 ")
		wantText(t, stranger, `"/me"`, "200 alice ")
		if eval[bool](t, stranger, `events.some((e) => e.startsWith("logout"))`) {
			t.Error("another profile heard of the logout")
		}

		logIn(t, tabs[0], "bob")
		waitFor(t, tabs[1], `events.includes("login in another tab")`)
		wantText(t, tabs[1], `"/me", { method: "POST", body: new URLSearchParams({ note: "x" }) }`, "200 bob x")

		logIn(t, tabs[0], "carol") // without a logout before
		waitFor(t, tabs[1], `events.filter((e) => e === "login in another tab").length === 2`)
		wantText(t, tabs[1], `"/me"`, "200 carol ")
	})
}

// TestRefreshMeetsLogout: a refresh that waits for the logout of another tab finds nobody.
func TestRefreshMeetsLogout(t *testing.T) {
	s := newSite(t, gate.Cookies{}, session.Cookies)
	tabs := twoTabs(t, s, cookiesClient)
	h := &held{open: make(chan struct{})}
	s.on("/auth/logout", h.serve)
	eval[int](t, tabs[0], `globalThis.left = gate.logout(), 0`)
	h.reach(t, 1)
	eval[int](t, tabs[1], `globalThis.answer = gate.refresh(), 0`)
	waitFor(t, tabs[1], `(async () => (await navigator.locks.query()).pending.length === 1)()`)
	close(h.open)
	if eval[bool](t, tabs[1], "answer") {
		t.Error("a refresh after the logout has found a login")
	}
	wantText(t, tabs[1], `"/me"`, "401 ")
}
