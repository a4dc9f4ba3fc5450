package attacks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// third is the third segment: the signature of input, or a replacement for it. It
// uses nothing of the library that it is made to attack.
func (c *Corpus) third(s *Signature, input string) (string, error) {
	if s.Over != nil {
		input = b64.EncodeToString([]byte(s.Over.HeaderText)) + "." + b64.EncodeToString([]byte(s.Over.PayloadText))
	}
	switch s.Mode {
	case "none", "omit":
		return "", nil
	case "literal":
		return s.B64url, nil
	case "hmac":
		secret, err := base64.StdEncoding.DecodeString(s.SecretB64)
		if err != nil {
			return "", err
		}
		return encode(signHMAC(s.Alg, secret, input))
	case "sign":
		var k jwk
		if err := json.Unmarshal(c.Keys[s.Key], &k); err != nil {
			return "", fmt.Errorf("key %q: %w", s.Key, err)
		}
		sig, err := k.sign(s, input)
		if err == nil && s.Transform != "" {
			sig, err = k.transform(sig, s.Transform)
		}
		return encode(sig, err)
	}
	return "", fmt.Errorf("signature mode %q is not known", s.Mode)
}

func encode(sig []byte, err error) (string, error) { return b64.EncodeToString(sig), err }

type octets []byte

func (o *octets) UnmarshalText(text []byte) error {
	b, err := b64.DecodeString(string(text))
	*o = b
	return err
}

func (o octets) int() *big.Int { return new(big.Int).SetBytes(o) }

// jwk is a private JWK of the corpus.
type jwk struct {
	Kty, Crv         string
	K, N, E, D, X, Y octets
	P, Q, Dp, Dq, Qi octets
	Alg, Use, Kid    string
}

var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

func digest(alg, input string) (crypto.Hash, []byte, error) {
	h, ok := hashes[alg[max(0, len(alg)-3):]]
	if !ok {
		return 0, nil, fmt.Errorf("algorithm %q has no hash", alg)
	}
	w := h.New()
	w.Write([]byte(input))
	return h, w.Sum(nil), nil
}

func signHMAC(alg string, secret []byte, input string) ([]byte, error) {
	h, ok := hashes[strings.TrimPrefix(alg, "HS")]
	if !ok {
		return nil, fmt.Errorf("%q is not an HMAC", alg)
	}
	m := hmac.New(h.New, secret)
	m.Write([]byte(input))
	return m.Sum(nil), nil
}

func (k *jwk) sign(s *Signature, input string) ([]byte, error) {
	if s.Alg == "EdDSA" {
		return ed25519.Sign(ed25519.NewKeyFromSeed(k.D), []byte(input)), nil
	}
	if strings.HasPrefix(s.Alg, "HS") {
		return signHMAC(s.Alg, k.K, input)
	}
	h, sum, err := digest(s.Alg, input)
	if err != nil {
		return nil, err
	}
	switch s.Alg[:2] {
	case "RS":
		return rsa.SignPKCS1v15(nil, k.rsa(), h, sum)
	case "PS":
		salt := rsa.PSSSaltLengthEqualsHash
		if s.PSSSalt != nil && *s.PSSSalt != 0 {
			salt = *s.PSSSalt
		}
		if s.PSSSalt != nil && *s.PSSSalt == 0 {
			return k.emptySalt(h, sum), nil
		}
		return rsa.SignPSS(rand.Reader, k.rsa(), h, sum, &rsa.PSSOptions{SaltLength: salt})
	case "ES":
		return k.signEC(sum)
	}
	return nil, fmt.Errorf("algorithm %q is not known", s.Alg)
}

func (k *jwk) rsa() *rsa.PrivateKey {
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: k.N.int(), E: int(k.E.int().Int64())},
		D:         k.D.int(),
		Primes:    []*big.Int{k.P.int(), k.Q.int()},
	}
	key.Precompute()
	return key
}

// emptySalt is RSASSA-PSS (RFC 8017 section 8.1.1) with a salt of no octets, which
// crypto/rsa takes for a wish to choose the length itself.
func (k *jwk) emptySalt(h crypto.Hash, sum []byte) []byte {
	key := k.rsa()
	size := (key.N.BitLen() + 7) / 8
	w := h.New()
	w.Write(append(make([]byte, 8), sum...))
	seed := w.Sum(nil)
	em := make([]byte, size)
	db := em[:size-len(seed)-1]
	db[len(db)-1] = 1
	for i, block := 0, 0; i < len(db); block++ {
		w.Reset()
		w.Write(append(slices.Clone(seed), 0, 0, 0, byte(block)))
		for _, b := range w.Sum(nil) {
			if i < len(db) {
				db[i] ^= b
				i++
			}
		}
	}
	db[0] &= 0x7f
	copy(em[len(db):], seed)
	em[size-1] = 0xbc
	return new(big.Int).Exp(new(big.Int).SetBytes(em), key.D, key.N).FillBytes(make([]byte, size))
}

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

func (k *jwk) signEC(sum []byte) ([]byte, error) {
	key, err := ecdsa.ParseRawPrivateKey(curves[k.Crv], k.D)
	if err != nil {
		return nil, err
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, sum)
	if err != nil {
		return nil, err
	}
	return k.rs(r, s), nil
}

// rs writes r and s as the two halves of a JWS signature.
func (k *jwk) rs(r, s *big.Int) []byte {
	n := (curves[k.Crv].Params().BitSize + 7) / 8
	return append(r.FillBytes(make([]byte, n)), s.FillBytes(make([]byte, n))...)
}

// transform damages a signature.
func (k *jwk) transform(sig []byte, how string) ([]byte, error) {
	name, arg, _ := strings.Cut(how, ":")
	n, err := strconv.Atoi(arg)
	if err != nil && (name == "truncate" || name == "flip-bit") {
		return nil, err
	}
	half := len(sig) / 2
	switch name {
	case "truncate":
		return sig[:n], nil
	case "flip-bit":
		sig[n/8] ^= 0x80 >> (n % 8)
		return sig, nil
	case "append-hex":
		more, err := hex.DecodeString(arg)
		return append(sig, more...), err
	case "ed-add-order":
		return addOrder(sig), nil
	case "swap-rs":
		return append(slices.Clone(sig[half:]), sig[:half]...), nil
	case "zero-pad-left":
		return slices.Concat([]byte{0}, sig[:half], []byte{0}, sig[half:]), nil
	case "der":
		return asn1.Marshal([]*big.Int{octets(sig[:half]).int(), octets(sig[half:]).int()})
	case "negate-s":
		s := octets(sig[half:]).int()
		return k.rs(octets(sig[:half]).int(), s.Sub(curves[k.Crv].Params().N, s)), nil
	}
	return nil, errors.New("transform " + how + " is not known")
}

// addOrder adds the order of the group to the second half, which is little-endian.
func addOrder(sig []byte) []byte {
	order, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	order.Add(order, new(big.Int).Lsh(big.NewInt(1), 252))
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	sum := new(big.Int).Add(octets(s).int(), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(sig[:32]), sum...)
}

// RSAKey reads a private RSA key of the corpus.
func RSAKey(text json.RawMessage) (*rsa.PrivateKey, error) {
	var k jwk
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, err
	}
	key := k.rsa()
	return key, key.Validate()
}
