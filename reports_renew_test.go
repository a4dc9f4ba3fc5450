package gate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// reported is a site with tokens in cookies, seen through a browser: what a report needs.
type reported struct {
	t     *testing.T
	clock *clock
	cfg   gate.Config
	renew gate.RenewOptions
	jar   *cookiejar.Jar
	last  *httptest.ResponseRecorder
	news  []string // names of events
}

func report(t *testing.T, edit func(*gate.Config)) *reported {
	r := &reported{t: t, clock: newClock(), jar: must(cookiejar.New(nil))}
	r.cfg = gate.Config{Keys: hs256, Clock: r.clock.now, Locations: []gate.Location{gate.FromCookies()}}
	r.cfg.OnEvent = func(_ context.Context, e gate.Event) { r.news = append(r.news, e.Name) }
	if edit != nil {
		edit(&r.cfg)
	}
	return r
}

func (r *reported) gate() *gate.Gate { return newGate(r.t, r.cfg) }

var siteURL = &url.URL{Scheme: "https", Host: "app.example.com", Path: "/"}

// keep puts cookies into the browser.
func (r *reported) keep(cookies []*http.Cookie) {
	w := httptest.NewRecorder()
	gate.SetCookies(w, cookies)
	r.jar.SetCookies(siteURL, w.Result().Cookies())
}

