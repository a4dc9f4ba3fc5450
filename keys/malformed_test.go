//nolint:staticcheck // keys are made malformed by the fields that are not to be used
package keys_test

//lint:file-ignore SA1019 keys are made malformed by the fields that are not to be used

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"math/big"
	"testing"

	"github.com/jwtgate/gate/keys"
)

func TestFromPublicEC(t *testing.T) {
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)).PublicKey
	big1 := big.NewInt(1)
	for _, tt := range []struct {
		name string
		alg  keys.Algorithm
		key  *ecdsa.PublicKey
		want string
	}{
		{"other curve", keys.ES384, &p256, "ES384 does not take a key on curve P-256"},
		{"curve too small", keys.ES256, &p224, "does not take a key on curve P-224"},
		{"not on the curve", keys.ES256, &ecdsa.PublicKey{Curve: elliptic.P256(), X: big1, Y: big1}, "not a point"},
		{"at infinity", keys.ES256, &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int), Y: new(big.Int)}, "not a point"},
		{"negative", keys.ES256, &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(-1), Y: big1}, "not a point"},
		{"too large", keys.ES256, &ecdsa.PublicKey{Curve: elliptic.P256(), X: modulus(2048), Y: big1}, "not a point"},
		{"no x", keys.ES256, &ecdsa.PublicKey{Curve: elliptic.P256(), Y: big1}, "without coordinates"},
		{"no y", keys.ES256, &ecdsa.PublicKey{Curve: elliptic.P256(), X: big1}, "without coordinates"},
		{"no curve", keys.ES256, &ecdsa.PublicKey{X: big1, Y: big1}, "does not take"},
		{"curve by its parameters", keys.ES256, &ecdsa.PublicKey{Curve: elliptic.P256().Params(), X: big1, Y: big1}, "does not take"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.FromPublic(tt.alg, tt.key)
			refused(t, err, tt.want)
		})
	}
}

func TestFromSignerECRefuses(t *testing.T) {
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	for _, tt := range []struct {
		name string
		key  *ecdsa.PrivateKey
	}{
		{"without private half", &ecdsa.PrivateKey{PublicKey: ec.PublicKey}},
		{"of another key", &ecdsa.PrivateKey{PublicKey: ec.PublicKey, D: other.D}},
		{"zero", &ecdsa.PrivateKey{PublicKey: ec.PublicKey, D: new(big.Int)}},
		{"too large", &ecdsa.PrivateKey{PublicKey: ec.PublicKey, D: ec.Params().N}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.FromSigner(keys.ES256, tt.key)
			refused(t, err, "does not belong")
		})
	}
}
