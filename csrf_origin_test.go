package gate_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jwtgate/gate"
)

// crossSite are the headers of a request that a page of another site makes.
var crossSite = []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}

// A request with a cookie must come from a page of the same origin, whatever value it has.
func TestOrigin(t *testing.T) {
	trusted := gate.CSRF{TrustedOrigins: []string{"https://app.example.com"}}
	only := gate.CSRF{OriginOnly: true}
	for _, tt := range []struct {
		name    string
		csrf    gate.CSRF
		method  string
		headers []string
		want    string
	}{
		{"neither header", gate.CSRF{}, "POST", nil, "ok"},
		{"same origin", gate.CSRF{}, "POST", []string{"Sec-Fetch-Site: same-origin", "Origin: http://example.com"}, "ok"},
		{"same origin by its word, another host behind a proxy", gate.CSRF{}, "POST", []string{"Sec-Fetch-Site: same-origin", "Origin: https://outside.example"}, "ok"},
		{"typed by the user", gate.CSRF{}, "POST", []string{"Sec-Fetch-Site: none"}, "ok"},
		{"older browser, same host", gate.CSRF{}, "POST", []string{"Origin: https://example.com"}, "ok"},
		{"trusted origin", trusted, "POST", []string{"Sec-Fetch-Site: same-site", "Origin: https://app.example.com"}, "ok"},
		{"trusted origin, older browser", trusted, "POST", []string{"Origin: https://app.example.com"}, "ok"},
		{"safe method", gate.CSRF{}, "GET", crossSite, "ok"},
		{"method that is not checked", gate.CSRF{Methods: []string{"PUT"}}, "POST", crossSite, "ok"},
		{"check skipped", gate.CSRF{SkipCheck: true}, "POST", crossSite, "ok"},
		{"disabled", gate.CSRF{Disabled: true}, "POST", crossSite, "ok"},

		{"another site", gate.CSRF{}, "POST", crossSite, "csrf_origin"},
		{"same site, another origin", gate.CSRF{}, "POST", []string{"Sec-Fetch-Site: same-site", "Origin: https://blog.example.com"}, "csrf_origin"},
		{"unknown word", gate.CSRF{}, "POST", []string{"Sec-Fetch-Site: x"}, "csrf_origin"},
		{"two words", gate.CSRF{}, "POST", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"}, "csrf_origin"},
		{"older browser, another host", gate.CSRF{}, "POST", []string{"Origin: https://evil.example"}, "csrf_origin"},
		{"older browser, another port", gate.CSRF{}, "POST", []string{"Origin: https://example.com:8443"}, "csrf_origin"},
		{"older browser, null", gate.CSRF{}, "POST", []string{"Origin: null"}, "csrf_origin"},
		{"two origins", gate.CSRF{}, "POST", []string{"Origin: https://example.com", "Origin: https://evil.example"}, "csrf_origin"},
		{"beside the trusted one", trusted, "POST", []string{"Sec-Fetch-Site: cross-site", "Origin: https://app.example.com.evil.example"}, "csrf_origin"},
		{"trusted, over plain HTTP", trusted, "POST", []string{"Origin: http://app.example.com"}, "csrf_origin"},
		{"method of the list", gate.CSRF{Methods: []string{"GET"}}, "GET", crossSite, "csrf_origin"},

		{"origin only: same origin", only, "POST", []string{"Sec-Fetch-Site: same-origin"}, "ok"},
		{"origin only: older browser", only, "POST", []string{"Origin: https://example.com"}, "ok"},
		{"origin only: another site", only, "POST", crossSite, "csrf_origin"},
		{"origin only: neither header", only, "POST", nil, "csrf_origin_missing"},
		{"origin only: neither header, safe method", only, "GET", nil, "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.method, "/", append([]string{"Cookie: access_token_cookie=" + token()}, tt.headers...)...)
			g := csrfGate(t, tt.csrf)
			if !tt.csrf.OriginOnly && tt.want == "ok" && tt.method == "POST" && !tt.csrf.SkipCheck && !tt.csrf.Disabled && tt.csrf.Methods == nil {
				_, err := g.Check(r, gate.Policy{})
				checkVerdict(t, err, "csrf_missing") // the second check applies as well
			}
			if !tt.csrf.OriginOnly {
				r.Header.Set("X-CSRF-TOKEN", "canary-csrf-1")
			}
			_, err := g.Check(r, gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
}

// A page cannot add the CSRF value to a WebSocket handshake, so its origin decides.
func TestHandshakeOrigin(t *testing.T) {
	upgrade := "Upgrade: websocket"
	for _, tt := range []struct {
		name    string
		csrf    gate.CSRF
		method  string
		headers []string
		want    string
	}{
		{"same origin", gate.CSRF{}, "GET", []string{upgrade, "Origin: http://example.com"}, "ok"},
		{"no browser", gate.CSRF{}, "GET", []string{upgrade}, "ok"},
		{"no browser, origin only", gate.CSRF{OriginOnly: true}, "GET", []string{upgrade}, "ok"},
		{"trusted", gate.CSRF{TrustedOrigins: []string{"https://evil.example"}}, "GET", append([]string{upgrade}, crossSite...), "ok"},
		{"check skipped", gate.CSRF{SkipCheck: true}, "GET", append([]string{upgrade}, crossSite...), "ok"},
		{"a page, with an empty header", gate.CSRF{}, "GET", append([]string{"Upgrade: "}, crossSite...), "ok"},
		{"another site", gate.CSRF{}, "GET", append([]string{upgrade}, crossSite...), "csrf_origin"},
		{"another site, Origin alone", gate.CSRF{}, "GET", []string{upgrade, "Origin: https://evil.example"}, "csrf_origin"},
		{"another site, methods given", gate.CSRF{Methods: []string{"POST"}}, "GET", append([]string{upgrade}, crossSite...), "csrf_origin"},
		{"same origin, GET is to be checked", gate.CSRF{Methods: []string{"GET"}}, "GET", []string{upgrade, "Origin: http://example.com"}, "csrf_missing"},
		{"HTTP/2, same origin", gate.CSRF{}, "CONNECT", []string{":protocol: websocket", "Origin: http://example.com"}, "ok"},
		{"HTTP/2, another site", gate.CSRF{}, "CONNECT", append([]string{":protocol: websocket"}, crossSite...), "csrf_origin"},
		{"CONNECT of another kind", gate.CSRF{}, "CONNECT", []string{"Origin: http://example.com"}, "csrf_missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.method, "/", "Cookie: access_token_cookie="+token())
			r.Host = "example.com"
			for _, line := range tt.headers {
				name, value := cutHeader(line)
				r.Header[name] = append(r.Header[name], value)
			}
			_, err := csrfGate(t, tt.csrf).Check(r, gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
	g := newGate(t, gate.Config{})
	_, err := g.Check(request("GET", "/", append([]string{upgrade, "Authorization: Bearer " + token()}, crossSite...)...), gate.Policy{})
	checkVerdict(t, err, "ok") // no browser adds the header by itself
}

// The verdict on an origin is that of net/http for each request with a host.
func FuzzOrigin(f *testing.F) {
	for _, s := range []string{"", "null", "https://example.com", "http://example.com:80", "https://evil.example", "https://trusted.example", "example.com", "://example.com"} {
		f.Add(s, "", "example.com")
		f.Add(s, "cross-site", "example.com")
		f.Add(s, "same-origin", "")
	}
	std := http.NewCrossOriginProtection()
	if err := std.AddTrustedOrigin("https://trusted.example"); err != nil {
		f.Fatal(err)
	}
	g := newGate(f, gate.Config{Locations: []gate.Location{gate.FromCookies()}, Cookies: gate.Cookies{CSRF: gate.CSRF{TrustedOrigins: []string{"https://trusted.example"}}}})
	f.Fuzz(func(t *testing.T, origin, site, host string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Host = host
		r.Header = http.Header{"Origin": {origin}, "Sec-Fetch-Site": {site}, "X-Csrf-Token": {"canary-csrf-1"}, "Cookie": {"access_token_cookie=" + token()}}
		_, err := g.Check(r, gate.Policy{})
		if std.Check(r) != nil && err == nil {
			t.Errorf("net/http refuses Origin %q, Sec-Fetch-Site %q at host %q", origin, site, host)
		}
	})
}

func TestTrustedOrigins(t *testing.T) {
	for origin, good := range map[string]bool{
		"https://app.example.com": true, "http://localhost:3000": true, "https://[::1]:8443": true, "app://localhost": true,
		"": false, "app.example.com": false, "https://app.example.com/": false, "https://App.example.com": false, "*": false, "null": false,
		"https://app.example.com:443": false, "http://app.example.com:80": false, "https://app.example.com?x": false,
		"https://u@app.example.com": false, "https://": false, "\x00": false,
	} {
		_, err := gate.New(gate.Config{Keys: hs256, Cookies: gate.Cookies{CSRF: gate.CSRF{TrustedOrigins: []string{origin}}}})
		if (err == nil) != good {
			t.Errorf("TrustedOrigins %q: %v, want it taken: %v", origin, err, good)
		}
	}
	for _, c := range []gate.CSRF{{OriginOnly: true, Disabled: true}, {OriginOnly: true, SkipCheck: true}} {
		if _, err := gate.New(gate.Config{Keys: hs256, Cookies: gate.Cookies{CSRF: c}}); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
