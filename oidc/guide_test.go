package oidc_test

// The functions of docs/providers.md.

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
	"github.com/jwtgate/gate/oidc"
)

func discovered(ctx context.Context, fetch jwks.Options) (*gate.Gate, error) {
	issuer, err := oidc.Discover(ctx, "https://login.example/realms/main", oidc.Options{
		Audiences: []string{"orders"},
		Profile:   oidc.Keycloak().Only("azp", "web", "mobile"),
		Keys:      fetch,
	})
	if err != nil {
		return nil, err
	}
	return gate.New(gate.Config{Issuers: []gate.Issuer{issuer}})
}

func configured(fetch jwks.Options) (*gate.Gate, error) {
	remote, err := jwks.New("https://login.example/realms/main/protocol/openid-connect/certs", fetch)
	if err != nil {
		return nil, err
	}
	issuer, err := oidc.Keycloak().Only("azp", "web", "mobile").Issuer(gate.Issuer{
		Name: "https://login.example/realms/main", Keys: remote, Audiences: []string{"orders"},
	})
	if err != nil {
		return nil, err
	}
	return gate.New(gate.Config{Issuers: []gate.Issuer{issuer}})
}

func TestGuideAccepts(t *testing.T) {
	key := must(keys.Generate(keys.RS256))
	key = key.WithID("1")
	const certs = name + "/protocol/openid-connect/certs"
	net := network{document: metadata(name, certs), certs: string(must(json.Marshal(must(keys.NewSet(nil, key)))))}
	g1, err1 := discovered(t.Context(), net.options())
	g2, err2 := configured(net.options())
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for client, want := range map[string]error{"web": nil, "other": gate.ErrInvalid} {
		raw := gatetest.Token(t, key, map[string]any{"iss": name, "aud": "orders", "azp": client, "typ": "Bearer", "type": nil})
		for _, g := range []*gate.Gate{g1, g2} {
			if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); !errors.Is(err, want) {
				t.Errorf("a token of the client %s: error = %v, want %v", client, err, want)
			}
		}
	}
}

func newAccessToken(ctx context.Context, g *gate.Gate, user string) (string, error) {
	return g.CreateAccessToken(ctx, user, gate.TokenOptions{
		Header: map[string]any{"typ": "at+jwt"},
		Claims: map[string]any{"client_id": "web", "scope": "orders:read"},
	})
}

func TestGuideMakesRFC9068(t *testing.T) {
	key := must(keys.Generate(keys.ES256))
	login := must(gate.New(gate.Config{Keys: key, Create: gate.Create{Issuer: name, Audience: []string{"orders"}}}))
	issuer := must(oidc.RFC9068().Issuer(gate.Issuer{Name: name, Keys: must(keys.FromPublic(keys.ES256, key.Public())), Audiences: []string{"orders"}}))
	service := must(gate.New(gate.Config{Issuers: []gate.Issuer{issuer}}))
	token, err := service.CheckToken(t.Context(), must(newAccessToken(t.Context(), login, "alice")), gate.Policy{Scopes: []string{"orders:read"}})
	if err != nil || token.Subject != "alice" {
		t.Errorf("the token is %v, error %v", token, err)
	}
}
