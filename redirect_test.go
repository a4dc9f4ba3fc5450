package gate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
)

func TestRedirectErrors(t *testing.T) {
	const html = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
	expired := &gate.Error{Kind: gate.ErrExpired, Reason: "expired"}
	page := request("GET", "/account", html)
	for _, tt := range []struct {
		name   string
		login  string
		r      *http.Request
		err    error
		status int
		where  string
	}{
		{"page", "/login", page, expired, 303, "/login?next=%2Faccount"},
		{"page of another site", "https://id.example.com/login?app=1", page, expired, 303, "https://id.example.com/login?app=1"},
		{"page, says the browser", "/login", request("GET", "/", "Sec-Fetch-Mode: navigate"), expired, 303, "/login?next=%2F"},
		{"form", "/login", request("POST", "/account", html), gate.ErrMissing, 303, "/login"},
		{"not fresh", "/login", page, gate.ErrNotFresh, 303, "/login?next=%2Faccount"},
		{"revoked", "/login", page, gate.ErrRevoked, 303, "/login?next=%2Faccount"},

		{"script", "/login", request("GET", "/", "Sec-Fetch-Mode: cors", html), expired, 401, ""},
		{"API client", "/login", request("GET", "/", "Accept: application/json"), expired, 401, ""},
		{"curl", "/login", request("GET", "/"), expired, 401, ""},
		{"missing scope", "/login", page, gate.ErrScope, 403, ""},
		{"missing CSRF value", "/login", page, gate.ErrCSRF, 403, ""},
		{"rejected", "/login", page, gate.ErrRejected, 403, ""},
		{"store down", "/login", page, errDown, 503, ""},
		{"the login page", "/login", request("GET", "/login", html), expired, 401, ""},
		{"the login page, with a way back", "/login", request("GET", "/login?next=%2F", html), expired, 401, ""},
		{"the login page, with a slash", "/login", request("GET", "/login/", html), expired, 401, ""},
		{"the login page, without its slash", "/login/", request("GET", "/login", html), expired, 401, ""},
		{"the login page, escaped", "/login", request("GET", "/log%69n", html), expired, 401, ""},
		{"no request", "/login", nil, expired, 401, ""},
		{"no login page", "", page, expired, 401, ""},
		{"no URL", "http://[", page, expired, 401, ""},
		{"a path that depends on the page", "login", page, expired, 401, ""},
		{"the page itself", "?login", page, expired, 401, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{OnError: gate.RedirectErrors(tt.login, nil), Challenge: gate.Challenge{Realm: "api"}})
			w := httptest.NewRecorder()
			g.WriteError(w, tt.r, tt.err)
			if got := w.Header().Get("Location"); w.Code != tt.status || got != tt.where {
				t.Errorf("answer = %d to %q, want %d to %q", w.Code, got, tt.status, tt.where)
			}
			challenge := w.Header().Get("WWW-Authenticate")
			if (challenge != "") != (tt.status == 401 || tt.err == gate.ErrScope) || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("header = %v", w.Header())
			}
		})
	}
	w := httptest.NewRecorder()
	own := func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(418) }
	gate.RedirectErrors("/login", own)(w, request("GET", "/"), expired)
	if w.Code != 418 {
		t.Errorf("status = %d, want that of the function for API requests", w.Code)
	}
}

