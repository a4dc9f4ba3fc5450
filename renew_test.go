package gate_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/compat"
)

// site is a gate with renewal and one guarded route.
type site struct {
	cfg     gate.Config
	compat  compat.Options
	options gate.RenewOptions
	policy  gate.Policy
	handler http.HandlerFunc
}

func (s site) gate(t *testing.T) *gate.Gate {
	if s.cfg.Locations == nil {
		s.cfg.Locations = []gate.Location{gate.FromCookies(), gate.FromHeader("Authorization", "Bearer")}
	}
	return compatGate(t, s.cfg, s.compat)
}

// visit sends a request and returns the response and the renewed token, if any.
func (s site) visit(t *testing.T, r *http.Request) (*httptest.ResponseRecorder, *gate.Token) {
	t.Helper()
	g := s.gate(t)
	if s.handler == nil {
		s.handler = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }
	}
	w := httptest.NewRecorder()
	g.Renew(s.options)(g.Require(s.policy)(s.handler)).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() { // of the header as it was sent
		if c.Name == "access_token_cookie" && len(c.Value) > 100 {
			tok, err := g.Decode(t.Context(), c.Value, gate.DecodeOptions{})
			if err != nil {
				t.Fatalf("renewed token: %v", err)
			}
			return w, tok
		}
	}
	return w, nil
}

// cookie makes a request with a token in the access cookie.
func cookie(raw string) *http.Request {
	return request("GET", "/", "Cookie: access_token_cookie="+raw)
}

const soon = 60 // seconds until a token ends that is to be renewed

// ending is a token of 15 minutes, of which a minute is left.
func ending(edits ...string) string {
	return token(append([]string{"exp", at(soon), "iat", at(soon - 900), "sid", `"s"`}, edits...)...)
}

func TestRenewWhen(t *testing.T) {
	ending := ending()
	for _, tt := range []struct {
		name string
		site site
		r    *http.Request
		want bool
	}{
		{"close to its end", site{}, cookie(ending), true},
		{"a second before the middle", site{}, cookie(token("exp", at(451), "iat", at(-449))), false},
		{"at the middle", site{}, cookie(token("exp", at(450), "iat", at(-450))), false},
		{"a second behind the middle", site{}, cookie(token("exp", at(449), "iat", at(-451))), true},
		{"window given", site{options: gate.RenewOptions{Within: time.Minute}}, cookie(token("exp", at(61), "iat", at(-839))), false},
		{"within the window given", site{options: gate.RenewOptions{Within: time.Minute}}, cookie(token("exp", at(59), "iat", at(-841))), true},
		{"any type, access", site{policy: gate.Policy{Type: gate.AnyTokenType}}, cookie(ending), true},
		{"optional, with a token", site{policy: gate.Policy{Optional: true}}, cookie(ending), true},
		{"from a header, though allowed", site{options: gate.RenewOptions{AnyLocation: true}}, bearer(ending), true},

		{"from a header", site{}, bearer(ending), false},
		{"optional, without a token", site{policy: gate.Policy{Optional: true}}, request("GET", "/"), false},
		{"expired", site{}, cookie(token("exp", at(0), "iat", at(-900))), false},
		{"forged", site{}, cookie(ending + "x"), false},
		{"not fresh", site{policy: gate.Policy{Fresh: true}}, cookie(ending), false},
		{"refresh token", site{policy: gate.Policy{Type: gate.AnyTokenType}}, cookie(refreshToken("exp", at(soon))), false},
		{"refresh route", site{policy: gate.Policy{Type: gate.Refresh}},
			request("GET", "/", "Cookie: refresh_token_cookie="+refreshToken("exp", at(soon))), false},
		{"without end", site{cfg: gate.Config{Accept: gate.Accept{Lenient: gate.Lenient{NoExpiry: true}}}}, cookie(token("exp", "")), false},
		{"new tokens without end", site{cfg: gate.Config{Create: gate.Create{AccessLifetime: gate.NoExpiry},
			Accept: gate.Accept{Lenient: gate.Lenient{NoExpiry: true}}}}, cookie(ending), true},
		{"cannot be made", site{cfg: gate.Config{Prepare: func(context.Context, *gate.Draft) error { return errors.New("no") }}}, cookie(ending), false},
		{"cannot be put in a cookie", site{cfg: gate.Config{Prepare: func(_ context.Context, d *gate.Draft) error {
			d.Claims["csrf"] = ""
			return nil
		}}}, cookie(ending), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, tok := tt.site.visit(t, tt.r); (tok != nil) != tt.want {
				t.Errorf("renewed token = %v, want one: %v", tok, tt.want)
			}
		})
	}
}

