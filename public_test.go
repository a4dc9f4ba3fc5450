package gate_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// cleared are the names of the cookies that an answer removes.
func cleared(h http.Header) string {
	var names []string
	for _, c := range (&http.Response{Header: h}).Cookies() {
		if c.Value == "" && c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(start) {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	return strings.Join(names, " ")
}

var revokes = gate.BlocklistFunc(func(_ context.Context, t *gate.Token) (bool, error) {
	if t.ID == "down" {
		return false, errDown
	}
	return t.ID == "revoked", nil
})

// On a public page a refused token counts as none, and its cookie goes when it can
// never be good again.
func TestPublic(t *testing.T) {
	const access, refresh = "access_token_cookie csrf_access_token", "refresh_token_cookie csrf_refresh_token"
	stranger := must(keys.Generate(keys.HS256))
	cookie := func(name, raw string) *http.Request { return request("GET", "/", "Cookie: "+name+"="+raw) }
	inAccess := func(raw string) *http.Request { return cookie("access_token_cookie", raw) }
	for _, tt := range []struct {
		name   string
		r      *http.Request
		policy gate.Policy
		status int
		user   string
		clears string
		events string
	}{
		{"no token", request("GET", "/"), gate.Policy{}, 204, "", "", ""},
		{"good token", inAccess(token()), gate.Policy{}, 204, "alice", "", "token.accepted  id-1"},
		{"expired", inAccess(token("exp", at(0))), gate.Policy{}, 204, "", "", "token.refused expired id-1"},
		{"forged", inAccess(mint(stranger, payload())), gate.Policy{}, 204, "", access, "token.refused signature ; cookies.cleared signature "},
		{"malformed", inAccess("x"), gate.Policy{}, 204, "", access, "token.refused segments ; cookies.cleared segments "},
		{"revoked", inAccess(token("jti", `"revoked"`)), gate.Policy{}, 204, "", access, "token.refused revoked revoked; cookies.cleared revoked revoked"},
		{"of a clock ahead", inAccess(token("iat", at(900), "nbf", at(900), "exp", at(1800))), gate.Policy{}, 204, "", "", "token.refused iat_future id-1"},
		{"not fresh", inAccess(token()), gate.Policy{Fresh: true}, 204, "", "", "token.refused not_fresh id-1"},
		{"without the scope", inAccess(token()), gate.Policy{Scopes: []string{"a"}}, 204, "", "", "token.refused scope id-1"},
		{"refused by Allow", inAccess(token()), gate.Policy{Allow: func(context.Context, *gate.Token) error { return errors.New("no") }}, 204, "", "", "token.refused rejected id-1"},
		{"without CSRF value", request("POST", "/", "Cookie: access_token_cookie="+token()), gate.Policy{}, 204, "", "", "token.refused csrf_missing "},
		{"forged in the header", bearer(mint(stranger, payload())), gate.Policy{}, 204, "", "", "token.refused signature "},
		{"forged refresh token", cookie("refresh_token_cookie", "x"), gate.Policy{Type: gate.Refresh}, 204, "", refresh, "token.refused segments ; cookies.cleared segments "},
		{"any type, refresh token forged", cookie("refresh_token_cookie", "x"), gate.Policy{Type: gate.AnyTokenType}, 204, "", refresh, "token.refused segments ; cookies.cleared segments "},
		{"any type, access token forged", request("GET", "/", "Cookie: access_token_cookie=x; refresh_token_cookie=y"), gate.Policy{Type: gate.AnyTokenType}, 204, "", access,
			"token.refused segments ; cookies.cleared segments "},
		{"store down", inAccess(token("jti", `"down"`)), gate.Policy{}, 503, "", "", "check.failed  "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events []gate.Event
			g := newGate(t, gate.Config{Blocklist: revokes, OnEvent: listen(&events),
				Locations: []gate.Location{gate.FromCookies(), gate.FromHeader("Authorization", "Bearer")}})
			tt.policy.Public = true
			s := serve(g.Require(tt.policy), tt.r)
			if s.Code != tt.status || s.reached != (tt.status == 204) {
				t.Fatalf("status = %d, reached: %v; want %d", s.Code, s.reached, tt.status)
			}
			user := ""
			if s.reached {
				if tok, ok := gate.FromContext(s.request.Context()); ok {
					user = tok.Subject
				}
			}
			if got := cleared(s.Header()); user != tt.user || got != tt.clears || describe(events) != tt.events {
				t.Errorf("user %q, clears %q, events %q; want %q, %q, %q", user, got, describe(events), tt.user, tt.clears, tt.events)
			}
			if want := "no-store"; tt.clears != "" && s.Header().Get("Cache-Control") != want {
				t.Errorf("Cache-Control: %s, want %s: a cache would log others out", s.Header().Get("Cache-Control"), want)
			}
			tok, err := g.Check(tt.r, tt.policy)
			if (err != nil) != (tt.status == 503) || (tok != nil) != (tt.user != "") {
				t.Errorf("Check = %v, %v", tok, err)
			}
		})
	}
}

// What the handler does with the cookie or the connection stands.
func TestPublicHandlerDecides(t *testing.T) {
	g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}})
	public := g.Require(gate.Policy{Public: true})
	forged := func() *http.Request { return request("GET", "/", "Cookie: access_token_cookie=x") }
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		cookies int
		cache   string
	}{
		{"logs in", func(w http.ResponseWriter, r *http.Request) {
			cookies, err := g.AccessCookies(r.Context(), token(), gate.CookieOptions{})
			if err != nil {
				t.Error(err)
			}
			gate.SetCookies(w, cookies)
			fmt.Fprint(w, "hello")
		}, 2, "no-store"},
		{"says that it may be kept", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=600")
			fmt.Fprint(w, "hello")
		}, 2, "no-store"},
		{"writes nothing", func(http.ResponseWriter, *http.Request) {}, 2, "no-store"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			public(tt.handler).ServeHTTP(w, forged())
			if got := len(w.Header()["Set-Cookie"]); got != tt.cookies || w.Header().Get("Cache-Control") != tt.cache {
				t.Errorf("%d cookies, Cache-Control: %s; want %d, %s", got, w.Header().Get("Cache-Control"), tt.cookies, tt.cache)
			}
		})
	}
	s := httptest.NewServer(public(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		rw.Flush()
	})))
	defer s.Close()
	conn := must(net.Dial("tcp", s.Listener.Addr().String()))
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nCookie: access_token_cookie=x\r\n\r\n")
	resp := must(http.ReadResponse(bufio.NewReader(conn), nil))
	if resp.StatusCode != 204 || len(resp.Cookies()) != 0 {
		t.Errorf("the answer of a handler that took the connection = %d with %v", resp.StatusCode, resp.Cookies())
	}
}

