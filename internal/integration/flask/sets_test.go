//go:build unix

package flask_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// An optionSet is one pair of applications. keys are those of rows of docs/flask-differences.md
// that may explain a difference in any answer of the set.
type optionSet struct {
	spec
	keys []string
	pair *keyPair // of an asymmetric algorithm
}

// secret is long enough for HS512.
const secret = "a shared secret of both sides: sixty-four bytes, 0123456789 abcd"

var places = []string{"headers", "cookies", "query_string", "json"}

// defaults are the original's, as far as the test reads them.
var defaults = object{
	"JWT_ALGORITHM": "HS256", "JWT_IDENTITY_CLAIM": "sub", "JWT_HEADER_NAME": "Authorization", "JWT_HEADER_TYPE": "Bearer",
	"JWT_QUERY_STRING_NAME": "jwt", "JWT_QUERY_STRING_VALUE_PREFIX": "", "JWT_JSON_KEY": "access_token",
	"JWT_REFRESH_JSON_KEY": "refresh_token", "JWT_ACCESS_COOKIE_NAME": "access_token_cookie",
	"JWT_REFRESH_COOKIE_NAME": "refresh_token_cookie", "JWT_ACCESS_CSRF_HEADER_NAME": "X-CSRF-TOKEN",
	"JWT_REFRESH_CSRF_HEADER_NAME": "X-CSRF-TOKEN", "JWT_ACCESS_CSRF_FIELD_NAME": "csrf_token", "JWT_REFRESH_CSRF_FIELD_NAME": "csrf_token",
}

// text is the value of an option that is a text.
func (s optionSet) text(name string) string {
	if v, ok := s.Options[name]; ok {
		text, _ := v.(string)
		return text
	}
	return defaults[name].(string)
}

func (s optionSet) algorithm() string { return s.text("JWT_ALGORITHM") }

// locations are the values of JWT_TOKEN_LOCATION.
func (s optionSet) locations() []string {
	switch v := s.Options["JWT_TOKEN_LOCATION"].(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, e.(string))
		}
		return all
	}
	return []string{"headers"}
}

// with is a set of these options with tokens everywhere.
func with(options ...any) optionSet {
	s := optionSet{spec: spec{Options: object{"JWT_SECRET_KEY": secret, "JWT_TOKEN_LOCATION": list(places...)}}}
	for i := 0; i < len(options); i += 2 {
		s.Options[options[i].(string)] = options[i+1]
	}
	return s
}

// list is a list of JSON.
func list(texts ...string) []any {
	all := []any{}
	for _, s := range texts {
		all = append(all, s)
	}
	return all
}

func timedelta(seconds float64) object { return object{"$seconds": seconds} }

// optionSets are the sets of the comparison.
func optionSets() []optionSet {
	all := slices.Concat(locationSets(), nameSets(), cookieSets(), csrfSets(), claimSets(), timeSets(), algorithmSets(), loaderSets())
	all = append(all, mixedSets(all)...)
	for i := range all {
		all[i].Name, all[i].environ = fmt.Sprint(i), i%2 == 0
		if !slices.Contains(all[i].locations(), "cookies") {
			all[i].keys = append(all[i].keys, "before-csrf")
		}
		if has(all[i].Options, "JWT_DECODE_AUDIENCE") {
			all[i].keys = append(all[i].keys, "before-aud")
		}
		if all[i].Options["JWT_COOKIE_DOMAIN"] == ".example.com" {
			all[i].keys = append(all[i].keys, "before-domain")
		}
	}
	return all
}

// locationSets has every choice of locations, and the full one in other orders.
func locationSets() (all []optionSet) {
	for bits := 1; bits < 1<<len(places); bits++ {
		var chosen []string
		for i, p := range places {
			if bits&(1<<i) != 0 {
				chosen = append(chosen, p)
			}
		}
		all = append(all, with("JWT_TOKEN_LOCATION", list(chosen...)))
	}
	for range 3 {
		places = append(places[1:], places[0])
		all = append(all, with("JWT_TOKEN_LOCATION", list(places...)))
	}
	places = append(places[1:], places[0])
	return append(all, with("JWT_TOKEN_LOCATION", "cookies"), optionSet{spec: spec{Options: object{"JWT_SECRET_KEY": secret}}},
		optionSet{spec: spec{Options: object{"SECRET_KEY": secret, "JWT_TOKEN_LOCATION": "headers"}}})
}

