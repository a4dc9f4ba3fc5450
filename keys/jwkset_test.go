package keys_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
)

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
		{"keys cut short", []byte(`{"keys":[`), "not a JWK Set"},
		{"key cut short", []byte(`{"keys":[{"kty":`), "not a JWK Set"},
		{"keys an object", []byte(`{"keys":{}}`), "not a JWK Set"},
		{"keys in capitals", []byte(`{"KEYS":[]}`), "not a JWK Set"},
		{"keys twice", []byte(`{"keys":[],"keys":[]}`), "not a JWK Set"},
		{"name twice inside", []byte(`{"keys":[{"kty":"x","kty":"x"}]}`), "not a JWK Set"},
		{"text behind", []byte(`{"keys":[]}x`), "not a JWK Set"},
		{"too long", append(set(ed), strings.Repeat(" ", 1<<20)...), "1 MiB"},
		{"too many keys", set(many...), "more than 100 keys"},
		{"no key in the list", []byte(`{"keys":[]}`), "has no keys"},
		{"no key for us", set(ed.with(members{"use": "enc"})), `key 0: JWK has use "enc"`},
		{"no key for us of many", set(slices.Repeat([]members{ed.with(members{"use": "enc"})}, 9)...), `key 4: JWK has use "enc", not sig; and 4 more`},
		{"texts of any length", set(ed.with(members{"use": strings.Repeat("x", 1<<10)})), `xxx", not sig`},
		{"key no object", []byte(`{"keys":[1]}`), "not a JWK: an object"},
		{"weak RSA", set(rs.with(hidden).with(members{"n": b64(modulus(1024).Bytes())})), "key 0: RSA key has 1024 bits; 2048 to 8192 are accepted"},
		{"RSA without algorithm", set(rs.with(members{"alg": nil})), "give one to ParseJWK or ParseSet"},
		{"not on the curve", set(ec.with(members{"x": ec["y"]})), "not a point"},
		{"curve of another algorithm", set(ec.with(members{"alg": "ES512"})), "not a key for ES512"},
		{"secret too short", set(members{"kty": "oct", "k": "AAEC", "alg": "HS256", "kid": "a"}), "3 bytes"},
		{"secret without ID", set(octJWK.with(members{"alg": "HS256"})), "needs an ID"},
		{"two keys of one ID, one of which is broken", set(ec.with(members{"kid": "a"}), ec.with(members{"kid": "a", "x": ec["y"]})), "another key"},
		{"two secrets of one ID", set(octJWK.with(members{"alg": "HS256", "kid": "a"}), octJWK.with(members{"alg": "HS256", "kid": "a"})), "another key"},
		{"secrets and public keys", set(ed, octJWK.with(members{"alg": "HS256", "kid": "a"})), "keep them apart"},
		{"map of certificates", members{"a": "-----BEGIN CERTIFICATE-----\nMIID\n"}.text(), "map of X.509 certificates"},
		{"metadata of a provider", members{"issuer": "https://x.example", "jwks_uri": "https://x.example/jwks"}.text(), `at its "jwks_uri"`},
		{"PEM", []byte(block("PUBLIC KEY", []byte("x"))), "looks like PEM"},
		{"HTML", []byte("<!DOCTYPE html><html>"), "a page in HTML"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.ParseSet(tt.text)
			refused(t, err, tt.want, ed["d"].(string), rs["d"].(string))
			if len(err.Error()) > 1<<10 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestParseSetAlgorithms(t *testing.T) {
	rs, ec, ed := jwk(rsaKey()).with(hidden), jwk(p256Key).with(hidden), jwk(edKey).with(hidden)
	named := rs.with(members{"alg": "RS512"})
	for _, tt := range []struct {
		name string
		key  members
		algs []keys.Algorithm
		want []string
	}{
		{"RSA takes what is given", rs, []keys.Algorithm{keys.RS256}, []string{"RS256/k"}},
		{"RSA takes several", rs, []keys.Algorithm{keys.RS256, keys.ES256, keys.PS384}, []string{"RS256/k", "PS384/k"}},
		{"one given twice", rs, []keys.Algorithm{keys.RS256, keys.RS256}, []string{"RS256/k"}},
		{"an algorithm of its own", named, []keys.Algorithm{keys.RS256}, []string{"RS512/k"}},
		{"a curve decides", ec, []keys.Algorithm{keys.ES384, keys.RS256}, []string{"ES256/k"}},
		{"both names of Ed25519", ed, []keys.Algorithm{keys.Ed25519, keys.EdDSA}, []string{"Ed25519/k", "EdDSA/k"}},
		{"the new name of Ed25519", ed, []keys.Algorithm{keys.Ed25519}, []string{"Ed25519/k"}},
		{"a secret", octJWK, []keys.Algorithm{keys.HS256, keys.RS256}, []string{"HS256/k"}},
		{"SPIFFE", ec.with(members{"use": "jwt-svid"}), nil, []string{"ES256/k"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := keys.ParseSet(set(tt.key.with(members{"kid": "k"})), tt.algs...)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(s.Keys()); !slices.Equal(got, tt.want) {
				t.Errorf("keys = %v, want %v", got, tt.want)
			}
		})
	}
	_, err := keys.ParseSet(set(ec), "none")
	refused(t, err, `"none" is not supported`)
}

func TestParseSetSkips(t *testing.T) {
	rs, ec, ed := jwk(rsaKey()).with(hidden), jwk(p256Key).with(hidden), jwk(edKey).with(members{"kid": "good"})
	text := members{"keys": []any{
		1, ed, rs.with(members{"kid": "r"}), ec.with(members{"kid": "e", "use": "x509-svid"}),
		ed.with(hidden), ec.with(members{"x": ec["y"]}), jwk(must(newEd())).with(members{"kid": "two"}),
		octJWK.with(members{"alg": "HS256"}), rs.with(members{"alg": "RS256", "n": b64(modulus(1024).Bytes())}),
		jwk(must(newEd())).with(members{"kid": "two"}),
	}}.text()
	s, err := keys.ParseSet(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(s.Keys()); !slices.Equal(got, []string{"EdDSA/good"}) {
		t.Errorf("keys = %v", got)
	}
	want := []struct {
		index    int
		id, text string
	}{
		{0, "", "not a JWK"}, {2, "r", "does not name its algorithm"}, {3, "e", `use "x509-svid"`}, {4, "good", "another key"}, {5, "", "not a point"},
		{6, "two", `another key of the JWK Set has the ID "two" and the algorithm EdDSA`}, {7, "", "needs an ID"}, {8, "", "1024 bits"},
		{9, "two", `another key of the JWK Set has the ID "two"`},
	}
	skipped := s.Skipped()
	if len(skipped) != len(want) {
		t.Fatalf("skipped = %v", skipped)
	}
	for i, w := range want {
		if got := skipped[i]; got.Index != w.index || got.ID != w.id || !strings.Contains(got.Err.Error(), w.text) {
			t.Errorf("skipped = %+v, want %v", got, w)
		}
	}
	skipped[0].ID = "changed"
	if s.Skipped()[0].ID != "" {
		t.Error("Skipped shows the inside of the set")
	}
	if found := must(keys.NewSet(must(keys.Generate(keys.ES256)))).Skipped(); len(found) != 0 {
		t.Errorf("skipped of NewSet = %v", found)
	}
}

// TestParsePublicSet: what others have published does not sign, and what everybody can
// read is no secret.
func TestParsePublicSet(t *testing.T) {
	mac := octJWK.with(members{"alg": "HS256", "kid": "mac"})
	s, err := keys.ParsePublicSet(set(jwk(p256Key).with(members{"kid": "e"}), mac, jwk(edKey).with(hidden).with(members{"kid": "p"})))
	if err != nil {
		t.Fatal(err)
	}
	if got := names(s.Keys()); !slices.Equal(got, []string{"ES256/e", "EdDSA/p"}) {
		t.Errorf("keys = %v", got)
	}
	if _, err := s.SigningKey(t.Context(), nil); !errors.Is(err, keys.ErrCannotSign) || s.Keys()[0].CanSign() {
		t.Errorf("SigningKey = %v; the key can sign = %v", err, s.Keys()[0].CanSign())
	}
	skipped := s.Skipped()
	if len(skipped) != 2 || skipped[0].ID != "e" || skipped[1].ID != "mac" || !errors.Is(skipped[0].Err, keys.ErrExposed) || !errors.Is(skipped[1].Err, keys.ErrExposed) {
		t.Errorf("skipped = %v", skipped)
	}
	// Nothing private is read, not even to find a fault in it.
	s = must(keys.ParsePublicSet(set(jwk(p256Key).with(members{"kid": "e", "d": "AA"}), mac.with(members{"k": "AA"}), mac.with(members{"kty": "RSA", "n": 1, "alg": "RS256"}))))
	if got := names(s.Keys()); !slices.Equal(got, []string{"ES256/e"}) {
		t.Errorf("keys = %v", got)
	}
	skipped = s.Skipped()
	if len(skipped) != 3 || !errors.Is(skipped[0].Err, keys.ErrExposed) || !errors.Is(skipped[1].Err, keys.ErrExposed) || errors.Is(skipped[2].Err, keys.ErrExposed) {
		t.Errorf("skipped = %v", skipped)
	}
	_, err = keys.ParsePublicSet(set(mac))
	refused(t, err, "shows a private key or secret to everybody")
}

// TestParseSetMemory: a set of far too many keys costs no more than its text.
func TestParseSetMemory(t *testing.T) {
	text := []byte(`{"keys":[` + strings.Repeat(`{},`, 1<<18) + `{}]}`)
	n := testing.AllocsPerRun(1, func() {
		_, err := keys.ParseSet(text)
		refused(t, err, "more than 100 keys")
	})
	if n > 1000 {
		t.Errorf("%.0f allocations", n)
	}
}
