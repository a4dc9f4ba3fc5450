//go:build unix

package flask_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"time"
)

// A specimen is a token that both applications are asked about. keys are those of the
// rows of docs/flask-differences.md that may explain a difference in the answers.
type specimen struct {
	name   string
	keys   []string
	header object              // replaces members; nil removes one
	claims object              // the same
	text   string              // replaces the payload's text
	head   string              // replaces the header's text
	change func(string) string // of the signed token
}

// csrf is the value in all specimens.
const csrf = "0f2a3a1e-5d32-4c5e-9b6e-2d0c0d8a8f11"

func unix(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// token signs the specimen for an application.
func (s specimen) token(set optionSet) string {
	header := object{"alg": set.algorithm(), "typ": "JWT"}
	claims := object{
		"fresh": false, "iat": unix(-time.Minute), "nbf": unix(-time.Minute), "exp": unix(time.Hour),
		"jti": "11111111-2222-4333-8444-555555555555", "type": "access", "csrf": csrf, set.text("JWT_IDENTITY_CLAIM"): "alice",
	}
	if v := set.Options["JWT_DECODE_AUDIENCE"]; v != nil {
		claims["aud"] = v
	}
	switch v := set.Options["JWT_DECODE_ISSUER"].(type) {
	case string:
		claims["iss"] = v
	case []any:
		claims["iss"] = v[0]
	}
	merge(header, s.header)
	for name, v := range s.claims {
		if name == "sub" {
			name = set.text("JWT_IDENTITY_CLAIM")
		}
		merge(claims, object{name: v})
	}
	head, payload := s.head, s.text
	if head == "" {
		head = compact(header)
	}
	if payload == "" {
		payload = compact(claims)
	}
	if name, extra, ok := strings.Cut(payload, "+"); ok && name == "twice" {
		payload = strings.TrimSuffix(compact(claims), "}") + extra + "}"
	}
	input := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	raw := input + "." + base64.RawURLEncoding.EncodeToString(set.sign(header["alg"], input))
	if s.change != nil {
		raw = s.change(raw)
	}
	return raw
}

func merge(into, from object) {
	maps.Copy(into, from)
	maps.DeleteFunc(into, func(name string, v any) bool { return v == nil && from[name] == nil && has(from, name) })
}

func has(o object, name string) bool {
	_, ok := o[name]
	return ok
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func claim(name, key string, v any, keys ...string) specimen {
	return specimen{name: name, claims: object{key: v}, keys: keys}
}

func header(name, key string, v any, keys ...string) specimen {
	return specimen{name: name, header: object{key: v}, keys: keys}
}

func payload(name, text string, keys ...string) specimen {
	return specimen{name: name, text: text, keys: keys}
}

func changed(name string, change func(string) string, keys ...string) specimen {
	return specimen{name: name, change: change, keys: keys}
}

// raw is JSON as it is written.
func raw(text string) json.RawMessage { return json.RawMessage(text) }

// common are the specimens of every option set.
var common = []specimen{
	{name: "access"},
	claim("refresh", "type", "refresh"),
	claim("fresh", "fresh", true),
	claim("expired", "exp", unix(-2*time.Hour)),
	changed("foreign", func(s string) string { return s[:len(s)-6] + "AAAAAA" }),
}

// special are the specimens that the option sets share out.
func special() []specimen {
	cut := func(n int) func(string) string { return func(s string) string { return s[:len(s)-n] } }
	constant := func(text string) func(string) string { return func(string) string { return text } }
	return []specimen{
		claim("fresh until later", "fresh", unix(time.Hour)),
		claim("fresh until earlier", "fresh", unix(-time.Hour)),
		{name: "fresh refresh", claims: object{"fresh": true, "type": "refresh"}},
		claim("fresh text", "fresh", "yes", "fresh-type"),
		claim("fresh null", "fresh", raw("null"), "fresh-type"),
		claim("no fresh", "fresh", nil),
		claim("no type", "type", nil),
		claim("type of the application's", "type", "reset"),
		claim("type null", "type", raw("null")),
		claim("type number", "type", 5),
		claim("no jti", "jti", nil),
		claim("jti null", "jti", raw("null"), "before-jti"),
		claim("jti number", "jti", 17, "before-jti"),
		claim("no csrf", "csrf", nil),
		claim("csrf number", "csrf", 5, "csrf-type"),
		claim("no exp", "exp", nil),
		claim("no iat", "iat", nil),
		claim("no nbf", "nbf", nil),
		claim("no identity", "sub", nil),
		claim("identity number", "sub", 42, "before-sub"),
		claim("identity large number", "sub", raw("9007199254740993"), "before-sub"),
		claim("identity huge number", "sub", raw("123456789012345678901234567890"), "before-sub"),
		claim("identity null", "sub", raw("null"), "before-sub"),
		claim("identity list", "sub", raw(`["a",1]`), "before-sub"),
		claim("identity object", "sub", raw(`{"id":1}`), "before-sub"),
		claim("identity true", "sub", true, "before-sub"),
		claim("identity empty", "sub", ""),
		claim("identity not ASCII", "sub", "Zoë 漢字 😀"),
		claim("identity unknown", "sub", "bob"),
		claim("claim of 2^53+1", "n", raw("9007199254740993")),
		claim("claim of 2^64", "n", raw("18446744073709551616")),
		claim("claim of 30 digits", "n", raw("-123456789012345678901234567890")),
		claim("claim with a fraction", "n", raw("0.1")),
		claim("claims not ASCII", "größe", "ü < & > \u2028"),
		claim("claims nested", "roles", raw(`{"a":[1,{"b":null}],"c":""}`)),
		claim("tenant closed", "tenant", "closed"),
		claim("revoked", "jti", "revoked-id"),
		claim("exp fraction", "exp", raw(compact(unix(time.Hour))+".5")),
		claim("exp text", "exp", compact(unix(time.Hour)), "time-type"),
		claim("exp word", "exp", "soon", "time-type"),
		claim("exp true", "exp", true, "time-type"),
		claim("exp null", "exp", raw("null"), "time-type"),
		claim("exp list", "exp", raw("[]"), "time-type"),
		claim("exp far", "exp", raw("99999999999")),
		claim("exp beyond time", "exp", raw("1e30"), "time-range"),
		claim("exp negative", "exp", -1),
		claim("expired since 5 minutes", "exp", unix(-5*time.Minute)),
		claim("nbf later", "nbf", unix(2*time.Hour)),
		claim("nbf in 5 minutes", "nbf", unix(5*time.Minute)),
		claim("nbf word", "nbf", "soon"),
		claim("nbf text", "nbf", compact(unix(-time.Minute)), "time-type"),
		claim("nbf null", "nbf", raw("null"), "time-type"),
		claim("iat later", "iat", unix(2*time.Hour)),
		claim("iat word", "iat", "now"),
		claim("iat text", "iat", compact(unix(-time.Minute)), "time-type"),
		claim("iat fraction", "iat", raw(compact(unix(-time.Minute))+".25")),
		claim("iat null", "iat", raw("null"), "time-type"),
		claim("aud of another", "aud", "elsewhere"),
		claim("aud list", "aud", []string{"elsewhere", "here"}),
		claim("aud empty", "aud", ""),
		claim("aud number", "aud", 5, "aud-type"),
		claim("aud mixed", "aud", raw(`["here",5]`), "aud-type"),
		claim("no aud", "aud", nil),
		claim("iss of another", "iss", "elsewhere"),
		claim("iss number", "iss", 5, "iss-type"),
		claim("no iss", "iss", nil),
		payload("claim twice", `twice+,"sub":"mallory"`, "twice"),
		payload("other claim twice", `twice+,"n":1,"n":2`, "twice"),
		payload("payload NaN", `twice+,"n":NaN`, "not-json"),
		payload("payload lone surrogate", `twice+,"n":"\ud800"`, "not-json"),
		payload("payload text", `hello`, "python-words"),
		payload("payload list", `[1]`),
		payload("payload null", `null`),
		payload("payload with a mark", "\ufeff{}", "not-json"),
		payload("payload not UTF-8", "{\"sub\":\"\xff\"}", "python-words"),
		payload("payload with blanks", " {\"sub\" : \"alice\" , \"type\":\"access\" } \n"),
		{name: "header twice", head: `{"alg":"HS256","typ":"JWT","kid":"a","kid":"b"}`, keys: []string{"twice"}},
		{name: "header text", head: `hello`, keys: []string{"python-words"}},
		{name: "header list", head: `[]`},
		header("alg none", "alg", "none"),
		header("alg other", "alg", "HS384"),
		header("alg small", "alg", "hs256"),
		header("alg unknown", "alg", "XX1"),
		header("no alg", "alg", nil, "no-alg", "before-alg"),
		header("alg number", "alg", 5, "no-alg", "before-alg"),
		header("no typ", "typ", nil),
		header("typ other", "typ", "at+jwt"),
		header("typ number", "typ", 5, "typ-type"),
		header("kid", "kid", "first"),
		header("kid number", "kid", 5),
		header("header not ASCII", "größe", "ü"),
		header("header large number", "n", raw("9007199254740993")),
		header("header other", "jku", "https://elsewhere.example/keys"),
		header("crit", "crit", []string{"exp"}, "crit"),
		header("crit empty", "crit", []string{}, "crit"),
		header("b64", "b64", false, "crit"),
		header("zip", "zip", "DEF", "zip"),
		header("cty JWT", "cty", "JWT", "cty"),
		header("cty other", "cty", "json"),
		changed("signature cut", cut(2)),
		changed("signature cut by one", cut(1), "base64"),
		changed("no signature", func(s string) string { return s[:strings.LastIndex(s, ".")+1] }),
		changed("signature padded", func(s string) string { return s + "=" }, "base64"),
		changed("signature with a stranger", func(s string) string { return s + "!" }, "base64"),
		changed("payload changed", func(s string) string {
			i := strings.Index(s, ".") + 9
			return s[:i] + string(rune('A'+(s[i]+1)%26)) + s[i+1:]
		}, "signature-first"),
		changed("one part", constant("x")),
		changed("two parts", constant("a.b")),
		changed("four parts", func(s string) string { return s + ".x" }, "base64"),
		changed("empty parts", constant(".."), "python-words"),
		changed("only dots", constant("...."), "base64", "python-words"),
		changed("not ASCII", func(s string) string { return "é" + s }, "base64", "cookie-bytes"),
		claim("of 12 KiB", "text", strings.Repeat("x", 9000)),
		claim("nested deeply", "deep", raw(strings.Repeat("[", 200)+strings.Repeat("]", 200))),
	}
}
