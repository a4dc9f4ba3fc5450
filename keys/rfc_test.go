package keys_test

import (
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
)

// accepts does what a verifier of compact tokens does with one key.
func accepts(k *keys.Key, token string) bool {
	u, err := keys.ParseUnverified(token, 1<<16)
	return err == nil && u.Algorithm() == string(k.Algorithm()) && verifies(k, token)
}

func TestVectors(t *testing.T) {
	for _, file := range []string{"rfc7515.json", "rfc7520.json", "rfc8037.json"} {
		for _, v := range vectors(t, file) {
			t.Run(v.ID, func(t *testing.T) {
				if v.Alg == "none" {
					_, err := keys.FromPublic(v.Alg, &rsaKey().PublicKey)
					refused(t, err, `"none" is not supported`)
					return
				}
				k, err := keys.ParseJWK(v.Alg, v.Key)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := accepts(k, v.Compact), v.Expect == "valid"; got != want {
					t.Fatalf("accepted = %v, want %v", got, want)
				}
				if v.Expect != "valid" || !v.DeterministicSignature {
					return
				}
				input, signature := cutLast(v.Compact)
				if got := must(k.Sign(t.Context(), input)); got != signature {
					t.Errorf("Sign = %s, want %s", got, signature)
				}
			})
		}
	}
}

func cutLast(token string) (input, signature string) {
	at := strings.LastIndexByte(token, '.')
	return token[:at], token[at+1:]
}

func TestVectorsNotCompact(t *testing.T) {
	for _, v := range vectors(t, "rfc7515-json-serialization.json") {
		if _, err := keys.ParseUnverified(v.Text, 1<<16); err == nil {
			t.Errorf("%s: JSON serialization accepted", v.ID)
		}
	}
}

func TestVectorsThumbprint(t *testing.T) {
	for _, v := range vectors(t, "rfc7638.json") {
		k, err := keys.ParseJWK("", v.Key)
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		if got := k.Thumbprint(); got != v.Sha256B64url {
			t.Errorf("%s: thumbprint = %s, want %s", v.ID, got, v.Sha256B64url)
		}
	}
}
