//go:build unix

package flask_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A request goes to both applications in the same bytes. keys are those of the rows that
// may explain a difference.
type request struct {
	name, method, path string
	query              url.Values
	header             [][2]string
	body               string
	keys               []string
}

func (q request) with(name, value string) request {
	q.header = append(slices.Clone(q.header), [2]string{name, value})
	return q
}

func (q request) json(body any, keys ...string) request {
	q.body, q.keys = compact(body), append(slices.Clone(q.keys), keys...)
	return q.with("Content-Type", "application/json")
}

// carry puts a token into one place of a request, with the CSRF value of the specimens.
func (s optionSet) carry(q request, place, token string) request {
	kind, jsonKey := "ACCESS", "JWT_JSON_KEY"
	if q.path == "/refresh" || q.path == "/refresh-fresh" || q.path == "/renew" {
		kind, jsonKey = "REFRESH", "JWT_REFRESH_JSON_KEY"
	}
	switch place {
	case "headers":
		return q.with(s.text("JWT_HEADER_NAME"), strings.TrimSpace(s.text("JWT_HEADER_TYPE")+" "+token))
	case "cookies":
		q = q.with("Cookie", s.text("JWT_"+kind+"_COOKIE_NAME")+"="+token)
		return q.with(s.text("JWT_"+kind+"_CSRF_HEADER_NAME"), csrf)
	case "query_string":
		q.query = url.Values{s.text("JWT_QUERY_STRING_NAME"): {s.text("JWT_QUERY_STRING_VALUE_PREFIX") + token}}
		return q
	}
	q.method = "POST"
	return q.json(object{s.text(jsonKey): token})
}

// requests are all requests of a set. n is its number: the special specimens are shared
// out among the sets.
func (s optionSet) requests(n int) (all []request) {
	locations := s.locations()
	for i, sp := range slices.Concat(common, s.relevant(), shared(n)) {
		place := locations[(n+i)%len(locations)]
		for j, path := range []string{"/access", "/refresh", "/fresh", "/any", "/optional", "/view", "/user"} {
			if every := 2 + i/len(common); (i+j+n)%min(every, 3) != 0 { // the others are those of another set
				continue
			}
			q := request{name: sp.name + " in " + place, method: methods[(i+j)%len(methods)], path: path, keys: sp.keys}
			if path == "/user" {
				if q.method = "GET"; !s.has("users") || place == "json" {
					continue
				}
			}
			all = append(all, s.carry(q, place, sp.token(s)))
		}
		if i >= len(common) || i == n%len(common) {
			all = append(all, s.inspections(sp, n)...)
		}
	}
	if n%2 == 0 {
		all = append(all, s.places(n)...)
	}
	if n%4 == 0 || s.sets("HEADER", "QUERY", "JSON", "MESSAGE") {
		all = append(all, s.absent()...)
	}
	if n%4 == 1 || s.sets("CSRF", "COOKIE") {
		all = append(all, s.csrfRequests()...)
	}
	if n%2 == 1 || s.sets("CSRF", "COOKIE") {
		all = append(all, s.cookieRequests()...)
	}
	return append(all, s.creations(n)...)
}

// sets reports whether the name of an option has one of these words.
func (s optionSet) sets(words ...string) bool {
	for name := range s.Options {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) }) {
			return true
		}
	}
	return false
}

// relevant are the special specimens that the options of a set are about.
func (s optionSet) relevant() (all []specimen) {
	for _, sp := range special() {
		for option, prefix := range map[string]string{"AUDIENCE": "aud", "ISSUER": "iss", "LEEWAY": "exp", "IDENTITY": "identity"} {
			if strings.HasPrefix(sp.name, prefix) && s.sets(option) {
				all = append(all, sp)
			}
		}
	}
	return all
}

// stride is prime to the numbers of places, of routes and of methods, so that a specimen
// comes to all of them. A smaller one, such as 1, compares all with all, in minutes.
const stride = 23

