package oidc_test

import (
	"context"
	"fmt"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/oidc"
)

// A gate makes access tokens by RFC 9068, and a service accepts them from one client.
func ExampleRFC9068() {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		panic(err)
	}
	login, err := gate.New(gate.Config{
		Keys:   key,
		Create: gate.Create{Issuer: "https://login.example", Audience: []string{"orders"}},
	})
	if err != nil {
		panic(err)
	}
	published, err := keys.FromPublic(keys.ES256, key.Public())
	if err != nil {
		panic(err)
	}
	issuer, err := oidc.RFC9068().Only("client_id", "web").Issuer(gate.Issuer{
		Name: "https://login.example", Keys: published, Audiences: []string{"orders"},
	})
	if err != nil {
		panic(err)
	}
	service, err := gate.New(gate.Config{Issuers: []gate.Issuer{issuer}})
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	for _, client := range []string{"web", "other"} {
		raw, err := login.CreateAccessToken(ctx, "alice", gate.TokenOptions{
			Header: map[string]any{"typ": "at+jwt"},
			Claims: map[string]any{"client_id": client},
		})
		if err != nil {
			panic(err)
		}
		_, err = service.CheckToken(ctx, raw, gate.Policy{})
		fmt.Println(client, err)
	}
	// Output:
	// web <nil>
	// other gate: This service accepts other tokens of this issuer, but not this one: the claim client_id is not web
}
