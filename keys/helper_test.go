package keys_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jwtgate/gate/keys"
)

var algorithms = []keys.Algorithm{
	keys.HS256, keys.HS384, keys.HS512, keys.RS256, keys.RS384, keys.RS512, keys.PS256, keys.PS384, keys.PS512,
	keys.ES256, keys.ES384, keys.ES512, keys.EdDSA, keys.Ed25519,
}

var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	secret = []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signed is a token of the key with empty claims and header fields of the caller's.
func signed(t *testing.T, k *keys.Key, header string) string {
	t.Helper()
	input := b64([]byte(header)) + ".e30"
	sig, err := k.Sign(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + sig
}

// verifies reports whether k takes the signature of the token.
func verifies(k *keys.Key, token string) bool {
	at := strings.LastIndexByte(token, '.')
	return k.Verify(token[:at], token[at+1:])
}

func unverified(t *testing.T, header string) keys.Unverified {
	t.Helper()
	u, err := keys.ParseUnverified(b64([]byte(header))+".e30.", 1<<12)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// find returns the keys of src for a token with the header.
func find(t *testing.T, src keys.Source, header string) []*keys.Key {
	t.Helper()
	found, err := src.VerificationKeys(context.Background(), unverified(t, header))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// refused checks that an error is there, has the text and holds nothing of the key.
func refused(t *testing.T, err error, want string, material ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted; want an error with %q", want)
	}
	if !strings.HasPrefix(err.Error(), "keys: ") || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %q, want one of keys with %q", err, want)
	}
	for _, m := range material {
		if m != "" && strings.Contains(err.Error(), m) {
			t.Errorf("error %q shows the key", err)
		}
	}
}

// vector is a vector of an RFC.
type vector struct {
	ID                     string
	Alg                    keys.Algorithm
	Key                    json.RawMessage
	Compact, Text, Expect  string
	DeterministicSignature bool
	Sha256B64url           string
}

func vectors(t testing.TB, name string) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/rfc/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%s: %d vectors, %v", name, len(file.Vectors), err)
	}
	return file.Vectors
}

// members is a JWK before it is written.
type members map[string]any

// with returns a copy with some members replaced; nil takes one away.
func (m members) with(change members) members {
	c := maps.Clone(m)
	for name, value := range change {
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

func (m members) text() []byte { return must(json.Marshal(m)) }

// jwk is the private JWK of a key in memory, written without the package.
func jwk(key crypto.Signer) members {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		pre := key.Precomputed
		return members{
			"kty": "RSA", "n": b64(key.N.Bytes()), "e": "AQAB", "d": b64(key.D.Bytes()),
			"p": b64(key.Primes[0].Bytes()), "q": b64(key.Primes[1].Bytes()),
			"dp": b64(pre.Dp.Bytes()), "dq": b64(pre.Dq.Bytes()), "qi": b64(pre.Qinv.Bytes()),
		}
	case *ecdsa.PrivateKey:
		point := must(key.PublicKey.Bytes())[1:]
		half := len(point) / 2
		return members{"kty": "EC", "crv": key.Params().Name, "x": b64(point[:half]), "y": b64(point[half:]), "d": b64(must(key.Bytes()))}
	case ed25519.PrivateKey:
		return members{"kty": "OKP", "crv": "Ed25519", "x": b64(key[32:]), "d": b64(key.Seed())}
	}
	panic("no such key")
}

// canonical is the object with its members in alphabetical order.
func canonical(t *testing.T, text []byte) string {
	t.Helper()
	var m members
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return string(m.text())
}

func jsonString(s string) ([]byte, error) { return json.Marshal(s) }