// Caches are told that an answer is for the owner of a cookie, and the browser does not
// show it after a logout.
func TestCachesAreTold(t *testing.T) {
	handler := func(change func(http.Header)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { change(w.Header()) })
	}
	nothing := func(http.Header) {}
	inCookie := request("GET", "/", "Cookie: access_token_cookie="+token())
	both := []gate.Location{gate.FromCookies(), gate.FromHeader("Authorization", "Bearer")}
	for _, tt := range []struct {
		name      string
		locations []gate.Location
		r         *http.Request
		change    func(http.Header)
		vary      string
		cache     string
	}{
		{"cookie", both, inCookie, nothing, "Cookie", "no-store"},
		{"header", both, bearer(token()), nothing, "", ""},
		{"visitor", both, request("GET", "/"), nothing, "Cookie", ""},
		{"visitor, no cookies", nil, request("GET", "/"), nothing, "", ""},
		{"the handler says otherwise", both, inCookie, func(h http.Header) { h.Set("Cache-Control", "public"); h.Add("Vary", "Accept") }, "Cookie Accept", "public"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Locations: tt.locations})
			w := httptest.NewRecorder()
			guard := g.Require(gate.Policy{Optional: true})
			guard(guard(handler(tt.change))).ServeHTTP(w, tt.r)
			if got := strings.Join(w.Header()["Vary"], " "); got != tt.vary || w.Header().Get("Cache-Control") != tt.cache {
				t.Errorf("Vary: %s, Cache-Control: %s; want %s, %s", got, w.Header().Get("Cache-Control"), tt.vary, tt.cache)
			}
		})
	}
	w := httptest.NewRecorder()
	w.Header().Set("Cache-Control", "private")
	newGate(t, gate.Config{Locations: both}).Require(gate.Policy{})(handler(nothing)).ServeHTTP(w, inCookie)
	if got := w.Header().Get("Cache-Control"); got != "private" {
		t.Errorf("Cache-Control = %s, want what middleware further out has said", got)
	}
}

// Each guard has a value of its own in the context.
func TestTwoGates(t *testing.T) {
	users := newGate(t, gate.Config{})
	admins := newGate(t, gate.Config{Keys: must(keys.Generate(keys.HS256)), Locations: []gate.Location{gate.FromHeader("X-Admin", "")}})
	other := newGate(t, gate.Config{})
	var admin string
	for _, tt := range []struct {
		name                  string
		inner                 gate.Policy
		withAdmin             bool
		innermost, user, root string
	}{
		{"both", gate.Policy{}, true, "root", "alice", "root"},
		{"visitor of the inner one", gate.Policy{Optional: true}, false, "", "alice", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			admin = must(admins.CreateAccessToken(t.Context(), "root", gate.TokenOptions{}))
			r := bearer(token())
			if tt.withAdmin {
				r.Header.Set("X-Admin", admin)
			}
			s := serve(func(next http.Handler) http.Handler {
				return users.Require(gate.Policy{})(admins.Require(tt.inner)(next))
			}, r)
			ctx := s.request.Context()
			subject := func(tok *gate.Token, ok bool) string {
				if ok != (tok != nil) {
					t.Errorf("%v, %v", tok, ok)
				}
				if tok == nil {
					return ""
				}
				return tok.Subject
			}
			got := []string{subject(gate.FromContext(ctx)), subject(users.FromContext(ctx)), subject(admins.FromContext(ctx)), subject(other.FromContext(ctx))}
			if want := []string{tt.innermost, tt.user, tt.root, ""}; !slices.Equal(got, want) {
				t.Errorf("innermost, user, admin, other = %q, want %q", got, want)
			}
		})
	}
	tok := must(users.CheckToken(t.Context(), token(), gate.Policy{}))
	ctx := gate.NewContext(t.Context(), tok)
	if got, ok := users.FromContext(ctx); !ok || got != tok {
		t.Errorf("FromContext of the gate that read the token = %v", got)
	}
	if got, ok := admins.FromContext(ctx); ok {
		t.Errorf("FromContext of another gate = %v, want none", got)
	}
	if _, ok := users.FromContext(gate.NewContext(ctx, nil)); ok {
		t.Error("the token of a guard further out is seen behind a visitor")
	}
	byHand := &gate.Token{Subject: "alice"}
	if got, ok := users.FromContext(gate.NewContext(t.Context(), byHand)); !ok || got != byHand {
		t.Errorf("FromContext of a token made by hand = %v", got)
	}
}
