package gate_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

func TestNewRefusesIssuers(t *testing.T) {
	rsaKey := must(keys.Generate(keys.RS256))
	asPS := must(keys.FromPublic(keys.PS256, rsaKey.Public()))
	secretAgain := must(keys.HMAC(keys.HS256, []byte(secret))).WithID("another name")
	for _, tt := range []struct {
		name string
		set  func(c *gate.Config, bank, shop *gate.Issuer)
		want string
	}{
		{"no name", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "" }, "no Name"},
		{"no keys", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Keys = nil }, "no Keys"},
		{"nil key", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Keys = (*keys.Set)(nil) }, "no Keys"},
		{"nil key of the gate", func(c *gate.Config, _, _ *gate.Issuer) { c.Keys = (*keys.Key)(nil) }, "Config.Keys is nil"},
		{"nil blocklist", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Blocklist = (*nilBlocklist)(nil) }, "Blocklist is a nil"},
		{"no audience", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Audiences = nil }, "no Audiences"},
		{"an empty one", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Audiences = []string{"api", ""} }, "an empty one"},
		{"header type in upper case", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.HeaderTypes = []string{"JWT"} }, "HeaderTypes"},
		{"identity in a claim of another meaning", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.IdentityClaim = "aud" }, "IdentityClaim"},
		{"identity claim with a quote", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.IdentityClaim = `a"` }, "IdentityClaim"},

		{"one name twice", func(_ *gate.Config, bank, shop *gate.Issuer) { shop.Name = bank.Name }, "same name"},
		{"the gate's own name", func(c *gate.Config, bank, _ *gate.Issuer) { c.Create.Issuer = bank.Name }, "the gate's own tokens"},
		{"a name that the gate accepts", func(c *gate.Config, bank, _ *gate.Issuer) { c.Accept.Issuer = bank.Name }, "the gate's own tokens"},
		{"a tenant's name and its pattern", func(_ *gate.Config, bank, shop *gate.Issuer) {
			bank.Name, shop.Name = "https://a.example/{tenantid}/v2", "https://a.example/t-1/v2"
		}, "same name"},
		{"a pattern and the gate's own name", func(c *gate.Config, bank, _ *gate.Issuer) {
			bank.Name, c.Create.Issuer = "https://a.example/{tenantid}/v2", "https://a.example/me/v2"
		}, "the gate's own tokens"},
		{"one pattern twice", func(_ *gate.Config, bank, shop *gate.Issuer) {
			bank.Name, shop.Name = "https://a.example/{tenantid}", "https://a.example/{tenantid}"
		}, "same name"},
		{"two patterns that cross", func(_ *gate.Config, bank, shop *gate.Issuer) {
			bank.Name, shop.Name = "https://a.example/{tenantid}/v2", "https://a.example/t/{tenantid}"
		}, "same name"},
		{"another mark", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "https://a.example/{tenant}/v2" }, "{tenantid}"},
		{"mark twice", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "https://a.example/{tenantid}/{tenantid}" }, "{tenantid}"},
		{"mark as part of a segment", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "https://a.example/t-{tenantid}/v2" }, "{tenantid}"},
		{"mark at the beginning of a segment", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "https://a.example/{tenantid}.v2" }, "{tenantid}"},
		{"mark as the host", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "https://{tenantid}/v2" }, "{tenantid}"},
		{"mark as part of the host", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "https://{tenantid}.a.example/" }, "{tenantid}"},
		{"mark without a host", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "https:///{tenantid}" }, "{tenantid}"},
		{"mark alone", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "{tenantid}" }, "{tenantid}"},
		{"mark without a scheme", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "://a.example/{tenantid}" }, "{tenantid}"},

		{"one key in two issuers", func(_ *gate.Config, _, shop *gate.Issuer) { shop.Keys = public(shopKey, bankKey.WithID("k2")) }, "a key of another issuer"},
		{"one key, single and in a set", func(_ *gate.Config, _, shop *gate.Issuer) { shop.Keys = bankKey.WithID("another name") }, "a key of another issuer"},
		{"a key of the gate itself", func(c *gate.Config, bank, _ *gate.Issuer) { c.Keys = bankKey }, "a key of another issuer"},
		{"one key under two algorithms", func(_ *gate.Config, bank, shop *gate.Issuer) { bank.Keys, shop.Keys = rsaKey, asPS }, "a key of another issuer"},
		{"one secret", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Keys = secretAgain }, "a key of another issuer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := issuing()
			tt.set(&cfg, &cfg.Issuers[0], &cfg.Issuers[1])
			g, err := gate.New(cfg)
			if g != nil || err == nil || !strings.HasPrefix(err.Error(), "gate: Config.") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %v, %v; want an error with %q", g, err, tt.want)
			}
		})
	}
}

// The neighbours of what TestNewRefusesIssuers refuses.
func TestNewAcceptsIssuers(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(c *gate.Config, bank, shop *gate.Issuer)
	}{
		{"as they are", func(*gate.Config, *gate.Issuer, *gate.Issuer) {}},
		{"no audience, and said so", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Audiences, bank.Lenient.AnyOrigin = nil, true }},
		{"names that differ in a slash", func(_ *gate.Config, bank, shop *gate.Issuer) { shop.Name = bank.Name + "/" }},
		{"a name that is no URL", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Name = "bank" }},
		{"a pattern and what no tenant can be", func(_ *gate.Config, bank, shop *gate.Issuer) {
			bank.Name, shop.Name = "https://a.example/{tenantid}/v2", "https://a.example/a.b/v2"
		}},
		{"patterns of two hosts", func(_ *gate.Config, bank, shop *gate.Issuer) {
			bank.Name, shop.Name = "https://a.example/{tenantid}/v2", "https://b.example/{tenantid}/v2"
		}},
		{"patterns of two versions", func(_ *gate.Config, bank, shop *gate.Issuer) {
			bank.Name, shop.Name = "https://a.example/{tenantid}/v2", "https://a.example/{tenantid}/"
		}},
		{"another secret of the same algorithm", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Keys = must(keys.Generate(keys.HS256)) }},
		{"another secret of another algorithm", func(_ *gate.Config, bank, _ *gate.Issuer) { bank.Keys = must(keys.Generate(keys.HS512)) }},
		{"one source that lists no keys", func(_ *gate.Config, bank, shop *gate.Issuer) { bank.Keys = asked{bank.Keys}; shop.Keys = bank.Keys }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := issuing()
			tt.set(&cfg, &cfg.Issuers[0], &cfg.Issuers[1])
			if _, err := gate.New(cfg); err != nil {
				t.Error(err)
			}
		})
	}
}

// What the caller does to its Config later changes nothing.
func TestNewCopiesIssuers(t *testing.T) {
	cfg := issuing()
	cfg.Issuers[0].HeaderTypes = []string{"jwt"}
	g := newGate(t, cfg)
	cfg.Issuers[0].Audiences[0], cfg.Issuers[0].HeaderTypes[0] = "x", "x"
	cfg.Issuers[0].Name, cfg.Issuers[1] = "x", gate.Issuer{}
	_, err := g.CheckToken(context.Background(), mint(bankKey, claimsOf(bankName)), gate.Policy{})
	checkVerdict(t, err, "ok")
	_, err = g.CheckToken(context.Background(), mint(shopKey, claimsOf(shopName)), gate.Policy{})
	checkVerdict(t, err, "ok")
}
