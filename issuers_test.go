package gate_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

const bankName, shopName = "https://bank.example", "https://shop.example/"

var (
	bankKey = must(keys.Generate(keys.ES256)).WithID("k1")
	shopKey = must(keys.Generate(keys.EdDSA)).WithID("k1") // the same kid
)

// public is the set that an issuer publishes of its keys.
func public(list ...*keys.Key) *keys.Set {
	for n, k := range list {
		list[n] = must(keys.FromPublic(k.Algorithm(), k.Public())).WithID(k.ID())
	}
	return must(keys.NewSet(nil, list...))
}

// recorder is a source that counts how often it is asked.
type recorder struct {
	keys.Source
	err   error
	asked int
}

func (r *recorder) VerificationKeys(ctx context.Context, u keys.Unverified) ([]*keys.Key, error) {
	r.asked++
	if r.err != nil {
		return nil, r.err
	}
	return r.Source.VerificationKeys(ctx, u)
}

// issuing is the configuration of a gate "https://me.example" that accepts the tokens
// of bank and shop too.
func issuing() gate.Config {
	return gate.Config{
		Keys: hs256, Create: gate.Create{Issuer: "https://me.example"},
		Issuers: []gate.Issuer{
			{Name: bankName, Keys: public(bankKey), Audiences: []string{"api"}},
			{Name: shopName, Keys: public(shopKey), Audiences: []string{"api"}},
		},
	}
}

// claimsOf is the payload of a token of an issuer for the audience api.
func claimsOf(iss string, edits ...string) string {
	return payload(append([]string{"iss", quoted(iss), "aud", `"api"`}, edits...)...)
}

func quoted(s string) string { return `"` + s + `"` }

// Each key speaks for its own issuer and for nobody else.
func TestIssuersKeepTheirKeysApart(t *testing.T) {
	me := func(edits ...string) string {
		return payload(append([]string{"iss", quoted("https://me.example")}, edits...)...)
	}
	for _, tt := range []struct {
		name, raw, want, issuer string
		key                     *keys.Key
	}{
		{"the gate's own", mint(hs256, me()), "ok", "", hs256},
		{"the bank's", mint(bankKey, claimsOf(bankName)), "ok", bankName, bankKey},
		{"the shop's", mint(shopKey, claimsOf(shopName)), "ok", shopName, shopKey},

		{"the shop says it is the bank", mint(shopKey, claimsOf(bankName)), "alg_mismatch", "", nil},
		{"the bank says it is the shop", mint(bankKey, claimsOf(shopName)), "alg_mismatch", "", nil},
		{"the bank says it is the gate", mint(bankKey, me()), "alg_mismatch", "", nil},
		{"the bank names nobody", mint(bankKey, claimsOf("", "iss", "")), "issuer_unknown", "", nil},
		{"the bank names a stranger", mint(bankKey, claimsOf("https://x.example")), "issuer_unknown", "", nil},
		{"the gate's key says it is the bank", mint(hs256, claimsOf(bankName)), "iss_mismatch", "", nil},
		{"the gate's key names a stranger", mint(hs256, claimsOf("https://x.example")), "iss_mismatch", "", nil},
		{"the gate's key names nobody", mint(hs256, claimsOf("", "iss", "")), "iss_missing", "", nil},
		{"a stranger's key says it is the bank", mint(must(keys.Generate(keys.ES256)).WithID("k1"), claimsOf(bankName)), "signature", "", nil},
		{"a stranger's key under another kid", mint(must(keys.Generate(keys.ES256)).WithID("k2"), claimsOf(bankName)), "key_unknown", "", nil},
		{"a stranger's key under the gate's header", mint(must(keys.Generate(keys.HS256)), me()), "signature", "", nil},
		{"the same, with a broken signature", mint(must(keys.Generate(keys.HS256)), me()) + "=", "signature_encoding", "", nil},
		{"a secret under the bank's kid", mint(must(keys.Generate(keys.HS256)).WithID("k1"), claimsOf(bankName)), "alg_mismatch", "", nil},
		{"unsigned, says it is the bank", encode(`{"alg":"none","kid":"k1"}`) + "." + encode(claimsOf(bankName)) + ".", "alg_mismatch", "", nil},
		{"the bank's with a slash", mint(bankKey, claimsOf(bankName+"/")), "issuer_unknown", "", nil},
		{"the bank's in upper case", mint(bankKey, claimsOf("https://BANK.example")), "issuer_unknown", "", nil},
		{"the shop's without its slash", mint(shopKey, claimsOf(strings.TrimSuffix(shopName, "/"))), "issuer_unknown", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := issuing()
			cached := newGate(t, cfg)
			cfg.Accept.Limits.CacheEntries = -1
			for _, g := range []*gate.Gate{cached, cached, newGate(t, cfg)} { // the second time it comes from the cache
				tok, err := g.CheckToken(t.Context(), tt.raw, gate.Policy{})
				checkVerdict(t, err, tt.want)
				if tt.want != "ok" || err != nil {
					continue
				}
				if got := tok.VerifiedIssuer(); got != tt.issuer {
					t.Errorf("VerifiedIssuer = %q, want %q", got, tt.issuer)
				}
				if k := tok.VerifiedKey(); k.ID() != tt.key.ID() || k.Thumbprint() != tt.key.Thumbprint() {
					t.Errorf("VerifiedKey = %v, want %v", k, tt.key)
				}
			}
		})
	}
}

