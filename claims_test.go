package gate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// Each row has the faults of all rows below it too, so the order is pinned.
func TestOrderOfClaims(t *testing.T) {
	g := newGate(t, gate.Config{
		Create: gate.Create{IdentityClaim: "user"},
		Accept: gate.Accept{Issuer: "iss", Audiences: []string{"aud"}},
	})
	claims := []string{
		"iat", `"x"`, "nbf", `"x"`, "exp", `"x"`, "iss", `1`, "aud", `1`,
		"sub", `1`, "jti", `1`, "sid", `1`, "type", `1`, "fresh", `"x"`, "user", "",
	}
	for _, step := range []struct{ want, name, next string }{
		{"iat_type", "iat", at(120)},
		{"iat_future", "iat", at(0)},
		{"nbf_type", "nbf", at(120)},
		{"nbf_future", "nbf", at(0)},
		{"exp_type", "exp", ""},
		{"exp_missing", "exp", at(1e9)},
		{"exp_far", "exp", at(-1)},
		{"iss_type", "iss", ""},
		{"iss_missing", "iss", `"x"`},
		{"iss_mismatch", "iss", `"iss"`},
		{"aud_type", "aud", ""},
		{"aud_missing", "aud", `"x"`},
		{"aud_mismatch", "aud", `"aud"`},
		{"sub_type", "sub", `"alice"`},
		{"jti_type", "jti", ""},
		{"claim_missing", "jti", `"id-1"`},
		{"claim_missing", "user", `"alice"`},
		{"sid_type", "sid", `"session"`},
		{"type_type", "type", `"refresh"`},
		{"fresh_type", "fresh", `false`},
		{"expired", "exp", at(900)},
		{"access_wanted", "type", `"access"`},
		{"ok", "", ""},
	} {
		_, err := g.CheckToken(t.Context(), token(claims...), gate.Policy{})
		checkVerdict(t, err, step.want)
		claims = append(claims, step.name, step.next)
	}
}

// The verdict does not depend on the order in which the issuer wrote the claims.
func TestOrderOfMembers(t *testing.T) {
	g := newGate(t, gate.Config{})
	members := []string{`"exp":"x"`, `"nbf":"x"`, `"iat":"x"`, `"sub":1`, `"jti":1`}
	for i := range members {
		turned := append(append([]string{}, members[i:]...), members[:i]...)
		_, err := g.CheckToken(t.Context(), mint(hs256, "{"+strings.Join(turned, ",")+"}"), gate.Policy{})
		checkVerdict(t, err, "iat_type")
	}
}

func TestClaimTypes(t *testing.T) {
	wrong := map[string][]string{
		"exp": {`"1700000900"`, `true`, `null`, `[]`, `{}`}, "nbf": {`"x"`, `false`, `null`, `[1]`, `{"a":1}`},
		"iat": {`""`, `true`, `null`, `[]`, `{}`}, "iss": {`1`, `true`, `null`, `["a"]`, `{}`},
		"aud": {`1`, `true`, `null`, `{}`, `["a",1]`, `[null]`, `[["a"]]`}, "sub": {`1`, `true`, `null`, `["a"]`, `{}`},
		"jti": {`1`, `true`, `null`, `[]`, `{}`}, "sid": {`1`, `true`, `null`, `[]`, `{}`},
		"type": {`1`, `true`, `null`, `["access"]`, `{}`}, "fresh": {`"true"`, `null`, `[]`, `{}`},
	}
	g := newGate(t, gate.Config{Accept: gate.Accept{Audiences: []string{"a"}}})
	for name, values := range wrong {
		for _, v := range values {
			t.Run(name+" "+v, func(t *testing.T) {
				_, err := g.CheckToken(t.Context(), token("aud", `"a"`, name, v), gate.Policy{})
				checkVerdict(t, err, name+"_type")
			})
		}
	}
	_, err := g.CheckToken(t.Context(), token("aud", `"a"`, "iss", `"i"`, "sid", `"s"`), gate.Policy{})
	checkVerdict(t, err, "ok")
}

