package wycheproof_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/keys"
)

// octets is text in hex.
type octets []byte

func (o *octets) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*o = b
	return err
}

// group is a group of vectors of a primitive: one key, unless it is an HMAC.
type group struct {
	PublicKeyDer     octets
	KeySize, TagSize int
	Tests            []struct {
		TcID          int
		Comment       string
		Key, Msg, Sig octets
		Tag           octets
		Result        string
	}
}

var segment = base64.RawURLEncoding.EncodeToString

func groups(t *testing.T, f *file) []group {
	t.Helper()
	list := make([]group, len(f.Groups))
	for i, text := range f.Groups {
		if err := json.Unmarshal(text, &list[i]); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// signatures are the files of asymmetric primitives that JWS has, by algorithm:
// signatures of ECDSA as r||s, PSS with the salt of the hash's length. The files
// whose salt has another length are there to be refused.
var signatures = []struct {
	name string
	alg  keys.Algorithm
}{
	{"ecdsa_secp256r1_sha256_p1363_test.json", keys.ES256},
	{"ecdsa_secp384r1_sha384_p1363_test.json", keys.ES384},
	{"ecdsa_secp521r1_sha512_p1363_test.json", keys.ES512},
	{"ed25519_test.json", keys.EdDSA},
	{"rsa_signature_2048_sha256_test.json", keys.RS256},
	{"rsa_signature_2048_sha384_test.json", keys.RS384},
	{"rsa_signature_2048_sha512_test.json", keys.RS512},
	{"rsa_signature_3072_sha256_test.json", keys.RS256},
	{"rsa_signature_3072_sha384_test.json", keys.RS384},
	{"rsa_signature_3072_sha512_test.json", keys.RS512},
	{"rsa_signature_4096_sha256_test.json", keys.RS256},
	{"rsa_signature_4096_sha384_test.json", keys.RS384},
	{"rsa_signature_4096_sha512_test.json", keys.RS512},
	{"rsa_pss_2048_sha256_mgf1_0_test.json", keys.PS256},
	{"rsa_pss_2048_sha256_mgf1_32_test.json", keys.PS256},
	{"rsa_pss_2048_sha384_mgf1_48_test.json", keys.PS384},
	{"rsa_pss_3072_sha256_mgf1_32_test.json", keys.PS256},
	{"rsa_pss_4096_sha256_mgf1_32_test.json", keys.PS256},
	{"rsa_pss_4096_sha384_mgf1_48_test.json", keys.PS384},
	{"rsa_pss_4096_sha512_mgf1_32_test.json", keys.PS512},
	{"rsa_pss_4096_sha512_mgf1_64_test.json", keys.PS512},
}

var hashOf = map[string]crypto.Hash{
	"hmac_sha256_test.json": crypto.SHA256,
	"hmac_sha384_test.json": crypto.SHA384,
	"hmac_sha512_test.json": crypto.SHA512,
}

func TestPrimitives(t *testing.T) {
	n := 0
	for _, s := range signatures {
		n += runSignatures(t, s.name, s.alg)
	}
	for _, name := range []string{"hmac_sha256_test.json", "hmac_sha384_test.json", "hmac_sha512_test.json"} {
		n += runHMAC(t, name, hashOf[name])
	}
	if n != 4928 {
		t.Errorf("%d vectors, want 4928", n)
	}
}

// TestLargeRSA runs the files with keys of 8192 bits, the longest that are accepted.
func TestLargeRSA(t *testing.T) {
	for _, s := range []struct {
		name string
		alg  keys.Algorithm
	}{
		{"rsa_signature_8192_sha256_test.json", keys.RS256},
		{"rsa_signature_8192_sha384_test.json", keys.RS384},
		{"rsa_signature_8192_sha512_test.json", keys.RS512},
	} {
		runSignatures(t, s.name, s.alg)
	}
}

func runSignatures(t *testing.T, name string, alg keys.Algorithm) int {
	t.Helper()
	f := open(t, name)
	c := &tally{t: t, name: name}
	for _, g := range groups(t, f) {
		k, err := publicKey(g.PublicKeyDer, alg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, v := range g.Tests {
			want, _ := label(name, v.TcID, v.Result)
			c.vector(v.TcID, v.Comment, k.Verify(string(v.Msg), segment(v.Sig)), want)
		}
	}
	return c.report(f)
}

func publicKey(der []byte, alg keys.Algorithm) (*keys.Key, error) {
	pub, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	return keys.FromPublic(alg, pub)
}

// hmacProperties are the keys under which the overlay speaks of a group.
func hmacProperties(h crypto.Hash, keySize, tagSize int) (list []string) {
	if h == 0 {
		return nil
	}
	bits := 8 * h.Size()
	if tagSize != bits {
		list = append(list, fmt.Sprintf("tagSize!=%d", bits))
	}
	if keySize < bits {
		list = append(list, fmt.Sprintf("keySize<%d", bits))
	}
	return list
}

// runHMAC takes the primitive below the rule for the length of keys, and the rule
// by itself: a key that is too short must be refused, and its MAC be right.
func runHMAC(t *testing.T, name string, h crypto.Hash) int {
	t.Helper()
	f := open(t, name)
	c := &tally{t: t, name: name}
	alg := keys.Algorithm(fmt.Sprintf("HS%d", 8*h.Size()))
	for _, g := range groups(t, f) {
		short := g.KeySize < 8*h.Size()
		for _, v := range g.Tests {
			_, err := keys.HMAC(alg, v.Key)
			if (err != nil) != short && !repeated(v.Key) {
				t.Errorf("%s %d: key of %d bits: error = %v", name, v.TcID, g.KeySize, err)
			}
			want, corrected := label(name, v.TcID, v.Result, hmacProperties(h, g.KeySize, g.TagSize)...)
			if corrected == "key refused" {
				want = v.Result == "valid"
			}
			c.vector(v.TcID, v.Comment, jws.NewHMAC(h, v.Key).Verify(string(v.Msg), segment(v.Tag)), want)
		}
	}
	return c.report(f)
}

// repeated reports whether a key is one byte over and over, which is refused too.
func repeated(key []byte) bool {
	for _, b := range key {
		if b != key[0] {
			return false
		}
	}
	return true
}