// The login page learns which page the user wanted.
func TestWayBack(t *testing.T) {
	refused := func(kind error, location string) error {
		return &gate.Error{Kind: kind, Reason: "x", Location: location}
	}
	expired := refused(gate.ErrExpired, "cookie")
	in := func(prefix string, r *http.Request) *http.Request {
		var inner *http.Request
		http.StripPrefix(prefix, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inner = r })).ServeHTTP(httptest.NewRecorder(), r)
		return inner
	}
	made := must(http.NewRequest("GET", "https://app.example/made?by=hand", nil)) // has no RequestURI
	proxied := request("GET", "/x")
	proxied.RequestURI = "http://evil.example/x"
	for _, tt := range []struct {
		name, login string
		r           *http.Request
		err         error
		want        string
	}{
		{"path", "/login", request("GET", "/a/b"), expired, "/login?next=%2Fa%2Fb"},
		{"query", "/login", request("GET", "/a?b=c&d=e%26f"), expired, "/login?next=%2Fa%3Fb%3Dc%26d%3De%2526f"},
		{"escaped path", "/login", request("GET", "/a%2Fb/%C3%A4%20"), expired, "/login?next=%2Fa%252Fb%2F%25C3%25A4%2520"},
		{"login with a query", "/login?app=1", request("GET", "/a"), expired, "/login?app=1&next=%2Fa"},
		{"login with a way back of its own", "/login?next=%2Fhome", request("GET", "/a"), expired, "/login?next=%2Fhome"},
		{"login with a fragment", "/login#form", request("GET", "/a"), expired, "/login?next=%2Fa#form"},
		{"login of another site", "https://id.example/login", request("GET", "/a"), expired, "https://id.example/login"},
		{"login of another site, without scheme", "//id.example/login", request("GET", "/a"), expired, "//id.example/login"},
		{"below a prefix", "/login", in("/admin", request("GET", "/admin/a?b")), expired, "/login?next=%2Fadmin%2Fa%3Fb"},
		{"the login page's name below a prefix", "/login", in("/admin", request("GET", "/admin/login")), expired, "/login?next=%2Fadmin%2Flogin"},
		{"made by hand", "/login", made, expired, "/login?next=%2Fmade%3Fby%3Dhand"},
		{"no token", "/login", request("GET", "/a"), refused(gate.ErrMissing, "query"), "/login?next=%2Fa"},

		{"form", "/login", request("POST", "/a"), expired, "/login"},
		{"HEAD", "/login", request("HEAD", "/a"), expired, "/login"},
		{"token in the query", "/login", request("GET", "/a?jwt=x"), refused(gate.ErrExpired, "query"), "/login"},
		{"token in the path", "/login", request("GET", "/a/x"), refused(gate.ErrRevoked, "path"), "/login"},
		{"token in the query, another one in a cookie was refused", "/login", request("GET", "/a?jwt=eyJhbGciOiJIUzI1NiJ9.e30.c2ln"), refused(gate.ErrExpired, "cookie"), "/login"},
		{"token in the path, no other one", "/login", request("GET", "/a/eyJhbGciOiJIUzI1NiJ9.e30.c2ln"), gate.ErrMissing, "/login"},
		{"another site", "/login", request("GET", "//evil.example/x"), expired, "/login"},
		{"another site, escaped", "/login", request("GET", "/%2Fevil.example"), expired, "/login"},
		{"another site, of a proxy", "/login", proxied, expired, "/login"},
		{"too long", "/login", request("GET", "/a?"+strings.Repeat("b", 2048)), expired, "/login"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.r.Header.Set("Accept", "text/html")
			w := httptest.NewRecorder()
			gate.RedirectErrors(tt.login, nil)(w, tt.r, tt.err)
			if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != tt.want {
				t.Errorf("answer = %d to %q, want %q", w.Code, got, tt.want)
			}
			if next := must(url.Parse(w.Header().Get("Location"))).Query().Get("next"); strings.Contains(tt.want, "next") && !strings.Contains(tt.login, "next") && gate.LocalURL(next, "") != next {
				t.Errorf("LocalURL does not take %q", next)
			}
		})
	}
}

