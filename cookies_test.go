package gate_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// lines are cookies as a browser gets them, with <token> and <csrf> for their values.
func lines(cookies []*http.Cookie, raw, csrf string) []string {
	w := httptest.NewRecorder()
	gate.SetCookies(w, cookies)
	r := strings.NewReplacer(raw, "<token>", csrf, "<csrf>")
	list := w.Header()["Set-Cookie"]
	for i := range list {
		list[i] = r.Replace(list[i])
	}
	return list
}

func checkLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s =\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCookies(t *testing.T) {
	const expires = "; Expires=Tue, 14 Nov 2023 23:13:20 GMT; Max-Age=3600"
	for _, tt := range []struct {
		name    string
		cookies gate.Cookies
		options gate.CookieOptions
		access  []string
		clear   []string // of both types, without what all have
	}{
		{"default", gate.Cookies{}, gate.CookieOptions{},
			[]string{"access_token_cookie=<token>; Path=/; HttpOnly; Secure; SameSite=Lax", "csrf_access_token=<csrf>; Path=/; Secure; SameSite=Lax"},
			[]string{"access_token_cookie=; Path=/; * HttpOnly; Secure; SameSite=Lax", "csrf_access_token=; Path=/; * Secure; SameSite=Lax",
				"refresh_token_cookie=; Path=/; * HttpOnly; Secure; SameSite=Lax", "csrf_refresh_token=; Path=/; * Secure; SameSite=Lax"}},
		{"all set", gate.Cookies{
			Access:  gate.CookieNames{Name: "__Secure-a", Path: "/api", CSRFName: "ca", CSRFPath: "/app"},
			Refresh: gate.CookieNames{Name: "r", Path: "/refresh"},
			Domain:  "example.com", SameSite: http.SameSiteStrictMode, MaxAge: time.Hour,
		}, gate.CookieOptions{},
			[]string{"__Secure-a=; Path=/api; * HttpOnly; Secure; SameSite=Strict", "ca=; Path=/app; * Secure; SameSite=Strict",
				"__Secure-a=<token>; Path=/api; Domain=example.com" + expires + "; HttpOnly; Secure; SameSite=Strict",
				"ca=<csrf>; Path=/app; Domain=example.com" + expires + "; Secure; SameSite=Strict"},
			[]string{"__Secure-a=; Path=/api; Domain=example.com; * HttpOnly; Secure; SameSite=Strict", "ca=; Path=/app; Domain=example.com; * Secure; SameSite=Strict",
				"__Secure-a=; Path=/api; * HttpOnly; Secure; SameSite=Strict", "ca=; Path=/app; * Secure; SameSite=Strict",
				"r=; Path=/refresh; Domain=example.com; * HttpOnly; Secure; SameSite=Strict", "csrf_refresh_token=; Path=/; Domain=example.com; * Secure; SameSite=Strict",
				"r=; Path=/refresh; * HttpOnly; Secure; SameSite=Strict", "csrf_refresh_token=; Path=/; * Secure; SameSite=Strict"}},
		{"over plain HTTP, no CSRF", gate.Cookies{Insecure: true, SameSite: http.SameSiteDefaultMode, CSRF: gate.CSRF{Disabled: true}}, gate.CookieOptions{},
			[]string{"access_token_cookie=<token>; Path=/; HttpOnly"},
			[]string{"access_token_cookie=; Path=/; * HttpOnly", "refresh_token_cookie=; Path=/; * HttpOnly"}},
		{"for other sites, no CSRF cookie", gate.Cookies{SameSite: http.SameSiteNoneMode, CSRF: gate.CSRF{OmitCookie: true}}, gate.CookieOptions{},
			[]string{"access_token_cookie=<token>; Path=/; HttpOnly; Secure; SameSite=None"},
			[]string{"access_token_cookie=; Path=/; * HttpOnly; Secure; SameSite=None", "refresh_token_cookie=; Path=/; * HttpOnly; Secure; SameSite=None"}},
		{"of the call", gate.Cookies{Domain: "example.com", MaxAge: 24 * time.Hour, CSRF: gate.CSRF{Disabled: true}},
			gate.CookieOptions{MaxAge: time.Hour, Domain: "sub.example.com"},
			[]string{"access_token_cookie=; Path=/; * HttpOnly; Secure; SameSite=Lax", "access_token_cookie=; Path=/; Domain=example.com; * HttpOnly; Secure; SameSite=Lax",
				"access_token_cookie=<token>; Path=/; Domain=sub.example.com" + expires + "; HttpOnly; Secure; SameSite=Lax"},
			[]string{"access_token_cookie=; Path=/; Domain=sub.example.com; * HttpOnly; Secure; SameSite=Lax",
				"access_token_cookie=; Path=/; * HttpOnly; Secure; SameSite=Lax", "access_token_cookie=; Path=/; Domain=example.com; * HttpOnly; Secure; SameSite=Lax",
				"refresh_token_cookie=; Path=/; Domain=sub.example.com; * HttpOnly; Secure; SameSite=Lax",
				"refresh_token_cookie=; Path=/; * HttpOnly; Secure; SameSite=Lax", "refresh_token_cookie=; Path=/; Domain=example.com; * HttpOnly; Secure; SameSite=Lax"}},
		{"of the past, with a path of old", gate.Cookies{Access: gate.CookieNames{Name: "__Host-a"}, Refresh: gate.CookieNames{Name: "r", Path: "/refresh"},
			Former: []gate.CookieScope{{Domain: ".example.com"}, {Path: "/old"}, {Path: "/old"}}, CSRF: gate.CSRF{Disabled: true}}, gate.CookieOptions{},
			[]string{"__Host-a=<token>; Path=/; HttpOnly; Secure; SameSite=Lax"},
			[]string{"__Host-a=; Path=/; * HttpOnly; Secure; SameSite=Lax",
				"r=; Path=/refresh; * HttpOnly; Secure; SameSite=Lax", "r=; Path=/refresh; Domain=example.com; * HttpOnly; Secure; SameSite=Lax", "r=; Path=/old; * HttpOnly; Secure; SameSite=Lax"}},
		{"partitioned, as long as the token", gate.Cookies{SameSite: http.SameSiteNoneMode, Partitioned: true, MaxAge: gate.UntilExpiry, CSRF: gate.CSRF{Disabled: true}}, gate.CookieOptions{},
			[]string{"access_token_cookie=<token>; Path=/; Expires=Tue, 14 Nov 2023 22:28:20 GMT; Max-Age=900; HttpOnly; Secure; SameSite=None; Partitioned"},
			[]string{"access_token_cookie=; Path=/; * HttpOnly; Secure; SameSite=None; Partitioned", "refresh_token_cookie=; Path=/; * HttpOnly; Secure; SameSite=None; Partitioned"}},
		{"__Host-", gate.Cookies{Access: gate.CookieNames{Name: "__Host-a"}, CSRF: gate.CSRF{Disabled: true}}, gate.CookieOptions{},
			[]string{"__Host-a=<token>; Path=/; HttpOnly; Secure; SameSite=Lax"},
			[]string{"__Host-a=; Path=/; * HttpOnly; Secure; SameSite=Lax", "refresh_token_cookie=; Path=/; * HttpOnly; Secure; SameSite=Lax"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Cookies: tt.cookies})
			for _, list := range [][]string{tt.access, tt.clear} {
				for i := range list {
					list[i] = strings.Replace(list[i], "*", "Expires=Thu, 01 Jan 1970 00:00:00 GMT;", 1)
				}
			}
			got := must(g.AccessCookies(t.Context(), token(), tt.options))
			checkLines(t, "AccessCookies", lines(got, token(), "canary-csrf-1"), tt.access...)
			checkLines(t, "ClearCookies", lines(g.ClearCookies(tt.options), "\x00", "\x00"), tt.clear...)
			half := slices.IndexFunc(tt.clear, func(s string) bool { return strings.HasPrefix(s, "r") })
			checkLines(t, "ClearCookies of refresh", lines(g.ClearCookies(tt.options, gate.Refresh), "\x00", "\x00"), tt.clear[half:]...)
			checkLines(t, "ClearCookies of access", lines(g.ClearCookies(tt.options, gate.Access), "\x00", "\x00"), tt.clear[:half]...)
		})
	}
}

