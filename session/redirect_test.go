package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// TestRedirect: a login of a page ends with its cookies and another page.
func TestRedirect(t *testing.T) {
	inCookies := gate.Config{Locations: []gate.Location{gate.FromCookies()}}
	redirect := func(f *fixture, login session.Login) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		f.Redirect(w, httptest.NewRequest("POST", "/login", nil), must(f.Start(t.Context(), "alice", login)), "/notes?a=b")
		return w
	}
	for _, tt := range []struct {
		name     string
		cfg      gate.Config
		delivery session.Delivery
		remember bool
		want     string // the cookies
	}{
		{"cookies", inCookies, session.Cookies, false, "access_token_cookie csrf_access_token refresh_token_cookie csrf_refresh_token"},
		{"cookies, remembered", inCookies, session.Cookies, true, "access_token_cookie csrf_access_token refresh_token_cookie csrf_refresh_token"},
		{"split", splitConfig, session.Split, false, "refresh_token_cookie csrf_refresh_token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := redirect(newFixture(t, tt.cfg, session.Options{Delivery: tt.delivery}), session.Login{Remember: tt.remember})
			var names []string
			for _, c := range w.Result().Cookies() {
				names = append(names, c.Name)
				if remembered := c.MaxAge > 0; remembered != tt.remember {
					t.Errorf("the cookie %s is kept: %v, want %v", c.Name, remembered, tt.remember)
				}
			}
			if got := strings.Join(names, " "); got != tt.want || w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/notes?a=b" {
				t.Errorf("%d to %q with the cookies %s, want 303 with %s", w.Code, w.Header().Get("Location"), got, tt.want)
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: %s", got)
			}
		})
	}
	f := newFixture(t, inCookies, session.Options{Delivery: session.Cookies})
	large := redirect(f, session.Login{Claims: map[string]any{"x": strings.Repeat("x", 3000)}})
	if large.Code != http.StatusServiceUnavailable || large.Header().Get("Location") != "" || len(large.Result().Cookies()) != 0 {
		t.Errorf("a cookie that browsers would drop: %d to %q", large.Code, large.Header().Get("Location"))
	}
	defer func() {
		if recover() == nil {
			t.Error("tokens that are not in cookies are lost, and nobody is told")
		}
	}()
	redirect(newFixture(t, gate.Config{}, session.Options{}), session.Login{})
}
