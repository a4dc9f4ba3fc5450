package gate_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// asked hides what kind of source it is, so that headers are parsed.
type asked struct{ keys.Source }

// source answers with keys of the test's choice.
type source struct {
	keys []*keys.Key
	err  error
}

func (s *source) SigningKey(context.Context, any) (*keys.Key, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.keys[0], nil
}

func (s *source) VerificationKeys(context.Context, keys.Unverified) ([]*keys.Key, error) {
	return s.keys, s.err
}

// A gate that knows its key's header by heart judges like one that parses headers.
func TestTokenForm(t *testing.T) {
	good := token()
	part := strings.Split(good, ".")
	header := func(text string) string { return mintWith(hs256, text, payload()) }
	for _, tt := range []struct{ name, raw, want string }{
		{"good", good, "ok"},
		{"no typ", header(`{"alg":"HS256"}`), "ok"},
		{"members turned", header(`{"typ":"JWT","alg":"HS256"}`), "ok"},
		{"typ in lower case", header(`{"alg":"HS256","typ":"jwt"}`), "ok"},
		{"typ in full", header(`{"alg":"HS256","typ":"application/at+JWT"}`), "ok"},
		{"kid of a key without one", header(`{"alg":"HS256","kid":"x"}`), "ok"},
		{"cty of something else", header(`{"alg":"HS256","cty":"json"}`), "ok"},

		{"empty", "", "segments"},
		{"one segment", "x", "segments"},
		{"two segments", part[0] + "." + part[1], "segments"},
		{"four segments", good + ".x", "segments_extra"},
		{"only dots", "..", "header_json"},
		{"too large", strings.Repeat("x", 8193), "too_large"},
		{"at the limit", strings.Repeat("x", 8192), "segments"},

		{"header not base64url", "a+b." + part[1] + "." + part[2], "header_encoding"},
		{"header padded", part[0] + "=." + part[1] + "." + part[2], "header_encoding"},
		{"header with a line end", part[0] + "\n." + part[1] + "." + part[2], "header_encoding"},
		{"header not JSON", header("x"), "header_json"},
		{"header an array", header("[]"), "header_object"},
		{"header with alg twice", header(`{"alg":"none","alg":"HS256"}`), "header_json"},
		{"header with many members", header(`{"a":[` + strings.Repeat("1,", 1100) + `1]}`), "too_large"},
		{"no alg", header(`{"typ":"JWT"}`), "alg_missing"},
		{"alg a number", header(`{"alg":1}`), "alg_type"},
		{"kid a number", header(`{"alg":"HS256","kid":1}`), "kid_type"},
		{"typ a number", header(`{"alg":"HS256","typ":1}`), "typ_type"},
		{"typ of another kind", header(`{"alg":"HS256","typ":"secevent+jwt"}`), "typ_mismatch"},
		{"crit", header(`{"alg":"HS256","crit":["exp"],"exp":1}`), "crit"},
		{"crit empty", header(`{"alg":"HS256","crit":[]}`), "crit_empty"},
		{"crit of numbers", header(`{"alg":"HS256","crit":[1]}`), "crit_type"},
		{"crit names nothing", header(`{"alg":"HS256","crit":["b64"]}`), "crit_absent"},
		{"b64", header(`{"alg":"HS256","b64":false}`), "b64"},
		{"zip", header(`{"alg":"HS256","zip":"DEF"}`), "zip"},
		{"nested", header(`{"alg":"HS256","cty":"JWT"}`), "cty"},

		{"alg none", encode(`{"alg":"none"}`) + "." + part[1] + ".", "alg_mismatch"},
		{"alg None", header(`{"alg":"None"}`), "alg_mismatch"},
		{"alg of the same family", header(`{"alg":"HS512"}`), "alg_mismatch"},
		{"alg in lower case", header(`{"alg":"hs256"}`), "alg_mismatch"},
		{"alg empty", header(`{"alg":""}`), "alg_mismatch"},

		{"no payload", part[0] + ".." + part[2], "payload_empty"},
		{"payload of one character", part[0] + ".x." + part[2], "payload_encoding"},
		{"payload not base64url, but signed", signed(hs256, part[0]+".a+b"), "payload_encoding"},
		{"payload padded, but signed", signed(hs256, part[0]+"."+part[1]+"=="), "payload_encoding"},
		{"payload replaced", part[0] + "." + encode(payload("sub", `"root"`)) + "." + part[2], "signature"},
		{"signature of another key", signed(must(keys.Generate(keys.HS256)), part[0]+"."+part[1]), "signature"},
		{"no signature", part[0] + "." + part[1] + ".", "signature"},
		{"signature cut", good[:len(good)-2], "signature_length"},
		{"signature longer", good + "x", "signature"},
		{"signature padded", good + "=", "signature_encoding"},
		{"signature with a line end", good + "\n", "signature_encoding"},
		{"space before", " " + good, "header_encoding"},
	} {
		for _, path := range []struct {
			name string
			keys keys.Source
		}{{"known header", hs256}, {"parsed header", asked{hs256}}} {
			t.Run(tt.name+", "+path.name, func(t *testing.T) {
				_, err := newGate(t, gate.Config{Keys: path.keys}).CheckToken(t.Context(), tt.raw, gate.Policy{})
				checkVerdict(t, err, tt.want)
			})
		}
	}
}

