package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"math/big"
	"testing"

	"github.com/jwtgate/gate/keys"
)

// remote is a signer whose key is elsewhere.
type remote struct {
	public    crypto.PublicKey
	signature []byte
	err       error
}

func (r *remote) Public() crypto.PublicKey { return r.public }

func (r *remote) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return r.signature, r.err
}

func TestFromSignerRefuses(t *testing.T) {
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	_, ed2, _ := ed25519.GenerateKey(rand.Reader)
	rsa2 := must(rsa.GenerateKey(rand.Reader, 2048))
	for _, tt := range []struct {
		name   string
		alg    keys.Algorithm
		signer crypto.Signer
		want   string
	}{
		{"nil", keys.ES256, nil, "signer is nil"},
		{"nil RSA", keys.RS256, (*rsa.PrivateKey)(nil), "signer is nil"},
		{"nil ECDSA", keys.ES256, (*ecdsa.PrivateKey)(nil), "signer is nil"},
		{"nil Ed25519", keys.EdDSA, ed25519.PrivateKey(nil), "signer is nil"},
		{"nil of another type", keys.ES256, (*remote)(nil), "signer is nil"},
		{"Ed25519 cut short", keys.EdDSA, ed[:32], "signer is nil"},
		{"zero RSA", keys.RS256, &rsa.PrivateKey{}, "without a modulus"},
		{"zero ECDSA", keys.ES256, &ecdsa.PrivateKey{}, "does not take"},
		{"without public key", keys.ES256, &remote{}, "does not take a <nil>"},
		{"HMAC", keys.HS256, ec, "does not take"},
		{"other family", keys.RS256, ec, "RS256 does not take a key on curve P-256"},
		{"other curve", keys.ES384, ec, "ES384 does not take a key on curve P-256"},
		{"RSA without private half", keys.RS256, &rsa.PrivateKey{PublicKey: rsaKey().PublicKey}, "0 primes"},
		{"RSA of three primes", keys.RS256, &rsa.PrivateKey{PublicKey: rsaKey().PublicKey, Primes: make([]*big.Int, 3)}, "3 primes"},
		{"RSA of another key", keys.RS256, &rsa.PrivateKey{PublicKey: rsaKey().PublicKey, D: rsa2.D, Primes: rsa2.Primes}, "does not belong"},
		{"Ed25519 of another key", keys.EdDSA, append(ed[:32:32], ed2[32:]...), "does not belong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.FromSigner(tt.alg, tt.signer)
			refused(t, err, tt.want)
		})
	}
}

func TestFromSignerRemote(t *testing.T) {
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	k := must(keys.FromSigner(keys.ES256, &remote{public: ec.Public(), err: io.ErrUnexpectedEOF}))
	if _, err := k.Sign(t.Context(), ""); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Sign error = %v, want the signer's own", err)
	}
	k = must(keys.FromSigner(keys.ES256, &remote{public: ec.Public(), signature: []byte("\x30\x03\x02\x01\x01")}))
	if sig, err := k.Sign(t.Context(), ""); err == nil {
		t.Errorf("Sign = %s of a malformed signature, want an error", sig)
	}
}
