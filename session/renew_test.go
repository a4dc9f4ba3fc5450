package session_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

var pagesConfig = gate.Config{
	Locations: []gate.Location{gate.FromCookies()},
	Cookies:   gate.Cookies{CSRF: gate.CSRF{Form: true}},
}

// site is a page behind Renew. It shows the form's CSRF field.
func (f *fixture) site(t testing.TB) *browser {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		p := must(f.Start(r.Context(), "alice", session.Login{Remember: r.FormValue("remember") != ""}))
		gate.SetCookies(w, must(f.Cookies(r.Context(), p)))
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	guarded := func(h http.HandlerFunc) http.Handler { return f.gate.Require(gate.Policy{})(h) }
	mux.Handle("/", guarded(func(w http.ResponseWriter, r *http.Request) {
		tok, _ := gate.FromContext(r.Context())
		io.WriteString(w, tok.Subject+" "+f.gate.CSRFInput(r.Context()))
	}))
	mux.Handle("POST /logout", guarded(func(w http.ResponseWriter, r *http.Request) {
		cookies, err := f.Logout(r.Context(), gate.HTTPRequest(r))
		if err != nil {
			f.gate.WriteError(w, r, err)
			return
		}
		gate.SetCookies(w, cookies)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}))
	return f.serve(t, f.Renew(mux))
}

