package keys_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
)

func TestParseUnverified(t *testing.T) {
	u, err := keys.ParseUnverified(b64([]byte(`{"alg":"ES256","kid":"a","typ":"at+jwt","x":[1]}`))+"."+b64([]byte(`{"iss":"me"}`))+".", 1<<12)
	if err != nil {
		t.Fatal(err)
	}
	if u.Algorithm() != "ES256" || u.KeyID() != "a" || u.Type() != "at+jwt" {
		t.Errorf("alg %q, kid %q, typ %q", u.Algorithm(), u.KeyID(), u.Type())
	}
	var header struct{ X []int }
	var claims struct{ Iss string }
	if err := errors.Join(u.Header(&map[string]any{}), u.Claims(&claims)); err != nil || claims.Iss != "" {
		t.Errorf("claims = %+v, %v: names are not matched by case", claims, err)
	}
	var exact struct {
		Iss string `json:"iss"`
	}
	if err := u.Claims(&exact); err != nil || exact.Iss != "me" {
		t.Errorf("claims = %+v, %v", exact, err)
	}
	if err := u.Header(header); err == nil {
		t.Error("Header into no pointer: no error")
	}
}

func TestParseUnverifiedRefuses(t *testing.T) {
	for _, tt := range []struct{ name, token string }{
		{"empty", ""},
		{"two segments", "e30.e30"},
		{"five segments", "e30.e30.e30.e30.e30"},
		{"header no JSON", "eA.e30.AAAA"},
		{"no alg", "e30.e30.AAAA"},
		{"over the limit", b64([]byte(`{"alg":"HS256"}`)) + ".e30." + strings.Repeat("A", 1<<12)},
	} {
		if _, err := keys.ParseUnverified(tt.token, 1<<12); err == nil {
			t.Errorf("%s: accepted", tt.name)
		}
	}
}

func TestUnverifiedClaims(t *testing.T) {
	for _, tt := range []struct{ name, payload string }{
		{"not base64url", "!!!!"},
		{"line feed", "e30\n"},
		{"not JSON", b64([]byte("x"))},
		{"name twice", b64([]byte(`{"a":1,"a":1}`))},
	} {
		u, err := keys.ParseUnverified(b64([]byte(`{"alg":"HS256"}`))+"."+tt.payload+".", 1<<12)
		if err != nil {
			t.Fatal(err)
		}
		var claims map[string]any
		if err := u.Claims(&claims); err == nil {
			t.Errorf("%s: claims = %v, want an error", tt.name, claims)
		}
	}
}

func TestNewSetRefuses(t *testing.T) {
	public := must(keys.FromPublic(keys.EdDSA, edKey.Public()))
	mac := must(keys.HMAC(keys.HS256, secret))
	for _, tt := range []struct {
		name   string
		sign   *keys.Key
		verify []*keys.Key
		want   string
	}{
		{"no key", nil, nil, "at least one key"},
		{"nil key", nil, []*keys.Key{nil}, "is nil"},
		{"signing key without private half", public, nil, "no private key"},
		{"HMAC without ID", mac, nil, "needs an ID"},
		{"HMAC without ID, to verify", nil, []*keys.Key{public, mac}, "needs an ID"},
		{"same ID and algorithm", mac.WithID("a"), []*keys.Key{mac.WithID("a")}, `the ID "a" and the algorithm HS256`},
		{"same key twice", nil, []*keys.Key{public, public}, "two keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.NewSet(tt.sign, tt.verify...)
			refused(t, err, tt.want)
		})
	}
}