func TestRefreshCookies(t *testing.T) {
	g := newGate(t, gate.Config{Cookies: gate.Cookies{Refresh: gate.CookieNames{Path: "/refresh"}}})
	got := must(g.RefreshCookies(t.Context(), refreshToken(), gate.CookieOptions{}))
	checkLines(t, "RefreshCookies", lines(got, refreshToken(), "canary-csrf-2"),
		"refresh_token_cookie=<token>; Path=/refresh; HttpOnly; Secure; SameSite=Lax", "csrf_refresh_token=<csrf>; Path=/; Secure; SameSite=Lax")
}

// A cookie jar, as a browser has one, keeps what was set and drops what was cleared.
func TestCookiesInABrowser(t *testing.T) {
	g := newGate(t, gate.Config{Clock: time.Now, Locations: []gate.Location{gate.FromCookies()}})
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		raw := must(g.CreateAccessToken(r.Context(), "alice", gate.TokenOptions{}))
		gate.SetCookies(w, must(g.AccessCookies(r.Context(), raw, gate.CookieOptions{})))
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		gate.SetCookies(w, g.ClearCookies(gate.CookieOptions{}))
	})
	mux.Handle("/", g.Require(gate.Policy{})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	browser := map[string]string{}
	visit := func(path string, want int) {
		t.Helper()
		r := httptest.NewRequest("GET", path, nil)
		for name, value := range browser {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s answers %d, want %d", path, w.Code, want)
		}
		for _, c := range w.Result().Cookies() {
			browser[c.Name] = c.Value
			if !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
				delete(browser, c.Name)
			}
		}
	}
	visit("/", 401)
	visit("/login", 200)
	visit("/", 200)
	visit("/logout", 200)
	visit("/", 401)
	if len(browser) != 0 {
		t.Errorf("cookies left: %v", browser)
	}
}