// login logs in, and returns the token.
func (r *reported) login(o gate.TokenOptions) *gate.Token {
	g := r.gate()
	raw, tok, err := g.Issue(r.t.Context(), gate.Access, "alice", o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.keep(must(g.AccessCookies(r.t.Context(), raw, gate.CookieOptions{})))
	return tok
}

// visit sends a request with the browser's cookies, keeps what comes back, and returns
// the status. headers are "Name: value" lines.
func (r *reported) visit(method string, p gate.Policy, h http.HandlerFunc, headers ...string) int {
	req := request(method, siteURL.String(), headers...)
	for _, c := range r.jar.Cookies(siteURL) {
		req.AddCookie(c)
	}
	if h == nil {
		h = func(http.ResponseWriter, *http.Request) {}
	}
	g := r.gate()
	r.last = httptest.NewRecorder()
	g.Renew(r.renew)(g.Require(p)(h)).ServeHTTP(r.last, req)
	r.jar.SetCookies(siteURL, r.last.Result().Cookies())
	return r.last.Code
}

// token is the one in the browser.
func (r *reported) token() *gate.Token {
	for _, c := range r.jar.Cookies(siteURL) {
		if c.Name == "access_token_cookie" {
			tok, err := r.gate().Decode(r.t.Context(), c.Value, gate.DecodeOptions{AllowExpired: true})
			if err != nil {
				r.t.Fatal(err)
			}
			return tok
		}
	}
	return &gate.Token{}
}

// lines are the Set-Cookie lines of the last answer for the access cookie.
func (r *reported) lines() string {
	for _, s := range r.last.Result().Header["Set-Cookie"] {
		if strings.HasPrefix(s, "access_token_cookie=ey") {
			_, attributes, _ := strings.Cut(s, "; ")
			return attributes
		}
	}
	return "no cookie"
}

func (r *reported) said(name string) bool { return strings.Contains(strings.Join(r.news, " "), name) }

const late = 14 * time.Minute // after this an access token is close to its end

// A cookieReport is what somebody did with cookies, what became of it before, and what must.
type cookieReport struct {
	did, before string
	outcome     func(t *testing.T) any
	want        any
}

func runCookieReports(t *testing.T, reports []cookieReport) {
	for _, tt := range reports {
		t.Run(tt.did, func(t *testing.T) {
			if got := tt.outcome(t); got != tt.want {
				t.Errorf("%s: got %v, want %v; before: %s", tt.did, got, tt.want, tt.before)
			}
		})
	}
}

// TestReportsRenew are reports about renewal.
func TestReportsRenew(t *testing.T) {
	blocked := map[string]bool{}
	sessions := gate.BlocklistFunc(func(_ context.Context, tok *gate.Token) (bool, error) { return blocked[tok.SessionID], nil })
	runCookieReports(t, []cookieReport{
		{"a form that was open while another request renewed the cookie is sent",
			"403: the renewed token had another CSRF value", func(t *testing.T) any {
				r := report(t, nil)
				csrf := r.login(gate.TokenOptions{}).CSRF()
				r.clock.add(late)
				get := r.visit("GET", gate.Policy{}, nil)
				return fmt.Sprint(get, r.said("token.renewed"), r.visit("POST", gate.Policy{}, nil, "X-CSRF-TOKEN: "+csrf))
			}, "200 true 200"},
		{"a page renders its own CSRF value while its token is renewed",
			"the page held the value of the old token, which the new cookie refused", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) { c.Cookies.CSRF.Form = true })
				r.login(gate.TokenOptions{})
				r.clock.add(late)
				r.visit("GET", gate.Policy{}, func(w http.ResponseWriter, req *http.Request) {
					fmt.Fprint(w, r.gate().CSRFInput(req.Context()))
				})
				return strings.Contains(r.last.Body.String(), r.token().CSRF()) && r.said("token.renewed")
			}, true},
		{"a login with remember me for 30 days is renewed",
			"a cookie until the browser closes", func(t *testing.T) any {
				r := report(t, nil)
				r.login(gate.TokenOptions{Cookies: gate.CookieOptions{MaxAge: 30 * 24 * time.Hour}})
				r.clock.add(late)
				r.visit("GET", gate.Policy{}, nil)
				return r.lines()
			}, "Path=/; Expires=Thu, 14 Dec 2023 22:13:20 GMT; Max-Age=2591160; HttpOnly; Secure; SameSite=Lax"},
		{"a login with a Domain of its own is renewed",
			"a second cookie of the host alone, and then ambiguous for ever", func(t *testing.T) any {
				r := report(t, nil)
				r.login(gate.TokenOptions{Cookies: gate.CookieOptions{Domain: "example.com"}})
				r.clock.add(late)
				r.visit("GET", gate.Policy{}, nil)
				return fmt.Sprint(r.lines(), "; then ", r.visit("GET", gate.Policy{}, nil))
			}, "Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax; then 200"},
		{"a token with a restricted audience, scope and actor is renewed",
			"a token of the default audience without scope", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) {
					c.Create.Audience, c.Accept.Audiences = []string{"web"}, []string{"web", "kiosk"}
				})
				r.login(gate.TokenOptions{Claims: map[string]any{"aud": "kiosk", "scope": "read", "act": map[string]any{"sub": "support"}}})
				r.clock.add(late)
				r.visit("GET", gate.Policy{}, nil)
				var c struct {
					Scope string `json:"scope"`
					Act   struct {
						Sub string `json:"sub"`
					} `json:"act"`
				}
				_ = r.token().Claims(&c)
				return fmt.Sprintln(r.said("token.renewed"), r.token().Audience, c.Scope, c.Act.Sub)
			}, "true [kiosk] read support\n"},
		{"a token of five minutes is renewed where tokens live for fifteen",
			"fifteen minutes", func(t *testing.T) any {
				r := report(t, nil)
				r.login(gate.TokenOptions{ExpiresIn: 5 * time.Minute})
				r.clock.add(4 * time.Minute)
				r.visit("GET", gate.Policy{}, nil)
				return r.token().Expiry.Sub(r.clock.now())
			}, 5 * time.Minute},
		{"Prepare marks every token as fresh",
			"a fresh token without a password", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) {
					c.Prepare = func(_ context.Context, d *gate.Draft) error { d.Claims["fresh"] = true; return nil }
				})
				r.login(gate.TokenOptions{})
				r.clock.add(late)
				return fmt.Sprint(r.visit("GET", gate.Policy{}, nil), r.lines(), r.said("renewal.failed"))
			}, "200no cookietrue"},
		{"a user is demoted, and Successor refuses",
			"Prepare saw neither the old token nor that it is a renewal", func(t *testing.T) any {
				r := report(t, nil)
				r.renew.Successor = func(_ context.Context, old *gate.Token, _ *gate.TokenOptions) error {
					return errors.New(old.Subject + " is demoted")
				}
				r.login(gate.TokenOptions{})
				r.clock.add(late)
				return fmt.Sprint(r.visit("GET", gate.Policy{}, nil), r.lines(), r.said("renewal.failed"))
			}, "200no cookietrue"},
		{"Successor adds a claim, and asks for freshness and a year",
			"no such function", func(t *testing.T) any {
				r := report(t, nil)
				r.renew.Successor = func(_ context.Context, _ *gate.Token, o *gate.TokenOptions) error {
					o.Claims, o.Fresh, o.From = map[string]any{"step": 2}, true, nil
					return nil
				}
				sid := r.login(gate.TokenOptions{}).SessionID
				r.clock.add(late)
				r.visit("GET", gate.Policy{}, nil)
				var c struct {
					Step int `json:"step"`
				}
				_ = r.token().Claims(&c)
				return fmt.Sprint(c.Step, r.token().Fresh, r.token().SessionID == sid)
			}, "2 false true"},
		{"a token of a partner that the service accepts is put into the cookie",
			"renewed as a token of our own, for the same name", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) {
					c.Create.Issuer = "https://bank.example"
					c.Issuers = []gate.Issuer{{Name: "https://partner.example", Keys: ed, Audiences: []string{"bank"}}}
				})
				raw := mint(ed, payload("iss", `"https://partner.example"`, "aud", `"bank"`, "exp", at(soon), "iat", at(soon-900)))
				r.keep([]*http.Cookie{{Name: "access_token_cookie", Value: raw, Path: "/"}})
				return fmt.Sprint(r.visit("GET", gate.Policy{}, nil), r.lines(), r.said("renewal.failed"))
			}, "200no cookiefalse"},
		{"a token without session, where there is a blocklist",
			"renewed, and the new token survived the logout", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) { c.Blocklist, c.Create.OmitSession = sessions, true })
				r.login(gate.TokenOptions{})
				r.clock.add(late)
				return fmt.Sprint(r.visit("GET", gate.Policy{}, nil), r.lines(), r.said("renewal.failed"))
			}, "200no cookietrue"},
		{"one tab logs out while another is renewed",
			"the renewed cookie, which came last, was good", func(t *testing.T) any {
				r := report(t, func(c *gate.Config) { c.Blocklist = sessions })
				tok := r.login(gate.TokenOptions{})
				r.clock.add(late)
				first := r.visit("GET", gate.Policy{}, nil)
				blocked[tok.SessionID] = true
				return fmt.Sprint(first, r.said("token.renewed"), r.visit("GET", gate.Policy{}, nil))
			}, "200 true 401"},
		{"the same, where logout revokes the token that it was sent",
			"the renewed cookie, which came last, was good", func(t *testing.T) any {
				revoked := ""
				r := report(t, func(c *gate.Config) {
					c.Blocklist = gate.BlocklistFunc(func(_ context.Context, tok *gate.Token) (bool, error) { return tok.RevocationID() == revoked, nil })
				})
				tok := r.login(gate.TokenOptions{})
				r.clock.add(late)
				r.visit("GET", gate.Policy{}, nil)
				r.clock.add(late)
				first := r.visit("GET", gate.Policy{}, nil)
				revoked = tok.RevocationID()
				return fmt.Sprint(first, r.token().ID == tok.ID, r.visit("GET", gate.Policy{}, nil))
			}, "200 false 401"},
		{"a page for shared caches and CDNs brings a renewed cookie",
			"stored by the CDN, and handed to others", func(t *testing.T) any {
				r := report(t, nil)
				r.login(gate.TokenOptions{})
				r.clock.add(late)
				lower := strings.ToLower("Vercel-CDN-Cache-Control")
				names := []string{"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "X-Accel-Expires"}
				r.visit("GET", gate.Policy{}, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Cache-Control", "public, max-age=60")
					for _, n := range names {
						w.Header().Set(n, "60")
					}
					w.Header()[lower] = []string{"max-age=60"}
				})
				h := r.last.Result().Header
				for _, n := range append(names, "Vercel-CDN-Cache-Control") {
					if h.Get(n) != "" {
						return n
					}
				}
				return h.Get("Cache-Control") + fmt.Sprint(len(h[lower]))
			}, "no-store0"},
	})
}
