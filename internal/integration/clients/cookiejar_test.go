//go:build unix

package clients_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

// site is a server with cookies and sessions, and a client with a cookie jar.
type site struct {
	t      *testing.T
	url    *url.URL
	client *http.Client
	clock  *gatetest.Clock
}

// newSite starts a TLS server, since the cookies are Secure, and the jar keeps to that.
func newSite(t *testing.T, d session.Delivery) *site {
	t.Helper()
	clock := gatetest.NewClock()
	store, err := gatemem.New(gatemem.Options{Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{
		Keys: ourKey(t, "ES256"), Blocklist: store, Clock: clock.Now,
		Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()},
		Cookies:   gate.Cookies{Refresh: gate.CookieNames{Path: "/auth/"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := session.New(g, store, session.Options{Delivery: d})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(routes(g, m))
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, url: at, client: server.Client(), clock: clock}
	s.client.Jar, err = cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func routes(g *gate.Gate, m *session.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		pair, err := m.Start(r.Context(), r.FormValue("name"), session.Login{})
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		m.Write(w, r, pair)
	})
	mux.Handle("/auth/", m.Handler("/auth/"))
	mux.Handle("/me", g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		_, _ = io.WriteString(w, "hello "+t.Subject)
	})))
	return mux
}

// cookie returns the value of a cookie that the jar sends to a path.
func (s *site) cookie(path, name string) string {
	for _, c := range s.client.Jar.Cookies(s.url.JoinPath(path)) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// do sends a request with the cookies of the jar, and returns the body.
func (s *site) do(method, path, csrf string, want int) string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url.JoinPath(path).String(), strings.NewReader("name=zoë"))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if csrf != "" {
		r.Header.Set("X-CSRF-TOKEN", csrf)
	}
	res, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		s.t.Errorf("%s %s: %d %s, %v; want %d", method, path, res.StatusCode, body, err, want)
	}
	return string(body)
}

// TestCookieJar goes from login to logout with what the jar keeps, both tokens in cookies.
func TestCookieJar(t *testing.T) {
	s := newSite(t, session.Cookies)
	s.do("GET", "me", "", 401)
	s.do("POST", "login", "", 200)
	if body := s.do("GET", "me", "", 200); body != "hello zoë" {
		t.Errorf("the page says %q", body)
	}
	csrf := s.cookie("/", "csrf_access_token")
	s.do("POST", "me", "", 403)
	s.do("POST", "me", csrf+"x", 403)
	s.do("POST", "me", csrf, 200)

	if s.cookie("/", "refresh_token_cookie") != "" {
		t.Error("the refresh token goes to every path")
	}
	first := s.cookie("/auth/", "refresh_token_cookie")
	s.clock.Advance(20 * time.Minute)
	s.do("GET", "me", "", 401) // the access token has expired
	s.do("POST", "auth/refresh", "", 403)
	s.do("POST", "auth/refresh", s.cookie("/auth/", "csrf_refresh_token"), 200)
	if now := s.cookie("/auth/", "refresh_token_cookie"); now == first || now == "" {
		t.Error("the refresh token has not changed")
	}
	s.do("GET", "me", "", 200)

	stolen := s.client.Jar.Cookies(s.url.JoinPath("/auth/"))
	s.do("POST", "auth/logout", "", 403)
	s.do("POST", "auth/logout", s.cookie("/auth/", "csrf_refresh_token"), 204)
	if left := s.client.Jar.Cookies(s.url.JoinPath("/auth/")); len(left) != 0 {
		t.Errorf("after the logout the jar has %v", left)
	}
	s.do("GET", "me", "", 401)
	s.client.Jar.SetCookies(s.url.JoinPath("/auth/"), stolen)
	s.do("GET", "me", "", 401) // revoked
	s.do("POST", "auth/refresh", s.cookie("/auth/", "csrf_refresh_token"), 401)
}
