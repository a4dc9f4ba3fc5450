package keys

import (
	"crypto"
	"errors"
	"fmt"
	"slices"

	"github.com/jwtgate/gate/internal/json"
)

// maxText is the bound on the bytes of a JWK and of a JWK Set.
const maxText = 1 << 20

// ParseJWK returns the key in a JSON Web Key (RFC 7517) of type RSA, EC with P-256,
// P-384 or P-521, OKP with Ed25519, or oct. A key with its private members, which must
// be complete and match the public ones, signs and verifies; any other only verifies.
// Weak keys are refused as by [HMAC] and [FromPublic]. "kid" becomes the key ID.
//
// The key is bound to alg. If the JWK has "alg", it must be the same; EdDSA and
// Ed25519 count as the same. An empty alg means that of the JWK or of its curve; RSA
// and oct have none.
//
// ParseJWK refuses: a "use" other than "sig" and SPIFFE's "jwt-svid"; "key_ops" with
// neither "verify" nor "sign", and for a public key without "verify"; a name that
// comes twice; base64url with padding or line ends; text over 1 MiB. Zero bytes before
// a number of an RSA key are dropped. A private key or secret with "key_ops" but
// without "sign" only verifies. Certificates ("x5c", "x5u", "x5t") and unknown members
// are ignored.
func ParseJWK(alg Algorithm, text []byte) (*Key, error) {
	j, err := decodeJWK(text)
	if err != nil {
		return nil, err
	}
	if err := j.purpose(); err != nil {
		return nil, err
	}
	if alg, err = j.algorithm(alg); err != nil {
		return nil, err
	}
	return j.key(text, alg)
}

func decodeJWK(text []byte) (*jwk, error) {
	if len(text) > maxText {
		return nil, errTooLong
	}
	j := new(jwk)
	if err := json.Unmarshal(text, j); err != nil {
		return nil, errJWK
	}
	return j, nil
}

// The text of a key is never part of an error, and so the errors of the JSON
// decoder, which quote it, are not wrapped.
var (
	errTooLong = errors.New("keys: JWK text is longer than 1 MiB")
	errJWK     = errors.New("keys: text is not a JWK: an object in strict JSON whose members have the types of RFC 7517 and 7518")
)

// jwk holds the members that tell what a JWK is for. A pointer is nil where the
// member is absent.
type jwk struct {
	Kty    string   `json:"kty"`
	Crv    string   `json:"crv"`
	Kid    string   `json:"kid"`
	Alg    *string  `json:"alg"`
	Use    *string  `json:"use"`
	KeyOps []string `json:"key_ops"`
}

// families names the key types of RFC 7518 section 6.1 and RFC 8037 section 2.
var families = map[string]family{"oct": familyHMAC, "RSA": familyRSA, "EC": familyEC, "OKP": familyEd}

// implied holds the algorithm that the curve alone decides on.
var implied = map[[2]string]Algorithm{
	{"EC", "P-256"}:    ES256,
	{"EC", "P-384"}:    ES384,
	{"EC", "P-521"}:    ES512,
	{"OKP", "Ed25519"}: EdDSA,
}

// algorithm settles the algorithm between the JWK and the caller's want, which may
// be empty.
func (j *jwk) algorithm(want Algorithm) (Algorithm, error) {
	family, ok := families[j.Kty]
	curve := implied[[2]string{j.Kty, j.Crv}]
	if !ok || curve == "" && (family == familyEC || family == familyEd) {
		return "", fmt.Errorf("keys: JWK with kty %.64q and crv %.64q is not supported", j.Kty, j.Crv)
	}
	alg, err := j.named(want)
	if err != nil {
		return "", err
	}
	if alg == "" {
		alg = curve
	}
	if alg == "" {
		return "", fmt.Errorf("keys: JWK with kty %.64q does not name its algorithm (alg); give one to ParseJWK or ParseSet, for RSA most often RS256", j.Kty)
	}
	s, err := alg.scheme()
	if err != nil {
		return "", err
	}
	if !j.fits(s) {
		return "", fmt.Errorf("keys: JWK with kty %.64q and crv %.64q is not a key for %s", j.Kty, j.Crv, alg)
	}
	return alg, nil
}

