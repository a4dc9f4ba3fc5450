package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math/big"

	"github.com/jwtgate/gate/internal/json"

	"github.com/jwtgate/gate/internal/jws"
)

var errSecret = errors.New("keys: a secret has no public JWK")

// required holds the members that make up a public key, in the order of RFC 7638.
type required struct {
	Crv string `json:"crv,omitzero"`
	E   string `json:"e,omitzero"`
	Kty string `json:"kty"`
	N   string `json:"n,omitzero"`
	X   string `json:"x,omitzero"`
	Y   string `json:"y,omitzero"`
}

// published is a public JWK.
type published struct {
	Alg Algorithm `json:"alg"`
	required
	Kid string `json:"kid,omitzero"`
	Use string `json:"use"`
}

// required returns the public members, and false for a key that has none.
func (k *Key) required() (required, bool) {
	enc := jws.Enc.EncodeToString
	switch pub := k.public.(type) {
	case *rsa.PublicKey:
		return required{Kty: "RSA", N: enc(pub.N.Bytes()), E: enc(big.NewInt(int64(pub.E)).Bytes())}, true
	case *ecdsa.PublicKey:
		// The point was checked when the key was made.
		point, _ := pub.Bytes()
		point = point[1:]
		half := len(point) / 2
		return required{Kty: "EC", Crv: curveName(pub.Curve), X: enc(point[:half]), Y: enc(point[half:])}, true
	case ed25519.PublicKey:
		return required{Kty: "OKP", Crv: "Ed25519", X: enc(pub)}, true
	}
	return required{}, false
}

// Thumbprint returns the RFC 7638 thumbprint of the public key: the SHA-256 of its
// canonical JWK in base64url, 43 characters. It is "" for an HMAC key, since it would
// help to guess the secret.
func (k *Key) Thumbprint() string {
	r, ok := k.required()
	if !ok {
		return ""
	}
	// Plain strings always marshal.
	text, _ := json.Marshal(r)
	sum := sha256.Sum256(text)
	return jws.Enc.EncodeToString(sum[:])
}

// MarshalJSON returns the public JWK (RFC 7517) with "alg", "use" and, where the key
// has an ID, "kid". The private key is never written, and an HMAC key is an error.
func (k *Key) MarshalJSON() ([]byte, error) {
	r, ok := k.required()
	if !ok {
		return nil, errSecret
	}
	return json.Marshal(published{Alg: k.alg, required: r, Kid: k.id, Use: "sig"})
}

// MarshalJSON returns the JWK Set (RFC 7517 section 5) of the public keys, for an
// endpoint such as /.well-known/jwks.json. Private keys are not written, HMAC keys
// are left out.
func (s *Set) MarshalJSON() ([]byte, error) { return marshalSet(s.keys) }

func marshalSet(all []*Key) ([]byte, error) {
	public := []*Key{}
	for _, k := range all {
		if k.public != nil {
			public = append(public, k)
		}
	}
	return json.Marshal(map[string][]*Key{"keys": public})
}
