package gate_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// provider is another program: it signs tokens for this one, and publishes the keys that
// verify them.
func provider(name string) (*gate.Gate, *keys.Set) {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		log.Fatal(err)
	}
	published, err := keys.FromPublic(keys.ES256, key.Public())
	if err != nil {
		log.Fatal(err)
	}
	set, err := keys.NewSet(nil, published)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{
		Keys:   key.WithID(key.Thumbprint()),
		Create: gate.Create{Issuer: name, Audience: []string{"orders"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	return g, set
}

// Tokens of two other issuers, and none of one's own: each issuer has its keys, and no
// other key speaks for it. Keys behind a URL are in package keys/jwks.
func Example_issuers() {
	login, loginKeys := provider("https://login.example")
	partner, partnerKeys := provider("https://partner.example")
	liar, _ := provider("https://login.example") // has no key that counts

	g, err := gate.New(gate.Config{Issuers: []gate.Issuer{
		{Name: "https://login.example", Keys: loginKeys, Audiences: []string{"orders"}},
		{Name: "https://partner.example", Keys: partnerKeys, Audiences: []string{"orders"}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for _, from := range []*gate.Gate{login, partner, liar} {
		raw, err := from.CreateAccessToken(ctx, "42", gate.TokenOptions{})
		if err != nil {
			log.Fatal(err)
		}
		t, err := g.CheckToken(ctx, raw, gate.Policy{})
		if err != nil {
			fmt.Println("refused:", err)
			continue
		}
		fmt.Printf("user %s of %s\n", t.Subject, t.VerifiedIssuer())
	}
	// Output:
	// user 42 of https://login.example
	// user 42 of https://partner.example
	// refused: gate: No accepted key has the token's kid
}
