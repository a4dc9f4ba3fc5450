package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
	"math/big"
	"slices"
)

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

// curveName is the name of the curve in a JWK, or "" for one that is not supported.
func curveName(c elliptic.Curve) string {
	for name, curve := range curves {
		if c == curve {
			return name
		}
	}
	return ""
}

// copyEC returns a copy of pub, whose curve is one of curves, unless it is not a
// point of the curve.
func copyEC(pub *ecdsa.PublicKey) (*ecdsa.PublicKey, error) {
	//lint:ignore SA1019 Bytes panics on a coordinate that is nil, and nothing else tells.
	if pub.X == nil || pub.Y == nil { //nolint:staticcheck // as above
		return nil, errors.New("keys: EC key without coordinates")
	}
	point, err := pub.Bytes()
	if err != nil {
		return nil, errors.New("keys: EC key is not a point on its curve")
	}
	return ecdsa.ParseUncompressedPublicKey(pub.Curve, point)
}

// The field and the constant d of the curve Ed25519 (RFC 8032 section 5.1).
var (
	edP, _ = new(big.Int).SetString("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed", 16)
	edD, _ = new(big.Int).SetString("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3", 16)
)

// copyEd returns a copy of pub, unless it is not a point of the curve in its one
// encoding, or one of the eight points of small order, under which signatures can
// be made without a private key.
func copyEd(pub ed25519.PublicKey) (ed25519.PublicKey, error) {
	if len(pub) != ed25519.PublicKeySize {
		return nil, errors.New("keys: Ed25519 key is not 32 bytes long")
	}
	b := slices.Clone(pub)
	slices.Reverse(b)
	b[0] &= 0x7f // the sign of x
	y := new(big.Int).SetBytes(b)
	if y.Cmp(edP) >= 0 {
		return nil, errors.New("keys: Ed25519 key is not in canonical form")
	}
	if smallOrder(y) {
		return nil, errors.New("keys: Ed25519 key is a point of small order")
	}
	if !onCurve(y) {
		return nil, errors.New("keys: Ed25519 key is not a point on the curve")
	}
	return slices.Clone(pub), nil
}

// smallOrder reports whether eight times the point with this y is the identity: the
// double of the point, or the double of that, has y = ±1 or y = 0. In terms of y
// this is y(y²-1)(dy⁴+2y²-1) = 0.
func smallOrder(y *big.Int) bool {
	one := big.NewInt(1)
	yy := new(big.Int).Mul(y, y)
	f := new(big.Int).Mul(edD, yy)
	f.Add(f, big.NewInt(2)).Mul(f, yy).Sub(f, one)
	f.Mul(f, yy.Sub(yy, one)).Mul(f, y)
	return f.Mod(f, edP).Sign() == 0
}

// onCurve reports whether x² = (y²-1)/(dy²+1) has a solution.
func onCurve(y *big.Int) bool {
	one := big.NewInt(1)
	yy := new(big.Int).Mul(y, y)
	u := new(big.Int).Sub(yy, one)
	v := yy.Mul(yy, edD)
	u.Mul(u, v.Add(v, one)).Mod(u, edP)
	return big.Jacobi(u, edP) >= 0
}