// What an issuer writes into "iss" chooses whose keys are asked, and only if it can be
// read in one way.
func TestUnverifiedIssuerIsReadStrictly(t *testing.T) {
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	for _, tt := range []struct {
		name, payload, want string
	}{
		{"plain", claimsOf(bankName), "ok"},
		{"spaces", `{ "iss" : "` + bankName + `" , ` + claimsOf(bankName, "iss", "")[1:], "ok"},
		{"escaped name", strings.Replace(claimsOf(bankName), `"iss"`, `"\u0069ss"`, 1), "ok"},
		{"escaped value", claimsOf(`https:\/\/bank\u002eexample`), "ok"},
		{"twice", `{"iss":"` + shopName + `",` + claimsOf(bankName)[1:], "issuer_unknown"},
		{"twice, once escaped", `{"\u0069ss":"` + shopName + `",` + claimsOf(bankName)[1:], "issuer_unknown"},
		{"another claim twice", `{"x":1,"x":1,` + claimsOf(bankName)[1:], "issuer_unknown"},
		{"in another object only", payload("x", `{"iss":"`+bankName+`"}`), "issuer_unknown"},
		{"in upper case", strings.Replace(claimsOf(bankName), `"iss"`, `"ISS"`, 1), "issuer_unknown"},
		{"number", claimsOf(bankName, "iss", "1"), "issuer_unknown"},
		{"null", claimsOf(bankName, "iss", "null"), "issuer_unknown"},
		{"list", claimsOf(bankName, "iss", `["`+bankName+`"]`), "issuer_unknown"},
		{"empty", claimsOf(""), "issuer_unknown"},
		{"NUL at the end", claimsOf(bankName + `\u0000`), "issuer_unknown"},
		{"behind deep nesting", claimsOf(bankName, "a", deep), "issuer_unknown"},
		{"behind many members", claimsOf(bankName, "a", "["+strings.Repeat("1,", 1100)+"1]"), "issuer_unknown"},
		{"not UTF-8", claimsOf(bankName, "a", "\"\xff\""), "issuer_unknown"},
		{"lone surrogate", claimsOf(bankName, "a", `"\ud800"`), "issuer_unknown"},
		{"more behind the object", claimsOf(bankName) + "{}", "issuer_unknown"},
		{"not an object", `["` + bankName + `"]`, "issuer_unknown"},
		{"nothing", ``, "payload_empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := issuing()
			bank, shop := &recorder{Source: cfg.Issuers[0].Keys}, &recorder{Source: cfg.Issuers[1].Keys}
			cfg.Keys, cfg.Issuers[0].Keys, cfg.Issuers[1].Keys = nil, bank, shop
			cfg.Create.Issuer, cfg.Clock = "", stopped
			_, err := must(gate.New(cfg)).CheckToken(t.Context(), mint(bankKey, tt.payload), gate.Policy{})
			checkVerdict(t, err, tt.want)
			if asked := bank.asked + shop.asked; (tt.want == "ok") != (asked == 1) || shop.asked > 0 {
				t.Errorf("the bank was asked %d times, the shop %d times", bank.asked, shop.asked)
			}
		})
	}
	t.Run("payload not base64url", func(t *testing.T) {
		raw := signed(bankKey, bankKey.Header()+".a+b")
		_, err := newGate(t, issuing()).CheckToken(t.Context(), raw, gate.Policy{})
		checkVerdict(t, err, "issuer_unknown")
	})
}

// A tenant's name fits in one segment, and is that of the claim "tid".
func TestTenants(t *testing.T) {
	const name = "https://login.example/{tenantid}/v2.0"
	at := func(tenant string, edits ...string) string {
		return mint(bankKey, claimsOf("https://login.example/"+tenant+"/v2.0", edits...))
	}
	for _, tt := range []struct{ name, raw, want string }{
		{"a tenant", at("a-1_B"), "ok"},
		{"with its tid", at("a", "tid", `"a"`), "ok"},
		{"with another tid", at("a", "tid", `"b"`), "tid_mismatch"},
		{"with a tid in upper case", at("a", "tid", `"A"`), "tid_mismatch"},
		{"with a tid that is no text", at("a", "tid", `1`), "tid_mismatch"},
		{"with a tid that is null", at("a", "tid", `null`), "tid_mismatch"},
		{"with a tid elsewhere", at("a", "x", `{"tid":"b"}`), "ok"},
		{"empty tenant", at(""), "issuer_unknown"},
		{"two segments", at("a/b"), "issuer_unknown"},
		{"escaped slash", at("a%2fb"), "issuer_unknown"},
		{"dots", at(".."), "issuer_unknown"},
		{"the mark itself", at("{tenantid}"), "issuer_unknown"},
		{"space", at("a "), "issuer_unknown"},
		{"not ASCII", at("ä"), "issuer_unknown"},
		{"another end", mint(bankKey, claimsOf("https://login.example/a/v1.0")), "issuer_unknown"},
		{"another beginning", mint(bankKey, claimsOf("https://evil.example/a/v2.0")), "issuer_unknown"},
		{"more at the end", mint(bankKey, claimsOf("https://login.example/a/v2.0/")), "issuer_unknown"},
		{"beginning and end share text", mint(bankKey, claimsOf("https://login.example/v2.0")), "issuer_unknown"},
		{"an issuer of text beside it", mint(shopKey, claimsOf(shopName)), "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := issuing()
			cfg.Issuers[0].Name = name
			g := newGate(t, cfg)
			for range 2 {
				tok, err := g.CheckToken(t.Context(), tt.raw, gate.Policy{})
				checkVerdict(t, err, tt.want)
				if err == nil && tok.VerifiedIssuer() != tok.Issuer {
					t.Errorf("VerifiedIssuer = %q, want %q", tok.VerifiedIssuer(), tok.Issuer)
				}
			}
		})
	}
}
