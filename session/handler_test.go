package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// browser is a client with a cookie jar.
type browser struct {
	*http.Client
	t   testing.TB
	url string
}

func (f *fixture) serve(t testing.TB, h http.Handler) *browser {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // clients leave
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c := srv.Client()
	c.Jar = must(cookiejar.New(nil))
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{c, t, srv.URL}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	session.Body
	Sessions []struct {
		ID      string `json:"id"`
		Current bool   `json:"current"`
	} `json:"sessions"`
}

// do sends a request; headers are pairs.
func (b *browser) do(method, path, body string, headers ...string) answer {
	b.t.Helper()
	r := must(http.NewRequest(method, b.url+path, strings.NewReader(body)))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := *b.Client
	if r.Header.Get("Cookie") != "" {
		client.Jar = nil // the browser's own would come as well
	}
	resp, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text := must(io.ReadAll(resp.Body))
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
	_ = json.Unmarshal(text, &a) // where it is JSON
	return a
}

// cookie is the value of a cookie that the browser would send to a path, or "".
func (b *browser) cookie(path, name string) string {
	for _, c := range b.Jar.Cookies(must(url.Parse(b.url + path))) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// app logs in at POST /login and has the routes of sessions below /auth/.
func (f *fixture) app(t testing.TB) *browser {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		p, err := f.Start(r.Context(), "alice", session.Login{Remember: r.FormValue("remember") != "", Device: session.DeviceOf(gate.HTTPRequest(r))})
		if err != nil {
			f.gate.WriteError(w, r, err)
			return
		}
		f.Write(w, r, p)
	})
	mux.Handle("/auth/", f.Handler("/auth/"))
	mux.Handle("/me", f.gate.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "alice") })))
	return f.serve(t, mux)
}

var splitConfig = gate.Config{Cookies: gate.Cookies{Refresh: gate.CookieNames{Path: "/auth/"}}}

func TestJSONDelivery(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	b := f.app(t)
	in := b.do("POST", "/login", "")
	if in.AccessToken == "" || in.RefreshToken == "" || in.TokenType != "Bearer" || in.ExpiresIn != 900 || in.CSRFToken != "" || len(in.header["Set-Cookie"]) != 0 {
		t.Errorf("login: %v, cookies %q", in.body, in.header["Set-Cookie"])
	}
	if got := in.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %s", got)
	}
	next := b.do("POST", "/auth/refresh", `{"refresh_token":"`+in.RefreshToken+`"}`, "Content-Type", "application/json")
	byHeader := b.do("POST", "/auth/refresh", "", "Authorization", "Bearer "+in.RefreshToken)
	if next.status != 200 || byHeader.RefreshToken != next.RefreshToken || next.RefreshToken == in.RefreshToken {
		t.Errorf("refresh: %v, %v", next, byHeader)
	}
	if a := b.do("POST", "/auth/logout", `{"refresh_token":"`+next.RefreshToken+`"}`, "Content-Type", "application/json"); a.status != 204 {
		t.Errorf("logout: %d %s", a.status, a.body)
	}
	if a := b.do("GET", "/me", "", "Authorization", "Bearer "+next.AccessToken); a.status != 401 {
		t.Errorf("after the logout: %d", a.status)
	}
}

// TestRefreshReadsItsOwnPlace: a refresh token that comes in another way than it was
// delivered is none.
func TestRefreshReadsItsOwnPlace(t *testing.T) {
	for _, d := range []session.Delivery{session.Split, session.Cookies} {
		f := newFixture(t, gate.Config{Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies(), gate.FromQuery("token", "")}}, session.Options{Delivery: d})
		b, p := f.app(t), f.start(t)
		for _, a := range []answer{
			b.do("POST", "/auth/refresh", `{"refresh_token":"`+p.Refresh()+`"}`, "Content-Type", "application/json"),
			b.do("POST", "/auth/refresh", "", "Authorization", "Bearer "+p.Refresh()),
			b.do("POST", "/auth/refresh?token="+p.Refresh(), ""),
		} {
			if a.status != 401 {
				t.Errorf("delivery %d: %d %s", d, a.status, a.body)
			}
		}
	}
	f := newFixture(t, gate.Config{}, session.Options{})
	p := f.start(t)
	if a := f.app(t).do("POST", "/auth/refresh", "", "Cookie", "refresh_token_cookie="+p.Refresh(), "X-CSRF-TOKEN", p.RefreshToken().CSRF()); a.status != 401 {
		t.Errorf("a cookie where JSON is delivered: %d", a.status)
	}
}