func TestTimes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		claims []string
		leeway time.Duration
		want   string
	}{
		{"exp a second ahead", []string{"exp", at(1)}, 0, "ok"},
		{"exp now", []string{"exp", at(0)}, 0, "expired"},
		{"exp now by a fraction", []string{"exp", at(0) + ".9"}, 0, "expired"},
		{"exp in exponents", []string{"exp", "1.7000009e9"}, 0, "ok"},
		{"exp in exponents, over", []string{"exp", "17e8"}, 0, "expired"},
		{"exp minus zero", []string{"exp", "-0"}, 0, "expired"},
		{"exp negative", []string{"exp", "-1"}, 0, "expired"},
		{"exp zero", []string{"exp", "0"}, 0, "expired"},
		{"exp fraction of a second", []string{"exp", "1e-9"}, 0, "expired"},
		{"exp in milliseconds", []string{"exp", at(900) + "000"}, 0, "exp_far"},
		{"exp at the largest integer", []string{"exp", "9007199254740991"}, 0, "exp_far"},
		{"exp over the largest integer", []string{"exp", "9007199254740992"}, 0, "exp_type"},
		{"exp of 17 digits", []string{"exp", "90071992547409920"}, 0, "exp_type"},
		{"exp of 30 digits", []string{"exp", strings.Repeat("9", 30)}, 0, "exp_type"},
		{"exp overflowing a float", []string{"exp", "1e400"}, 0, "exp_type"},
		{"exp hugely negative", []string{"exp", "-1e300"}, 0, "exp_type"},
		{"exp in leeway", []string{"exp", at(-59)}, time.Minute, "ok"},
		{"exp at the end of the leeway", []string{"exp", at(-60)}, time.Minute, "expired"},

		{"nbf now", []string{"nbf", at(0)}, 0, "ok"},
		{"nbf a minute ahead", []string{"nbf", at(60)}, 0, "ok"},
		{"nbf more than a minute ahead", []string{"nbf", at(61)}, 0, "nbf_future"},
		{"nbf ahead by a fraction, cut", []string{"nbf", at(0) + ".9"}, 0, "ok"},
		{"nbf at the end of the leeway", []string{"nbf", at(60)}, time.Minute, "ok"},
		{"nbf behind the leeway", []string{"nbf", at(61)}, time.Minute, "nbf_future"},
		{"nbf missing", []string{"nbf", ""}, 0, "ok"},
		{"nbf too large", []string{"nbf", "1e300"}, 0, "nbf_type"},
		{"iat now", []string{"iat", at(0)}, 0, "ok"},
		{"iat a minute ahead", []string{"iat", at(60)}, 0, "ok"},
		{"iat more than a minute ahead", []string{"iat", at(61)}, 0, "iat_future"},
		{"iat at the end of the leeway", []string{"iat", at(60)}, time.Minute, "ok"},
		{"iat behind the leeway", []string{"iat", at(61)}, time.Minute, "iat_future"},
		{"iat missing", []string{"iat", ""}, 0, "ok"},
		{"iat negative", []string{"iat", "-5"}, 0, "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Accept: gate.Accept{Leeway: tt.leeway}})
			_, err := g.CheckToken(t.Context(), token(tt.claims...), gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
}

// A token expires within the second of exp, not at its end.
func TestExpiryToTheNanosecond(t *testing.T) {
	for _, tt := range []struct {
		now  time.Duration
		want string
	}{{900*time.Second - 1, "ok"}, {900 * time.Second, "expired"}} {
		_, err := newGate(t, gate.Config{Clock: stoppedAt(tt.now)}).CheckToken(t.Context(), token(), gate.Policy{})
		checkVerdict(t, err, tt.want)
	}
}

func TestMaxLifetime(t *testing.T) {
	decade := int64(10 * 365 * 24 * 60 * 60)
	for _, tt := range []struct {
		name string
		max  time.Duration
		exp  int64
		want string
	}{
		{"default, at its end", 0, decade, "ok"},
		{"default, behind it", 0, decade + 1, "exp_far"},
		{"given, at its end", 31 * 24 * time.Hour, 31 * 24 * 3600, "ok"},
		{"given, behind it", 31 * 24 * time.Hour, 31*24*3600 + 1, "exp_far"},
		{"none", gate.NoExpiry, 100 * decade, "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Accept: gate.Accept{MaxLifetime: tt.max}})
			_, err := g.CheckToken(t.Context(), token("exp", at(tt.exp)), gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
}

func TestIssuerAndAudience(t *testing.T) {
	mine := gate.Create{Issuer: "me", Audience: []string{"api", "web"}}
	for _, tt := range []struct {
		name   string
		create gate.Create
		accept gate.Accept
		claims []string
		want   string
	}{
		{"nothing asked, nothing said", gate.Create{}, gate.Accept{}, nil, "ok"},
		{"nothing asked, any issuer", gate.Create{}, gate.Accept{}, []string{"iss", `"x"`}, "ok"},
		{"nothing asked, for others", gate.Create{}, gate.Accept{}, []string{"aud", `"x"`}, "aud_unexpected"},
		{"nothing asked, for nobody", gate.Create{}, gate.Accept{}, []string{"aud", `[]`}, "ok"},
		{"for nobody, where there is an audience", mine, gate.Accept{}, []string{"iss", `"me"`, "aud", `[]`}, "aud_missing"},
		{"nothing asked, empty audience", gate.Create{}, gate.Accept{}, []string{"aud", `""`}, "aud_unexpected"},
		{"nothing asked, audience of an empty name", gate.Create{}, gate.Accept{}, []string{"aud", `[""]`}, "aud_unexpected"},
		{"own issuer and audience", mine, gate.Accept{}, []string{"iss", `"me"`, "aud", `"web"`}, "ok"},
		{"audience among others", mine, gate.Accept{}, []string{"iss", `"me"`, "aud", `["x","api"]`}, "ok"},
		{"other issuer", mine, gate.Accept{}, []string{"iss", `"you"`, "aud", `"api"`}, "iss_mismatch"},
		{"issuer in another case", mine, gate.Accept{}, []string{"iss", `"Me"`, "aud", `"api"`}, "iss_mismatch"},
		{"no issuer", mine, gate.Accept{}, []string{"aud", `"api"`}, "iss_missing"},
		{"no audience", mine, gate.Accept{}, []string{"iss", `"me"`}, "aud_missing"},
		{"other audience", mine, gate.Accept{}, []string{"iss", `"me"`, "aud", `["x","y"]`}, "aud_mismatch"},
		{"accepted audience in place of one's own", mine, gate.Accept{Audiences: []string{"x"}}, []string{"iss", `"me"`, "aud", `"api"`}, "aud_mismatch"},
		{"no audience is accepted", gate.Create{}, gate.Accept{Audiences: []string{}}, []string{"aud", `"x"`}, "aud_mismatch"},
		{"any origin", mine, gate.Accept{Lenient: gate.Lenient{AnyOrigin: true}}, []string{"iss", `"x"`, "aud", `"x"`}, "ok"},
		{"any origin, none", mine, gate.Accept{Lenient: gate.Lenient{AnyOrigin: true}}, nil, "ok"},
		{"any origin, of a wrong type", mine, gate.Accept{Lenient: gate.Lenient{AnyOrigin: true}}, []string{"aud", `1`}, "aud_type"},
		{"any origin, but issuers", mine, gate.Accept{Issuer: "me", Lenient: gate.Lenient{AnyOrigin: true}}, []string{"iss", `"x"`}, "iss_mismatch"},
		{"any origin, but audiences", mine, gate.Accept{Audiences: []string{"a"}, Lenient: gate.Lenient{AnyOrigin: true}}, nil, "aud_missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Create: tt.create, Accept: tt.accept})
			_, err := g.CheckToken(t.Context(), token(tt.claims...), gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
}

// Each flag forgives its own fault and no other.
func TestLenient(t *testing.T) {
	flags := map[string]gate.Lenient{
		"none": {}, "NoExpiry": {NoExpiry: true}, "NoID": {NoID: true}, "AnySubject": {AnySubject: true},
		"AnyType": {AnyType: true}, "AnyFresh": {AnyFresh: true}, "AnyOrigin": {AnyOrigin: true},
		"AnyHeaderType": {AnyHeaderType: true}, "AnyContentType": {AnyContentType: true},
	}
	for _, fault := range []struct{ name, raw, want, forgiven string }{
		{"no exp", token("exp", ""), "exp_missing", "NoExpiry"},
		{"no jti", token("jti", ""), "claim_missing", "NoID"},
		{"sub a number", token("sub", "1"), "sub_type", "AnySubject"},
		{"no sub", token("sub", ""), "claim_missing", ""},
		{"no type", token("type", ""), "claim_missing", "AnyType"},
		{"type a number", token("type", "1"), "type_type", "AnyType"},
		{"fresh a string", token("fresh", `"x"`), "fresh_type", "AnyFresh"},
		{"for others", token("aud", `"x"`), "aud_unexpected", "AnyOrigin"},
		{"another kind", mintWith(hs256, `{"alg":"HS256","typ":"dpop+jwt"}`, payload()), "typ_mismatch", "AnyHeaderType"},
		{"cty of a nested token", mintWith(hs256, `{"alg":"HS256","cty":"JWT"}`, payload()), "cty", "AnyContentType"},
		{"a nested token", mintWith(hs256, `{"alg":"HS256","cty":"JWT","typ":1}`, payload()), "typ_type", ""},
		{"exp a string", token("exp", `"x"`), "exp_type", ""},
		{"jti a number", token("jti", "1"), "jti_type", ""},
		{"sid a number", token("sid", "1"), "sid_type", ""},
		{"iss a number", token("iss", "1"), "iss_type", ""},
		{"refresh token", refreshToken(), "access_wanted", ""},
	} {
		for flag, lenient := range flags {
			want := fault.want
			if flag == fault.forgiven {
				want = "ok"
			}
			t.Run(fault.name+" with "+flag, func(t *testing.T) {
				g := newGate(t, gate.Config{Accept: gate.Accept{Lenient: lenient}})
				_, err := g.CheckToken(t.Context(), fault.raw, gate.Policy{})
				checkVerdict(t, err, want)
			})
		}
	}
}

func TestPayloadForm(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	list := func(n int) string { return "[1" + strings.Repeat(",1", n-1) + "]" }
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"c%d":0`, i)
		}
		return strings.TrimSuffix(payload(), "}") + b.String() + "}"
	}
	for _, tt := range []struct{ name, payload, want string }{
		{"with white space", " \t\n" + payload() + "\r\n ", "ok"},
		{"claim in another case is another claim", payload("EXP", `"x"`, "Sub", "1"), "ok"},
		{"escaped name", strings.Replace(payload(), `"sub"`, `"s\u0075b"`, 1), "ok"},
		{"depth at the limit", payload("x", deep(63)), "ok"},
		{"deeper", payload("x", deep(64)), "too_large"},
		{"members at the limit", payload("x", list(1024-9)), "ok"},
		{"more members", payload("x", list(1024-8)), "too_large"},
		{"claims at the limit", many(1024 - 8), "ok"},
		{"more claims", many(1024 - 7), "too_large"},

		{"array", "[]", "payload_object"},
		{"string", `"x"`, "payload_object"},
		{"number", `1`, "payload_object"},
		{"null", `null`, "payload_object"},
		{"not JSON", "x", "payload_json"},
		{"cut short", payload()[:50], "payload_json"},
		{"trailing text", payload() + "x", "payload_json"},
		{"two objects", payload() + payload(), "payload_json"},
		{"registered claim twice", strings.Replace(payload(), "{", `{"sub":"bob",`, 1), "payload_json"},
		{"claim twice, once escaped", strings.Replace(payload(), "{", `{"s\u0075b":"bob",`, 1), "payload_json"},
		{"any claim twice", strings.Replace(payload("a", "1"), "{", `{"a":1,`, 1), "payload_json"},
		{"twice inside a claim", payload("a", `{"b":1,"b":2}`), "payload_json"},
		{"not UTF-8", payload("sub", "\"\xff\""), "payload_json"},
		{"lone surrogate", payload("sub", `"\ud800"`), "payload_json"},
		{"number with a leading zero", payload("exp", "0"+at(900)), "payload_json"},
		{"comment", payload() + "//", "payload_json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Accept: gate.Accept{Limits: gate.Limits{TokenBytes: 1 << 20}}})
			_, err := g.CheckToken(t.Context(), mint(hs256, tt.payload), gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
}

func TestIdentityClaim(t *testing.T) {
	for _, tt := range []struct {
		name, claim string
		any         bool
		claims      []string
		want        string
		identity    any
	}{
		{"subject", "", false, nil, "ok", "alice"},
		{"subject a number", "", true, []string{"sub", "42"}, "ok", int64(42)},
		{"subject a large number", "", true, []string{"sub", "9007199254740993"}, "ok", int64(9007199254740993)},
		{"subject a fraction", "", true, []string{"sub", "1.5"}, "ok", 1.5},
		{"subject null", "", true, []string{"sub", "null"}, "claim_empty", nil},
		{"subject too large for an int64", "", true, []string{"sub", "92233720368547758070"}, "ok", json.Number("92233720368547758070")},
		{"subject empty", "", false, []string{"sub", `""`}, "claim_empty", nil},
		{"own claim empty", "user", false, []string{"user", `""`}, "claim_empty", nil},
		{"own claim null", "user", false, []string{"user", `null`}, "claim_empty", nil},
		{"own claim, subject empty", "user", false, []string{"user", `"bob"`, "sub", `""`}, "claim_empty", nil},
		{"own claim, jti empty", "user", false, []string{"user", `"bob"`, "jti", `""`}, "claim_empty", nil},
		{"subject missing", "", true, []string{"sub", ""}, "claim_missing", nil},
		{"own claim", "user", false, []string{"user", `"bob"`}, "ok", "bob"},
		{"own claim, subject missing", "user", false, []string{"user", `"bob"`, "sub", ""}, "ok", "bob"},
		{"own claim a number", "user", false, []string{"user", " 42"}, "ok", int64(42)},
		{"own claim missing", "user", false, nil, "claim_missing", nil},
		{"own claim, subject of a wrong type", "user", false, []string{"user", `"bob"`, "sub", "1"}, "sub_type", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{
				Create: gate.Create{IdentityClaim: tt.claim},
				Accept: gate.Accept{Lenient: gate.Lenient{AnySubject: tt.any}},
			})
			tok, err := g.CheckToken(t.Context(), token(tt.claims...), gate.Policy{})
			checkVerdict(t, err, tt.want)
			if err == nil && tok.Identity() != tt.identity {
				t.Errorf("Identity = %#v, want %#v", tok.Identity(), tt.identity)
			}
		})
	}
	// A subject of any type is not taken for it, wherever it stands.
	g := newGate(t, gate.Config{
		Create: gate.Create{IdentityClaim: "user"},
		Accept: gate.Accept{Lenient: gate.Lenient{AnySubject: true}},
	})
	for _, extra := range []string{`{"sub":1,"user":"bob",`, `{"user":"bob","sub":1,`} {
		tok, err := g.CheckToken(t.Context(), mint(hs256, strings.Replace(payload("sub", ""), "{", extra, 1)), gate.Policy{})
		checkVerdict(t, err, "ok")
		if tok != nil && tok.Identity() != "bob" {
			t.Errorf("Identity with %s = %v, want bob", extra, tok.Identity())
		}
	}
	// Twice is twice, whichever name the identity has.
	_, err := g.CheckToken(t.Context(), mint(hs256, strings.Replace(payload("user", `"a"`), "{", `{"user":"b",`, 1)), gate.Policy{})
	checkVerdict(t, err, "payload_json")
}
