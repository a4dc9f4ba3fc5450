package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

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
func ExampleConfig_keys() {
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
	// Output:
	// alice by the key of south
	// gate: No accepted key has the token's kid
}
