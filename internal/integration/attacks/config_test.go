package attacks_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/attacks"
	"github.com/jwtgate/gate/keys"
)

// construction is what a case of layer config may set. A pointer is nil where the
// case does not set it.
type construction struct {
	Alg           *string   `json:"alg"`
	Algs          *[]string `json:"algs"`
	SecretLen     *int      `json:"secretLen"`
	SecretRepeat  string    `json:"secretRepeat"`
	SecretText    *string   `json:"secretText"`
	RSABits       int       `json:"rsaBits"`
	RSAE          *int      `json:"rsaE"`
	ROCA          bool      `json:"roca"`
	Curve         string    `json:"curve"`
	OffCurve      bool      `json:"offCurve"`
	JWKUse        *string   `json:"jwkUse"`
	KeyOps        *[]string `json:"keyOps"`
	Locations     *[]string `json:"locations"`
	LeewaySeconds *int      `json:"leewaySeconds"`
	SameSite      string    `json:"sameSite"`
	Secure        *bool     `json:"secure"`
	CookieName    string    `json:"cookieName"`
	Domain        string    `json:"domain"`
}

// runConfig runs a case of layer config: somewhere between the key and New, the
// construction has to fail, and with the honest value in its place it must not.
func runConfig(t *testing.T, c *attacks.Corpus, e *attacks.Entry) {
	x := expected(t, e)
	for _, m := range e.MustNot {
		if m != "silent acceptance" && m != "panic" {
			t.Errorf("mustNot %q is not known", m)
		}
	}
	var k construction
	if err := attacks.Strict(e.Config, &k); err != nil {
		t.Fatalf("config: %v", err)
	}
	err := k.build(c)
	if x.Outcome == "reject" && err == nil {
		t.Errorf("constructed, want refused: %s", e.Title)
	}
	if x.Outcome == "accept" && err != nil {
		t.Errorf("refused (%v), want constructed: %s", err, e.Title)
	}
	honest := k.honest()
	if err := honest.build(c); err != nil {
		t.Errorf("the honest counterpart is refused too: %v", err)
	}
}

// honest is the same construction with the bad value made good.
func (k construction) honest() construction {
	h := construction{Alg: k.Alg}
	if k.Alg != nil && *k.Alg == "none" {
		h.Alg = nil
	}
	if k.RSABits != 0 {
		h.RSABits = 2048
	}
	if k.Curve != "" {
		h.Curve = "P-256"
	}
	if k.Locations != nil {
		h.Locations = &[]string{"headers", "cookies"}
	}
	if k.JWKUse != nil {
		h.JWKUse = new("sig")
	}
	if k.KeyOps != nil {
		h.KeyOps = &[]string{"verify"}
	}
	if k.LeewaySeconds != nil {
		h.LeewaySeconds = new(60)
	}
	if h.CookieName = k.CookieName; k.SameSite != "" {
		h.SameSite, h.Secure = k.SameSite, new(true)
	}
	return h
}

