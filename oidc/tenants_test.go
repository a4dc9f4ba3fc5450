package oidc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/oidc"
)

// TestKeysOfTenants: the key of one tenant signs no tokens of another one.
func TestKeysOfTenants(t *testing.T) {
	const at, shared = "https://login.microsoftonline.com/", "https://login.microsoftonline.com/{tenantid}/v2.0"
	all, own := must(keys.Generate(keys.RS256)).WithID("all"), must(keys.Generate(keys.RS256)).WithID("own")
	jwk := func(k *keys.Key, issuer string) string {
		return strings.Replace(string(must(k.MarshalJSON())), "{", fmt.Sprintf(`{"issuer":%q,`, issuer), 1)
	}
	n := network{
		at + "common/v2.0/.well-known/openid-configuration": metadata(shared, at+"common/discovery/v2.0/keys"),
		at + "common/discovery/v2.0/keys":                   `{"keys":[` + jwk(all, shared) + "," + jwk(own, at+other+"/v2.0") + `]}`,
	}
	i, err := oidc.Discover(t.Context(), shared, oidc.Options{Audiences: []string{"api"}, Profile: oidc.EntraV2(), Keys: n.options()})
	if err != nil {
		t.Fatal(err)
	}
	g := must(gate.New(gate.Config{Issuers: []gate.Issuer{i}}))
	for _, tt := range []struct {
		name        string
		key         *keys.Key
		tenant, tid string
		want        error
	}{
		{"the key of all", all, tenant, tenant, nil},
		{"the key of all, for its tenant", all, other, other, nil},
		{"the key of a tenant", own, other, other, nil},
		{"the key of a tenant, for another", own, tenant, tenant, gate.ErrInvalid},
		{"the key of a tenant, for another with its tid", own, tenant, other, gate.ErrInvalid},
	} {
		raw := gatetest.Token(t, tt.key, claims{
			"iss": at + tt.tenant + "/v2.0", "tid": tt.tid, "aud": "api", "ver": "2.0", "azp": "web", "type": nil, "fresh": nil, "jti": nil,
		})
		if tok, err := g.CheckToken(t.Context(), raw, gate.Policy{}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, %v; want %v", tt.name, tok, err, tt.want)
		}
	}
}