func TestRenewedToken(t *testing.T) {
	s := site{cfg: gate.Config{Prepare: func(_ context.Context, d *gate.Draft) error { d.Claims["role"] = "user"; return nil }}}
	w, tok := s.visit(t, cookie(ending("iat", at(-840), "fresh", "true", "sid", `"session"`, "role", `"admin"`)))
	if tok == nil {
		t.Fatal("not renewed")
	}
	var claims struct {
		Role     string `json:"role"`
		AuthTime int64  `json:"auth_time"`
	}
	if err := tok.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if tok.Subject != "alice" || tok.SessionID != "session" || tok.Fresh || tok.ID == "id-1" || tok.Type != gate.Access {
		t.Errorf("token = %v of session %q, fresh %v", tok, tok.SessionID, tok.Fresh)
	}
	if claims.Role != "user" || claims.AuthTime != start.Unix()-840 || !tok.Expiry.Equal(start.Add(15*time.Minute)) {
		t.Errorf("claims = %+v until %v", claims, tok.Expiry)
	}
	if cookies := w.Result().Cookies(); len(cookies) != 2 || cookies[1].Value != tok.CSRF() {
		t.Errorf("cookies = %v, want one with the new CSRF value too", cookies)
	}
}

// The new token has the identity of the old one.
func TestRenewedIdentity(t *testing.T) {
	for _, sub := range []string{`"alice"`, `""`, `42`, `9007199254740993`, `9223372036854776508`, `2114908764345678901234567890123456789`, `1.5`, `null`, `{"a":[1]}`} {
		s := site{cfg: gate.Config{
			Accept: gate.Accept{Lenient: gate.Lenient{AnySubject: true}},
		}, compat: compat.Options{AnyIdentity: true}}
		_, tok := s.visit(t, cookie(ending("sub", sub)))
		if tok == nil {
			t.Errorf("sub %s: not renewed", sub)
			continue
		}
		_, got := texts(t, must(s.gate(t).CreateAccessToken(t.Context(), tok.Identity(), gate.TokenOptions{})))
		if !strings.Contains(got, `"sub":`+sub+`,`) {
			t.Errorf("sub %s became %s", sub, got)
		}
	}
}

// A session ends some time after its login, however busy it is.
func TestRenewSession(t *testing.T) {
	day := int64(24 * 3600)
	for _, tt := range []struct {
		name   string
		max    time.Duration
		claims []string
		left   int64 // seconds that the new token lives; 0 for none
	}{
		{"first token", 0, []string{"iat", at(-840)}, 900},
		{"later token", 0, []string{"auth_time", at(-3600)}, 900},
		{"last token, cut at the end", 0, []string{"auth_time", at(-day + 100)}, 100},
		{"cut at the end of the old one", 0, []string{"auth_time", at(-day + soon)}, soon},
		{"shorter than what is left of the old one", 0, []string{"auth_time", at(-day + soon - 1)}, 0},
		{"at the end", 0, []string{"auth_time", at(-day)}, 0},
		{"long after", 0, []string{"auth_time", "1"}, 0},
		{"first token, issued long ago", 0, []string{"iat", at(-day)}, 0},
		{"neither time known", 0, []string{"iat", ""}, 0},
		{"login zero", 0, []string{"auth_time", "0", "iat", at(-240)}, 300},
		{"login unreadable", 0, []string{"auth_time", `"now"`}, 0},
		{"login a fraction", 0, []string{"auth_time", at(-60) + ".5"}, 0},
		{"login too large", 0, []string{"auth_time", "1e99"}, 0},
		{"limit given", time.Hour, []string{"auth_time", at(-3000)}, 600},
		{"no limit", gate.NoExpiry, []string{"auth_time", "1"}, 900},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := site{options: gate.RenewOptions{MaxSession: tt.max}}
			_, tok := s.visit(t, cookie(ending(tt.claims...)))
			left := int64(0)
			if tok != nil {
				left = tok.Expiry.Unix() - start.Unix()
			}
			if left != tt.left {
				t.Errorf("the new token lives %d s, want %d", left, tt.left)
			}
		})
	}
}

// Renewal through many tokens ends with the session.
func TestRenewChain(t *testing.T) {
	c := newClock()
	s := site{cfg: gate.Config{Clock: c.now}, options: gate.RenewOptions{MaxSession: time.Hour}}
	raw := must(s.gate(t).CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}))
	for c.now().Before(start.Add(time.Hour)) {
		w, tok := s.visit(t, cookie(raw))
		if w.Code != 204 {
			t.Fatalf("refused after %v", c.now().Sub(start))
		}
		if tok != nil {
			raw = w.Result().Cookies()[0].Value
		}
		c.add(time.Minute)
	}
	if w, _ := s.visit(t, cookie(raw)); w.Code != 401 {
		t.Errorf("after an hour: %d, want 401", w.Code)
	}
}

// A revoked token gets no successor, be it that the route lets it in or that the
// handler revoked it.
func TestRenewNotRevoked(t *testing.T) {
	revoked, down := false, error(nil)
	list := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return revoked, down })
	s := site{cfg: gate.Config{Blocklist: list}, policy: gate.Policy{SkipBlocklist: true}}
	check := func(name string, want bool) {
		t.Helper()
		if w, tok := s.visit(t, cookie(ending())); (tok != nil) != want || w.Code != 204 {
			t.Errorf("%s: status %d, renewed token = %v, want one: %v", name, w.Code, tok, want)
		}
	}
	check("not revoked", true)
	revoked = true
	check("revoked before", false)
	revoked, down = false, errors.New("down")
	check("nobody knows", false)
	down = nil
	s.handler = func(w http.ResponseWriter, _ *http.Request) { revoked = true; w.WriteHeader(204) }
	check("revoked by the handler", false)
}

