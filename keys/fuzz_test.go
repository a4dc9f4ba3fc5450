package keys_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jwtgate/gate/keys"
)

// FuzzJWK checks that nothing makes ParseJWK panic, that what it accepts signs what
// it verifies, and that its public form is the same key.
func FuzzJWK(f *testing.F) {
	for _, m := range []members{jwk(rsaKey()).with(members{"alg": "RS256"}), jwk(p256Key), jwk(p521Key), jwk(edKey), octJWK} {
		f.Add(m.text(), "")
		f.Add(m.with(hidden).with(members{"kid": "a", "use": "sig"}).text(), "HS256")
	}
	f.Fuzz(func(t *testing.T, text []byte, alg string) {
		k, err := keys.ParseJWK(keys.Algorithm(alg), text)
		if err != nil {
			return
		}
		if k.CanSign() && !verifies(k, signed(t, k, `{}`)) {
			t.Fatalf("%s: own signature refused", k)
		}
		if k.Public() == nil {
			return
		}
		public, err := k.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := keys.ParseJWK("", public)
		if err != nil || again.Thumbprint() != k.Thumbprint() || again.Algorithm() != k.Algorithm() || again.ID() != k.ID() || again.CanSign() {
			t.Fatalf("%s read again: %v, %v", public, again, err)
		}
	})
}

// FuzzJWKSet checks the same of ParseSet.
func FuzzJWKSet(f *testing.F) {
	f.Add(set(jwk(p256Key), jwk(edKey).with(hidden)))
	f.Add(set(octJWK.with(members{"alg": "HS256", "kid": "a"}), jwk(p521Key).with(members{"use": "enc"})))
	f.Add([]byte(`{"keys":[]}`))
	for _, path := range must(filepath.Glob("testdata/cases/*.json")) {
		f.Add(must(os.ReadFile(path)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := keys.ParseSet(text, keys.RS256, keys.PS256)
		if err != nil {
			return
		}
		public := 0
		for _, k := range s.Keys() {
			if k.Public() != nil {
				public++
			}
		}
		text, err = s.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := keys.ParseSet(text); public > 0 && (err != nil || len(again.Keys()) != public) {
			t.Fatalf("%s read again: %v", text, err)
		}
	})
}
