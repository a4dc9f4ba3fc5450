// Package rfc_test tests the token engine with the examples of RFC 7515, 7520, 7638, 7797
// and 8037.
package rfc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// vector is one example. Which fields it has depends on the file.
type vector struct {
	ID            string
	Alg           keys.Algorithm
	Key           json.RawMessage
	SigningInput  string
	SignatureB64  string `json:"signatureB64url"`
	Compact       string
	Attached      string `json:"compactAttachedEncoded"`
	Deterministic bool   `json:"deterministicSignature"`
	Expect        string
	// RFC 7638
	SHA256B64 string `json:"sha256B64url"`
	// JSON serialization
	Text string
	Keys []json.RawMessage
}

var passed, total int

func TestMain(m *testing.M) {
	code := m.Run()
	fmt.Printf("rfc: %d/%d\n", passed, total)
	os.Exit(code)
}

// each runs f for every vector of a file, and counts.
func each(t *testing.T, file string, f func(*testing.T, *vector)) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct{ Vectors []vector }
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Vectors) == 0 {
		t.Fatalf("%s has no vector", file)
	}
	for _, v := range vectors.Vectors {
		total++
		if t.Run(v.ID, func(t *testing.T) { f(t, &v) }) {
			passed++
		}
	}
}

func parse(t *testing.T, text json.RawMessage, alg keys.Algorithm) *keys.Key {
	t.Helper()
	k, err := keys.ParseJWK(alg, text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// verify reports whether a token is a JWS of k. The examples' payloads are not
// claims, so this is what a gate does below its rules for claims.
func verify(token string, k *keys.Key) error {
	u, err := keys.ParseUnverified(token, 8192)
	if err != nil {
		return err
	}
	if u.Algorithm() != string(k.Algorithm()) {
		return errors.New("another algorithm")
	}
	dot := strings.LastIndexByte(token, '.')
	if !k.Verify(token[:dot], token[dot+1:]) {
		return errors.New("signature")
	}
	return nil
}

func TestCompact(t *testing.T) {
	for _, file := range []string{"rfc7515.json", "rfc7520.json", "rfc8037.json"} {
		each(t, file, compact)
	}
}

func compact(t *testing.T, v *vector) {
	if v.Expect == "reject" {
		refused(t, v)
		return
	}
	k := parse(t, v.Key, v.Alg)
	if err := verify(v.Compact, k); err != nil {
		t.Errorf("verifying: %v", err)
	}
	if err := verify(v.SigningInput+"."+v.SignatureB64, k); err != nil {
		t.Errorf("verifying the parts: %v", err)
	}
	for i := range []byte(v.SigningInput) { // one character changed, wherever it stands
		changed := []byte(v.SigningInput)
		changed[i] ^= 1
		if k.Verify(string(changed), v.SignatureB64) {
			t.Errorf("verifies with character %d changed", i)
		}
		if i == 64 {
			break
		}
	}
	sig, err := k.Sign(t.Context(), v.SigningInput)
	if err != nil {
		t.Fatal(err)
	}
	if v.Deterministic && sig != v.SignatureB64 {
		t.Errorf("Sign = %s, want %s", sig, v.SignatureB64)
	}
	if !k.Verify(v.SigningInput, sig) {
		t.Error("what was signed does not verify")
	}
}

// refused holds all forms of an example to being refused, with its own key where
// it has one and with an HMAC key where it has not.
func refused(t *testing.T, v *vector) {
	key, alg := v.Key, v.Alg
	if len(key) == 0 || string(key) == "null" {
		key, alg = json.RawMessage(`{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`), keys.HS256
	}
	k := parse(t, key, alg)
	for _, token := range []string{v.Compact, v.Attached} {
		if token == "" {
			continue
		}
		if err := verify(token, k); err == nil {
			t.Errorf("%s verifies", token)
		}
		g, err := gate.New(gate.Config{Keys: k})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.CheckToken(t.Context(), token, gate.Policy{}); !errors.Is(err, gate.ErrInvalid) {
			t.Errorf("CheckToken(%s) error = %v, want ErrInvalid", token, err)
		}
	}
}

// TestJSONSerialization: RFC 7515 appendix A.6 and A.7 are refused as text, while
// the signatures in them are good ones.
func TestJSONSerialization(t *testing.T) {
	each(t, "rfc7515-json-serialization.json", func(t *testing.T, v *vector) {
		type signature struct{ Protected, Signature string }
		var doc struct {
			Payload string
			signature
			Signatures []signature
		}
		if err := json.Unmarshal([]byte(v.Text), &doc); err != nil {
			t.Fatal(err)
		}
		list := doc.Signatures
		if len(list) == 0 {
			list = []signature{{doc.Protected, doc.Signature}}
		}
		for i, s := range list {
			alg := keys.ES256
			if len(list) == 2 && i == 0 {
				alg = keys.RS256
			}
			k := parse(t, v.Keys[i], alg)
			if err := verify(s.Protected+"."+doc.Payload+"."+s.Signature, k); err != nil {
				t.Errorf("signature %d: %v", i, err)
			}
			if err := verify(v.Text, k); err == nil {
				t.Error("the JSON text is taken for a token")
			}
		}
	})
}

func TestThumbprint(t *testing.T) {
	each(t, "rfc7638.json", func(t *testing.T, v *vector) {
		alg := keys.RS256
		if strings.Contains(string(v.Key), "Ed25519") {
			alg = keys.EdDSA
		}
		if got := parse(t, v.Key, alg).Thumbprint(); got != v.SHA256B64 {
			t.Errorf("Thumbprint = %s, want %s", got, v.SHA256B64)
		}
	})
}

// TestExpiryOfExamples: the tokens of RFC 7515 appendix A.1 to A.3 are good until
// the second before their exp, and expired from it on. They have neither sub, jti
// nor type, so the gate is told to do without.
func TestExpiryOfExamples(t *testing.T) {
	const exp = 1300819380
	text, err := os.ReadFile(filepath.Join("testdata", "rfc7515.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Vectors []vector }
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, v := range doc.Vectors[:3] {
		for _, tt := range []struct {
			now  int64
			want error
		}{{exp - 1, nil}, {exp, gate.ErrExpired}} {
			g, err := gate.New(gate.Config{
				Keys:   parse(t, v.Key, v.Alg),
				Create: gate.Create{IdentityClaim: "http://example.com/is_root"},
				Accept: gate.Accept{Issuer: "joe", Lenient: gate.Lenient{NoID: true, AnyType: true}},
				Clock:  func() time.Time { return time.Unix(tt.now, 0) },
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := g.CheckToken(t.Context(), v.Compact, gate.Policy{}); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("%s at %d: error = %v, want %v", v.ID, tt.now, err, tt.want)
			}
		}
	}
}