// A blocklist that is open for access tokens while it is down is not asked for more
// than the request: the new token would outlive that.
func TestRenewIsNotOpen(t *testing.T) {
	var asked []gate.Policy
	down := gate.BlocklistFunc(func(_ context.Context, tok *gate.Token) (bool, error) {
		asked = append(asked, tok.Policy())
		if tok.Policy().Type == gate.Refresh {
			return false, errors.New("down")
		}
		return false, nil
	})
	w, tok := site{cfg: gate.Config{Blocklist: down}}.visit(t, cookie(ending()))
	if w.Code != 204 || tok != nil || len(asked) != 2 || asked[0].Type == gate.Refresh || asked[1].Type != gate.Refresh {
		t.Errorf("status %d, renewed token = %v, blocklist asked for %+v", w.Code, tok, asked)
	}
}

// The blocklist is asked when the new token is made, so that "log out everywhere" covers
// either the token or its successor, whenever it comes.
func TestRenewAsksLast(t *testing.T) {
	now := start
	var asked time.Time
	list := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) {
		now = now.Add(time.Second)
		asked = now
		return false, nil
	})
	s := site{cfg: gate.Config{Blocklist: list, Clock: func() time.Time { return now }}}
	if _, tok := s.visit(t, cookie(ending())); tok == nil || !tok.IssuedAt.Before(asked) {
		t.Errorf("renewed token = %v, and the blocklist was asked at %v, want one and that later", tok, asked)
	}
}

// A clock that goes on while a token is renewed does not give the session more than is
// left of it.
func TestRenewAtTheEdge(t *testing.T) {
	now := start
	tick := func() time.Time { now = now.Add(time.Second); return now }
	g := site{cfg: gate.Config{Clock: tick}}.gate(t)
	for left := range int64(20) {
		now = start
		w := serve(func(h http.Handler) http.Handler {
			return g.Renew(gate.RenewOptions{MaxSession: time.Hour})(g.Require(gate.Policy{})(h))
		}, cookie(ending("auth_time", at(left-3600))))
		for _, c := range w.Result().Cookies()[:min(1, len(w.Result().Cookies()))] {
			tok := must(g.Decode(t.Context(), c.Value, gate.DecodeOptions{AllowExpired: true}))
			if over := tok.Expiry.Sub(start.Add(time.Duration(left) * time.Second)); over > 10*time.Second {
				t.Errorf("%d s before the end of the session: renewed until %v behind it", left, over)
			}
		}
	}
}

// Of two gates on one site each renews its own tokens, and takes none of the other's
// for its own.
func TestRenewTwoGates(t *testing.T) {
	inCookies := []gate.Location{gate.FromCookies()}
	users := newGate(t, gate.Config{Locations: inCookies})
	admins := newGate(t, gate.Config{Keys: ed, Locations: inCookies, Cookies: gate.Cookies{
		Access: gate.CookieNames{Name: "admin", CSRFName: "admin_csrf"}, Refresh: gate.CookieNames{Name: "x", CSRFName: "y"},
	}})
	user, admin := ending(), mint(ed, payload("exp", at(soon), "iat", at(-840)))
	renew := func(h http.Handler) http.Handler {
		return users.Renew(gate.RenewOptions{})(admins.Renew(gate.RenewOptions{})(h))
	}
	for _, tt := range []struct {
		name  string
		guard *gate.Gate
		want  []string // cookies set
	}{
		{"users", users, []string{"access_token_cookie", "csrf_access_token"}},
		{"admins", admins, []string{"admin", "admin_csrf"}},
	} {
		s := serve(func(h http.Handler) http.Handler { return renew(tt.guard.Require(gate.Policy{})(h)) },
			request("GET", "/", "Cookie: access_token_cookie="+user+"; admin="+admin))
		var got []string
		for _, c := range s.Result().Cookies() {
			got = append(got, c.Name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("on a route of %s the cookies %v are set, want %v", tt.name, got, tt.want)
		}
	}
}

// A handler may judge the request itself.
func TestRenewAfterCheck(t *testing.T) {
	g := site{}.gate(t)
	w := httptest.NewRecorder()
	g.Renew(gate.RenewOptions{})(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := g.Check(r, gate.Policy{})
		checkVerdict(t, err, "ok")
	})).ServeHTTP(w, cookie(ending()))
	if got := w.Result().Cookies(); len(got) != 2 {
		t.Errorf("cookies = %v, want two", got)
	}
}

// An adapter asks for a visitor without a token too.
func TestRenewNobody(t *testing.T) {
	cookies, err := newGate(t, gate.Config{}).RenewCookies(t.Context(), nil, nil, gate.RenewOptions{AnyLocation: true})
	if cookies != nil || err != nil {
		t.Errorf("%v, %v; want nothing", cookies, err)
	}
}
