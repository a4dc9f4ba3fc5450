package gatetest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/jwtgate/gate"
)

// checkLocations: every place of a request is read, and two tokens in one are refused.
func (s *adapterSuite) checkLocations() {
	only := func(l ...gate.Location) []gate.Policy { return []gate.Policy{{Locations: l}} }
	s.start(nil,
		AdapterRoute{Pattern: "/header", Policies: only(gate.FromHeader("X-Token", ""))},
		AdapterRoute{Pattern: "/cookie", Policies: only(gate.FromCookies())},
		AdapterRoute{Pattern: "/query", Policies: only(gate.FromQuery("tok en", ""))},
		AdapterRoute{Pattern: "/path/{token}", Policies: only(gate.FromPath("token"))},
		AdapterRoute{Pattern: "/func", Policies: only(gate.LocationFunc("func", findEverywhere))},
		AdapterRoute{Pattern: "/all", Policies: only(gate.FromHeader("Authorization", "Bearer"), gate.FromCookies(), gate.FromQuery("token", ""))},
	)
	raw, other := s.token(map[string]any{"csrf": "value"}), s.token(map[string]any{"csrf": "value", "sub": "bob"})
	ok := func(what string, r *http.Request) {
		s.Helper()
		if reply := s.want(http.StatusOK, what, r); subjectOf(reply.call.token) != "alice" {
			s.Errorf("%s: the token is of %s", what, subjectOf(reply.call.token))
		}
	}
	no := func(what string, r *http.Request) { s.Helper(); s.want(http.StatusUnauthorized, what, r) }
	ok("a header", s.request("GET", "/header", "", "X-Token", raw))
	ok("a header in lower case", s.request("GET", "/header", "", "x-token", raw))
	no("a header twice", s.request("GET", "/header", "", "X-Token", raw, "X-Token", other))
	ok("a cookie", s.request("GET", "/cookie", "", "Cookie", "a=b; access_token_cookie="+raw+"; c=\"d\""))
	ok("a second header of cookies", s.request("GET", "/cookie", "", "Cookie", "a=b", "Cookie", "access_token_cookie="+raw))
	no("another cookie", s.request("GET", "/cookie", "", "Cookie", "Access_Token_Cookie="+raw))
	no("a cookie twice", s.request("GET", "/cookie", "", "Cookie", "access_token_cookie=x.y.z; access_token_cookie=a.b.c"))
	ok("a parameter", s.request("GET", "/query?a=b&tok%20en="+raw, ""))
	ok("a parameter with a plus", s.request("GET", "/query?tok+en="+strings.Replace(raw, ".", "%2E", 1), ""))
	no("a parameter twice", s.request("GET", "/query?tok%20en="+raw+"&tok%20en="+other, ""))
	no("a parameter behind a semicolon", s.request("GET", "/query?a=b;tok%20en="+raw, ""))
	ok("a path", s.request("GET", "/path/"+raw, ""))
	ok("an escaped path", s.request("GET", "/path/"+strings.Replace(raw, ".", "%2E", 1), ""))
	no("another path", s.request("GET", "/path/"+Tampered(raw), ""))
	ok("the first location", s.request("GET", "/all?token="+other, "", "Authorization", "bearer "+raw))
	ok("the last location", s.request("GET", "/all?token="+raw, "", "Authorization", "Basic x"))
	no("a bad token before a good one", s.request("GET", "/all?token="+raw, "", "Authorization", "Bearer x.y.z"))
	ok("a function", s.request("PUT", "/func?q=1&q=2", "x", "X-Token", raw, "X-Many", "1", "X-Many", "2", "Cookie", "a=1; b=2; a=3"))
	no("a function that finds nothing", s.request("GET", "/func", ""))
}

// findEverywhere finds a token where the rest of the request is as it was sent.
func findEverywhere(r gate.Request, _ gate.TokenType) (string, error) {
	got := fmt.Sprintln(r.Method(), r.Host(), r.Header("x-many"), r.Header("X-None") == nil, r.Cookies("a"), r.Query("q"), r.Query("none") == nil, r.PathValue("none"))
	want := fmt.Sprintln("PUT", "gate.example", []string{"1", "2"}, true, []string{"1", "3"}, []string{"1", "2"}, true, "")
	if got == want && len(r.Header("X-Token")) == 1 {
		return r.Header("X-Token")[0], nil
	}
	return "", gate.ErrMissing
}

// checkBodies: what the gate reads of a body is there for the handler.
func (s *adapterSuite) checkBodies() {
	s.cfg.Accept.Limits.BodyBytes = 8 << 10
	s.start(nil,
		AdapterRoute{Pattern: "/json", Policies: []gate.Policy{{Locations: []gate.Location{gate.FromJSON("access_token", "")}}}},
		AdapterRoute{Pattern: "/optional", Policies: []gate.Policy{{Optional: true, Locations: []gate.Location{gate.FromJSON("access_token", "")}}}},
	)
	long := strings.Repeat("x", 100<<10)
	for _, tt := range []struct {
		name, path, body string
		status           int
	}{
		{"a token", "/json", `{"a":[1], "access_token":"` + s.token(nil) + `"} `, http.StatusOK},
		{"no token", "/json", `{"a":1}`, http.StatusUnauthorized},
		{"no JSON", "/json", `access_token=` + s.token(nil), http.StatusUnauthorized},
		{"a long body", "/json", `{"long":"` + long + `","access_token":"` + s.token(nil) + `"}`, http.StatusUnauthorized},
		{"a long body of a visitor", "/optional", `{"long":"` + long + `"}`, http.StatusOK},
		{"an empty body", "/optional", "", http.StatusOK},
	} {
		for _, chunked := range []bool{false, true} {
			r := s.request("POST", tt.path, tt.body, "Content-Type", "application/json")
			if chunked && r.Body != nil {
				r.ContentLength, r.Body = -1, io.NopCloser(strings.NewReader(tt.body))
			}
			if reply := s.want(tt.status, tt.name, r); reply.called && reply.call.body != tt.body {
				s.Errorf("%s: the handler reads %d bytes, %.80q, of %d", tt.name, len(reply.call.body), reply.call.body, len(tt.body))
			}
		}
	}
}