// Two cookies may have one name only where no request has both.
func TestCookiesOfOneName(t *testing.T) {
	for _, tt := range []struct {
		access, refresh string
		ok              bool
	}{
		{"/api", "/refresh", true},
		{"/api", "/api2", true},
		{"/api/", "/apis", true},
		{"/api", "/api", false},
		{"/api", "/api/refresh", false},
		{"/api/refresh", "/api/", false},
		{"/", "/refresh", false},
	} {
		_, err := gate.New(gate.Config{Keys: hs256, Cookies: gate.Cookies{
			Access: gate.CookieNames{Name: "t", Path: tt.access}, Refresh: gate.CookieNames{Name: "t", Path: tt.refresh},
		}})
		if (err == nil) != tt.ok {
			t.Errorf("%s and %s: %v", tt.access, tt.refresh, err)
		}
	}
}

func TestCookiesRefused(t *testing.T) {
	host := gate.Cookies{Access: gate.CookieNames{Name: "__Host-a"}}
	off := gate.Cookies{CSRF: gate.CSRF{Disabled: true}}
	for _, tt := range []struct {
		name    string
		cookies gate.Cookies
		raw     string
		options gate.CookieOptions
		want    string
	}{
		{"good", gate.Cookies{}, token(), gate.CookieOptions{}, "ok"},
		{"forged", gate.Cookies{}, token() + "x", gate.CookieOptions{}, "signature"},
		{"expired", gate.Cookies{}, token("exp", at(0)), gate.CookieOptions{}, "expired"},
		{"without CSRF value", gate.Cookies{}, token("csrf", ""), gate.CookieOptions{}, "csrf_claim_missing"},
		{"with an empty CSRF value", gate.Cookies{}, token("csrf", `""`), gate.CookieOptions{}, "csrf_claim_missing"},
		{"CSRF value a number", gate.Cookies{}, token("csrf", `1`), gate.CookieOptions{}, "csrf_claim_missing"},
		{"CSRF value that no cookie can hold", gate.Cookies{}, token("csrf", `"a;b"`), gate.CookieOptions{}, "failure"},
		{"not looked at where no CSRF cookie is made", off, token() + "x", gate.CookieOptions{}, "ok"},
		{"semicolon", off, "a; Path=/", gate.CookieOptions{}, "failure"},
		{"line end", off, "a\r\nSet-Cookie: b=c", gate.CookieOptions{}, "failure"},
		{"bad domain", off, token(), gate.CookieOptions{Domain: "a;b"}, "failure"},
		{"__Host- with a domain", host, token(), gate.CookieOptions{Domain: "example.com"}, "failure"},
		{"negative age", off, token(), gate.CookieOptions{MaxAge: -time.Hour}, "failure"},
		{"age in seconds for nanoseconds", off, token(), gate.CookieOptions{MaxAge: 3600}, "failure"},
		{"age of a second", off, token(), gate.CookieOptions{MaxAge: time.Second}, "ok"},
		{"large, and kept", off, token("x", `"`+strings.Repeat("x", 2700)+`"`), gate.CookieOptions{}, "ok"},
		{"too large for browsers", off, token("x", `"`+strings.Repeat("x", 2900)+`"`), gate.CookieOptions{}, "failure"},
		{"without end, as long as the token", gate.Cookies{CSRF: gate.CSRF{Disabled: true}, MaxAge: gate.UntilExpiry}, "garbage", gate.CookieOptions{}, "ok"},
		{"__Host- without", host, token(), gate.CookieOptions{}, "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Cookies: tt.cookies})
			list, err := g.AccessCookies(t.Context(), tt.raw, tt.options)
			checkVerdict(t, err, tt.want)
			if (list == nil) != (err != nil) {
				t.Errorf("cookies = %v, %v", list, err)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "gate: ") {
				t.Errorf("error = %v, want the prefix of the package", err)
			}
		})
	}
}
