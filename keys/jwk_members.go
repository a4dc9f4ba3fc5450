package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"github.com/jwtgate/gate/internal/json/jsontext"

	"github.com/jwtgate/gate/internal/jws"
)

// material holds the members that make up the key (RFC 7518 section 6, RFC 8037
// section 2). A pointer is nil where the member is absent.
type material struct {
	N   *string        `json:"n"`
	E   *string        `json:"e"`
	X   *string        `json:"x"`
	Y   *string        `json:"y"`
	K   *string        `json:"k"`
	D   *string        `json:"d"`
	P   *string        `json:"p"`
	Q   *string        `json:"q"`
	Dp  *string        `json:"dp"`
	Dq  *string        `json:"dq"`
	Qi  *string        `json:"qi"`
	Oth jsontext.Value `json:"oth"`
}

// private reports whether any private member is there.
func (m *material) private() bool {
	for _, p := range []*string{m.D, m.P, m.Q, m.Dp, m.Dq, m.Qi} {
		if p != nil {
			return true
		}
	}
	return m.Oth != nil
}

// octets decodes a base64url member.
func octets(name string, value *string) ([]byte, error) {
	if value == nil {
		return nil, fmt.Errorf("keys: JWK has no %q", name)
	}
	b, ok := jws.DecodeSegment(*value)
	if !ok {
		return nil, fmt.Errorf("keys: JWK member %q is not canonical base64url (RFC 7515 section 2), which has - and _ for + and /, and no =", name)
	}
	return b, nil
}

// number decodes a Base64urlUInt member (RFC 7518 section 2) other than zero that is
// not longer than the longest modulus. The zero octets that many issuers put before it
// are dropped, as section 6.3.1.1 expects.
func number(name string, value *string) (*big.Int, error) {
	b, err := octets(name, value)
	if err != nil {
		return nil, err
	}
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 || len(b) > maxRSABits/8 {
		return nil, fmt.Errorf("keys: JWK member %q is empty, zero, or has more than %d bits", name, maxRSABits)
	}
	return new(big.Int).SetBytes(b), nil
}

// numbers decodes several members.
func numbers(names []string, values ...*string) ([]*big.Int, error) {
	var all []*big.Int
	for i, name := range names {
		n, err := number(name, values[i])
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

func (m *material) rsaPublic() (crypto.PublicKey, error) {
	v, err := numbers([]string{"n", "e"}, m.N, m.E)
	if err != nil {
		return nil, err
	}
	if v[1].BitLen() > 31 {
		return nil, errors.New("keys: RSA exponent has more than 31 bits")
	}
	return &rsa.PublicKey{N: v[0], E: int(v[1].Int64())}, nil
}

// ecPublic reads the coordinates, which have the full length of the field (RFC 7518
// section 6.2.1.2).
func (m *material) ecPublic(curve elliptic.Curve) (crypto.PublicKey, error) {
	x, err := octets("x", m.X)
	if err != nil {
		return nil, err
	}
	y, err := octets("y", m.Y)
	if err != nil {
		return nil, err
	}
	size := (curve.Params().BitSize + 7) / 8
	if len(x) != size || len(y) != size {
		return nil, fmt.Errorf("keys: JWK coordinates must have %d octets each", size)
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, errors.New("keys: JWK is not a point on its curve")
	}
	return pub, nil
}

func (m *material) edPublic() (crypto.PublicKey, error) {
	x, err := octets("x", m.X)
	return ed25519.PublicKey(x), err
}

// signer reads the private members of the key whose public half is pub.
func (m *material) signer(pub crypto.PublicKey) (crypto.Signer, error) {
	if pub, ok := pub.(*rsa.PublicKey); ok {
		return m.rsaSigner(pub)
	}
	d, err := octets("d", m.D)
	if err != nil {
		return nil, err
	}
	if pub, ok := pub.(*ecdsa.PublicKey); ok {
		return ecSigner(pub, d)
	}
	if len(d) != ed25519.SeedSize {
		return nil, errPair
	}
	key := ed25519.NewKeyFromSeed(d)
	if !bytes.Equal(key[ed25519.SeedSize:], pub.(ed25519.PublicKey)) {
		return nil, errPair
	}
	return key, nil
}

// ecSigner reads the private number of a curve. Some tools write it without the zero
// octets in front that RFC 7518 section 6.2.2.1 asks for; the public key proves which
// number is meant.
func ecSigner(pub *ecdsa.PublicKey, d []byte) (crypto.Signer, error) {
	d = bytes.TrimLeft(d, "\x00")
	full := make([]byte, (pub.Curve.Params().N.BitLen()+7)/8)
	if len(d) > len(full) {
		return nil, errPair
	}
	copy(full[len(full)-len(d):], d)
	key, err := ecdsa.ParseRawPrivateKey(pub.Curve, full)
	if err != nil || !key.PublicKey.Equal(pub) {
		return nil, errPair
	}
	return key, nil
}

var errPair = errors.New("keys: private members of the JWK are malformed, or do not belong to the public ones")

// rsaSigner reads all private members of RSA. The standard asks for the primes of a
// producer only; finding them is left to the tool that made the key.
func (m *material) rsaSigner(pub *rsa.PublicKey) (crypto.Signer, error) {
	if m.Oth != nil {
		return nil, errors.New(`keys: JWK has "oth"; RSA keys of more than two primes are not supported`)
	}
	v, err := numbers([]string{"d", "p", "q", "dp", "dq", "qi"}, m.D, m.P, m.Q, m.Dp, m.Dq, m.Qi)
	if err != nil {
		return nil, fmt.Errorf("%w; a private RSA key needs d, p, q, dp, dq and qi", err)
	}
	key := &rsa.PrivateKey{
		PublicKey:   *pub,
		D:           v[0],
		Primes:      v[1:3],
		Precomputed: rsa.PrecomputedValues{Dp: v[3], Dq: v[4], Qinv: v[5]},
	}
	key.Precompute()
	if key.Validate() != nil {
		return nil, errPair
	}
	return key, nil
}