// shared are the special specimens of one set: every one is in at least five sets.
func shared(n int) (all []specimen) {
	every := special()
	for i := n % stride; i < len(every); i += stride {
		all = append(all, every[i])
	}
	return all
}

// inspections ask the functions that read a token outside of a guard.
func (s optionSet) inspections(sp specimen, n int) []request {
	token := sp.token(s)
	q := request{name: sp.name + " inspected", method: "POST", path: "/inspect", keys: append([]string{"view-error"}, sp.keys...)}
	do := []string{"decode", "jti", "decode", "csrf", "headers"}[n%5]
	return []request{q.json(object{"do": do, "token": token, "allow_expired": n%2 == 0}, "inspected-"+do)}
}

// places puts a good token into every place, allowed by the options or not, and asks the
// routes with locations of their own.
func (s optionSet) places(n int) (all []request) {
	token := common[n%2].token(s)
	for i, place := range []string{"headers", "cookies", "query_string", "json"} {
		q := request{name: "in " + place, method: "POST", path: []string{"/access", "/refresh"}[n%2]}
		all = append(all, s.carry(q, place, token))
		q.path = "/" + strings.TrimSuffix(place, "_string")
		all = append(all, s.carry(q, place, common[0].token(s)))
		if place == "cookies" {
			q.keys = []string{"csrf-route"}
			all = append(all, q.with("Cookie", s.text("JWT_ACCESS_COOKIE_NAME")+"="+common[0].token(s)))
		}
		q.keys = []string{"two-headers"}
		q.name, q.path = q.name+" of two", "/two"
		all = append(all, s.carry(s.carry(q, place, common[0].token(s)), []string{"headers", "cookies", "query_string"}[(i+n)%3], common[4].token(s)))
	}
	return all
}

// absent are requests without a token, or with one that is not where it should be.
func (s optionSet) absent() []request {
	good, scheme := common[0].token(s), s.text("JWT_HEADER_TYPE")
	get := request{name: "absent", method: "GET", path: "/access"}
	post := request{name: "absent", method: "POST", path: "/access"}
	optional := request{name: "absent", method: "GET", path: "/optional"}
	header := s.text("JWT_HEADER_NAME")
	strange := func(q request) request {
		q.keys = []string{"cookie-bytes"}
		return q.with("Cookie", s.text("JWT_ACCESS_COOKIE_NAME")+"=é"+good)
	}
	return []request{
		get, post, optional,
		{name: "absent", method: "GET", path: "/view"},
		{name: "absent", method: "GET", path: "/view", query: url.Values{"optional": {"1"}}},
		s.carry(request{name: "no loader", method: "GET", path: "/user", keys: []string{"view-error"}}, s.locations()[0], good),
		{name: "absent", method: "HEAD", path: "/access"},
		{name: "absent", method: "OPTIONS", path: "/options"},
		strange(get), strange(optional),
		get.with(header, "Basic dGVzdDp0ZXN0"),
		get.with(header, strings.ToLower(scheme)+" "+good),
		get.with(header, scheme),
		get.with(header, scheme+" "+good+" more"),
		get.with(header, "Basic x, "+scheme+" "+good),
		get.with(header, scheme+" "+good+","+scheme+" "+good),
		get.with(header, "  "+scheme+"   "+good+" ,"),
		optional.with(header, scheme+" x y"),
		post.json(object{}), post.json(object{s.text("JWT_JSON_KEY"): nil}), post.json(object{s.text("JWT_JSON_KEY"): 5}, "json-number"),
		post.json([]any{}), post.json([]any{1}, "json-list"),
		post.with("Content-Type", "text/plain"),
		post.with("Content-Type", "application/json"),
		post.with("Content-Type", "application/vnd.api+json"),
	}
}

