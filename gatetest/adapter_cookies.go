package gatetest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jwtgate/gate"
)

// answers is a handler that gives one answer to every request.
func answers(a AdapterAnswer) func(context.Context, *gate.Token, any, []byte) AdapterAnswer {
	return func(context.Context, *gate.Token, any, []byte) AdapterAnswer { return a }
}

var (
	empty  = AdapterAnswer{Status: http.StatusOK}
	cached = AdapterAnswer{Status: http.StatusOK, Header: http.Header{"Cache-Control": {"public"}}, Body: "x"}
)

// checkCSRF: the gate sees where a request comes from, and the value that it repeats.
func (s *adapterSuite) checkCSRF() {
	s.cfg.Cookies.CSRF.Form = true
	s.cfg.Cookies.CSRF.TrustedOrigins = []string{"https://app.example"}
	s.start(nil, AdapterRoute{Pattern: "/access", Policies: []gate.Policy{{}}}, AdapterRoute{Pattern: "/skips", Policies: []gate.Policy{{SkipCSRF: true}}})
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, method, body string
		header             []string
		status             int
	}{
		{"GET", "GET", "", nil, 200},
		{"HEAD", "HEAD", "", nil, 200},
		{"no value", "POST", "", nil, 403},
		{"no value, another method", "LINK", "", nil, 403},
		{"the value", "POST", "", []string{"X-Csrf-Token", "value"}, 200},
		{"the value of another", "DELETE", "", []string{"X-Csrf-Token", "another"}, 403},
		{"the value in a form", "POST", "a=b&csrf_token=value", []string{"Content-Type", form}, 200},
		{"another in a form", "POST", "a=b&csrf_token=another", []string{"Content-Type", form}, 403},
		{"a page of the same origin", "POST", "", []string{"X-Csrf-Token", "value", "Sec-Fetch-Site", "same-origin"}, 200},
		{"a page of another site", "POST", "", []string{"X-Csrf-Token", "value", "Sec-Fetch-Site", "cross-site"}, 403},
		{"the same origin, an old browser", "POST", "", []string{"X-Csrf-Token", "value", "Origin", "https://gate.example"}, 200},
		{"another origin, an old browser", "POST", "", []string{"X-Csrf-Token", "value", "Origin", "https://other.example"}, 403},
		{"another port", "POST", "", []string{"X-Csrf-Token", "value", "Origin", "https://gate.example:8443"}, 403},
		{"a trusted origin", "POST", "", []string{"X-Csrf-Token", "value", "Origin", "https://app.example"}, 200},
		{"two origins", "POST", "", []string{"X-Csrf-Token", "value", "Origin", "https://gate.example", "Origin", "https://other.example"}, 403},
	} {
		r := s.request(tt.method, "/access", tt.body, append(tt.header, "Cookie", s.cookie(nil))...)
		reply := s.want(tt.status, tt.name, r)
		if reply.called && reply.call.body != tt.body {
			s.Errorf("%s: the handler reads %q, want %q", tt.name, reply.call.body, tt.body)
		}
	}
	s.want(http.StatusOK, "a route that skips the check", s.request("POST", "/skips", "", "Cookie", s.cookie(nil)))
	s.want(http.StatusOK, "a token in a header", s.request("POST", "/access", "", "Authorization", "Bearer "+s.token(nil), "Sec-Fetch-Site", "cross-site"))
}

