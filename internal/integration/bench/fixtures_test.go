// Package bench_test compares the speed of the gate with other libraries and with a
// hand-written lower bound, in one run.
package bench_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"
	"time"

	cristalhq "github.com/cristalhq/jwt/v5"
	jose "github.com/go-jose/go-jose/v4"
	golang "github.com/golang-jwt/jwt/v5"
	kataras "github.com/kataras/jwt"
	"github.com/lestrrat-go/jwx/v3/jwa"
	pascaldekloe "github.com/pascaldekloe/jwt"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/bench/floor"
	"github.com/jwtgate/gate/keys"
)

// fixture is one algorithm with its key, in the form that each library takes.
type fixture struct {
	alg    string // as in "hs256"
	name   string // as in "HS256"
	tok    string
	forged string

	gate, cached *gate.Gate // without and with the cache of verified tokens
	sessionless  *gate.Gate // creates tokens without "sid"

	verify func(string, *floor.Claims, int64) error
	mint   func(*floor.Claims)

	public, private any
	golang          golang.SigningMethod
	jwx             jwa.SignatureAlgorithm
	jose            jose.SignatureAlgorithm
	kataras         kataras.Alg
	verifier        cristalhq.Verifier
	signer          cristalhq.Signer
	check           func([]byte) (*pascaldekloe.Claims, error)
	sign            func(*pascaldekloe.Claims) ([]byte, error)
}

var secret = []byte("0123456789abcdef0123456789abcdef")

// claims are those of a typical access token.
var claims = func() floor.Claims {
	now := time.Now().Unix()
	return floor.Claims{Fresh: true, IAT: now, JTI: "6f1c3d1e-8f0a-4a53-9d57-0d2f5a3e7b11", Type: "access", Sub: "user-12345",
		NBF: now, CSRF: "0b9e1a6c-52a9-4b4e-b6a7-0cb5a3b2f7de", EXP: now + 86400}
}()

// The claims beside the registered ones, for libraries that decode into structs.
type private struct {
	Fresh bool   `json:"fresh"`
	Type  string `json:"type"`
	CSRF  string `json:"csrf"`
}

func others() private { return private{claims.Fresh, claims.Type, claims.CSRF} }

var (
	errSubject  = errors.New("wrong subject")
	errAccepted = errors.New("a bad token was accepted")
	errExpired  = errors.New("expired")
)

// same finds a body that did not do its work.
func same(subject string, err error) error {
	if err == nil && subject != claims.Sub {
		return errSubject
	}
	return err
}

func newGate(t *testing.T, k *keys.Key, cache int) *gate.Gate {
	t.Helper()
	g, err := gate.New(gate.Config{Keys: k, Accept: gate.Accept{Limits: gate.Limits{CacheEntries: cache}}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// must is for constructors that cannot fail with keys that were just made.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func fixtures(t *testing.T) []*fixture {
	list := []*fixture{hs256(), rs256(), es256(), eddsa()}
	for _, f := range list {
		k := must(keys.HMAC(keys.HS256, secret))
		if f.name != "HS256" {
			k = must(keys.FromSigner(keys.Algorithm(f.name), signerOf(f.private)))
		}
		f.alg = strings.ToLower(f.name)
		f.gate, f.cached = newGate(t, k, -1), newGate(t, k, 0)
		f.sessionless = must(gate.New(gate.Config{Keys: k, Create: gate.Create{OmitSession: true}}))
		f.forged = forge(f.tok)
	}
	return list
}

// forge changes one character of the signature.
func forge(tok string) string {
	x := []byte(tok)
	i := len(x) - 12
	if x[i] != 'A' {
		x[i] = 'A'
	} else {
		x[i] = 'B'
	}
	return string(x)
}

func hs256() *fixture {
	hs := floor.NewHS(secret)
	v := must(cristalhq.NewVerifierHS(cristalhq.HS256, secret))
	p := must(pascaldekloe.NewHMAC("HS256", secret))
	return &fixture{
		name: "HS256", tok: hs.Sign(&claims), verify: hs.Verify, mint: func(c *floor.Claims) { hs.Sign(c) },
		public: secret, private: secret, golang: golang.SigningMethodHS256, jwx: jwa.HS256(), jose: jose.HS256, kataras: kataras.HS256,
		verifier: v, signer: v, check: p.Check, sign: func(c *pascaldekloe.Claims) ([]byte, error) { return p.Sign(c) },
	}
}

func asymmetric(name string, sign floor.Signer) *fixture {
	head := floor.HeaderB64(name)
	return &fixture{name: name, tok: floor.SignWith(head, &claims, sign), mint: func(c *floor.Claims) { floor.SignWith(head, c, sign) }}
}

func rs256() *fixture {
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	f := asymmetric("RS256", floor.RSSigner(key))
	f.verify, f.public, f.private = floor.NewRS(&key.PublicKey).Verify, &key.PublicKey, key
	f.golang, f.jwx, f.jose, f.kataras = golang.SigningMethodRS256, jwa.RS256(), jose.RS256, kataras.RS256
	f.verifier, f.signer = must(cristalhq.NewVerifierRS(cristalhq.RS256, &key.PublicKey)), must(cristalhq.NewSignerRS(cristalhq.RS256, key))
	f.check = func(tok []byte) (*pascaldekloe.Claims, error) { return pascaldekloe.RSACheck(tok, &key.PublicKey) }
	f.sign = func(c *pascaldekloe.Claims) ([]byte, error) { return c.RSASign("RS256", key) }
	return f
}

func es256() *fixture {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	f := asymmetric("ES256", floor.ESSigner(key))
	f.verify, f.public, f.private = floor.NewES(&key.PublicKey).Verify, &key.PublicKey, key
	f.golang, f.jwx, f.jose, f.kataras = golang.SigningMethodES256, jwa.ES256(), jose.ES256, kataras.ES256
	f.verifier, f.signer = must(cristalhq.NewVerifierES(cristalhq.ES256, &key.PublicKey)), must(cristalhq.NewSignerES(cristalhq.ES256, key))
	f.check = func(tok []byte) (*pascaldekloe.Claims, error) { return pascaldekloe.ECDSACheck(tok, &key.PublicKey) }
	f.sign = func(c *pascaldekloe.Claims) ([]byte, error) { return c.ECDSASign("ES256", key) }
	return f
}

func eddsa() *fixture {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	must(key, err)
	f := asymmetric("EdDSA", floor.EdSigner(key))
	f.verify, f.public, f.private = floor.NewEd(public).Verify, public, key
	f.golang, f.jwx, f.jose, f.kataras = golang.SigningMethodEdDSA, jwa.EdDSA(), jose.EdDSA, kataras.EdDSA
	f.verifier, f.signer = must(cristalhq.NewVerifierEdDSA(public)), must(cristalhq.NewSignerEdDSA(key))
	f.check = func(tok []byte) (*pascaldekloe.Claims, error) { return pascaldekloe.EdDSACheck(tok, public) }
	f.sign = func(c *pascaldekloe.Claims) ([]byte, error) { return c.EdDSASign(key) }
	return f
}
