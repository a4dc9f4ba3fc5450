package jws

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
)

// A Verifier checks signatures of one algorithm with one key. It is safe for
// concurrent use.
type Verifier interface {
	// Verify reports whether signature, a base64url segment, is a signature of input.
	Verify(input, signature string) bool
}

// A Signer makes signatures of one algorithm with one key. It is safe for
// concurrent use.
type Signer interface {
	// Sign appends the raw signature of input to dst.
	Sign(dst, input []byte) ([]byte, error)
}

// maxSignature is the longest signature of any algorithm: RSA with 8192 bits.
const maxSignature = 1024

var errSignature = errors.New("jws: the signer returned a malformed signature")

// HMAC is HS256, HS384 or HS512 (RFC 7518 section 3.2).
type HMAC struct {
	pool sync.Pool
}

type hmacState struct {
	h    hash.Hash
	sum  [64]byte
	text [86]byte // sum, encoded
}

// NewHMAC copies secret.
func NewHMAC(h crypto.Hash, secret []byte) *HMAC {
	secret = append([]byte(nil), secret...)
	return &HMAC{pool: sync.Pool{New: func() any {
		return &hmacState{h: hmac.New(h.New, secret)}
	}}}
}

func (m *HMAC) Verify(input, signature string) bool {
	st := m.pool.Get().(*hmacState)
	st.h.Reset()
	st.h.Write(Bytes(input))
	// Only the canonical encoding is accepted, so the encoded texts are compared.
	want := Enc.AppendEncode(st.text[:0], st.h.Sum(st.sum[:0]))
	ok := subtle.ConstantTimeCompare(want, Bytes(signature)) == 1
	m.pool.Put(st)
	return ok
}

func (m *HMAC) Sign(dst, input []byte) ([]byte, error) {
	st := m.pool.Get().(*hmacState)
	st.h.Reset()
	st.h.Write(input)
	dst = st.h.Sum(dst)
	m.pool.Put(st)
	return dst, nil
}

// digest hashes input into dst, which is large enough for all hashes in use.
func digest(h crypto.Hash, dst *[64]byte, input []byte) []byte {
	switch h {
	case crypto.SHA384:
		return sum384(dst, input)
	case crypto.SHA512:
		return sum512(dst, input)
	default:
		return sum256(dst, input)
	}
}

// RSA verifies RS256/384/512 (RFC 7518 section 3.3) and, with PSS, PS256/384/512
// with a salt exactly as long as the hash (section 3.5).
type RSA struct {
	Key  *rsa.PublicKey
	Hash crypto.Hash
	PSS  bool
}

var pssOptions = map[crypto.Hash]*rsa.PSSOptions{
	crypto.SHA256: {SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256},
	crypto.SHA384: {SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA384},
	crypto.SHA512: {SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA512},
}

func (v *RSA) Verify(input, signature string) bool {
	var buf [maxSignature]byte
	if Enc.DecodedLen(len(signature)) != v.Key.Size() {
		return false
	}
	n, ok := Decode(buf[:], signature)
	if !ok {
		return false
	}
	var sum [64]byte
	d := digest(v.Hash, &sum, Bytes(input))
	if v.PSS {
		return rsa.VerifyPSS(v.Key, v.Hash, d, buf[:n], pssOptions[v.Hash]) == nil
	}
	return rsa.VerifyPKCS1v15(v.Key, v.Hash, d, buf[:n]) == nil
}

// ECDSA verifies ES256, ES384 and ES512 (RFC 7518 section 3.4).
type ECDSA struct {
	Key  *ecdsa.PublicKey
	Hash crypto.Hash
	Size int // octets of r and of s: 32, 48 or 66
}

func (v *ECDSA) Verify(input, signature string) bool {
	var raw [2 * 66]byte
	var der [2*66 + 9]byte
	if Enc.DecodedLen(len(signature)) != 2*v.Size {
		return false
	}
	n, ok := Decode(raw[:], signature)
	if !ok {
		return false
	}
	var sum [64]byte
	return ecdsa.VerifyASN1(v.Key, digest(v.Hash, &sum, Bytes(input)), appendDER(der[:0], raw[:n]))
}