// build makes the key and the gate, and returns the first refusal.
func (k *construction) build(c *attacks.Corpus) error {
	if k.Algs != nil {
		return k.severalAlgorithms(c)
	}
	key, err := k.key(c)
	if err != nil {
		return err
	}
	cfg := gate.Config{Keys: key}
	hc := httpConfig{Locations: []string{"headers"}, CookieName: k.CookieName}
	if k.Locations != nil {
		hc.Locations = *k.Locations
	}
	if err := hc.apply(&cfg); err != nil {
		return err
	}
	cfg.Cookies.Domain = k.Domain
	cfg.Cookies.Insecure = k.Secure != nil && !*k.Secure
	sameSite, ok := map[string]http.SameSite{"": 0, "None": http.SameSiteNoneMode, "Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode}[k.SameSite]
	if !ok {
		return fmt.Errorf("sameSite %q is not known", k.SameSite)
	}
	cfg.Cookies.SameSite = sameSite
	if k.LeewaySeconds != nil {
		cfg.Accept.Leeway = time.Duration(*k.LeewaySeconds) * time.Second
	}
	_, err = gate.New(cfg)
	return err
}

// severalAlgorithms tries to give one key the algorithms of a list. There is no
// list to give: each way of naming another algorithm than the key's must fail.
func (k *construction) severalAlgorithms(c *attacks.Corpus) error {
	pub := new(rsaKey(c).PublicKey)
	if len(*k.Algs) == 0 {
		_, err1 := keys.HMAC("", secret(64))
		_, err2 := keys.FromPublic("", pub)
		_, err3 := gate.New(gate.Config{})
		return all(err1, err2, err3)
	}
	var errs []error
	for _, alg := range *k.Algs {
		_, err1 := keys.HMAC(keys.Algorithm(alg), secret(64))
		_, err2 := keys.FromPublic(keys.Algorithm(alg), pub)
		if err1 == nil && err2 == nil {
			return nil
		}
		_, err3 := keys.ParseJWK(keys.Algorithm(alg), c.Keys["rs-main"])
		if err1 == nil { // an HMAC: it must not take the public key
			errs = append(errs, err2, err3)
			continue
		}
		errs = append(errs, err1)
	}
	return all(errs...)
}

// all returns nil if one of errs is nil.
func all(errs ...error) error {
	if slices.Contains(errs, nil) {
		return nil
	}
	return errors.Join(errs...)
}

func (k *construction) key(c *attacks.Corpus) (*keys.Key, error) {
	alg := keys.HS256
	if k.Alg != nil {
		alg = keys.Algorithm(*k.Alg)
	}
	switch {
	case k.JWKUse != nil, k.KeyOps != nil:
		return k.jwk(c)
	case k.RSABits != 0, k.RSAE != nil, k.ROCA, alg == keys.RS256:
		return keys.FromPublic(alg, k.rsa(c))
	case k.Curve != "", k.OffCurve, alg == keys.ES256:
		return k.ec(alg)
	}
	s := secret(64)
	switch {
	case k.SecretText != nil:
		s = []byte(*k.SecretText)
	case k.SecretRepeat != "":
		s = bytes.Repeat([]byte(k.SecretRepeat), *k.SecretLen)
	case k.SecretLen != nil:
		s = secret(*k.SecretLen)
	}
	return keys.HMAC(alg, s)
}

func secret(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// jwk is the RSA key of the corpus with the purpose of the case.
func (k *construction) jwk(c *attacks.Corpus) (*keys.Key, error) {
	var m map[string]any
	if err := json.Unmarshal(c.Keys["rs-main"], &m); err != nil {
		return nil, err
	}
	public := map[string]any{"kty": m["kty"], "n": m["n"], "e": m["e"]}
	if k.JWKUse != nil {
		public["use"] = *k.JWKUse
	}
	if k.KeyOps != nil {
		public["key_ops"] = *k.KeyOps
	}
	text, err := json.Marshal(public)
	if err != nil {
		return nil, err
	}
	return keys.ParseJWK(keys.RS256, text)
}

func rsaKey(c *attacks.Corpus) *rsa.PrivateKey {
	key, err := attacks.RSAKey(c.Keys["rs-main"])
	if err != nil {
		panic(err)
	}
	return key
}

// rsa is the public key of the case. A modulus of another size, or with the
// fingerprint of ROCA, need not be a product of two primes to be refused.
func (k *construction) rsa(c *attacks.Corpus) *rsa.PublicKey {
	pub := rsaKey(c).PublicKey
	if k.RSAE != nil {
		pub.E = *k.RSAE
	}
	if k.RSABits != 0 && k.RSABits != pub.N.BitLen() {
		pub.N = modulus(k.RSABits)
	}
	if k.ROCA {
		pub.N = rocaModulus()
	}
	return &pub
}

// modulus is the product of two primes, for sizes up to what is quick to find; a
// longer one is the product of several.
func modulus(bits int) *big.Int {
	n := big.NewInt(1)
	for part := min(bits/2, 1024); n.BitLen() < bits; {
		p, err := rand.Prime(rand.Reader, part)
		if err != nil {
			panic(err)
		}
		n.Mul(n, p)
	}
	return n
}

// rocaModulus is a power of 65537 modulo each of the primes up to 167.
func rocaModulus() *big.Int {
	m := big.NewInt(2)
	for p := int64(3); p <= 167; p += 2 {
		if big.NewInt(p).ProbablyPrime(10) {
			m.Mul(m, big.NewInt(p))
		}
	}
	n := new(big.Int).Exp(big.NewInt(65537), big.NewInt(1234567), m)
	n.Add(n, new(big.Int).Lsh(m, uint(2048-m.BitLen())))
	if n.BitLen() < 2048 {
		n.Add(n, new(big.Int).Lsh(m, uint(2048-m.BitLen())))
	}
	return n
}

func (k *construction) ec(alg keys.Algorithm) (*keys.Key, error) {
	curve, ok := map[string]elliptic.Curve{"": elliptic.P256(), "P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Curve]
	if !ok {
		return nil, fmt.Errorf("curve %q is not known", k.Curve)
	}
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		return nil, err
	}
	pub := key.PublicKey
	if k.OffCurve {
		//lint:ignore SA1019 No other way makes a point that is not on the curve.
		pub.Y = new(big.Int).Xor(pub.Y, big.NewInt(1))
	}
	return keys.FromPublic(alg, &pub)
}