// csrfOf is the value in a page's form.
func csrfOf(page string) string {
	_, rest, _ := strings.Cut(page, `value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

const formType = "application/x-www-form-urlencoded"

func TestRenew(t *testing.T) {
	for _, tt := range []struct {
		name, login string
		after       time.Duration
		maxAge      string // of the refresh cookie
	}{
		{"expired", "", 16 * time.Minute, ""},
		{"remembered", "remember=1", 16 * time.Minute, "Max-Age=2592000"},
		{"remembered, after a week", "remember=1", 7 * 24 * time.Hour, "Max-Age=2592000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, pagesConfig, session.Options{Delivery: session.Cookies})
			b := f.site(t)
			b.do("POST", "/login", tt.login, "Content-Type", formType)
			before := b.do("GET", "/", "")
			refresh := b.cookie("/", "refresh_token_cookie")
			f.clock.Advance(tt.after)
			a := b.do("POST", "/", "csrf_token="+csrfOf(before.body), "Content-Type", formType) // the form was open all the time
			if a.status != 200 || !strings.HasPrefix(a.body, "alice") || csrfOf(a.body) != csrfOf(before.body) {
				t.Fatalf("%d %s", a.status, a.body)
			}
			set := strings.Join(a.header["Set-Cookie"], "\n")
			if !strings.Contains(set, "access_token_cookie=") || tt.maxAge != "" && !strings.Contains(set, tt.maxAge) || tt.maxAge == "" && strings.Contains(set, "Max-Age") {
				t.Errorf("cookies: %s", set)
			}
			if got := a.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: %s", got)
			}
			if b.cookie("/", "refresh_token_cookie") == refresh {
				t.Error("the refresh token was not rotated")
			}
			if a := b.do("GET", "/", ""); a.status != 200 || len(a.header["Set-Cookie"]) != 0 {
				t.Errorf("the next request: %d, cookies %q", a.status, a.header["Set-Cookie"])
			}
		})
	}
}

// TestRenewWithoutAccessCookie: a browser that was closed has the remembered refresh
// cookie alone.
func TestRenewWithoutAccessCookie(t *testing.T) {
	f := newFixture(t, pagesConfig, session.Options{Delivery: session.Cookies})
	b, p := f.site(t), f.start(t)
	for _, other := range []string{"other=1", "access_token_cookie=of.an.older-key"} {
		a := b.do("GET", "/", "", "Cookie", other+"; refresh_token_cookie="+p.Refresh())
		if a.status != 200 || len(a.header["Set-Cookie"]) != 4 {
			t.Errorf("%s: %d, cookies %q", other, a.status, a.header["Set-Cookie"])
		}
	}
}

// TestRenewAtOnce: requests that come together all see the page, and get one refresh
// token.
func TestRenewAtOnce(t *testing.T) {
	f := newFixture(t, pagesConfig, session.Options{Delivery: session.Cookies})
	b, p := f.site(t), f.start(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for range 8 {
		wg.Go(func() {
			a := b.do("GET", "/", "", "Cookie", "refresh_token_cookie="+p.Refresh())
			mu.Lock()
			defer mu.Unlock()
			for _, c := range a.header["Set-Cookie"] {
				if strings.HasPrefix(c, "refresh_token_cookie=") {
					seen[c] = true
				}
			}
			if a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	if len(seen) != 1 {
		t.Errorf("%d different refresh cookies", len(seen))
	}
}

// TestRenewLeavesAlone: what is refused goes on as it came, and nothing is cleared.
func TestRenewLeavesAlone(t *testing.T) {
	f := newFixture(t, pagesConfig, session.Options{Delivery: session.Cookies})
	b, p := f.site(t), f.start(t)
	ended := f.start(t)
	if err := f.End(t.Context(), "alice", ended.AccessToken().SessionID); err != nil {
		t.Fatal(err)
	}
	for name, headers := range map[string][]string{
		"nobody":         {},
		"an ended one":   {"Cookie", "refresh_token_cookie=" + ended.Refresh()},
		"a forged one":   {"Cookie", "refresh_token_cookie=" + p.Refresh() + "x"},
		"a handshake":    {"Cookie", "refresh_token_cookie=" + p.Refresh(), "Upgrade", "websocket"},
		"an access one":  {"Cookie", "refresh_token_cookie=" + p.Access()},
		"a revoked pair": {"Cookie", "refresh_token_cookie=" + p.Refresh() + "; access_token_cookie=" + ended.Access()},
	} {
		if a := b.do("GET", "/", "", headers...); a.status != 401 || len(a.header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d, cookies %q", name, a.status, a.header["Set-Cookie"])
		}
	}
	if n := f.events.count(session.RefreshRotated); n != 0 {
		t.Errorf("%d rotations", n)
	}
	a := b.do("POST", "/", "", "Cookie", "refresh_token_cookie="+p.Refresh()) // of another site, say
	if a.status != 403 {
		t.Errorf("a form without the CSRF value: %d", a.status)
	}
}

// TestRenewThenLogout: a handler that clears the cookies of a renewed request has the
// last word.
func TestRenewThenLogout(t *testing.T) {
	f := newFixture(t, pagesConfig, session.Options{Delivery: session.Cookies})
	b := f.site(t)
	b.do("POST", "/login", "")
	page := b.do("GET", "/", "")
	f.clock.Advance(time.Hour)
	a := b.do("POST", "/logout", "csrf_token="+csrfOf(page.body), "Content-Type", formType)
	if a.status != 303 || b.cookie("/", "refresh_token_cookie") != "" || b.cookie("/", "access_token_cookie") != "" {
		t.Errorf("%d, cookies %q", a.status, a.header["Set-Cookie"])
	}
}

// awayStore cannot rotate.
type awayStore struct{ *gatemem.Store }

func (awayStore) Rotate(context.Context, stores.Rotation) (stores.Rotated, error) {
	return stores.Rotated{}, errors.New("away")
}

// TestRenewWhenTheStoreIsAway: the user is not sent to the login.
func TestRenewWhenTheStoreIsAway(t *testing.T) {
	s := &awayStore{must(gatemem.New(gatemem.Options{}))}
	cfg := pagesConfig
	cfg.Keys, cfg.Blocklist = must(keys.Generate(keys.HS256)), s
	g := must(gate.New(cfg))
	m := must(session.New(g, s, session.Options{Delivery: session.Cookies}))
	p := must(m.Start(t.Context(), "alice", session.Login{}))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "refresh_token_cookie="+p.Refresh())
	w := httptest.NewRecorder()
	m.Renew(g.Require(gate.Policy{})(http.NotFoundHandler())).ServeHTTP(w, r)
	if w.Code != 503 || len(w.Header()["Set-Cookie"]) != 0 {
		t.Errorf("%d, cookies %q", w.Code, w.Header()["Set-Cookie"])
	}
}

func TestRenewIsForCookies(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	defer func() {
		if recover() == nil {
			t.Error("Renew with another delivery does not panic")
		}
	}()
	f.Renew(http.NotFoundHandler())
}
