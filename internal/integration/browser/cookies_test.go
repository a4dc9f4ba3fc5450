//go:build unix

package browser_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// TestCookieAttributes: what the browser has of the cookies of a login, and what a script
// of the page can read.
func TestCookieAttributes(t *testing.T) {
	host := gate.Cookies{
		Access:  gate.CookieNames{Name: "__Host-access", CSRFName: "__Host-csrf"},
		Refresh: gate.CookieNames{Name: "__Secure-refresh", Path: "/auth/", CSRFName: "csrf_refresh_token"},
	}
	for _, tt := range []struct {
		name     string
		cookies  gate.Cookies
		domain   string // as the browser has it; a dot: with subdomains
		sameSite network.CookieSameSite
		names    []string // of access, CSRF of access, refresh, CSRF of refresh
	}{
		{"zero value", gate.Cookies{}, app, network.CookieSameSiteLax, []string{"access_token_cookie", "csrf_access_token", "refresh_token_cookie", "csrf_refresh_token"}},
		{"prefixes", host, app, network.CookieSameSiteLax, []string{"__Host-access", "__Host-csrf", "__Secure-refresh", "csrf_refresh_token"}},
		{"strict, for the domain", gate.Cookies{Domain: "example.com", SameSite: http.SameSiteStrictMode}, ".example.com", network.CookieSameSiteStrict,
			[]string{"access_token_cookie", "csrf_access_token", "refresh_token_cookie", "csrf_refresh_token"}},
		{"partitioned", gate.Cookies{SameSite: http.SameSiteNoneMode, Partitioned: true}, app, network.CookieSameSiteNone,
			[]string{"access_token_cookie", "csrf_access_token", "refresh_token_cookie", "csrf_refresh_token"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, tt.cookies, session.Cookies)
			tab := newProfile(t)
			visitWithClient(t, tab, s.url(app)+"/page", cookiesClient)
			logIn(t, tab, "alice")
			all := cookies(t, tab, s.url(app)+"/page", s.url(app)+"/auth/refresh")
			if len(all) != 4 {
				t.Fatalf("%d cookies, want 4", len(all))
			}
			readable := eval[string](t, tab, "document.cookie")
			for _, c := range all {
				i := slices.Index(tt.names, c.Name)
				secret := i == 0 || i == 2
				if i < 0 || !c.Secure || c.HTTPOnly != secret || c.SameSite != tt.sameSite || c.Domain != tt.domain || !c.Session || (c.PartitionKey != nil) != tt.cookies.Partitioned {
					t.Errorf("%+v", *c)
				}
				if strings.Contains(readable, c.Name+"=") == secret {
					t.Errorf("%s: the page reads %q", c.Name, readable)
				}
			}
		})
	}
}

// TestPlainHTTP: over plain HTTP a browser keeps only cookies that are allowed there.
func TestPlainHTTP(t *testing.T) {
	for _, insecure := range []bool{false, true} {
		s := newSite(t, gate.Cookies{Insecure: insecure}, session.Cookies)
		plain := httptest.NewServer(s.mux)
		t.Cleanup(plain.Close)
		url := "http://" + app + plain.URL[strings.LastIndex(plain.URL, ":"):]
		tab := newProfile(t)
		visit(t, tab, url+"/page")
		eval[int](t, tab, `fetch("/login", { method: "POST", body: new URLSearchParams({ name: "alice" }) }).then((r) => r.status)`)
		want := 401
		if insecure {
			want = 200
		}
		if status := eval[int](t, tab, `fetch("/me").then((r) => r.status)`); status != want {
			t.Errorf("over plain HTTP with Insecure: %v: %d, want %d", insecure, status, want)
		}
	}
}

// TestPrefixRules: the browser itself refuses what breaks the promise of a prefix, so
// another host of the domain cannot set such a cookie.
func TestPrefixRules(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/page", page("<h1>A page</h1>"))
	mux.HandleFunc("/set", func(w http.ResponseWriter, r *http.Request) {
		for _, c := range r.URL.Query()["c"] {
			w.Header().Add("Set-Cookie", c)
		}
	})
	url := serveTLS(t, mux)("evil.example.com")
	tab := newProfile(t)
	visit(t, tab, url+"/page")
	for cookie, kept := range map[string]bool{
		"__Host-access=x; Secure; Path=/":                        true,
		"__Host-access=x; Secure; Path=/; Domain=example.com":    false,
		"__Host-access=x; Secure; Path=/set":                     false,
		"__Host-access=x; Path=/":                                false,
		"__Secure-refresh=x; Secure; Path=/; Domain=example.com": true,
		"__Secure-refresh=x; Path=/":                             false,
		"access_token_cookie=x; Secure; Domain=example.com":      true,
		"a=x; SameSite=None":                                     false,
		"a=x; SameSite=None; Secure":                             true,
	} {
		do(t, tab, clearCookies)
		eval[int](t, tab, `fetch("/set?c=" + encodeURIComponent("`+cookie+`")).then((r) => r.status)`)
		if got := len(cookies(t, tab, url+"/set")) == 1; got != kept {
			t.Errorf("%s: kept %v, want %v", cookie, got, kept)
		}
	}
}

// TestSubmissions: forms of other pages, as browsers send them. The same form of the site's
// own page is accepted.
func TestSubmissions(t *testing.T) {
	for _, tt := range []struct {
		name, from string
		cookies    gate.Cookies
		value      bool // the form has the right CSRF value
		want       string
	}{
		{"own page", app, gate.Cookies{}, true, "alice x"},
		{"own page without the value", app, gate.Cookies{}, false, "csrf"},
		{"another site: Lax keeps the cookies back", evil, gate.Cookies{}, true, "missing"},
		{"another site that gets the cookies sent", evil, gate.Cookies{SameSite: http.SameSiteNoneMode}, true, "another origin"},
		{"another site, without SameSite: new cookies are sent", evil, gate.Cookies{SameSite: http.SameSiteDefaultMode}, true, "another origin"},
		{"another origin of the same site", "evil.example.com", gate.Cookies{}, true, "another origin"},
		{"another origin of the same site, Strict", "evil.example.com", gate.Cookies{SameSite: http.SameSiteStrictMode}, true, "another origin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.cookies.CSRF.Form = true
			s := newSite(t, tt.cookies, session.Cookies)
			tab := newProfile(t)
			visitWithClient(t, tab, s.url(app)+"/page", cookiesClient)
			logIn(t, tab, "alice")
			value := "wrong"
			if tt.value {
				value = cookieValue(t, tab, "csrf_access_token")
			}
			visit(t, tab, s.url(tt.from)+"/page")
			submit(t, tab, s.url(app)+"/me", map[string]string{"note": "x", "csrf_token": value})
			if got := eval[string](t, tab, "document.body.innerText"); !strings.Contains(strings.ToLower(got), tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// submit sends a form that a script writes into the page, and returns when the answer is
// shown.
func submit(t testing.TB, tab context.Context, action string, fields map[string]string) {
	t.Helper()
	var b strings.Builder
	for name, value := range fields {
		b.WriteString(`<input name="` + name + `" value="` + value + `">`)
	}
	eval[int](t, tab, "document.body.innerHTML = `<form method=post action=\""+action+"\">"+b.String()+"</form>`, document.forms[0].submit(), 0")
	waitFor(t, tab, `location.href === "`+action+`" && document.readyState === "complete"`)
}