// csrfRequests send an access and a refresh cookie with CSRF values of all kinds.
func (s optionSet) csrfRequests() (all []request) {
	for i, kind := range []string{"ACCESS", "REFRESH"} {
		path, token := []string{"/access", "/refresh"}[i], common[i].token(s)
		number := claim("CSRF number", "csrf", 5, "csrf-type")
		for _, method := range []string{"GET", []string{"POST", "DELETE"}[i]} {
			q := request{name: "CSRF", method: method, path: path}.with("Cookie", s.text("JWT_"+kind+"_COOKIE_NAME")+"="+token)
			name, field := s.text("JWT_"+kind+"_CSRF_HEADER_NAME"), s.text("JWT_"+kind+"_CSRF_FIELD_NAME")
			form := q.with("Content-Type", "application/x-www-form-urlencoded")
			form.body = url.Values{field: {csrf}}.Encode()
			wrong := form
			wrong.body = url.Values{field: {"wrong"}}.Encode()
			all = append(all, q, q.with(name, csrf), q.with(name, "wrong"), q.with(name, ""), form, wrong)
			q.header = [][2]string{{"Cookie", s.text("JWT_"+kind+"_COOKIE_NAME") + "=" + number.token(s)}}
			q.keys = number.keys
			all = append(all, q.with(name, csrf))
		}
	}
	return all
}

// cookieRequests set cookies and clear them.
func (s optionSet) cookieRequests() (all []request) {
	in := request{name: "login", method: "POST", path: "/login", keys: []string{"no-store"}}
	all = append(all, in.json(object{}), in.json(object{"max_age": 3600}), in.json(object{"domain": "other.example.com"}))
	out := request{name: "logout", method: "POST", path: "/logout", keys: []string{"no-store"}}
	for _, which := range []string{"access", "refresh", "both"} {
		all = append(all, out.json(object{"which": which}))
	}
	return append(all, out.json(object{"which": "both", "domain": "other.example.com"}))
}

// creations make tokens with arguments of all kinds.
func (s optionSet) creations(n int) (all []request) {
	arguments := []object{
		{}, {"identity": "Zoë"}, {"identity": 42}, {"identity": raw("9007199254740993")}, {"identity": raw(`["a",{"b":1}]`)}, {"identity": nil},
		{"identity": ""}, {"identity": true}, {"fresh": true}, {"fresh": timedelta(300)}, {"fresh": timedelta(0)},
		{"expires_delta": false}, {"expires_delta": timedelta(60)}, {"expires_delta": timedelta(0)},
		{"additional_claims": object{"role": "admin", "n": raw("9007199254740993"), "nested": raw(`{"a":[1.5,null]}`)}},
		{"additional_claims": object{"sub": "other", "type": "reset", "aud": "there"}},
		{"additional_claims": object{"csrf": "mine", "größe": "ü"}},
		{"additional_headers": object{"kid": "second", "x": "ü"}}, {"additional_headers": object{"typ": "at+jwt"}},
		{"additional_headers": object{"cty": "JWT"}},
	}
	for i, args := range arguments {
		kind := []string{"access", "refresh"}[(i+n)%2]
		if kind == "refresh" && has(args, "fresh") || i%3 != n%3 && i != 0 {
			continue
		}
		q := request{name: fmt.Sprint("create ", compact(args)), method: "POST", path: "/make"}
		body := object{"kind": kind}
		for name, v := range args {
			body[name] = v
		}
		q = q.json(body, "fresh-zero", "fixed-header")
		all = append(all, q)
	}
	locations := s.locations()
	for _, place := range locations {
		q := request{name: "renew in " + place, method: "POST", path: "/renew"}
		all = append(all, s.carry(q, place, common[1].token(s)))
	}
	return all
}

// httpRequest makes the request for a server.
func (q request) httpRequest(server, app string) (*http.Request, error) {
	target := server + q.path
	if q.query != nil {
		target += "?" + q.query.Encode()
	}
	r, err := http.NewRequest(q.method, target, strings.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	for _, h := range q.header {
		r.Header.Add(h[0], h[1])
	}
	r.Header.Set("X-App", app)
	r.Host = "app.example.com"
	return r, nil
}
