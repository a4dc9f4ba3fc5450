//go:build unix

package flask_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// keyPair is a key of an asymmetric algorithm, in PEM.
type keyPair struct {
	signer          crypto.Signer
	private, public string
}

var rsaKey *rsa.PrivateKey // of all RSA algorithms, since making one takes long

func newKeyPair(alg string) *keyPair {
	var signer crypto.Signer
	var err error
	switch alg {
	case "ES256", "ES384", "ES512":
		curve := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[alg]
		signer, err = ecdsa.GenerateKey(curve, rand.Reader)
	case "EdDSA":
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		if rsaKey == nil {
			rsaKey, err = rsa.GenerateKey(rand.Reader, 2048)
		}
		signer = rsaKey
	}
	if err != nil {
		panic(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		panic(err)
	}
	public, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		panic(err)
	}
	text := func(typ string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}))
	}
	return &keyPair{signer, text("PRIVATE KEY", private), text("PUBLIC KEY", public)}
}

// hashes are those of the last three letters of an algorithm.
var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

// sign signs by the algorithm that the header names, or by that of the options where the
// key does not fit that one.
func (s optionSet) sign(named any, input string) []byte {
	alg, _ := named.(string)
	if len(alg) < 3 || hashes[alg[len(alg)-3:]] == 0 || alg[:2] != s.algorithm()[:2] {
		alg = s.algorithm()
	}
	hash := hashes[alg[len(alg)-3:]]
	if s.pair == nil {
		m := hmac.New(hash.New, []byte(secret))
		m.Write([]byte(input))
		return m.Sum(nil)
	}
	if alg == "EdDSA" {
		return must(s.pair.signer.Sign(nil, []byte(input), crypto.Hash(0)))
	}
	h := hash.New()
	h.Write([]byte(input))
	switch key := s.pair.signer.(type) {
	case *ecdsa.PrivateKey:
		r, v, err := ecdsa.Sign(rand.Reader, key, h.Sum(nil))
		if err != nil {
			panic(err)
		}
		n := (key.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, n)), v.FillBytes(make([]byte, n))...)
	default:
		if strings.HasPrefix(alg, "PS") {
			return must(key.Sign(rand.Reader, h.Sum(nil), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}))
		}
		return must(key.Sign(rand.Reader, h.Sum(nil), hash))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint(err))
	}
	return v
}
