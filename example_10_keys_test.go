package gate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Keys that are rotated, and a key for each tenant.
func Example_keys() {
	rotatedKeys()
	keyForEachTenant()
	// Output:
	// old token, both keys: <nil>
	// old token, new key: refused: true
	// new token, new key: <nil>
	// alice by the key of south
	// gate: No accepted key has the token's kid
}

// newPEM makes the text that `openssl genpkey` would have put into a file.
func newPEM() []byte {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		log.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// gateWith signs with the first key and accepts tokens of all of them.
func gateWith(sign *keys.Key, accept ...*keys.Key) *gate.Gate {
	set, err := keys.NewSet(sign, accept...)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: set})
	if err != nil {
		log.Fatal(err)
	}
	return g
}

// Keys from PEM files, rotated in three steps: sign with the old one, sign with the
// new one while both are accepted, drop the old one.
func rotatedKeys() {
	older, err := keys.FromPEM(keys.ES256, newPEM())
	if err != nil {
		log.Fatal(err)
	}
	newer, err := keys.FromPEM(keys.ES256, newPEM())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	before, during, after := gateWith(older), gateWith(newer, older), gateWith(newer)

	token, err := before.CreateAccessToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = during.CheckToken(ctx, token, gate.Policy{})
	fmt.Println("old token, both keys:", err)
	_, err = after.CheckToken(ctx, token, gate.Policy{})
	fmt.Println("old token, new key: refused:", errors.Is(err, gate.ErrInvalid))

	token, err = during.CreateAccessToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = after.CheckToken(ctx, token, gate.Policy{})
	fmt.Println("new token, new key:", err)
}

// member is the identity: somebody of a tenant.
type member struct{ Tenant, Name string }

// tenants is a key source with a key for each tenant, whose name is the key ID.
type tenants map[string]*keys.Key

// SigningKey chooses by the identity.
func (t tenants) SigningKey(_ context.Context, identity any) (*keys.Key, error) {
	m, ok := identity.(member)
	if !ok || t[m.Tenant] == nil {
		return nil, errors.New("no key for this identity")
	}
	return t[m.Tenant], nil
}

// VerificationKeys chooses by what the token says of itself: only a lookup, never a
// belief. No key means that the token is refused.
func (t tenants) VerificationKeys(_ context.Context, u keys.Unverified) ([]*keys.Key, error) {
	if k := t[u.KeyID()]; k != nil {
		return []*keys.Key{k}, nil
	}
	return nil, nil
}

// A key for each tenant.
func keyForEachTenant() {
	source := tenants{}
	for _, name := range []string{"north", "south"} {
		k, err := keys.Generate(keys.HS256)
		if err != nil {
			log.Fatal(err)
		}
		source[name] = k.WithID(name)
	}
	g, err := gate.New(gate.Config{
		Keys: source,
		Prepare: func(_ context.Context, d *gate.Draft) error {
			d.Identity = d.Identity.(member).Name
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	raw, err := g.CreateAccessToken(ctx, member{"south", "alice"}, gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	header, err := gate.Peek(raw)
	if err != nil {
		log.Fatal(err)
	}
	token, err := g.CheckToken(ctx, raw, gate.Policy{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Subject, "by the key of", header.KeyID())

	delete(source, "south")
	_, err = g.CheckToken(ctx, raw, gate.Policy{})
	fmt.Println(err)
}