func TestLocalURL(t *testing.T) {
	for _, s := range []string{
		"/", "/a", "/a/", "/a/b?c=d", "/a?next=https://evil.example", "/?a=//evil.example", "/a%20b", "/a%2Fb", "/%C3%A4", "/a:b", "/@evil.example", "/.well-known/x", "/...",
		"/a//b", "/a?b=%0A", "/a#part", "/100%25", "/a%2520b", "/;x", "/a?b=\\c", "/https:/x", "/-.~_!$&'()*+,=",
	} {
		if got := gate.LocalURL(s, "/home"); got != s {
			t.Errorf("LocalURL(%q) = %q", s, got)
		}
	}
	if got := gate.LocalURL("/\u00e4 b?c", "/home"); got != "/%C3%A4%20b?c" {
		t.Errorf("a path that is not escaped: %q", got)
	}
	for _, s := range []string{
		"", "a", "a/b", "?a", "#a", ".", "..", "./a", "*",
		"https://evil.example", "HTTPS://evil.example", "https:evil.example", "https:/evil.example", "https:///evil.example", "javascript:alert(1)", "data:text/html,x", "mailto:a@b", "x:y",
		"//evil.example", "///evil.example", "////evil.example", "//evil.example@app.example", "//user@evil.example/", "//", "///", "//@/evil.example", "//:@/evil.example", "//a:b@/",
		`/\evil.example`, `\/evil.example`, `\\evil.example`, `/\/evil.example`, `//\evil.example`, `/a\b`,
		"/%2Fevil.example", "/%2fevil.example", "/%5Cevil.example", "/%5cevil.example", "%2F%2Fevil.example", "%2Fevil.example",
		"/%252Fevil.example", "/%25252fevil.example", "/%255Cevil.example", "/a%255Cb",
		"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", " //evil.example", " /a", "/a\x00", "/a\x7f", "/a\nSet-Cookie: x=y",
		"/%09/evil.example", "/%0A/evil.example", "/%0d%0aSet-Cookie:x", "/%00", "/a%7F", "/a%C2%85", "/%2509/evil.example", "/a?b\nc",
		"/.", "/..", "/./a", "/../a", "/a/..", "/a/../b", "/.//evil.example", "/..//evil.example", "/a/..//evil.example", "/%2e%2e//evil.example", "/%2E/a", "/a/%252e%252e//evil.example",
		"/%", "/%zz", "/%2", "http://[", "/a%gg", "/%" + strings.Repeat("25", 10) + "2e", "/a?" + strings.Repeat("b", 2046), "/" + strings.Repeat("ä", 500),
	} {
		if got := gate.LocalURL(s, "/home"); got != "/home" {
			t.Errorf("LocalURL(%q) = %q, want the fallback", s, got)
		}
	}
}

// FuzzLocalURL: what is taken leads to a path of this site, for net/url too, and is taken again.
func FuzzLocalURL(f *testing.F) {
	for _, s := range []string{"/a?b#c", "/" + strings.Repeat("ä", 500), "//x", `/\x`, "/%2fx", "/a/../b", "https:x", "/\tx"} {
		f.Add(s)
	}
	base := must(url.Parse("https://app.example/login?x"))
	f.Fuzz(func(t *testing.T, s string) {
		got := gate.LocalURL(s, "")
		if got == "" {
			return
		}
		u, err := base.Parse(got)
		if err != nil || u.Scheme != "https" || u.Host != "app.example" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") {
			t.Errorf("%q becomes %q, which leads to %v, %v", s, got, u, err)
		}
		if again := gate.LocalURL(got, ""); again != got {
			t.Errorf("%q becomes %q, and that %q", s, got, again)
		}
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest("GET", "/login", nil), got, http.StatusSeeOther)
		if to, err := base.Parse(w.Header().Get("Location")); err != nil || to.Host != "app.example" {
			t.Errorf("%q becomes %q, and is redirected to %v, %v", s, got, to, err)
		}
	})
}

// Pages are redirected to the login page; requests of scripts get JSON.
func ExampleRedirectErrors() {
	g, err := gate.New(gate.Config{
		Keys:      hs256,
		Locations: []gate.Location{gate.FromCookies()},
		OnError:   gate.RedirectErrors("/login", gate.JSONErrors("error")),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := g.Require(gate.Policy{})(http.NotFoundHandler())
	for _, accept := range []string{"text/html", "application/json"} {
		r := httptest.NewRequest("GET", "/account", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Location"))
	}
	// Output:
	// 303 /login?next=%2Faccount
	// 401
}