// checkBigHeaders: headers of a usual size are taken, and no size does harm.
func (s *adapterSuite) checkBigHeaders() {
	s.start(nil, AdapterRoute{Pattern: "/access", Policies: []gate.Policy{{}}})
	good := []string{"Authorization", "Bearer " + s.token(nil)}
	s.want(http.StatusOK, "a token of 3,000 bytes", s.request("GET", "/access", "", "Authorization", "Bearer "+s.token(map[string]any{"long": strings.Repeat("x", 2_000)})))
	s.want(http.StatusOK, "8 KiB of other cookies", s.request("GET", "/access", "", append(good, "Cookie", "a="+strings.Repeat("x", 8<<10))...))
	for _, name := range []string{"Authorization", "Cookie"} {
		r := s.request("GET", "/access", "", name, strings.Repeat("Bearer x.y.z; ", 8<<10))
		resp, err := s.client.Do(r)
		if err != nil {
			continue // the server has hung up
		}
		resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode > 499 {
			s.Errorf("100 KiB of %s: status = %d", name, resp.StatusCode)
		}
	}
	s.want(http.StatusOK, "after big headers", s.request("GET", "/access", "", good...))
}

// checkMemory: what hooks, handlers and location functions keep does not change when
// other requests follow, whose memory may be the same.
func (s *adapterSuite) checkMemory() {
	var kept, copies []string
	keep := func(r gate.Request, _ gate.TokenType) (string, error) {
		data, _, err := r.Body(1 << 10)
		if err != nil {
			return "", err
		}
		lists := [][]string{{r.Method(), r.Host(), r.PathValue("token")}, r.Header("X-Kept"), r.Header("Cookie"), r.Cookies("kept"), r.Query("kept")}
		for _, list := range lists {
			kept = append(kept, list...)
		}
		for i := len(copies); i < len(kept); i++ {
			copies = append(copies, strings.Clone(kept[i]))
		}
		s.bodies = append(s.bodies, keptBody{data, string(data)})
		return r.Header("X-Token")[0], nil
	}
	s.start(nil, AdapterRoute{Pattern: "/kept/{token}", Policies: []gate.Policy{{Locations: []gate.Location{gate.LocationFunc("keeps", keep)}}}})
	tokens := map[string]*gate.Token{}
	for i := range 20 {
		name := fmt.Sprintf("user-%02d", i)
		r := s.request("PATCH", "/kept/"+name+"?kept="+name, "the body of "+name, "X-Token", s.token(map[string]any{"sub": name, "own": name, "jti": name}),
			"X-Kept", "the header of "+name, "Cookie", "kept="+name)
		tokens[name] = s.want(http.StatusOK, name, r).call.token
	}
	for i := range kept {
		if kept[i] != copies[i] {
			s.Errorf("what a location function kept was %q, and is %q", copies[i], kept[i])
		}
	}
	for _, b := range s.bodies {
		if string(b.data) != b.copy {
			s.Errorf("a body that a location function kept was %q, and is %q", b.copy, b.data)
		}
	}
	for name, t := range tokens {
		s.wantUnchanged(name, t)
	}
}

// wantUnchanged fails the test if a token that was kept after its request is another's now.
func (s *adapterSuite) wantUnchanged(name string, t *gate.Token) {
	s.Helper()
	var claims struct {
		Own string `json:"own"`
	}
	if err := t.Claims(&claims); err != nil || claims.Own != name || t.Subject != name || t.ID != name {
		s.Errorf("the token of %s became %q, %q, %q, %v", name, claims.Own, t.Subject, t.ID, err)
	}
}

// keptBody is what a location function got of a body, and what it was.
type keptBody struct {
	data []byte
	copy string
}

// checkAtOnce: requests at the same time have a token each, or none.
func (s *adapterSuite) checkAtOnce() {
	s.start(nil,
		AdapterRoute{Pattern: "/optional", Policies: []gate.Policy{{Optional: true}}},
		AdapterRoute{Pattern: "/open"},
	)
	var wait sync.WaitGroup
	for i := range 8 {
		name := fmt.Sprintf("user-%d", i)
		raw := s.token(map[string]any{"sub": name})
		wait.Go(func() {
			for j := range 30 {
				path, header, want := "/optional", []string{"Authorization", "Bearer " + raw}, name
				switch j % 3 {
				case 1:
					header, want = nil, "a visitor"
				case 2:
					path, want = "/open", "a visitor"
				}
				if got, err := s.bodyOf(s.request("GET", path, "", header...)); got != want || err != nil {
					s.Errorf("%s at the same time as others: %q, %v; want %q", path, got, err, want)
				}
			}
		})
	}
	wait.Wait()
}

// bodyOf is for requests outside of the goroutine of the test.
func (s *adapterSuite) bodyOf(r *http.Request) (string, error) {
	resp, err := s.client.Do(r)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	return string(body), errors.Join(err, resp.Body.Close())
}