func TestSplitDelivery(t *testing.T) {
	f := newFixture(t, splitConfig, session.Options{Delivery: session.Split})
	b := f.app(t)
	in := b.do("POST", "/login", "remember=1", "Content-Type", "application/x-www-form-urlencoded")
	if in.AccessToken == "" || in.RefreshToken != "" || in.CSRFToken == "" {
		t.Fatalf("login: %s", in.body)
	}
	if b.cookie("/me", "refresh_token_cookie") != "" || b.cookie("/auth/refresh", "refresh_token_cookie") == "" {
		t.Error("the refresh cookie has another path than that of the refresh route")
	}
	for _, c := range in.header["Set-Cookie"] {
		if strings.HasPrefix(c, "refresh_token_cookie=") && !(strings.Contains(c, "HttpOnly") && strings.Contains(c, "Secure") && strings.Contains(c, "Max-Age=2592000")) {
			t.Errorf("the cookie of a remembered login: %s", c)
		}
	}
	if a := b.do("POST", "/auth/refresh", ""); a.status != 403 {
		t.Errorf("a refresh without the CSRF value: %d %s", a.status, a.body)
	}
	if a := b.do("POST", "/auth/refresh", "", "X-CSRF-TOKEN", in.CSRFToken, "Sec-Fetch-Site", "cross-site"); a.status != 403 {
		t.Errorf("a refresh from another site: %d %s", a.status, a.body)
	}
	reloaded := b.do("GET", "/auth/csrf", "") // the page has lost its memory
	next := b.do("POST", "/auth/refresh", "", "X-CSRF-TOKEN", reloaded.CSRFToken)
	if next.status != 200 || next.AccessToken == "" || next.CSRFToken != in.CSRFToken {
		t.Errorf("a refresh after a reload: %d %s", next.status, next.body)
	}
	list := b.do("GET", "/auth/sessions", "", "Authorization", "Bearer "+next.AccessToken)
	if len(list.Sessions) != 1 || !list.Sessions[0].Current || !strings.Contains(list.body, "Go-http-client") || !strings.Contains(list.body, `"remember":true`) {
		t.Errorf("sessions: %s", list.body)
	}
}

// TestLoserClearsNothing: no refusal of a refresh clears a cookie, since another tab may
// have new ones.
func TestLoserClearsNothing(t *testing.T) {
	f := newFixture(t, splitConfig, session.Options{Delivery: session.Split})
	b := f.app(t)
	in := b.do("POST", "/login", "")
	old := b.cookie("/auth/refresh", "refresh_token_cookie")
	b.do("POST", "/auth/refresh", "", "X-CSRF-TOKEN", in.CSRFToken)
	f.clock.Advance(grace)
	for _, raw := range []string{old, old, "forged.to.ken"} { // reuse, ended, invalid
		a := b.do("POST", "/auth/refresh", "", "X-CSRF-TOKEN", in.CSRFToken, "Cookie", "refresh_token_cookie="+raw)
		if a.status != 401 || len(a.header["Set-Cookie"]) != 0 {
			t.Errorf("a refused refresh: %d, cookies %q", a.status, a.header["Set-Cookie"])
		}
	}
}

func TestLogout(t *testing.T) {
	both := gate.Config{Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()}}
	for _, tt := range []struct {
		name    string
		after   time.Duration
		cookies func(p *session.Pair) string
	}{
		{"both cookies", 0, func(p *session.Pair) string {
			return "access_token_cookie=" + p.Access() + "; refresh_token_cookie=" + p.Refresh()
		}},
		{"access cookie", 0, func(p *session.Pair) string { return "access_token_cookie=" + p.Access() }},
		{"expired access cookie", time.Hour, func(p *session.Pair) string { return "access_token_cookie=" + p.Access() }},
		{"expired refresh cookie", 31 * 24 * time.Hour, func(p *session.Pair) string { return "refresh_token_cookie=" + p.Refresh() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, both, session.Options{Delivery: session.Cookies})
			b, p, other := f.app(t), f.start(t), f.start(t)
			f.clock.Advance(tt.after)
			for value, want := range map[string]int{"": 403, other.AccessToken().CSRF(): 403} {
				a := b.do("POST", "/auth/logout", "", "Cookie", tt.cookies(p), "X-CSRF-TOKEN", value)
				if a.status != want || len(a.header["Set-Cookie"]) != 0 {
					t.Errorf("CSRF value %q: %d %s, cookies %q", value, a.status, a.body, a.header["Set-Cookie"])
				}
			}
			a := b.do("POST", "/auth/logout", "", "Cookie", tt.cookies(p), "X-CSRF-TOKEN", p.AccessToken().CSRF())
			if a.status != 204 || len(a.header["Set-Cookie"]) != 4 {
				t.Errorf("logout: %d %s, cookies %q", a.status, a.body, a.header["Set-Cookie"])
			}
			if tt.after < time.Hour {
				if err := f.access(t, p); !errors.Is(err, gate.ErrRevoked) {
					t.Errorf("the access token: %v", err)
				}
			}
			if n := f.events.count(session.SessionEnded); n != 1 {
				t.Errorf("%d sessions ended", n)
			}
		})
	}
}

