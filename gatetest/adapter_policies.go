package gatetest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jwtgate/gate"
)

// adapterPolicies are routes, and the status of each kind of token there: x is 401,
// f is 403, d is 503, o is let through, and v is let through as a visitor.
var adapterPolicies = []struct {
	path, want string
	policy     gate.Policy
}{
	//            none access refresh fresh scoped expired tampered revoked down nobody rejected
	{"/access", "x  o  x  o  o  x  x  x  d  x  f", gate.Policy{}},
	{"/refresh", "x  x  o  x  x  x  x  x  x  x  x", gate.Policy{Type: gate.Refresh}},
	{"/any", "x  o  o  o  o  x  x  x  d  x  f", gate.Policy{Type: gate.AnyTokenType}},
	{"/optional", "v  o  x  o  o  x  x  x  d  x  f", gate.Policy{Optional: true}},
	{"/public", "v  o  v  o  o  v  v  v  d  v  v", gate.Policy{Public: true}},
	{"/fresh", "x  x  x  o  x  x  x  x  x  x  x", gate.Policy{Fresh: true}},
	{"/scopes", "x  f  x  f  o  x  x  f  f  f  f", gate.Policy{Scopes: []string{"read"}}},
	{"/unlisted", "x  o  x  o  o  x  x  o  o  x  f", gate.Policy{SkipBlocklist: true}},
	{"/allow", "x  f  x  f  o  x  x  x  d  x  f", gate.Policy{Allow: allowScoped}},
}

// allowScoped wants token and user in the context.
func allowScoped(ctx context.Context, t *gate.Token) error {
	inner, _ := gate.FromContext(ctx)
	user, _ := gate.User[string](ctx)
	if inner == t && user == "user scoped" {
		return nil
	}
	return errors.New("secret reason")
}

// kinds are tokens by the columns of adapterPolicies; "" is none.
func (s *adapterSuite) kinds() []string {
	return []string{
		"",
		s.token(map[string]any{"sub": "access"}),
		s.token(map[string]any{"sub": "refresh", "type": "refresh"}),
		s.token(map[string]any{"sub": "fresh", "fresh": true}),
		s.token(map[string]any{"sub": "scoped", "scope": "read write"}),
		s.token(map[string]any{"exp": s.clock.Now().Add(-time.Hour), "iat": s.clock.Now().Add(-2 * time.Hour), "nbf": nil}),
		Tampered(s.token(nil)),
		s.token(map[string]any{"jti": "revoked"}),
		s.token(map[string]any{"jti": "down"}),
		s.token(map[string]any{"sub": "nobody"}),
		s.token(map[string]any{"sub": "rejected"}),
	}
}

func (s *adapterSuite) checkPolicies() {
	var routes []AdapterRoute
	for _, p := range adapterPolicies {
		routes = append(routes, AdapterRoute{Pattern: p.path, Policies: []gate.Policy{p.policy}})
	}
	s.start(nil, routes...)
	statuses := map[byte]int{'x': 401, 'f': 403, 'd': 503, 'o': 200, 'v': 200}
	for _, p := range adapterPolicies {
		for i, raw := range s.kinds() {
			r := s.request("GET", p.path, "")
			if raw != "" {
				r.Header.Set("Authorization", "Bearer "+raw)
			}
			verdict := p.want[3*i]
			reply := s.want(statuses[verdict], p.path, r)
			if reply.StatusCode != http.StatusOK {
				s.answered(p.path, reply, r, p.policy)
				continue
			}
			if visitor := reply.call.token == nil; visitor != (verdict == 'v') {
				s.Errorf("%s, token %d: a visitor: %v", p.path, i, visitor)
			}
			if user := "user " + subjectOf(reply.call.token); reply.call.token != nil && reply.call.user != user {
				s.Errorf("%s, token %d: user = %v, want %v", p.path, i, reply.call.user, user)
			}
			if reply.body != subjectOf(reply.call.token) || reply.Header.Get("WWW-Authenticate") != "" {
				s.Errorf("%s, token %d: answered %q, %v", p.path, i, reply.body, reply.Header)
			}
		}
	}
}

// answered wants the gate's own answer to a refused request.
func (s *adapterSuite) answered(what string, got adapterReply, r *http.Request, p gate.Policy) {
	s.Helper()
	_, err := s.gate.CheckRequest(s.Context(), gate.HTTPRequest(r), p)
	_, header, body := s.gate.Answer(err)
	if r.Method == http.MethodHead {
		body = nil
	}
	if got.body != string(body) {
		s.Errorf("%s: body = %q, want that of the gate, %q", what, got.body, body)
	}
	for _, name := range []string{"Content-Type", "Cache-Control", "WWW-Authenticate", "X-Content-Type-Options"} {
		if got, want := got.Header.Values(name), header.Values(name); len(got) != len(want) || len(want) > 0 && got[0] != want[0] {
			s.Errorf("%s: %s = %q, want that of the gate, %q", what, name, got, want)
		}
	}
}