// appendDER writes the signature r||s as the ASN.1 SEQUENCE that crypto/ecdsa takes.
func appendDER(b, rs []byte) []byte {
	var body [2*66 + 6]byte
	half := len(rs) / 2
	c := appendDERInt(appendDERInt(body[:0], rs[:half]), rs[half:])
	b = append(b, 0x30)
	if len(c) >= 0x80 {
		b = append(b, 0x81)
	}
	return append(append(b, byte(len(c))), c...)
}

func appendDERInt(b, v []byte) []byte {
	for len(v) > 1 && v[0] == 0 {
		v = v[1:]
	}
	if v[0]&0x80 != 0 {
		return append(append(b, 2, byte(len(v)+1), 0), v...)
	}
	return append(append(b, 2, byte(len(v))), v...)
}

// Ed25519 verifies EdDSA signatures (RFC 8037 section 3.1).
type Ed25519 struct{ Key ed25519.PublicKey }

func (v *Ed25519) Verify(input, signature string) bool {
	var sig [ed25519.SignatureSize]byte
	if Enc.DecodedLen(len(signature)) != len(sig) {
		return false
	}
	_, ok := Decode(sig[:], signature)
	return ok && ed25519.Verify(v.Key, Bytes(input), sig[:])
}

// PrivateKey signs with a crypto.Signer: a key in memory, a KMS or an HSM.
type PrivateKey struct {
	// With is the method Sign of the signer: no way of printing a function shows the
	// key behind it, and an Ed25519 key is bytes, which fmt finds in any struct.
	With func(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error)
	// WithContext is used in its place where it is not nil.
	WithContext func(ctx context.Context, rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error)

	Hash crypto.Hash // 0 for Ed25519, which signs the message itself
	PSS  bool
	Size int // octets of r and of s for ECDSA, else 0
}

func (s *PrivateKey) Sign(dst, input []byte) ([]byte, error) {
	return s.SignContext(context.Background(), dst, input)
}

// SignContext is Sign for a signer that takes a context.
func (s *PrivateKey) SignContext(ctx context.Context, dst, input []byte) ([]byte, error) {
	var sum [64]byte
	var opts crypto.SignerOpts = s.Hash
	if s.PSS {
		opts = pssOptions[s.Hash]
	}
	if s.Hash != 0 {
		input = digest(s.Hash, &sum, input)
	}
	var sig []byte
	var err error
	if s.WithContext != nil {
		sig, err = s.WithContext(ctx, rand.Reader, input, opts)
	} else {
		sig, err = s.With(rand.Reader, input, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("jws: signing: %w", err)
	}
	if s.Size == 0 {
		return append(dst, sig...), nil
	}
	return appendRaw(dst, sig, s.Size)
}

// appendRaw turns the ASN.1 signature of an ECDSA signer into r||s.
func appendRaw(dst, der []byte, size int) ([]byte, error) {
	body, rest, ok := derValue(der, 0x30)
	if !ok || len(rest) != 0 {
		return nil, errSignature
	}
	for range 2 {
		var v []byte
		if v, body, ok = derValue(body, 2); !ok || len(v) == 0 || v[0]&0x80 != 0 {
			return nil, errSignature
		}
		if v[0] == 0 {
			v = v[1:]
		}
		if len(v) == 0 || len(v) > size {
			return nil, errSignature
		}
		for range size - len(v) {
			dst = append(dst, 0)
		}
		dst = append(dst, v...)
	}
	if len(body) != 0 {
		return nil, errSignature
	}
	return dst, nil
}

// derValue cuts one ASN.1 value with the given tag off b. No signature is so long
// that its length takes more than two bytes.
func derValue(b []byte, tag byte) (v, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	n, b := int(b[1]), b[2:]
	switch {
	case n == 0x81 && len(b) > 0 && b[0] >= 0x80:
		n, b = int(b[0]), b[1:]
	case n >= 0x80:
		return nil, nil, false
	}
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}