func nameSets() []optionSet {
	return []optionSet{
		with("JWT_HEADER_NAME", "X-Token"),
		with("JWT_HEADER_TYPE", "JWT"),
		with("JWT_HEADER_TYPE", ""),
		with("JWT_HEADER_TYPE", nil, "JWT_HEADER_NAME", "X-Token"),
		with("JWT_QUERY_STRING_NAME", "token"),
		with("JWT_QUERY_STRING_VALUE_PREFIX", "Bearer "),
		with("JWT_QUERY_STRING_NAME", "the token", "JWT_QUERY_STRING_VALUE_PREFIX", "t:"),
		with("JWT_JSON_KEY", "jwt", "JWT_REFRESH_JSON_KEY", "renew"),
		with("JWT_JSON_KEY", "same", "JWT_REFRESH_JSON_KEY", "same"),
		with("JWT_JSON_KEY", "schlüssel"),
		with("JWT_ERROR_MESSAGE_KEY", "error"),
		with("JWT_ERROR_MESSAGE_KEY", "größe <&>"),
		with("JWT_ERROR_MESSAGE_KEY", ""),
	}
}

func cookieSets() []optionSet {
	return []optionSet{
		with("JWT_ACCESS_COOKIE_NAME", "a", "JWT_REFRESH_COOKIE_NAME", "r"),
		with("JWT_ACCESS_CSRF_COOKIE_NAME", "ca", "JWT_REFRESH_CSRF_COOKIE_NAME", "cr"),
		with("JWT_ACCESS_COOKIE_PATH", "/api", "JWT_REFRESH_COOKIE_PATH", "/refresh"),
		with("JWT_ACCESS_CSRF_COOKIE_PATH", "/page", "JWT_REFRESH_CSRF_COOKIE_PATH", "/page/refresh"),
		with("JWT_ACCESS_COOKIE_PATH", "/with blank", "JWT_ACCESS_CSRF_COOKIE_PATH", "/ü"),
		with("JWT_ACCESS_COOKIE_NAME", "t", "JWT_REFRESH_COOKIE_NAME", "t", "JWT_ACCESS_COOKIE_PATH", "/api", "JWT_REFRESH_COOKIE_PATH", "/refresh"),
		with("JWT_COOKIE_DOMAIN", "example.com"),
		with("JWT_COOKIE_DOMAIN", ".example.com"),
		with("JWT_COOKIE_SECURE", true),
		with("JWT_COOKIE_SAMESITE", "Lax"),
		with("JWT_COOKIE_SAMESITE", "strict"),
		with("JWT_COOKIE_SAMESITE", "None", "JWT_COOKIE_SECURE", true),
		with("JWT_SESSION_COOKIE", false),
		with("JWT_SESSION_COOKIE", false, "JWT_COOKIE_SECURE", true, "JWT_COOKIE_DOMAIN", "example.com", "JWT_COOKIE_SAMESITE", "Strict"),
		with("JWT_COOKIE_CSRF_PROTECT", false),
		with("JWT_COOKIE_CSRF_PROTECT", false, "JWT_SESSION_COOKIE", false),
		with("JWT_CSRF_IN_COOKIES", false),
		with("JWT_CSRF_IN_COOKIES", false, "JWT_COOKIE_SECURE", true),
	}
}

func csrfSets() []optionSet {
	return []optionSet{
		with("JWT_CSRF_METHODS", list()),
		with("JWT_CSRF_METHODS", list("GET")),
		with("JWT_CSRF_METHODS", list("POST", "DELETE")),
		with("JWT_CSRF_METHODS", list("GET", "POST", "PUT", "PATCH", "DELETE")),
		with("JWT_CSRF_CHECK_FORM", true),
		with("JWT_CSRF_CHECK_FORM", true, "JWT_ACCESS_CSRF_FIELD_NAME", "fa", "JWT_REFRESH_CSRF_FIELD_NAME", "fr"),
		with("JWT_CSRF_CHECK_FORM", true, "JWT_CSRF_METHODS", list("GET", "POST")),
		with("JWT_ACCESS_CSRF_HEADER_NAME", "X-A", "JWT_REFRESH_CSRF_HEADER_NAME", "X-R"),
		with("JWT_ACCESS_CSRF_HEADER_NAME", "x-lower"),
		with("JWT_TOKEN_LOCATION", "cookies", "JWT_CSRF_CHECK_FORM", true),
	}
}

