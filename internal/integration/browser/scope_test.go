//go:build unix

package browser_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// me returns the status of /me, and the number of access cookies that the browser sends there.
func me(t *testing.T, tab context.Context, s *site) (status, cookiesSent int) {
	t.Helper()
	visit(t, tab, s.url(app)+"/page")
	for _, c := range cookies(t, tab, s.url(app)+"/me") {
		if c.Name == "access_token_cookie" {
			cookiesSent++
		}
	}
	return eval[int](t, tab, `fetch("/me").then((r) => r.status)`), cookiesSent
}

// logInAt logs a user in at a site without the client.
func logInAt(t *testing.T, tab context.Context, s *site, name string) {
	t.Helper()
	visit(t, tab, s.url(app)+"/page")
	js := fmt.Sprintf(`fetch("/login", { method: "POST", body: new URLSearchParams({ name: %q }) }).then((r) => r.status)`, name)
	if status := eval[int](t, tab, js); status != 200 {
		t.Fatalf("the login of %s: %d", name, status)
	}
}

// TestChangedScope: a site changes Domain or Path of its cookies. Nobody is locked out, and
// nobody is logged in again by an old cookie after a logout.
func TestChangedScope(t *testing.T) {
	narrow := gate.Cookies{Access: gate.CookieNames{Path: "/me", CSRFPath: "/"}}
	wide := gate.Cookies{Domain: "example.com"}
	after := func(c gate.Cookies, former ...gate.CookieScope) gate.Cookies {
		c.Former = former
		return c
	}
	for _, tt := range []struct {
		name     string
		old, now gate.Cookies
		broken   bool // the control: Former does not list the old scope
	}{
		{"a domain is added", gate.Cookies{}, wide, false},
		{"a domain is removed", wide, after(gate.Cookies{}, gate.CookieScope{Domain: "example.com"}), false},
		{"a path is widened", narrow, after(gate.Cookies{}, gate.CookieScope{Path: "/me"}), false},
		{"a path is narrowed", gate.Cookies{}, after(narrow, gate.CookieScope{Path: "/"}), false},
		{"a path is widened, without Former", narrow, gate.Cookies{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old := newSite(t, tt.old, session.Cookies)
			now := old.changed(t, tt.now, session.Cookies)
			tab := newProfile(t)
			logInAt(t, tab, old, "alice")
			if status, n := me(t, tab, now); status != 200 || n != 1 {
				t.Errorf("after the change: %d with %d cookies", status, n)
			}
			// The access token expires, and is refreshed under the new scope.
			now.clock.Advance(time.Hour)
			loadClient(t, tab, cookiesClient)
			eval[bool](t, tab, "gate.refresh()")
			status, n := me(t, tab, now)
			if (status == 200 && n == 1) == tt.broken {
				t.Errorf("after a refresh: %d with %d cookies", status, n)
			}
			// Somebody else logs in and out.
			logInAt(t, tab, now, "bob")
			loadClient(t, tab, cookiesClient)
			eval[bool](t, tab, "gate.logout().then(() => true)")
			status, n = me(t, tab, now)
			if status != 401 || (n == 0) == tt.broken {
				t.Errorf("after the logout: %d with %d cookies", status, n)
			}
			if status, _ = me(t, tab, old); status != 401 {
				t.Errorf("after the logout, at a server with the old settings: %d", status)
			}
		})
	}
}