// content is all that a token tells.
func content(t *testing.T, tok *gate.Token) map[string]any {
	t.Helper()
	all := map[string]any{"identity": tok.Identity(), "csrf": tok.CSRF(), "key": tok.VerifiedKey(), "issuer": tok.VerifiedIssuer()}
	for v, n := reflect.ValueOf(*tok), 0; n < v.NumField(); n++ {
		if f := v.Type().Field(n); f.IsExported() {
			all[f.Name] = v.Field(n).Interface()
		}
	}
	var header, claims map[string]any
	if err := errors.Join(tok.Header(&header), tok.Claims(&claims)); err != nil {
		t.Fatal(err)
	}
	all["header"], all["claims"] = header, claims
	return all
}

// Both paths read the same token, too.
func TestPathsAgree(t *testing.T) {
	raw := token("aud", `["a"]`, "x", `{"y":1}`, "fresh", at(5))
	accept := gate.Accept{Audiences: []string{"a"}}
	known := must(newGate(t, gate.Config{Keys: hs256, Accept: accept}).CheckToken(t.Context(), raw, gate.Policy{}))
	parsed := must(newGate(t, gate.Config{Keys: asked{hs256}, Accept: accept}).CheckToken(t.Context(), raw, gate.Policy{}))
	if !reflect.DeepEqual(content(t, known), content(t, parsed)) {
		t.Errorf("known header: %#v, parsed: %#v", known, parsed)
	}
}

// The oldest attack: the public key taken for an HMAC secret.
func TestPublicKeyAsSecret(t *testing.T) {
	rsa := must(keys.Generate(keys.RS256))
	der := must(x509.MarshalPKIXPublicKey(rsa.Public()))
	for name, secret := range map[string][]byte{"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
		forger, err := keys.InsecureHMAC(keys.HS256, secret)
		if err != nil {
			continue // nobody can even make that key
		}
		for _, s := range []keys.Source{rsa, asked{rsa}} {
			_, err := newGate(t, gate.Config{Keys: s}).CheckToken(t.Context(), mint(forger, payload()), gate.Policy{})
			if got := verdict(t, err); got != "alg_mismatch" {
				t.Errorf("%s: verdict = %s, want alg_mismatch", name, got)
			}
		}
	}
	_, err := newGate(t, gate.Config{Keys: rsa}).CheckToken(t.Context(), mint(rsa, payload()), gate.Policy{})
	checkVerdict(t, err, "ok")
}

