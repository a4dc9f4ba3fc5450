package oidc_test

import (
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/oidc"
)

// A token of another header type is none by RFC 9068.
func TestRFC9068HeaderType(t *testing.T) {
	p := providers()[0]
	key := must(keys.Generate(keys.ES256)).WithID("k1")
	g := must(gate.New(gate.Config{Issuers: []gate.Issuer{must(p.profile.Issuer(gate.Issuer{Name: p.issuer, Keys: publicOf(key), Audiences: []string{"api"}}))}}))
	for typ, want := range map[any]bool{"at+jwt": true, "application/at+jwt": true, "JWT": false, "id+jwt": false, nil: false} {
		_, err := g.CheckToken(t.Context(), gatetest.TokenWithHeader(t, key, claims{"typ": typ}, p.with(nil)), gate.Policy{})
		if (err == nil) != want {
			t.Errorf("typ %v: %v", typ, err)
		}
	}
}

// A gate makes such tokens, as docs/services.md shows.
func TestRFC9068FromGate(t *testing.T) {
	key := must(keys.Generate(keys.ES256)).WithID("k1")
	login := must(gate.New(gate.Config{Keys: key, Create: gate.Create{Issuer: name, Audience: []string{"orders"}}}))
	raw := must(login.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{
		Header: claims{"typ": "at+jwt"}, Claims: claims{"client_id": "web", "scope": "orders:read"},
	}))
	issuer := must(oidc.RFC9068().Issuer(gate.Issuer{Name: name, Keys: publicOf(key), Audiences: []string{"orders"}}))
	g := must(gate.New(gate.Config{Issuers: []gate.Issuer{issuer}}))
	tok, err := g.CheckToken(t.Context(), raw, gate.Policy{Scopes: []string{"orders:read"}})
	if err != nil || tok.Subject != "alice" {
		t.Errorf("the token is %v, error %v", tok, err)
	}
}
