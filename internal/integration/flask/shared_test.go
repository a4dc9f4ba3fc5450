//go:build unix

package flask_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// side is one of the two applications.
type side struct{ name, server string }

// pairs are both orders: one makes, the other is asked.
func (l *live) pairs() [][2]side {
	f, g := side{"Flask", l.flask}, side{"gate", l.gate}
	return [][2]side{{f, g}, {g, f}}
}

// call asks a side for a JSON answer.
func (l *live) call(at side, s optionSet, q request) (int, object) {
	l.t.Helper()
	r := l.ask(at.server, s.Name, q)
	var body object
	if err := json.Unmarshal(r.body, &body); err != nil {
		l.t.Fatalf("%s at %s: %d %s", q.path, at.name, r.status, r.body)
	}
	return r.status, body
}

// create makes a token at one side.
func (l *live) create(at side, s optionSet, kind string) string {
	l.t.Helper()
	_, body := l.call(at, s, request{name: "create", method: "POST", path: "/make"}.json(object{"kind": kind}))
	token, _ := body["token"].(string)
	return token
}

// sharedSets are the sets whose tokens cross: one secret, then key pairs.
func sharedSets() []optionSet {
	all := []optionSet{with()}
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		pair := newKeyPair(alg)
		all = append(all, with("JWT_ALGORITHM", alg, "JWT_PRIVATE_KEY", pair.private, "JWT_PUBLIC_KEY", pair.public))
	}
	for i := range all {
		all[i].Name = "shared " + all[i].algorithm()
	}
	return all
}

// TestTokensCross: what one side makes is good at the other, in every place.
func TestTokensCross(t *testing.T) {
	l := startLive(t)
	for _, s := range sharedSets() {
		if err := l.add(s.spec); err != nil {
			t.Fatal(err)
		}
		for _, pair := range l.pairs() {
			t.Run(s.algorithm()+" from "+pair[0].name, func(t *testing.T) { l.cross(t, s, pair[0], pair[1]) })
		}
	}
}

func (l *live) cross(t *testing.T, s optionSet, from, to side) {
	access, refresh := l.create(from, s, "access"), l.create(from, s, "refresh")
	for _, place := range places {
		for path, token := range map[string]string{"/access": access, "/refresh": refresh} {
			q := s.carry(request{name: "cross", method: "GET", path: path}, place, token)
			if status, body := l.call(to, s, q); status != http.StatusOK || body["identity"] != "alice" {
				t.Errorf("%s in %s: %d %v", path, place, status, body)
			}
		}
	}
	// The CSRF value of a token is that of a request to the other side, and no other is.
	_, body := l.call(from, s, request{name: "CSRF", method: "POST", path: "/inspect"}.json(object{"do": "csrf", "token": access}))
	value, _ := body["csrf"].(string)
	q := request{name: "CSRF", method: "POST", path: "/access"}.with("Cookie", "access_token_cookie="+access)
	if status, body := l.call(to, s, q.with("X-CSRF-TOKEN", value)); status != http.StatusOK || value == "" {
		t.Errorf("CSRF value %q: %d %v", value, status, body)
	}
	if status, body := l.call(to, s, q.with("X-CSRF-TOKEN", csrf)); status != http.StatusUnauthorized {
		t.Errorf("another CSRF value: %d %v", status, body)
	}
	// Refreshed at the other side, used where it began.
	_, body = l.call(to, s, s.carry(request{name: "renew", method: "POST", path: "/renew"}, "headers", refresh))
	renewed, _ := body["token"].(string)
	if status, body := l.call(from, s, s.carry(request{name: "renewed", method: "GET", path: "/access"}, "headers", renewed)); status != http.StatusOK {
		t.Errorf("a renewed token: %d %v", status, body)
	}
	if status, _ := l.call(to, s, s.carry(request{name: "type", method: "GET", path: "/access"}, "headers", refresh)); status != http.StatusUnprocessableEntity {
		t.Errorf("a refresh token at an access route: %d", status)
	}
}

// TestCookiesCross: a browser that logs in at one side is known at the other, and its
// cookies are cleared by the other.
func TestCookiesCross(t *testing.T) {
	l := startLive(t)
	for i, s := range []optionSet{
		with("JWT_TOKEN_LOCATION", "cookies"),
		with("JWT_TOKEN_LOCATION", "cookies", "JWT_COOKIE_DOMAIN", "example.com", "JWT_SESSION_COOKIE", false, "JWT_REFRESH_COOKIE_PATH", "/refresh"),
		with("JWT_TOKEN_LOCATION", "cookies", "JWT_COOKIE_SAMESITE", "Strict", "JWT_CSRF_IN_COOKIES", false),
	} {
		s.Name = fmt.Sprint("cookies ", i)
		if err := l.add(s.spec); err != nil {
			t.Fatal(err)
		}
		for _, pair := range l.pairs() {
			t.Run(fmt.Sprint(i, " from ", pair[0].name), func(t *testing.T) { l.crossCookies(t, s, pair[0], pair[1]) })
		}
	}
}

func (l *live) crossCookies(t *testing.T, s optionSet, from, to side) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	page := func(path string) *url.URL { return &url.URL{Scheme: "http", Host: "app.example.com", Path: path} }
	visit := func(at side, q request) int {
		var pairs []string
		for _, c := range jar.Cookies(page(q.path)) {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
		if len(pairs) > 0 {
			q = q.with("Cookie", strings.Join(pairs, "; "))
		}
		r := l.ask(at.server, s.Name, q)
		jar.SetCookies(page(q.path), (&http.Response{Header: r.header}).Cookies())
		return r.status
	}
	get := request{name: "cookies", method: "GET", path: "/access"}
	for _, step := range []struct {
		at   side
		q    request
		want int
	}{
		{to, get, 401},
		{from, request{name: "login", method: "POST", path: "/login"}.json(object{}), 200},
		{to, get, 200},
		{to, request{name: "refresh", method: "GET", path: "/refresh"}, 200},
		{to, request{name: "no CSRF value", method: "POST", path: "/access"}, 401},
		{to, request{name: "logout", method: "POST", path: "/logout"}.json(object{"which": "access"}), 200},
		{from, get, 401},
		{from, request{name: "refresh", method: "GET", path: "/refresh"}, 200},
		{to, request{name: "logout", method: "POST", path: "/logout"}.json(object{"which": "both"}), 200},
	} {
		if got := visit(step.at, step.q); got != step.want {
			t.Errorf("%s at %s: %d, want %d", step.q.name, step.at.name, got, step.want)
		}
	}
	if left := jar.Cookies(page("/refresh")); len(left) > 0 {
		t.Errorf("cookies left: %v", left)
	}
}
