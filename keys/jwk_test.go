package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
)

var (
	p256Key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384Key = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	p521Key = must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	edKey   = must(newEd())
	null    = json.RawMessage("null")
	octJWK  = members{"kty": "oct", "k": b64(secret)}
	hidden  = members{"d": nil, "p": nil, "q": nil, "dp": nil, "dq": nil, "qi": nil}
)

func newEd() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

func TestParseJWK(t *testing.T) {
	for _, tt := range []struct {
		name    string
		key     crypto.Signer
		members members
		alg     keys.Algorithm // given
		want    keys.Algorithm
	}{
		{"RSA, algorithm given", rsaKey(), nil, keys.RS256, keys.RS256},
		{"RSA, algorithm its own", rsaKey(), members{"alg": "PS384"}, "", keys.PS384},
		{"RSA with zero octets before its numbers", rsaKey(), members{"alg": "RS256", "n": b64(append([]byte{0, 0}, rsaKey().N.Bytes()...)), "e": "AAEAAQ"}, "", keys.RS256},
		{"RSA, algorithm twice", rsaKey(), members{"alg": "RS512"}, keys.RS512, keys.RS512},
		{"P-256", p256Key, nil, "", keys.ES256},
		{"P-384", p384Key, nil, "", keys.ES384},
		{"P-521", p521Key, nil, "", keys.ES512},
		{"P-256, algorithm given", p256Key, nil, keys.ES256, keys.ES256},
		{"Ed25519", edKey, nil, "", keys.EdDSA},
		{"Ed25519 by its new name", edKey, nil, keys.Ed25519, keys.Ed25519},
		{"Ed25519, new name its own", edKey, members{"alg": "Ed25519"}, "", keys.Ed25519},
		{"Ed25519, given name wins", edKey, members{"alg": "Ed25519"}, keys.EdDSA, keys.EdDSA},
		{"EdDSA, given name wins", edKey, members{"alg": "EdDSA"}, keys.Ed25519, keys.Ed25519},
		{"for signatures", edKey, members{"use": "sig", "key_ops": []string{"sign", "verify"}}, "", keys.EdDSA},
		{"of SPIFFE", edKey, members{"use": "jwt-svid"}, "", keys.EdDSA},
		{"to verify", edKey, members{"key_ops": []string{"verify"}}, "", keys.EdDSA},
		{"with a certificate", edKey, members{"x5c": []string{"!"}, "x5t": "!", "x5u": "https://x.example", "x5t#S256": "!"}, "", keys.EdDSA},
		{"members that are not known", edKey, members{"ext": true, "K": 1, "exp": 1}, "", keys.EdDSA},
		{"null is absent", edKey, members{"use": null, "alg": null, "key_ops": null}, "", keys.EdDSA},
	} {
		t.Run(tt.name, func(t *testing.T) {
			signer := must(keys.FromSigner(tt.want, tt.key))
			private, err := keys.ParseJWK(tt.alg, jwk(tt.key).with(tt.members).with(members{"kid": "a"}).text())
			if err != nil {
				t.Fatal(err)
			}
			public, err := keys.ParseJWK(tt.alg, jwk(tt.key).with(tt.members).with(hidden).text())
			if err != nil {
				t.Fatal(err)
			}
			if private.Algorithm() != tt.want || private.ID() != "a" || public.ID() != "" || public.CanSign() {
				t.Errorf("keys = %v, %v, want %s", private, public, tt.want)
			}
			if token := signed(t, signer, `{}`); !verifies(private, token) || !verifies(public, token) {
				t.Error("signature of the key refused")
			}
			if private.CanSign() && !verifies(signer, signed(t, private, `{}`)) {
				t.Error("own signature refused")
			}
		})
	}
}

func TestParseJWKSecret(t *testing.T) {
	k, err := keys.ParseJWK("", octJWK.with(members{"alg": "HS256", "kid": "2026"}).text())
	if err != nil {
		t.Fatal(err)
	}
	if want := must(keys.HMAC(keys.HS256, secret)); !verifies(want, signed(t, k, `{}`)) || k.ID() != "2026" {
		t.Errorf("key = %v is another key", k)
	}
}

func TestParseJWKOperations(t *testing.T) {
	for _, tt := range []struct {
		name       string
		operations []string
		signs      bool
	}{
		{"sign and verify", []string{"sign", "verify"}, true},
		{"sign", []string{"sign"}, true},
		{"verify", []string{"verify"}, false},
		{"sign among others", []string{"encrypt", "sign"}, true},
	} {
		for _, m := range []members{jwk(edKey), jwk(rsaKey()).with(members{"alg": "RS256"}), octJWK.with(members{"alg": "HS512"})} {
			k, err := keys.ParseJWK("", m.with(members{"key_ops": tt.operations}).text())
			if err != nil || k.CanSign() != tt.signs {
				t.Errorf("%s: %v: %v, want signs %v", tt.name, k, err, tt.signs)
			}
		}
	}
}