func TestSet(t *testing.T) {
	current := must(keys.FromSigner(keys.ES256, p256Key))
	old := must(keys.HMAC(keys.HS256, secret)).WithID("old")
	old384 := must(keys.HMAC(keys.HS384, secret)).WithID("old")
	verify := []*keys.Key{old, old384}
	s := must(keys.NewSet(current, verify...))
	verify[0] = nil
	all := s.Keys()
	if len(all) != 3 || all[0].ID() != current.Thumbprint() || current.ID() != "" {
		t.Fatalf("keys = %v", all)
	}
	for _, tt := range []struct {
		name, header string
		want         []*keys.Key
	}{
		{"signing key", `{"alg":"ES256","kid":"` + current.Thumbprint() + `"}`, all[:1]},
		{"two keys of one ID", `{"alg":"HS256","kid":"old"}`, all[1:]},
		{"no ID", `{"alg":"HS256"}`, all},
		{"empty ID", `{"alg":"HS256","kid":""}`, all},
		{"unknown ID", `{"alg":"HS256","kid":"new"}`, nil},
		{"ID of a file", `{"alg":"HS256","kid":"../../dev/null"}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := find(t, s, tt.header)
			if !slices.Equal(found, tt.want) {
				t.Errorf("keys = %v, want %v", found, tt.want)
			}
			clear(found)
		})
	}
	if signs, err := s.SigningKey(context.Background(), nil); signs != all[0] || err != nil {
		t.Errorf("SigningKey = %v, %v", signs, err)
	}
	if got := s.ForHeader(old384.Header()); got != all[2] {
		t.Errorf("ForHeader = %v, want %v", got, all[2])
	}
	if got := s.ForHeader(current.Header()); got != nil {
		t.Errorf("ForHeader of a header without kid = %v, want none", got)
	}
	clear(s.Keys())
	if !slices.Equal(s.Keys(), all) {
		t.Error("the set changed with a slice that it gave away")
	}
}

func TestSetCannotSign(t *testing.T) {
	s := must(keys.NewSet(nil, must(keys.FromSigner(keys.ES256, p256Key))))
	if k, err := s.SigningKey(context.Background(), nil); k != nil || !errors.Is(err, keys.ErrCannotSign) {
		t.Errorf("SigningKey = %v, %v, want %v", k, err, keys.ErrCannotSign)
	}
}

func TestSetMarshalJSON(t *testing.T) {
	mac := must(keys.HMAC(keys.HS256, secret)).WithID("mac")
	ec := must(keys.FromSigner(keys.ES256, p256Key)).WithID("ec")
	text, err := json.Marshal(must(keys.NewSet(mac, ec)))
	want := `{"keys":[` + string(jwk(p256Key).with(hidden).with(members{"alg": "ES256", "use": "sig", "kid": "ec"}).text()) + `]}`
	if err != nil || canonical(t, text) != canonical(t, []byte(want)) {
		t.Errorf("JWK Set = %s, %v, want %s", text, err, want)
	}
	text, err = json.Marshal(must(keys.NewSet(mac)))
	if err != nil || string(text) != `{"keys":[]}` {
		t.Errorf("JWK Set of a secret = %s, %v", text, err)
	}
}

// set is the text of a JWK Set.
func set(all ...members) []byte { return members{"keys": all}.text() }

func TestParseSet(t *testing.T) {
	rs, ec, ed := jwk(rsaKey()).with(members{"alg": "RS256"}), jwk(p256Key), jwk(edKey)
	mac := octJWK.with(members{"alg": "HS256", "kid": "mac"})
	foreign := []members{
		{"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}, ec.with(members{"crv": "secp256k1"}), ec.with(members{"alg": "ES256K"}),
		ed.with(members{"crv": "X25519"}), rs.with(members{"alg": "RSA-OAEP", "use": "enc"}), rs.with(members{"use": "enc"}),
		rs.with(members{"key_ops": []string{"encrypt"}}), rs.with(members{"alg": "none"}), {},
	}
	for _, tt := range []struct {
		name string
		text []byte
		want []keys.Algorithm
		sign keys.Algorithm
	}{
		{"public keys", set(rs.with(hidden), ec.with(hidden), ed.with(hidden)), []keys.Algorithm{keys.RS256, keys.ES256, keys.EdDSA}, ""},
		{"one private key among them", set(rs.with(hidden), ec, ed.with(hidden)), []keys.Algorithm{keys.ES256, keys.RS256, keys.EdDSA}, keys.ES256},
		{"two private keys", set(ed, rs), []keys.Algorithm{keys.EdDSA, keys.RS256}, keys.EdDSA},
		{"a private key to verify alone", set(ed.with(members{"key_ops": []string{"verify"}}), rs), []keys.Algorithm{keys.RS256, keys.EdDSA}, keys.RS256},
		{"a secret", set(mac), []keys.Algorithm{keys.HS256}, keys.HS256},
		{"keys for others", set(append(foreign, ed.with(hidden))...), []keys.Algorithm{keys.EdDSA}, ""},
		{"other members", members{"keys": []members{ed.with(hidden)}, "next": "x"}.text(), []keys.Algorithm{keys.EdDSA}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := keys.ParseSet(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []keys.Algorithm
			for _, k := range s.Keys() {
				got = append(got, k.Algorithm())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("keys = %v, want %v", got, tt.want)
			}
			sign, err := s.SigningKey(context.Background(), nil)
			if (err == nil) != (tt.sign != "") || err == nil && sign.Algorithm() != tt.sign {
				t.Errorf("SigningKey = %v, %v, want %s", sign, err, tt.sign)
			}
		})
	}
}

func TestParseSetRefuses(t *testing.T) {
	rs, ec, ed := jwk(rsaKey()).with(members{"alg": "RS256"}), jwk(p256Key), jwk(edKey)
	var many []members
	for i := range 101 {
		many = append(many, ed.with(members{"kid": fmt.Sprint(i)}))
	}
	if _, err := keys.ParseSet(set(many[:100]...)); err != nil {
		t.Errorf("100 keys: %v", err)
	}
	for _, tt := range []struct {
		name string
		text []byte
		want string
	}{
		{"empty", nil, "not a JWK Set"},
		{"one JWK", ed.text(), "not a JWK Set"},
		{"array", []byte(`[]`), "not a JWK Set"},
		{"keys null", []byte(`{"keys":null}`), "not a JWK Set"},
		{"keys an object", []byte(`{"keys":{}}`), "not a JWK Set"},
		{"keys in capitals", []byte(`{"KEYS":[]}`), "not a JWK Set"},
		{"keys twice", []byte(`{"keys":[],"keys":[]}`), "not a JWK Set"},
		{"name twice inside", []byte(`{"keys":[{"kty":"x","kty":"x"}]}`), "not a JWK Set"},
		{"text behind", []byte(`{"keys":[]}x`), "not a JWK Set"},
		{"too long", append(set(ed), strings.Repeat(" ", 1<<20)...), "1 MiB"},
		{"too many keys", set(many...), "101 keys"},
		{"no key in the list", []byte(`{"keys":[]}`), "at least one key"},
		{"no key for us", set(ed.with(members{"use": "enc"})), "at least one key"},
		{"key no object", []byte(`{"keys":[1]}`), "not a JWK: an object"},
		{"weak RSA", set(ed, rs.with(hidden).with(members{"n": b64(modulus(1024).Bytes())})), "1024 bits; 2048 to 8192 are accepted (key 1 of"},
		{"RSA without algorithm", set(rs.with(members{"alg": nil})), "give one to ParseJWK (key 0 of"},
		{"not on the curve", set(ec.with(members{"x": ec["y"]})), "not a point"},
		{"curve of another algorithm", set(ec.with(members{"alg": "ES512"})), "not a key for ES512"},
		{"secret too short", set(members{"kty": "oct", "k": "AAEC", "alg": "HS256", "kid": "a"}), "3 bytes"},
		{"secret without ID", set(octJWK.with(members{"alg": "HS256"})), "needs an ID"},
		{"same ID and algorithm", set(ed.with(members{"kid": "a"}), jwk(must(newEd())).with(members{"kid": "a"})), "two keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.ParseSet(tt.text)
			refused(t, err, tt.want, ed["d"].(string), rs["d"].(string))
		})
	}
}
