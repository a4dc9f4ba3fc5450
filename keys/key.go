// Package keys holds the keys that sign and verify tokens.
//
//	key, err := keys.HMAC(keys.HS256, secret)     // a secret of 32 random bytes or more
//	key, err := keys.FromPEM(keys.ES256, pemText) // a private key; or a public one, to verify only
//	set, err := keys.NewSet(newKey, oldKey)       // newKey signs, both verify
//	g, err := gate.New(gate.Config{Keys: set})    // or one key
//
// A [Key] gets its one algorithm when it is made. Weak keys, and keys of another kind than
// the algorithm needs, are refused then. So nothing in a token can choose how it is verified.
//
// A gate gets its keys from a [Source]. A Key is a Source with one key. A [Set] signs with
// one key and verifies with several, which the "kid" of a token names. A [Ring] has keys
// that follow one another by time. Your own Source can choose keys by identity and by what
// [Unverified] has of a token. Package keyfile keeps a Ring in a file, and package jwks
// fetches the keys of another service. docs/keys.md is the guide.
//
// Nothing here prints a secret: Key implements fmt.Stringer and slog.LogValuer with the
// algorithm and the key ID alone.
package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jwtgate/gate/internal/jws"
)

// ErrCannotSign is returned where a signature is asked of a key that only verifies.
var ErrCannotSign = errors.New("keys: no private key or secret to sign with")

// A Key is a key bound to one algorithm. It is immutable and safe for concurrent use.
// Make one with [HMAC], [FromPEM], [FromSigner], [FromPublic], [ParseJWK] or
// [Generate]; the zero Key neither verifies nor signs.
type Key struct {
	alg      Algorithm
	id       string
	unnamed  bool // id is the thumbprint, for want of an ID that somebody gave
	head     string
	public   crypto.PublicKey // nil for HMAC
	verifier jws.Verifier
	signer   jws.Signer      // nil when the key only verifies
	remote   *jws.PrivateKey // signer, where it is no key in memory
}

var _ Source = (*Key)(nil)

// HMAC returns a key for HS256, HS384 or HS512. The secret must be at least as long as
// the hash (32, 48 or 64 bytes; RFC 7518 section 3.2). It must not be one byte repeated,
// nor a text as in examples, such as "change me" or "at least 256 bits long". It is copied.
// Make one with: openssl rand -base64 64. Its text is the secret as it is: it needs no
// decoding.
//
// HMAC also refuses a secret that is a key of another kind, since with a public key as
// the secret everybody could sign: PEM, DER, OpenSSH, JWK, an RSA modulus or EC point;
// also in quotes, escaped, in UTF-16, cut off, or in base64, base32 or hexadecimal,
// several times. It cannot refuse what looks like random bytes: the 32 bytes of an
// Ed25519 key, one coordinate of a point, a modulus of less than 2048 bits. One in
// forty random secrets of exactly 256, 384 or 512 bytes looks like a modulus and is
// refused.
func HMAC(alg Algorithm, secret []byte) (*Key, error) {
	s, err := alg.hmac()
	if err != nil {
		return nil, err
	}
	if err := checkLength(alg, secret, s.hash.Size()); err != nil {
		return nil, err
	}
	return InsecureHMAC(alg, secret)
}

// InsecureHMAC is [HMAC] for secrets of examples and for those shorter than the hash, down
// to one byte. Such a secret can be guessed: use it only to verify tokens of a system that has one, until
// the secret is changed.
func InsecureHMAC(alg Algorithm, secret []byte) (*Key, error) {
	s, err := alg.hmac()
	if err != nil {
		return nil, err
	}
	if len(secret) == 0 {
		return nil, fmt.Errorf("keys: secret for %s is empty", alg)
	}
	if err := checkSecret(secret); err != nil {
		return nil, err
	}
	m := jws.NewHMAC(s.hash, secret)
	return &Key{alg: alg, head: alg.head(""), verifier: m, signer: m}, nil
}

func (a Algorithm) hmac() (scheme, error) {
	s, err := a.scheme()
	if err == nil && s.family != familyHMAC {
		err = fmt.Errorf("keys: %s does not take a secret; use FromPEM, FromSigner or FromPublic", a)
	}
	return s, err
}

// FromPublic returns a key that verifies only. pub is a *rsa.PublicKey, a
// *ecdsa.PublicKey or an ed25519.PublicKey that fits alg and is not weak: RSA of
// 2048 to 8192 bits with an odd exponent from 3 on and without the fingerprint of
// ROCA (CVE-2017-15361), a point on the curve that alg names, an Ed25519 point that
// is not of small order. It is copied.
func FromPublic(alg Algorithm, pub crypto.PublicKey) (*Key, error) {
	s, err := alg.scheme()
	if err != nil {
		return nil, err
	}
	k := &Key{alg: alg, head: alg.head("")}
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		if s.family == familyRSA {
			return k.verifyRSA(pub, s)
		}
	case *ecdsa.PublicKey:
		if s.family == familyEC && pub != nil && curveName(pub.Curve) == s.curve {
			return k.verifyEC(pub, s)
		}
	case ed25519.PublicKey:
		if s.family == familyEd {
			return k.verifyEd(pub)
		}
	}
	return nil, fmt.Errorf("keys: %s does not take a %s", alg, describe(pub))
}