func TestParseJWKRefuses(t *testing.T) {
	rs, ec, ed := jwk(rsaKey()).with(members{"alg": "RS256"}), jwk(p256Key), jwk(edKey)
	other := jwk(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	ed2 := jwk(must(newEd()))
	long := b64(append([]byte{1}, make([]byte, 1024)...))
	for _, tt := range []struct {
		name string
		text []byte
		alg  keys.Algorithm
		want string
	}{
		{"empty", nil, "", "not a JWK"},
		{"array", []byte(`[]`), "", "not a JWK"},
		{"cut short", ed.text()[:20], "", "not a JWK"},
		{"text behind", append(ed.text(), 'x'), "", "not a JWK"},
		{"name twice", []byte(strings.Replace(string(ed.text()), `{`, `{"kty":"OKP",`, 1)), "", "not a JWK"},
		{"not UTF-8", []byte(strings.Replace(string(ed.text()), `{`, "{\"kid\":\"\xff\",", 1)), "", "not a JWK"},
		{"too long", append(ed.text(), strings.Repeat(" ", 1<<20)...), "", "1 MiB"},
		{"null", []byte(`null`), "", "kty"},
		{"no kty", ed.with(members{"kty": nil}).text(), "", "kty"},
		{"kty in capitals", ed.with(members{"kty": nil, "KTY": "OKP"}).text(), "", "kty"},
		{"kty unknown", ed.with(members{"kty": "AKP"}).text(), "", `kty "AKP"`},
		{"kid a number", ed.with(members{"kid": 1}).text(), "", "not a JWK"},
		{"x a number", ed.with(members{"x": 1}).text(), "", "not a JWK"},

		{"RSA without algorithm", rs.with(members{"alg": nil}).text(), "", "give one to ParseJWK"},
		{"oct without algorithm", octJWK.text(), "", "give one to ParseJWK"},
		{"algorithm none", ed.with(members{"alg": "none"}).text(), "", `"none", which is not supported`},
		{"algorithm empty", ed.with(members{"alg": ""}).text(), "", `"", which is not supported`},
		{"algorithm for encryption", rs.with(members{"alg": "RSA-OAEP"}).text(), keys.RS256, `"RSA-OAEP", which is not supported`},
		{"algorithm given is none", ed.text(), "none", `"none" is not supported`},
		{"algorithms that differ", rs.text(), keys.PS256, "JWK is for RS256, not for PS256"},
		{"algorithms that differ in family", ed.with(members{"alg": "EdDSA"}).text(), keys.HS256, "JWK is for EdDSA, not for HS256"},
		{"algorithm of another family", ed.text(), keys.ES256, "not a key for ES256"},
		{"public key for HMAC", rs.with(members{"alg": "HS256"}).text(), "", "not a key for HS256"},
		{"public key for HMAC by argument", rs.with(members{"alg": nil}).text(), keys.HS256, "not a key for HS256"},
		{"secret for RSA", octJWK.with(members{"alg": "RS256"}).text(), "", "not a key for RS256"},
		{"curve of another algorithm", ec.with(members{"alg": "ES384"}).text(), "", "not a key for ES384"},
		{"curve unknown", ec.with(members{"crv": "secp256k1"}).text(), "", `crv "secp256k1" is not supported`},
		{"curve for encryption", ed.with(members{"crv": "X25519"}).text(), "", `crv "X25519" is not supported`},
		{"curve missing", ec.with(members{"crv": nil}).text(), "", "crv"},

		{"use enc", ed.with(members{"use": "enc"}).text(), "", `use "enc"`},
		{"use empty", ed.with(members{"use": ""}).text(), "", `use ""`},
		{"key_ops for something else", ed.with(members{"key_ops": []string{"encrypt"}}).text(), "", "key_ops without"},
		{"key_ops empty", ed.with(members{"key_ops": []string{}}).text(), "", "key_ops without"},
		{"key_ops a string", ed.with(members{"key_ops": "verify"}).text(), "", "not a JWK"},
		{"key_ops of a public key that forbid to verify", ed.with(members{"d": nil, "key_ops": []string{"sign"}}).text(), "", "forbid to verify"},

		{"n missing", rs.with(members{"n": nil}).text(), "", `no "n"`},
		{"e missing", rs.with(members{"e": nil}).text(), "", `no "e"`},
		{"n empty", rs.with(members{"n": ""}).text(), "", `"n" is empty`},
		{"n padded", rs.with(members{"n": rs["n"].(string) + "="}).text(), "", `"n" is not canonical base64url`},
		{"n with a line feed", rs.with(members{"n": rs["n"].(string) + "\n"}).text(), "", `"n" is not canonical base64url`},
		{"n zero", rs.with(members{"n": "AAAA"}).text(), "", `"n" is empty, zero`},
		{"n too long", rs.with(members{"n": long}).text(), "", "8192 bits"},
		{"n too short", rs.with(hidden).with(members{"n": b64(modulus(1024).Bytes())}).text(), "", "1024 bits"},
		{"n with the fingerprint of ROCA", rs.with(hidden).with(members{"n": b64(roca(t).Bytes())}).text(), "", "ROCA"},
		{"e of 32 bits", rs.with(members{"e": "gAAAAQ"}).text(), "", "31 bits"},
		{"e of one", rs.with(members{"e": "AQ"}).text(), "", "exponent"},
		{"d alone", rs.with(hidden).with(members{"d": rs["d"]}).text(), "", "needs d, p, q, dp, dq and qi"},
		{"d missing", rs.with(members{"d": nil}).text(), "", `no "d"`},
		{"qi missing", rs.with(members{"qi": nil}).text(), "", `no "qi"`},
		{"qi alone", rs.with(hidden).with(members{"qi": rs["qi"]}).text(), "", `no "d"`},
		{"p empty", rs.with(members{"p": ""}).text(), "", `"p" is empty`},
		{"d of another key", rs.with(members{"d": rs["p"]}).text(), "", "do not belong"},
		{"dp of another key", rs.with(members{"dp": rs["dq"]}).text(), "", "do not belong"},
		{"primes even", rs.with(members{"p": "Ag", "q": "Ag"}).text(), "", "do not belong"},
		{"one as a prime", rs.with(members{"p": "AQ", "q": rs["n"]}).text(), "", "do not belong"},
		{"primes twice", rs.with(members{"q": rs["p"]}).text(), "", "do not belong"},
		{"primes too long", rs.with(members{"p": b64(modulus(8191).Bytes()), "q": b64(modulus(8191).Bytes())}).text(), "", "do not belong"},
		{"more than two primes", rs.with(members{"oth": []members{{"r": "x"}}}).text(), "", `"oth"`},
		{"more than two primes alone", rs.with(hidden).with(members{"oth": []members{}}).text(), "", `"oth"`},

		{"x missing", ec.with(members{"x": nil}).text(), "", `no "x"`},
		{"y missing", ec.with(members{"y": nil}).text(), "", `no "y"`},
		{"y padded", ec.with(members{"y": ec["y"].(string) + "="}).text(), "", `"y" is not canonical`},
		{"x cut short", ec.with(members{"x": b64(make([]byte, 31))}).text(), "", "32 octets"},
		{"y too long", ec.with(members{"y": b64(make([]byte, 33))}).text(), "", "32 octets"},
		{"not on the curve", ec.with(members{"x": ec["y"], "y": ec["x"]}).text(), "", "not a point"},
		{"at infinity", ec.with(members{"x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))}).text(), "", "not a point"},
		{"d of another EC key", ec.with(members{"d": other["d"]}).text(), "", "do not belong"},
		{"d cut short", ec.with(members{"d": "AQ"}).text(), "", "do not belong"},
		{"d too long", ec.with(members{"d": b64(bytes.Repeat([]byte{1}, 33))}).text(), "", "do not belong"},
		{"d zero", ec.with(members{"d": b64(make([]byte, 32))}).text(), "", "do not belong"},
		{"d empty", ec.with(members{"d": ""}).text(), "", "do not belong"},
		{"d not base64url", ec.with(members{"d": "!"}).text(), "", `"d" is not canonical`},
		{"private members of RSA without d", ec.with(members{"d": nil, "p": "AQ"}).text(), "", `no "d"`},

		{"Ed25519 without x", ed.with(members{"x": nil}).text(), "", `no "x"`},
		{"Ed25519, x too short", ed.with(members{"x": "AQ"}).text(), "", "32 bytes"},
		{"Ed25519 of small order", ed.with(members{"d": nil, "x": b64(make([]byte, 32))}).text(), "", "small order"},
		{"Ed25519, d of another key", ed.with(members{"d": ed2["d"]}).text(), "", "do not belong"},
		{"Ed25519, d too short", ed.with(members{"d": "AQ"}).text(), "", "do not belong"},

		{"k missing", octJWK.with(members{"k": nil}).text(), keys.HS256, `no "k"`},
		{"k too short", octJWK.with(members{"k": b64(secret[:31])}).text(), keys.HS256, "31 bytes"},
		{"k padded", octJWK.with(members{"k": b64(secret[:32]) + "="}).text(), keys.HS256, `"k" is not canonical`},
		{"k repeated", octJWK.with(members{"k": b64(make([]byte, 32))}).text(), keys.HS256, "repeated"},
		{"k a public key", octJWK.with(members{"k": b64([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAB"))}).text(), keys.HS256, "OpenSSH"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.ParseJWK(tt.alg, tt.text)
			refused(t, err, tt.want, b64(secret)[:16], ec["d"].(string), ed["d"].(string), rs["d"].(string))
		})
	}
}

// The text of a key does not get into the error of the JSON decoder.
func TestParseJWKDoesNotEcho(t *testing.T) {
	for _, text := range []string{
		`{"kty":"oct","k":` + string(secret) + `}`, `{"kty":"oct","k":["` + string(secret) + `"]}`,
		`{"kty":"oct","` + string(secret) + `":1,"` + string(secret) + `":1}`, string(secret),
	} {
		_, err := keys.ParseJWK(keys.HS256, []byte(text))
		refused(t, err, "not a JWK", string(secret[:10]))
		_, err = keys.ParseSet([]byte(`{"keys":[` + text + `]}`))
		refused(t, err, "keys: ", string(secret[:10]))
	}
}

func TestMarshalJSON(t *testing.T) {
	big3 := &rsa.PublicKey{N: rsaKey().N, E: 3}
	for _, tt := range []struct {
		name string
		key  *keys.Key
		want members
	}{
		{"RSA", must(keys.FromSigner(keys.PS256, rsaKey())), jwk(rsaKey()).with(members{"alg": "PS256"})},
		{"RSA with exponent 3", must(keys.FromPublic(keys.RS256, big3)), jwk(rsaKey()).with(members{"alg": "RS256", "e": "Aw"})},
		{"P-256", must(keys.FromSigner(keys.ES256, p256Key)), jwk(p256Key).with(members{"alg": "ES256"})},
		{"P-384", must(keys.FromSigner(keys.ES384, p384Key)), jwk(p384Key).with(members{"alg": "ES384"})},
		{"P-521", must(keys.FromSigner(keys.ES512, p521Key)), jwk(p521Key).with(members{"alg": "ES512"})},
		{"Ed25519", must(keys.FromSigner(keys.EdDSA, edKey)), jwk(edKey).with(members{"alg": "EdDSA"})},
		{"with ID", must(keys.FromSigner(keys.EdDSA, edKey)).WithID(`"a"`), jwk(edKey).with(members{"alg": "EdDSA", "kid": `"a"`})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := tt.key.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want.with(hidden).with(members{"use": "sig"}).text()
			if got := canonical(t, text); got != string(want) {
				t.Errorf("JWK = %s, want %s", got, want)
			}
			again, err := keys.ParseJWK("", text)
			if err != nil || again.Thumbprint() != tt.key.Thumbprint() || again.CanSign() {
				t.Errorf("read again = %v, %v", again, err)
			}
		})
	}
}

func TestMarshalJSONSecret(t *testing.T) {
	k := must(keys.HMAC(keys.HS256, secret)).WithID("a")
	text, err := k.MarshalJSON()
	refused(t, err, "no public JWK")
	if text != nil || k.Thumbprint() != "" {
		t.Errorf("JWK = %s, thumbprint %s", text, k.Thumbprint())
	}
}

// Some tools write the private number of a curve without the zero octets in front, or
// with more of them than its length asks for.
func TestParseJWKPrivateNumberLength(t *testing.T) {
	for _, c := range []struct {
		alg   keys.Algorithm
		curve elliptic.Curve
		size  int
	}{{keys.ES256, elliptic.P256(), 32}, {keys.ES384, elliptic.P384(), 48}, {keys.ES512, elliptic.P521(), 66}} {
		short := append([]byte{7}, make([]byte, c.size-3)...)
		key := must(ecdsa.ParseRawPrivateKey(c.curve, append([]byte{0, 0}, short...)))
		public := must(keys.FromSigner(c.alg, key))
		var jwk members
		if err := json.Unmarshal(must(public.MarshalJSON()), &jwk); err != nil {
			t.Fatal(err)
		}
		for zeros := range 5 {
			jwk["d"] = b64(append(make([]byte, zeros), short...))
			k, err := keys.ParseJWK("", []byte(jwk.text()))
			if err != nil {
				t.Errorf("%s with %d zero octets: %v", c.alg, zeros, err)
			} else if !k.CanSign() || k.Thumbprint() != public.Thumbprint() {
				t.Errorf("%s with %d zero octets: another key", c.alg, zeros)
			}
		}
	}
}

// Coordinates keep their leading zeros.
func TestMarshalJSONLength(t *testing.T) {
	for d := int64(1); ; d++ {
		key := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), big.NewInt(d).FillBytes(make([]byte, 32))))
		if point := must(key.PublicKey.Bytes()); point[1] != 0 && point[33] != 0 {
			continue
		}
		text := must(must(keys.FromSigner(keys.ES256, key)).MarshalJSON())
		if _, err := keys.ParseJWK("", text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		return
	}
}