// checkCaching: caches learn that answers depend on cookies.
func (s *adapterSuite) checkCaching() {
	optional := []gate.Policy{{Optional: true}}
	s.start(nil,
		AdapterRoute{Pattern: "/plain", Policies: optional},
		AdapterRoute{Pattern: "/public", Policies: optional, Handle: answers(cached)},
		AdapterRoute{Pattern: "/twice", Policies: []gate.Policy{{Optional: true}, {Optional: true}}},
		AdapterRoute{Pattern: "/header", Policies: []gate.Policy{{Optional: true, Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer")}}}},
	)
	cookie, bearer := []string{"Cookie", s.cookie(nil)}, []string{"Authorization", "Bearer " + s.token(nil)}
	for _, tt := range []struct {
		name, path, vary, control string
		header                    []string
	}{
		{"a cookie", "/plain", "Cookie", "no-store", cookie},
		{"a visitor", "/plain", "Cookie", "", nil},
		{"a header", "/plain", "", "", bearer},
		{"the handler says so", "/public", "Cookie", "public", cookie},
		{"two guards", "/twice", "Cookie", "no-store", cookie},
		{"a route without cookies", "/header", "", "", cookie},
	} {
		h := s.want(http.StatusOK, tt.name, s.request("GET", tt.path, "", tt.header...)).Header
		s.wantHeader(h, tt.name, "Vary", tt.vary)
		s.wantHeader(h, tt.name, "Cache-Control", tt.control)
	}
}

// wantHeader fails the test if the values of a header, joined, are others.
func (s *adapterSuite) wantHeader(h http.Header, name, header, want string) {
	s.Helper()
	if got := strings.Join(h.Values(header), ", "); got != want {
		s.Errorf("%s: %s = %q, want %q", name, header, got, want)
	}
}

// checkSetCookies: an answer that sets cookies keeps their attributes, and no cache stores it.
func (s *adapterSuite) checkSetCookies() {
	s.start(nil, AdapterRoute{Pattern: "/sets", Handle: answers(AdapterAnswer{
		Status: http.StatusOK, Header: http.Header{"Cdn-Cache-Control": {"max-age=60"}, "Cache-Control": {"public"}, "X-Other": {"x"}},
		Cookies: []*http.Cookie{{Name: "one", Value: "1", Path: "/", HttpOnly: true}, {Name: "two", Value: "2", SameSite: http.SameSiteStrictMode}},
	})})
	h := s.want(http.StatusOK, "/sets", s.request("GET", "/sets", "")).Header
	s.wantHeader(h, "cookies are set", "Vary", "")
	s.wantHeader(h, "cookies are set", "Cache-Control", "no-store")
	if got, want := h.Values("Set-Cookie"), []string{"one=1; Path=/; HttpOnly", "two=2; SameSite=Strict"}; !slices.Equal(got, want) {
		s.Errorf("Set-Cookie = %q, want %q", got, want)
	}
	if h.Get("CDN-Cache-Control") != "" || h.Get("X-Other") != "x" {
		s.Errorf("setting cookies leaves the header %v", h)
	}
}

// checkPublic: cookies that will never be accepted are cleared, and no others.
func (s *adapterSuite) checkPublic() {
	login := []*http.Cookie{{Name: "access_token_cookie", Value: "new"}}
	public := []gate.Policy{{Public: true}}
	s.start(nil,
		AdapterRoute{Pattern: "/page", Policies: public},
		AdapterRoute{Pattern: "/empty", Policies: public, Handle: answers(empty)},
		AdapterRoute{Pattern: "/login", Policies: public, Handle: answers(AdapterAnswer{Status: http.StatusOK, Cookies: login, Body: "x"})},
		AdapterRoute{Pattern: "/other", Policies: public, Handle: answers(AdapterAnswer{Status: http.StatusOK, Cookies: []*http.Cookie{{Name: "other", Value: "x"}}})},
	)
	expired := map[string]any{"exp": s.clock.Now().Add(-time.Hour), "iat": s.clock.Now().Add(-2 * time.Hour), "nbf": nil}
	for _, tt := range []struct {
		name, path string
		claims     map[string]any
		tampered   bool
		cleared    int
	}{
		{"a good token", "/page", nil, false, 0},
		{"expired", "/page", expired, false, 0},
		{"revoked", "/page", map[string]any{"jti": "revoked"}, false, 2},
		{"forged", "/page", nil, true, 2},
		{"forged, with an empty answer", "/empty", nil, true, 2},
		{"forged, and the handler sets another", "/other", nil, true, 2},
		{"revoked, and the handler logs in", "/login", map[string]any{"jti": "revoked"}, false, 0},
	} {
		cookie := s.cookie(tt.claims)
		if tt.tampered {
			cookie = Tampered(cookie)
		}
		reply := s.want(http.StatusOK, tt.name, s.request("GET", tt.path, "", "Cookie", cookie))
		cleared := clearedCookies(reply.Cookies())
		if cleared != tt.cleared {
			s.Errorf("%s: %d cookies cleared, want %d: %v", tt.name, cleared, tt.cleared, reply.Header.Values("Set-Cookie"))
		}
		if control := reply.Header.Get("Cache-Control"); cleared > 0 && control != "no-store" {
			s.Errorf("%s: cookies are cleared with Cache-Control %q", tt.name, control)
		}
	}
	s.want(http.StatusServiceUnavailable, "a store is down", s.request("GET", "/page", "", "Cookie", s.cookie(map[string]any{"jti": "down"})))
}

func clearedCookies(cookies []*http.Cookie) (n int) {
	for _, c := range cookies {
		if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
			n++
		}
	}
	return n
}

// checkRenewal: a cookie close to its end is replaced, whatever the handler answers.
func (s *adapterSuite) checkRenewal() {
	access := []gate.Policy{{}}
	s.start(&gate.RenewOptions{},
		AdapterRoute{Pattern: "/page", Policies: access},
		AdapterRoute{Pattern: "/empty", Policies: access, Handle: answers(empty)},
		AdapterRoute{Pattern: "/cached", Policies: access, Handle: answers(cached)},
		AdapterRoute{Pattern: "/logout", Policies: access, Handle: answers(AdapterAnswer{Status: http.StatusOK, Cookies: []*http.Cookie{{Name: "access_token_cookie", MaxAge: -1}}})},
		AdapterRoute{Pattern: "/open"},
		AdapterRoute{Pattern: "/fresh", Policies: []gate.Policy{{Fresh: true}}},
	)
	old := map[string]any{"iat": s.clock.Now().Add(-50 * time.Minute), "nbf": nil, "exp": s.clock.Now().Add(10 * time.Minute)}
	for _, tt := range []struct {
		name, path string
		header     []string
		status     int
		renewed    bool
	}{
		{"close to its end", "/page", []string{"Cookie", s.cookie(old)}, 200, true},
		{"an empty answer", "/empty", []string{"Cookie", s.cookie(old)}, 200, true},
		{"an answer to be cached", "/cached", []string{"Cookie", s.cookie(old)}, 200, true},
		{"not yet", "/page", []string{"Cookie", s.cookie(nil)}, 200, false},
		{"in a header", "/page", []string{"Authorization", "Bearer " + s.token(old)}, 200, false},
		{"a logout", "/logout", []string{"Cookie", s.cookie(old)}, 200, false},
		{"no guard", "/open", []string{"Cookie", s.cookie(old)}, 200, false},
		{"refused", "/fresh", []string{"Cookie", s.cookie(old)}, 401, false},
	} {
		reply := s.want(tt.status, tt.name, s.request("GET", tt.path, "", tt.header...))
		i := slices.IndexFunc(reply.Cookies(), func(c *http.Cookie) bool { return c.Name == "access_token_cookie" && c.Value != "" })
		if renewed := i >= 0; renewed != tt.renewed {
			s.Errorf("%s: renewed: %v, want %v", tt.name, renewed, tt.renewed)
		} else if renewed {
			s.wantHeader(reply.Header, tt.name, "Cache-Control", "no-store")
			s.wantRenewed(tt.name, reply.Cookies()[i].Value)
		}
	}
}

// wantRenewed fails the test if raw is not the token of the same login with more time.
func (s *adapterSuite) wantRenewed(name, raw string) {
	s.Helper()
	t, err := s.gate.CheckToken(s.Context(), raw, gate.Policy{})
	if err != nil || t.Subject != "alice" || t.SessionID != "login" || !t.Expiry.After(s.clock.Now().Add(30*time.Minute)) {
		s.Errorf("%s: the new token is %v, %v", name, t, err)
	}
}
