package gate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
)

// TestReportsCookies are reports about the scope and size of cookies, and about CSRF.
func TestReportsCookies(t *testing.T) {
	runCookieReports(t, []cookieReport{
		{"the site gives its cookies a Domain, with users logged in, who are renewed",
			"401 until the browser is closed", func(t *testing.T) any {
				r := report(t, nil)
				r.login(gate.TokenOptions{})
				r.cfg.Cookies.Domain = "example.com"
				r.clock.add(late)
				return fmt.Sprint(r.visit("GET", gate.Policy{}, nil), r.visit("GET", gate.Policy{}, nil), len(r.jar.Cookies(siteURL)))
			}, "200 200 2"},
		{"the same, and a user logs in again",
			"401: two different cookies of one name", func(t *testing.T) any {
				r := report(t, nil)
				r.login(gate.TokenOptions{})
				r.cfg.Cookies.Domain = "example.com"
				r.login(gate.TokenOptions{})
				return r.visit("GET", gate.Policy{}, nil)
			}, 200},
		{"the site takes the Domain away again and lists it in Former, and a user logs in",
			"401: there was no way to clear the old one", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) { c.Cookies.Domain = "example.com" })
				r.login(gate.TokenOptions{})
				r.cfg.Cookies.Domain, r.cfg.Cookies.Former = "", []gate.CookieScope{{Domain: "example.com"}}
				r.login(gate.TokenOptions{})
				return r.visit("GET", gate.Policy{}, nil)
			}, 200},
		{"a logout after the site gave its cookies a Domain",
			"the old cookie of the host logged the user in again", func(t *testing.T) any {
				r := report(t, nil)
				r.login(gate.TokenOptions{})
				r.cfg.Cookies.Domain = "example.com"
				r.keep(r.gate().ClearCookies(gate.CookieOptions{}))
				return fmt.Sprint(r.visit("GET", gate.Policy{}, nil), len(r.jar.Cookies(siteURL)))
			}, "401 0"},
		{"a logout of a login that had chosen a Domain",
			"the cookie stayed", func(t *testing.T) any {
				r := report(t, nil)
				tok := r.login(gate.TokenOptions{Cookies: gate.CookieOptions{Domain: "example.com"}})
				r.keep(r.gate().ClearCookies(tok.CookieOptions()))
				return len(r.jar.Cookies(siteURL))
			}, 0},
		{"a login that had chosen a Domain, and then one that chooses none",
			"401: two different cookies of one name", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) { c.Cookies.Former = []gate.CookieScope{{Domain: "example.com"}} })
				r.login(gate.TokenOptions{Cookies: gate.CookieOptions{Domain: "example.com"}})
				first := r.visit("GET", gate.Policy{}, nil)
				r.login(gate.TokenOptions{})
				return fmt.Sprint(first, r.visit("GET", gate.Policy{}, nil))
			}, "200 200"},
		{"a login with 3,000 bytes of claims",
			"a cookie of 4.2 kB, which browsers drop in silence", func(t *testing.T) any {
				g := report(t, nil).gate()
				raw := must(g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{"x": strings.Repeat("x", 3000)}}))
				_, err := g.AccessCookies(t.Context(), raw, gate.CookieOptions{})
				return fmt.Sprint(err)
			}, "gate: the cookie access_token_cookie would have 4460 bytes, and browsers keep no more than 4096; put less into the token's claims"},
		{"cookies that shall end with their tokens",
			"MaxAge was one number for access and refresh tokens", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) { c.Cookies.MaxAge = gate.UntilExpiry })
				r.login(gate.TokenOptions{})
				r.clock.add(late)
				r.visit("GET", gate.Policy{}, nil)
				return r.lines()
			}, "Path=/; Expires=Tue, 14 Nov 2023 22:42:20 GMT; Max-Age=900; HttpOnly; Secure; SameSite=Lax"},
		{"a WebSocket handshake from another site, with SameSite=None",
			"accepted: a GET has no CSRF check", func(t *testing.T) any {
				r := report(t, nil)
				r.login(gate.TokenOptions{})
				return r.visit("GET", gate.Policy{}, nil, "Upgrade: websocket", "Origin: https://evil.example")
			}, 403},
		{"the same, where the site is named",
			"there was no check to name it for", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) { c.Cookies.CSRF.TrustedOrigins = []string{"https://chat.example"} })
				r.login(gate.TokenOptions{})
				return r.visit("GET", gate.Policy{}, nil, "Upgrade: websocket", "Origin: https://chat.example")
			}, 200},
		{"a form of a sister host that knows the CSRF value",
			"accepted: only the value was compared", func(t *testing.T) any {
				r := report(t, nil)
				csrf := r.login(gate.TokenOptions{}).CSRF()
				return r.visit("POST", gate.Policy{}, nil, "X-CSRF-TOKEN: "+csrf, "Sec-Fetch-Site: same-site", "Origin: https://blog.example.com")
			}, 403},
		{"a form of a page without scripts, in a browser of today",
			"403, or no protection at all", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) { c.Cookies.CSRF.OriginOnly = true })
				r.login(gate.TokenOptions{})
				return r.visit("POST", gate.Policy{}, nil, "Sec-Fetch-Site: same-origin")
			}, 200},
		{"a callback of a payment provider to a route with cookies",
			"403, or CSRF off for the whole site", func(t *testing.T) any {
				r := report(t, nil)
				r.login(gate.TokenOptions{})
				return r.visit("POST", gate.Policy{SkipCSRF: true}, nil, crossSite...)
			}, 200},
	})
}