// fits reports whether type and curve of the JWK are those of an algorithm.
func (j *jwk) fits(s scheme) bool {
	return s.family == families[j.Kty] && (s.curve == "" || s.curve == j.Crv)
}

// named returns want, or the JWK's own "alg" where want is empty.
func (j *jwk) named(want Algorithm) (Algorithm, error) {
	if j.Alg == nil {
		return want, nil
	}
	alg := Algorithm(*j.Alg)
	s, err := alg.scheme()
	switch {
	case err != nil:
		return "", fmt.Errorf("keys: JWK is for the algorithm %.64q, which is not supported", *j.Alg)
	case want == "":
		return alg, nil
	case want != alg && (s.family != familyEd || schemes[want].family != familyEd):
		return "", fmt.Errorf("keys: JWK is for %s, not for %s", alg, want)
	}
	return want, nil
}

// purpose refuses a JWK that is not for signatures (RFC 7517 sections 4.2 and 4.3).
func (j *jwk) purpose() error {
	if j.Use != nil && *j.Use != "sig" && *j.Use != "jwt-svid" {
		return fmt.Errorf("keys: JWK has use %.64q, not sig", *j.Use)
	}
	if !j.allows("verify") && !j.allows("sign") {
		return errors.New("keys: JWK has key_ops without verify and sign")
	}
	return nil
}

// allows reports whether "key_ops" has the operation, or is absent.
func (j *jwk) allows(operation string) bool {
	return j.KeyOps == nil || slices.Contains(j.KeyOps, operation)
}

// key makes the key out of the members in text, the JWK's own.
func (j *jwk) key(text []byte, alg Algorithm) (*Key, error) {
	var m material
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, errJWK
	}
	return j.keyOf(&m, alg)
}

// publicKey is key without the private members, which it does not read. exposed reports
// whether there are some. The key is nil for a secret, which is nothing else.
func (j *jwk) publicKey(text []byte, alg Algorithm) (k *Key, exposed bool, err error) {
	var m material
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, false, errJWK
	}
	if schemes[alg].family == familyHMAC {
		return nil, true, nil
	}
	exposed = m.private()
	m = material{N: m.N, E: m.E, X: m.X, Y: m.Y}
	k, err = j.keyOf(&m, alg)
	return k, exposed, err
}

// keyOf makes the key out of its members.
func (j *jwk) keyOf(m *material, alg Algorithm) (*Key, error) {
	k, err := m.key(alg, j.Crv)
	if err != nil {
		return nil, err
	}
	switch {
	case k.signer == nil && !j.allows("verify"):
		return nil, errors.New("keys: JWK is a public key with key_ops that forbid to verify")
	case !j.allows("sign"):
		k.signer = nil
	}
	return k.WithID(j.Kid), nil
}

// key makes the key that its type says, private where the private members are there.
func (m *material) key(alg Algorithm, curve string) (*Key, error) {
	if schemes[alg].family == familyHMAC {
		secret, err := octets("k", m.K)
		if err != nil {
			return nil, err
		}
		return HMAC(alg, secret)
	}
	pub, err := m.public(alg, curve)
	if err != nil {
		return nil, err
	}
	k, err := FromPublic(alg, pub)
	if err != nil || !m.private() {
		return k, err
	}
	signer, err := m.signer(k.public)
	if err != nil {
		return nil, err
	}
	return FromSigner(alg, signer)
}

// public reads the public members.
func (m *material) public(alg Algorithm, curve string) (crypto.PublicKey, error) {
	switch schemes[alg].family {
	case familyRSA:
		return m.rsaPublic()
	case familyEC:
		return m.ecPublic(curves[curve])
	default:
		return m.edPublic()
	}
}