// TestLogoutRefuses: who has no token of a session clears nothing and ends nothing.
func TestLogoutRefuses(t *testing.T) {
	f := newFixture(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}}, session.Options{Delivery: session.Cookies})
	b, p := f.app(t), f.start(t)
	cut := p.Refresh()[:len(p.Refresh())-4] + "AAAA"
	for name, cookie := range map[string]string{"none": "x=y", "forged": "refresh_token_cookie=" + cut, "forged access": "access_token_cookie=" + cut} {
		a := b.do("POST", "/auth/logout", "", "Cookie", cookie, "X-CSRF-TOKEN", p.RefreshToken().CSRF())
		if a.status != 401 || len(a.header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d, cookies %q", name, a.status, a.header["Set-Cookie"])
		}
	}
	if err := f.access(t, p); err != nil {
		t.Error(err)
	}
}

// brokenStore cannot revoke.
type brokenStore struct{ *gatemem.Store }

var errBroken = errors.New("the store is away")

func (brokenStore) RevokeSession(context.Context, string, stores.Note) error { return errBroken }

// TestLogoutThatFails keeps the cookies, so that the user can try again.
func TestLogoutThatFails(t *testing.T) {
	s := &brokenStore{must(gatemem.New(gatemem.Options{}))}
	g := must(gate.New(gate.Config{Keys: must(keys.Generate(keys.HS256)), Blocklist: s, Locations: []gate.Location{gate.FromCookies()}}))
	m := must(session.New(g, s, session.Options{Delivery: session.Cookies}))
	p := must(m.Start(t.Context(), "alice", session.Login{}))
	r := httptest.NewRequest("POST", "/auth/logout", nil)
	r.Header.Set("Cookie", "access_token_cookie="+p.Access())
	r.Header.Set("X-CSRF-TOKEN", p.AccessToken().CSRF())
	w := httptest.NewRecorder()
	m.Handler("/auth/").ServeHTTP(w, r)
	if w.Code != 503 || len(w.Header()["Set-Cookie"]) != 0 {
		t.Errorf("%d, cookies %q", w.Code, w.Header()["Set-Cookie"])
	}
}

func TestDevices(t *testing.T) {
	f := newFixture(t, splitConfig, session.Options{Delivery: session.Split})
	b := f.app(t)
	phone, laptop := b.do("POST", "/login", ""), b.do("POST", "/login", "")
	bearer := func(a answer) []string { return []string{"Authorization", "Bearer " + a.AccessToken} }
	list := b.do("GET", "/auth/sessions", "", bearer(laptop)...)
	if len(list.Sessions) != 2 {
		t.Fatalf("sessions: %s", list.body)
	}
	bob := must(f.Start(t.Context(), "bob", session.Login{}))
	for _, s := range list.Sessions {
		if a := b.do("DELETE", "/auth/sessions/"+s.ID, "", "Authorization", "Bearer "+bob.Access()); a.status != 404 {
			t.Errorf("somebody else ends a session: %d", a.status)
		}
		if s.Current {
			continue
		}
		if a := b.do("DELETE", "/auth/sessions/"+s.ID, "", bearer(laptop)...); a.status != 204 {
			t.Errorf("ending the other session: %d %s", a.status, a.body)
		}
	}
	if a := b.do("GET", "/me", "", bearer(phone)...); a.status != 401 {
		t.Errorf("the ended session: %d", a.status)
	}
	third := b.do("POST", "/login", "")
	if a := b.do("POST", "/auth/logout/others", "", bearer(third)...); a.status != 204 {
		t.Errorf("ending the others: %d %s", a.status, a.body)
	}
	if one, two := b.do("GET", "/me", "", bearer(laptop)...), b.do("GET", "/me", "", bearer(third)...); one.status != 401 || two.status != 200 {
		t.Errorf("after ending the others: %d, own %d", one.status, two.status)
	}
	if a := b.do("POST", "/auth/logout/all", "", bearer(third)...); a.status != 204 || len(a.header["Set-Cookie"]) == 0 {
		t.Errorf("logout everywhere: %d, cookies %q", a.status, a.header["Set-Cookie"])
	}
	if a := b.do("GET", "/me", "", bearer(third)...); a.status != 401 {
		t.Errorf("after logging out everywhere: %d", a.status)
	}
	if a := b.do("GET", "/auth/sessions", ""); a.status != 401 {
		t.Errorf("a list for nobody: %d", a.status)
	}
}

func TestHandlerPrefix(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	for _, prefix := range []string{"", "auth/", "/auth"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Handler(%q) does not panic", prefix)
				}
			}()
			f.Handler(prefix)
		}()
	}
}