func (k *Key) verifyRSA(pub *rsa.PublicKey, s scheme) (*Key, error) {
	pub, err := copyRSA(pub)
	if err != nil {
		return nil, err
	}
	k.public, k.verifier = pub, &jws.RSA{Key: pub, Hash: s.hash, PSS: s.pss}
	return k, nil
}

func (k *Key) verifyEC(pub *ecdsa.PublicKey, s scheme) (*Key, error) {
	pub, err := copyEC(pub)
	if err != nil {
		return nil, err
	}
	k.public, k.verifier = pub, &jws.ECDSA{Key: pub, Hash: s.hash, Size: s.size}
	return k, nil
}

func (k *Key) verifyEd(pub ed25519.PublicKey) (*Key, error) {
	pub, err := copyEd(pub)
	if err != nil {
		return nil, err
	}
	k.public, k.verifier = pub, &jws.Ed25519{Key: pub}
	return k, nil
}

func describe(pub crypto.PublicKey) string {
	if ec, ok := pub.(*ecdsa.PublicKey); ok && ec != nil && ec.Curve != nil {
		return "key on curve " + ec.Params().Name
	}
	return fmt.Sprintf("%T", pub)
}

// Algorithm returns the one algorithm of the key.
func (k *Key) Algorithm() Algorithm { return k.alg }

// ID returns the key ID ("kid"), which may be empty.
func (k *Key) ID() string { return k.id }

// WithID returns the same key under another key ID. An empty ID writes no "kid".
// Bytes that are not UTF-8 are replaced, since JSON cannot hold them.
func (k *Key) WithID(id string) *Key {
	c := *k
	id = strings.ToValidUTF8(id, "\uFFFD")
	c.id, c.unnamed, c.head = id, false, k.alg.head(id)
	return &c
}

// CanSign reports whether the key has a private key or secret.
func (k *Key) CanSign() bool { return k.signer != nil }

// Public returns the public key, or nil for HMAC. It must not be changed.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Header returns the encoded header of a token that the key signs without further
// header fields.
func (k *Key) Header() string { return k.head }

// Sign returns the signature of input as a base64url segment. The error is
// [ErrCannotSign] for a key that only verifies, or the signer's own. The context is
// passed to a [ContextSigner]; keys in memory do not use it.
func (k *Key) Sign(ctx context.Context, input string) (signature string, err error) {
	b, err := k.AppendSignature(ctx, nil, []byte(input))
	return string(b), err
}

// AppendSignature is [Key.Sign], but appends the segment to dst. input may be a part
// of dst.
func (k *Key) AppendSignature(ctx context.Context, dst, input []byte) ([]byte, error) {
	start := len(dst)
	b, err := k.sign(ctx, dst, input)
	if err != nil {
		return nil, err
	}
	// Enc cannot encode in place: the raw signature first moves up.
	end, size := len(b), jws.Enc.EncodedLen(len(b)-start)
	b = append(b, make([]byte, size)...)
	raw := b[start+size:]
	copy(raw, b[start:end])
	jws.Enc.Encode(b[start:start+size], raw)
	return b[:start+size], nil
}

// sign appends the raw signature of input to dst.
func (k *Key) sign(ctx context.Context, dst, input []byte) ([]byte, error) {
	switch {
	case k.remote != nil:
		return k.signRemote(ctx, dst, input)
	case k.signer == nil:
		return nil, ErrCannotSign
	}
	return k.signer.Sign(dst, input)
}

// Verify reports whether signature, a base64url segment, is the signature of input by
// this key. It checks nothing else: a gate does the rest.
func (k *Key) Verify(input, signature string) bool {
	return k.verifier != nil && k.verifier.Verify(input, signature)
}

// SigningKey implements [Source]. It returns the key for every identity.
func (k *Key) SigningKey(context.Context, any) (*Key, error) {
	if k.signer == nil {
		return nil, ErrCannotSign
	}
	return k, nil
}

// VerificationKeys implements [Source]. It returns the key, unless key and token both
// have a key ID and these differ.
func (k *Key) VerificationKeys(_ context.Context, u Unverified) ([]*Key, error) {
	if k.id != "" && u.KeyID() != "" && k.id != u.KeyID() {
		return nil, nil
	}
	return []*Key{k}, nil
}

// forHeader returns the key when the encoded header segment is the one it writes.
func (k *Key) forHeader(segment string) (*Key, time.Time) {
	if segment == k.head {
		return k, time.Time{}
	}
	return nil, time.Time{}
}

// String returns the algorithm and the key ID, never the key.
func (k *Key) String() string { return fmt.Sprintf("keys.Key(%s %q)", k.alg, k.id) }

// GoString is String, so that %#v does not print the key.
func (k *Key) GoString() string { return k.String() }

// LogValue implements slog.LogValuer with what String shows.
func (k *Key) LogValue() slog.Value {
	return slog.GroupValue(slog.String("alg", string(k.alg)), slog.String("kid", k.id))
}
