package keys

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// Bounds of an RSA modulus in bits: RFC 7518 section 3.3 sets the lower one, the
// cost of verifying the upper.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// copyRSA returns a copy of pub, unless it is weak.
func copyRSA(pub *rsa.PublicKey) (*rsa.PublicKey, error) {
	if pub == nil || pub.N == nil || pub.N.Sign() <= 0 {
		return nil, errors.New("keys: RSA key without a modulus")
	}
	switch bits := pub.N.BitLen(); {
	case bits < minRSABits || bits > maxRSABits:
		return nil, fmt.Errorf("keys: RSA key has %d bits; %d to %d are accepted", bits, minRSABits, maxRSABits)
	case pub.E < 3 || pub.E%2 == 0 || int64(pub.E) > 1<<31-1:
		return nil, errors.New("keys: RSA exponent must be odd, at least 3 and less than 2^31; 65537 is usual")
	}
	if err := checkModulus(pub.N); err != nil {
		return nil, err
	}
	return &rsa.PublicKey{N: new(big.Int).Set(pub.N), E: pub.E}, nil
}

// smallPrimes are the odd primes of the ROCA fingerprint.
var smallPrimes = []int64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71,
	73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
}

// checkModulus refuses a modulus that a small prime divides, and one of a chip with
// the flaw ROCA (CVE-2017-15361), whose private key can be computed. The primes of
// such a chip, and so their product, are powers of 65537 modulo every small prime;
// fewer than one in 10^8 other moduli are.
func checkModulus(n *big.Int) error {
	if n.Bit(0) == 0 {
		return errors.New("keys: RSA modulus is even")
	}
	powers := true
	for _, p := range smallPrimes {
		r := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		if r == 0 {
			return fmt.Errorf("keys: RSA modulus is divisible by %d", p)
		}
		powers = powers && isPower(r, p)
	}
	if powers {
		return errors.New("keys: RSA modulus has the fingerprint of ROCA (CVE-2017-15361); make a new key")
	}
	return nil
}

// isPower reports whether r is a power of 65537 modulo p.
func isPower(r, p int64) bool {
	for x := int64(1); ; {
		if x == r {
			return true
		}
		if x = x * 65537 % p; x == 1 {
			return false
		}
	}
}