// checkErrors: what the configuration says of answers holds in the framework.
func (s *adapterSuite) checkErrors() {
	s.cfg.OnError = gate.ProblemErrors("https://gate.example/")
	s.cfg.Challenge = gate.Challenge{Realm: "suite", ResourceMetadata: "https://gate.example/metadata"}
	policy := gate.Policy{Scopes: []string{"read"}}
	s.start(nil, AdapterRoute{Pattern: "/scopes", Policies: []gate.Policy{policy}})
	for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "OPTIONS"} {
		r := s.request(method, "/scopes", "", "Authorization", "Bearer "+s.token(nil))
		s.answered(method, s.want(http.StatusForbidden, method, r), r, policy)
		r = s.request(method, "/scopes", "")
		s.answered(method, s.want(http.StatusUnauthorized, method, r), r, policy)
	}
}

// checkPreflights: only a CORS preflight without a token is answered, by no handler.
func (s *adapterSuite) checkPreflights() {
	s.start(nil, AdapterRoute{Pattern: "/access", Policies: []gate.Policy{{}}})
	asks := []string{"Origin", "https://other.example", "Access-Control-Request-Method", "PUT"}
	reply := s.want(http.StatusNoContent, "a preflight", s.request("OPTIONS", "/access", "", asks...))
	if reply.body != "" || reply.Header.Get("WWW-Authenticate") != "" {
		s.Errorf("a preflight is answered with %q, %v", reply.body, reply.Header)
	}
	s.want(http.StatusUnauthorized, "OPTIONS without what a preflight asks", s.request("OPTIONS", "/access", ""))
	s.want(http.StatusUnauthorized, "a GET that asks as a preflight", s.request("GET", "/access", "", asks...))
	bad := append(asks, "Authorization", "Bearer "+Tampered(s.token(nil)))
	s.want(http.StatusUnauthorized, "a preflight with a bad token", s.request("OPTIONS", "/access", "", bad...))
	good := append(asks, "Authorization", "Bearer "+s.token(nil))
	s.want(http.StatusOK, "a preflight with a token", s.request("OPTIONS", "/access", "", good...))
}

// checkNested: each guard of a route checks, and handlers have the token of the
// innermost.
func (s *adapterSuite) checkNested() {
	inCookie := []gate.Location{gate.FromCookies()}
	s.start(nil,
		AdapterRoute{Pattern: "/open"},
		AdapterRoute{Pattern: "/inner", Policies: []gate.Policy{{}, {Fresh: true}}},
		AdapterRoute{Pattern: "/outer", Policies: []gate.Policy{{Fresh: true}, {}}},
		AdapterRoute{Pattern: "/hidden", Policies: []gate.Policy{{}, {Optional: true, Locations: inCookie}}},
		AdapterRoute{Pattern: "/both", Policies: []gate.Policy{{}, {Locations: inCookie}}},
	)
	stale := []string{"Authorization", "Bearer " + s.token(nil)}
	fresh := []string{"Authorization", "Bearer " + s.token(map[string]any{"fresh": true})}
	for _, path := range []string{"/inner", "/outer"} {
		s.want(http.StatusUnauthorized, path+", not fresh", s.request("GET", path, "", stale...))
		s.want(http.StatusOK, path+", fresh", s.request("GET", path, "", fresh...))
	}
	if reply := s.want(http.StatusOK, "a guard inside", s.request("GET", "/hidden", "", stale...)); reply.call.token != nil {
		s.Errorf("the handler has the token of a guard further out, %v", reply.call.token)
	}
	both := append(stale, "Cookie", s.cookie(map[string]any{"sub": "bob"}))
	if reply := s.want(http.StatusOK, "two tokens", s.request("GET", "/both", "", both...)); subjectOf(reply.call.token) != "bob" {
		s.Errorf("two tokens: the handler has that of %s", subjectOf(reply.call.token))
	}
	if reply := s.want(http.StatusOK, "no guard", s.request("GET", "/open", "", both...)); reply.call.token != nil {
		s.Error("a route without a guard has a token")
	}
}

// checkPanics: a panic in a hook lets nobody in, and leaves nothing to the next request.
func (s *adapterSuite) checkPanics() {
	s.start(&gate.RenewOptions{Within: 24 * time.Hour},
		AdapterRoute{Pattern: "/access", Policies: []gate.Policy{{}}},
		AdapterRoute{Pattern: "/optional", Policies: []gate.Policy{{Optional: true}}},
		AdapterRoute{Pattern: "/panics", Policies: []gate.Policy{{Public: true}}, Handle: func(context.Context, *gate.Token, any, []byte) AdapterAnswer { panic("a handler panics") }},
	)
	for range 3 {
		s.want(http.StatusInternalServerError, "a hook panics", s.request("GET", "/access", "", "Authorization", "Bearer "+s.token(map[string]any{"sub": "panics"})))
		if reply := s.do(s.request("GET", "/panics", "", "Cookie", s.cookie(nil))); reply.StatusCode != http.StatusInternalServerError || len(reply.Cookies()) > 0 {
			s.Errorf("a handler panics: status %d, cookies %v", reply.StatusCode, reply.Cookies())
		}
		if reply := s.want(http.StatusOK, "after a panic", s.request("GET", "/optional", "")); reply.call.token != nil {
			s.Error("after a panic a visitor has a token")
		}
		s.want(http.StatusOK, "after a panic", s.request("GET", "/access", "", "Authorization", "Bearer "+s.token(nil)))
	}
}
