package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/jwtgate/gate/internal/jws"
)

// A ContextSigner is a crypto.Signer that signs elsewhere, for example in a KMS, and
// stops when the context of the request ends.
type ContextSigner interface {
	crypto.Signer
	// SignContext is Sign with the context of the request.
	SignContext(ctx context.Context, rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// FromSigner returns a key that signs with signer and verifies with its public key,
// which must fit alg and not be weak, as for [FromPublic]. signer is a private key in
// memory, or a key in a KMS or HSM. It must be safe for concurrent use and must not be
// changed. A private key in memory must match its public key and, for RSA, have two
// primes; other signers are not tried.
//
// A signer that may take long should be a [ContextSigner], since another one cannot be
// interrupted when the request ends. The result of a signer outside of memory is
// verified each time, so that a wrong key is noticed at once.
func FromSigner(alg Algorithm, signer crypto.Signer) (*Key, error) {
	if isNil(signer) {
		return nil, errors.New("keys: the signer is nil or has no whole key")
	}
	k, err := FromPublic(alg, signer.Public())
	if err != nil {
		return nil, err
	}
	if err := checkPrivate(signer); err != nil {
		return nil, err
	}
	s := schemes[alg]
	p := &jws.PrivateKey{With: signer.Sign, Hash: s.hash, PSS: s.pss, Size: s.size}
	k.signer = p
	if !inMemory(signer) {
		k.remote = p
	}
	if c, ok := signer.(ContextSigner); ok {
		p.WithContext = c.SignContext
	}
	return k, nil
}

func inMemory(signer crypto.Signer) bool {
	switch signer.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return true
	}
	return false
}

// signRemote signs with a signer outside of this program.
func (k *Key) signRemote(ctx context.Context, dst, input []byte) ([]byte, error) {
	signed, err := k.remote.SignContext(ctx, dst, input)
	if err != nil {
		return nil, err
	}
	if !k.Verify(string(input), jws.Enc.EncodeToString(signed[len(dst):])) {
		return nil, fmt.Errorf("keys: the signer of %s returned a signature that does not belong to its public key", k)
	}
	return signed, nil
}

// isNil reports whether a call of signer.Public would panic for want of a key.
func isNil(signer crypto.Signer) bool {
	if key, ok := signer.(ed25519.PrivateKey); ok {
		return len(key) != ed25519.PrivateKeySize
	}
	v := reflect.ValueOf(signer)
	return signer == nil || v.Kind() == reflect.Pointer && v.IsNil()
}

// checkPrivate refuses a private key in memory that does not belong to its public
// key. The errors of the standard library are not wrapped: they add nothing a
// caller can act on.
func checkPrivate(signer crypto.Signer) error {
	ok := true
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		if len(key.Primes) != 2 {
			return fmt.Errorf("keys: RSA private key has %d primes; two are supported", len(key.Primes))
		}
		ok = key.Validate() == nil
	case *ecdsa.PrivateKey:
		ok = pairEC(key)
	case ed25519.PrivateKey:
		ok = bytes.Equal(key, ed25519.NewKeyFromSeed(key.Seed()))
	}
	if !ok {
		return fmt.Errorf("keys: %T is malformed, or does not belong to its public key", signer)
	}
	return nil
}

func pairEC(key *ecdsa.PrivateKey) bool {
	//lint:ignore SA1019 Bytes panics on a scalar that is nil, and nothing else tells.
	if key.D == nil { //nolint:staticcheck // as above
		return false
	}
	// Bytes returns nothing for a scalar out of range, which is refused next.
	raw, _ := key.Bytes()
	pair, err := ecdsa.ParseRawPrivateKey(key.Curve, raw)
	return err == nil && pair.PublicKey.Equal(&key.PublicKey)
}

// Generate returns a new random key: a secret as long as the hash, RSA with 2048 bits,
// or a key on the curve of alg. It has no key ID.
func Generate(alg Algorithm) (*Key, error) {
	s, err := alg.scheme()
	if err != nil {
		return nil, err
	}
	// The random source ends the program before it fails, so that the errors left
	// out here come with a nil key, which FromSigner refuses.
	switch s.family {
	case familyHMAC:
		secret := make([]byte, s.hash.Size())
		rand.Read(secret)
		return HMAC(alg, secret)
	case familyRSA:
		key, _ := rsa.GenerateKey(rand.Reader, minRSABits)
		return FromSigner(alg, key)
	case familyEC:
		key, _ := ecdsa.GenerateKey(curves[s.curve], rand.Reader)
		return FromSigner(alg, key)
	default:
		_, key, _ := ed25519.GenerateKey(rand.Reader)
		return FromSigner(alg, key)
	}
}
