package gate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// TestReportsIssuers are reports of users who accept the tokens of others: what was
// sent, what became of it, and what must.
func TestReportsIssuers(t *testing.T) {
	ctx := context.Background()
	check := func(cfg gate.Config, raw string, p gate.Policy) string {
		g, err := gate.New(cfg)
		if err != nil {
			return "New refuses"
		}
		_, err = g.CheckToken(ctx, raw, p)
		return verdict(t, err)
	}
	with := func(edit func(c *gate.Config)) gate.Config {
		c := issuing()
		c.Clock = stopped
		edit(&c)
		return c
	}
	me := func(edits ...string) string {
		return mint(hs256, payload(append([]string{"iss", `"https://me.example"`}, edits...)...))
	}
	const pattern = "https://login.example/{tenantid}/v2.0"
	tenant := func(edits ...string) string {
		return mint(bankKey, claimsOf("https://login.example/11-22/v2.0", edits...))
	}
	for _, tt := range []struct {
		sent, before string
		outcome      func() string
		want         string
	}{
		{"a token of the provider, to a service without keys of its own",
			"New refused a Config without Keys, so a key was made that nothing needed", func() string {
				return check(with(func(c *gate.Config) { c.Keys, c.Create = nil, gate.Create{} }), mint(bankKey, claimsOf(bankName)), gate.Policy{})
			}, "ok"},
		{"a token that the shop has signed, with the bank as iss",
			"accepted: one set held the keys of both", func() string {
				return check(with(func(*gate.Config) {}), mint(shopKey, claimsOf(bankName)), gate.Policy{})
			}, "alg_mismatch"},
		{"a token that the shop has signed with a key of the bank's type, with the bank as iss",
			"accepted: one set held the keys of both", func() string {
				second := must(keys.Generate(keys.ES256)).WithID("k3")
				c := with(func(c *gate.Config) { c.Issuers[1].Keys = public(second) })
				return check(c, mint(second, claimsOf(bankName)), gate.Policy{})
			}, "key_unknown"},
		{"a token of the bank without iss",
			"accepted where no issuer was demanded", func() string {
				return check(with(func(*gate.Config) {}), mint(bankKey, payload("aud", `"api"`)), gate.Policy{})
			}, "issuer_unknown"},
		{"a token of the gate itself without a type, where the bank's tokens have none",
			"accepted: leniency for one was leniency for all", func() string {
				c := with(func(c *gate.Config) { c.Issuers[0].Lenient.AnyType = true })
				return check(c, me("type", ""), gate.Policy{}) + ", the bank's " + check(c, mint(bankKey, claimsOf(bankName, "type", "")), gate.Policy{})
			}, "claim_missing, the bank's ok"},
		{"a token of the shop for the audience of the bank's tokens",
			"accepted: all issuers had one list of audiences", func() string {
				c := with(func(c *gate.Config) { c.Issuers[0].Audiences = []string{"orders"} })
				return check(c, mint(shopKey, claimsOf(shopName, "aud", `"orders"`)), gate.Policy{})
			}, "aud_mismatch"},
		{"tokens of the shop, while the bank's key server is down",
			"503 for everybody: one source of keys fetched both sets", func() string {
				c := with(func(c *gate.Config) { c.Issuers[0].Keys = &recorder{err: errors.New("down")} })
				return check(c, mint(shopKey, claimsOf(shopName)), gate.Policy{}) + ", the bank's " + check(c, mint(bankKey, claimsOf(bankName)), gate.Policy{})
			}, "ok, the bank's failure"},
		{"a token of any tenant of a provider whose iss names the tenant",
			"refused, unless each tenant was listed", func() string {
				return check(with(func(c *gate.Config) { c.Issuers[0].Name = pattern }), tenant("tid", `"11-22"`), gate.Policy{})
			}, "ok"},
		{"the same, with the tid of another tenant",
			"accepted by services that let any iss pass and looked at tid", func() string {
				return check(with(func(c *gate.Config) { c.Issuers[0].Name = pattern }), tenant("tid", `"33"`), gate.Policy{})
			}, "tid_mismatch"},
		{"a token of the provider's user 1",
			"LoadUser saw sub 1 and loaded the gate's own user 1", func() string {
				c := with(func(c *gate.Config) {
					c.LoadUser = func(_ context.Context, t *gate.Token) (any, error) {
						return fmt.Sprintf("%s of %q", t.Subject, t.VerifiedIssuer()), nil
					}
				})
				tok := must(must(gate.New(c)).CheckToken(ctx, mint(bankKey, claimsOf(bankName, "sub", `"1"`)), gate.Policy{}))
				user, _ := gate.User[string](gate.NewContext(ctx, tok))
				return user
			}, `1 of "` + bankName + `"`},
		{"a refresh token of the bank, at the route that refreshes",
			"accepted, and a token of the gate's own came out", func() string {
				return check(with(func(*gate.Config) {}), mint(bankKey, claimsOf(bankName, "type", `"refresh"`)), gate.Policy{Type: gate.Refresh})
			}, "refresh_wanted"},
		{"a token of a partner whose secret writes the same header as the gate's own",
			"refused: the gate's own key was the only one tried", func() string {
				theirs := must(keys.Generate(keys.HS256))
				return check(with(func(c *gate.Config) { c.Issuers[0].Keys = theirs }), mint(theirs, claimsOf(bankName)), gate.Policy{})
			}, "ok"},
		{"a configuration with one issuer written twice, with a slash and a pattern",
			"taken as it was; which entry judged was a matter of order", func() string {
				return check(with(func(c *gate.Config) {
					c.Issuers[0].Name, c.Issuers[1].Name = pattern, "https://login.example/11-22/v2.0"
				}), "", gate.Policy{})
			}, "New refuses"},
		{"a configuration with an issuer and no audience",
			"taken as it was: tokens for every other service of that provider were accepted", func() string {
				return check(with(func(c *gate.Config) { c.Issuers[0].Audiences = nil }), "", gate.Policy{})
			}, "New refuses"},
	} {
		if got := tt.outcome(); got != tt.want {
			t.Errorf("%s (before: %s): %s, want %s", tt.sent, tt.before, got, tt.want)
		}
	}
}