func claimSets() []optionSet {
	all := []optionSet{
		with("JWT_IDENTITY_CLAIM", "user"),
		with("JWT_IDENTITY_CLAIM", "https://example.com/id"),
		with("JWT_ENCODE_AUDIENCE", "here", "JWT_DECODE_AUDIENCE", "here"),
		with("JWT_ENCODE_AUDIENCE", list("here", "there")),
		with("JWT_ENCODE_AUDIENCE", list("here"), "JWT_DECODE_AUDIENCE", list("here", "there")),
		with("JWT_ENCODE_AUDIENCE", "", "JWT_DECODE_AUDIENCE", "here"),
		with("JWT_DECODE_AUDIENCE", list("nowhere", "here")),
		with("JWT_DECODE_AUDIENCE", "other"),
		with("JWT_ENCODE_ISSUER", "flask", "JWT_DECODE_ISSUER", "flask"),
		with("JWT_ENCODE_ISSUER", "flask"),
		with("JWT_DECODE_ISSUER", "other"),
		with("JWT_ENCODE_ISSUER", "", "JWT_DECODE_ISSUER", "flask"),
		with("JWT_ENCODE_NBF", false),
		with("JWT_ENCODE_NBF", true, "JWT_ENCODE_ISSUER", "ü", "JWT_ENCODE_AUDIENCE", "ä"),
	}
	issuers := with("JWT_ENCODE_ISSUER", "flask", "JWT_DECODE_ISSUER", list("flask", "other"))
	issuers.keys = []string{"before-issuers"}
	return append(all, issuers)
}

func timeSets() []optionSet {
	return []optionSet{
		with("JWT_DECODE_LEEWAY", 100), // minutes away from the times of specimens: a run takes a minute
		with("JWT_DECODE_LEEWAY", 800),
		with("JWT_DECODE_LEEWAY", timedelta(500)),
		with("JWT_ACCESS_TOKEN_EXPIRES", 3600, "JWT_REFRESH_TOKEN_EXPIRES", 86400),
		with("JWT_ACCESS_TOKEN_EXPIRES", timedelta(90), "JWT_REFRESH_TOKEN_EXPIRES", timedelta(5.5)),
		with("JWT_ACCESS_TOKEN_EXPIRES", false),
		with("JWT_REFRESH_TOKEN_EXPIRES", false),
		with("JWT_ACCESS_TOKEN_EXPIRES", timedelta(0), "JWT_REFRESH_TOKEN_EXPIRES", timedelta(0)),
		with("JWT_ACCESS_TOKEN_EXPIRES", timedelta(365*24*3600), "JWT_SESSION_COOKIE", false),
	}
}

func algorithmSets() []optionSet {
	all := []optionSet{
		with("JWT_ALGORITHM", "HS384"),
		with("JWT_ALGORITHM", "HS512"),
		with("JWT_DECODE_ALGORITHMS", list("HS384", "HS512")),
		with("JWT_DECODE_ALGORITHMS", list("HS256", "HS384")),
		with("JWT_DECODE_ALGORITHMS", list()),
	}
	for _, alg := range []string{"RS256", "RS512", "PS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"} {
		pair := newKeyPair(alg)
		s := with("JWT_ALGORITHM", alg, "JWT_PRIVATE_KEY", pair.private, "JWT_PUBLIC_KEY", pair.public)
		s.pair = pair
		if strings.HasPrefix(alg, "RS") {
			s.Options["JWT_DECODE_ALGORITHMS"] = list("PS256", alg)
		}
		all = append(all, s)
	}
	return all
}

func loaderSets() (all []optionSet) {
	for _, loaders := range [][]string{{"blocklist"}, {"users"}, {"verify"}, {"claims"}, {"answers"}, {"blocklist", "users", "verify", "claims", "answers"}} {
		s := with()
		s.Loaders = loaders
		all = append(all, s)
	}
	return all
}

// mixedSets joins options of several sets, the same in every run.
func mixedSets(from []optionSet) (all []optionSet) {
	r := rand.New(rand.NewPCG(1, 2))
	var plain []optionSet
	for _, s := range from {
		if s.pair == nil && len(s.keys) == 0 && s.Options["JWT_ACCESS_COOKIE_NAME"] != "t" {
			plain = append(plain, s)
		}
	}
	for range 24 {
		s := with()
		for range 4 {
			part := plain[r.IntN(len(plain))]
			locations := s.Options["JWT_TOKEN_LOCATION"]
			maps.Copy(s.Options, part.Options)
			s.Options["JWT_TOKEN_LOCATION"] = locations
			s.Loaders = append(s.Loaders, part.Loaders...)
		}
		if s.Options["JWT_COOKIE_SAMESITE"] == "None" {
			s.Options["JWT_COOKIE_SECURE"] = true
		}
		slices.Sort(s.Loaders)
		s.Loaders = slices.Compact(s.Loaders)
		all = append(all, s)
	}
	return all
}
