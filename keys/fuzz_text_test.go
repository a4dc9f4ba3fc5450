package keys_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
)

// layers are ways in which settings are wrapped, one in another.
var layers = []func(string) string{
	func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	func(s string) string { return b64([]byte(s)) },
	func(s string) string { return fold(base64.StdEncoding.EncodeToString([]byte(s)), "\r\n") },
	func(s string) string { return hex.EncodeToString([]byte(s)) },
	func(s string) string { return string(must(jsonString(s))) },
	func(s string) string { return `{"key":` + string(must(jsonString(s))) + `}` },
	func(s string) string { return `'` + s + `'` },
	func(s string) string { return "export KEY=" + s + "\n" },
	func(s string) string { return strings.ReplaceAll(s, "\n", `\n`) },
	url.QueryEscape,
	wide,
}

// FuzzDisguise checks that no order of wrappings makes a secret of a public key, and
// that none makes a key of a secret.
func FuzzDisguise(f *testing.F) {
	spki := must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))
	key, honest := block("PUBLIC KEY", spki), "correct horse battery staple, and some more"
	for i := range layers {
		f.Add([]byte{byte(i), byte(i + 1)})
	}
	f.Fuzz(func(t *testing.T, order []byte) {
		key, honest := key, honest
		for _, o := range order[:min(len(order), 3)] {
			wrap := layers[int(o)%len(layers)]
			key, honest = wrap(key), wrap(honest)
		}
		if _, err := keys.HMAC(keys.HS256, []byte(key)); err == nil {
			t.Errorf("%v: a public key was taken: %.100q", order, key)
		}
		if _, err := keys.HMAC(keys.HS256, []byte(honest)); err != nil {
			t.Errorf("%v: %v: %.100q", order, err, honest)
		}
	})
}

// FuzzHMAC checks that no secret makes HMAC panic, and that errors do not show it.
func FuzzHMAC(f *testing.F) {
	f.Add(secret)
	f.Add([]byte(`\u00e9%41\`))
	f.Fuzz(func(t *testing.T, secret []byte) {
		_, err := keys.InsecureHMAC(keys.HS256, secret)
		if err != nil && len(secret) > 20 && strings.Contains(err.Error(), string(secret)) {
			t.Errorf("the error shows the secret: %v", err)
		}
	})
}

// FuzzFromPEM checks that no text makes FromPEM panic, and that what it accepts signs
// what it verifies.
func FuzzFromPEM(f *testing.F) {
	for _, path := range must(filepath.Glob("testdata/cases/*.pem")) {
		f.Add(must(os.ReadFile(path)), "RS256")
	}
	f.Add([]byte(block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(p256Key)))), "ES256")
	f.Fuzz(func(t *testing.T, text []byte, alg string) {
		k, err := keys.FromPEM(keys.Algorithm(alg), text)
		if err == nil && k.CanSign() && !verifies(k, signed(t, k, `{}`)) {
			t.Fatalf("%s: own signature refused", k)
		}
	})
}