func TestKeySet(t *testing.T) {
	a, b := hs256.WithID("a"), must(keys.Generate(keys.HS256)).WithID("b")
	set := must(keys.NewSet(a, b, ed))
	for _, tt := range []struct{ name, raw, want string }{
		{"signing key", mint(a, payload()), "ok"},
		{"other key", mint(b, payload()), "ok"},
		{"other algorithm", mint(set.Keys()[2], payload()), "ok"},
		{"no kid, key without ID", mintWith(ed, `{"alg":"EdDSA"}`, payload()), "ok"},
		{"no kid, key with an ID", mintWith(b, `{"alg":"HS256"}`, payload()), "alg_mismatch"},
		{"unknown kid", mint(a.WithID("c"), payload()), "key_unknown"},
		{"kid of the other key", mintWith(a, `{"alg":"HS256","kid":"b"}`, payload()), "signature"},
		{"kid of a key of another algorithm", mintWith(a, `{"alg":"EdDSA","kid":"a"}`, payload()), "alg_mismatch"},
		{"empty kid", mintWith(ed, `{"alg":"EdDSA","kid":""}`, payload()), "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, s := range []keys.Source{set, asked{set}} {
				_, err := newGate(t, gate.Config{Keys: s}).CheckToken(t.Context(), tt.raw, gate.Policy{})
				checkVerdict(t, err, tt.want)
			}
		})
	}
}

// A set whose keys all have an ID tries none of them on a token that names none, unless
// it says so: a forged token would cost a signature check for each.
func TestKeySetWithoutKeyID(t *testing.T) {
	a, b := hs256.WithID("a"), must(keys.Generate(keys.HS256)).WithID("b")
	stranger := must(keys.Generate(keys.HS256))
	set := must(keys.NewSet(a, b))
	for _, tt := range []struct {
		name, raw, want, wantAny string
	}{
		{"other key", mintWith(b, `{"alg":"HS256"}`, payload()), "kid_missing", "ok"},
		{"empty kid", mintWith(a, `{"alg":"HS256","kid":""}`, payload()), "kid_missing", "ok"},
		{"no key", mintWith(stranger, `{"alg":"HS256"}`, payload()), "kid_missing", "signature"},
		{"no key of the algorithm", mintWith(a, `{"alg":"HS384"}`, payload()), "kid_missing", "alg_mismatch"},
		{"with kid", mint(b, payload()), "ok", "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newGate(t, gate.Config{Keys: set}).CheckToken(t.Context(), tt.raw, gate.Policy{})
			checkVerdict(t, err, tt.want)
			_, err = newGate(t, gate.Config{Keys: set.TryWithoutKeyID()}).CheckToken(t.Context(), tt.raw, gate.Policy{})
			checkVerdict(t, err, tt.wantAny)
		})
	}
}

func TestKeySource(t *testing.T) {
	other := must(keys.Generate(keys.HS256))
	strangers := func(n int) (list []*keys.Key) {
		for range n {
			list = append(list, other)
		}
		return list
	}
	for _, tt := range []struct {
		name  string
		keys  []*keys.Key
		limit int
		err   error
		want  string
	}{
		{"the key", []*keys.Key{hs256}, 0, nil, "ok"},
		{"among others and nil", []*keys.Key{nil, ed, other, hs256}, 0, nil, "ok"},
		{"last of eight", append(strangers(7), hs256), 0, nil, "ok"},
		{"last of nine", append(strangers(8), hs256), 0, nil, "key_ambiguous"},
		{"nine, of which one fits", []*keys.Key{ed, ed, ed, ed, ed, ed, ed, ed, hs256}, 0, nil, "ok"},
		{"more than a limit of one", []*keys.Key{hs256, other}, 1, nil, "key_ambiguous"},
		{"none", nil, 0, nil, "kid_missing"},
		{"none but nil", []*keys.Key{nil}, 0, nil, "alg_mismatch"},
		{"another key", []*keys.Key{other}, 0, nil, "signature"},
		{"another algorithm", []*keys.Key{ed}, 0, nil, "alg_mismatch"},
		{"zero key", []*keys.Key{{}}, 0, nil, "alg_mismatch"},
		{"source down", []*keys.Key{hs256}, 0, errors.New("no route to host"), "failure"},
		{"source down, with a gate's refusal", nil, 0, fmt.Errorf("mine: %w", gate.ErrExpired), "failure"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			given := append([]*keys.Key{}, tt.keys...)
			g := newGate(t, gate.Config{
				Keys:   &source{tt.keys, tt.err},
				Accept: gate.Accept{Limits: gate.Limits{KeyCandidates: tt.limit}},
			})
			_, err := g.CheckToken(t.Context(), token(), gate.Policy{})
			checkVerdict(t, err, tt.want)
			if tt.err != nil && gate.StatusCode(err) != 503 {
				t.Errorf("status = %d, want 503", gate.StatusCode(err))
			}
			if !slices.Equal(given, tt.keys) {
				t.Error("the source's slice was changed")
			}
		})
	}
}

// The zero Key has the algorithm "", as a token may: that must not meet.
func TestZeroKey(t *testing.T) {
	raw := encode(`{"alg":""}`) + "." + encode(payload()) + "."
	for _, s := range []keys.Source{&keys.Key{}, &source{keys: []*keys.Key{{}}}} {
		if _, err := newGate(t, gate.Config{Keys: s}).CheckToken(t.Context(), raw, gate.Policy{}); err == nil {
			t.Error("a token without algorithm and signature is accepted")
		}
	}
}

func TestHeaderTypes(t *testing.T) {
	typed := func(typ string) string { return mintWith(hs256, `{"alg":"HS256","typ":"`+typ+`"}`, payload()) }
	for _, tt := range []struct {
		name   string
		accept gate.Accept
		raw    string
		want   string
	}{
		{"given", gate.Accept{HeaderTypes: []string{"at+jwt"}}, typed("at+jwt"), "ok"},
		{"given, in full", gate.Accept{HeaderTypes: []string{"at+jwt"}}, typed("Application/AT+JWT"), "ok"},
		{"not given", gate.Accept{HeaderTypes: []string{"at+jwt"}}, typed("JWT"), "typ_mismatch"},
		{"not given, header known by heart", gate.Accept{HeaderTypes: []string{"at+jwt"}}, token(), "typ_mismatch"},
		{"absent", gate.Accept{HeaderTypes: []string{"at+jwt"}}, mintWith(hs256, `{"alg":"HS256"}`, payload()), "typ_mismatch"},
		{"none given", gate.Accept{HeaderTypes: []string{}}, token(), "typ_mismatch"},
		{"any", gate.Accept{Lenient: gate.Lenient{AnyHeaderType: true}}, typed("x"), "ok"},
		{"any, though given", gate.Accept{HeaderTypes: []string{"at+jwt"}, Lenient: gate.Lenient{AnyHeaderType: true}}, typed("x"), "ok"},
		{"any, of a wrong type", gate.Accept{Lenient: gate.Lenient{AnyHeaderType: true}}, mintWith(hs256, `{"alg":"HS256","typ":1}`, payload()), "typ_type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newGate(t, gate.Config{Accept: tt.accept}).CheckToken(t.Context(), tt.raw, gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
}

func TestTokenBytes(t *testing.T) {
	raw := token()
	for _, tt := range []struct {
		limit int
		want  string
	}{{len(raw), "ok"}, {len(raw) - 1, "too_large"}} {
		g := newGate(t, gate.Config{Accept: gate.Accept{Limits: gate.Limits{TokenBytes: tt.limit}}})
		_, err := g.CheckToken(t.Context(), raw, gate.Policy{})
		checkVerdict(t, err, tt.want)
	}
}

func TestPeek(t *testing.T) {
	u, err := gate.Peek(mintWith(hs256, `{"alg":"none","kid":"k"}`, `{"sub":"x"}`))
	checkVerdict(t, err, "ok")
	if u.Algorithm() != "none" || u.KeyID() != "k" {
		t.Errorf("Peek = %q, %q; want none, k", u.Algorithm(), u.KeyID())
	}
	for raw, want := range map[string]string{"x": "segments", strings.Repeat("x", 8193): "too_large"} {
		u, err := gate.Peek(raw)
		checkVerdict(t, err, want)
		if !reflect.DeepEqual(u, keys.Unverified{}) {
			t.Errorf("Peek of a bad token = %v", u)
		}
	}
}
