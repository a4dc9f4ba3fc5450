package gate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// Each issuer is judged by its own demands, and leniency for one helps no other.
func TestIssuersHaveDemandsOfTheirOwn(t *testing.T) {
	cfg := issuing()
	cfg.Accept.Audiences = []string{"me"}
	cfg.Issuers[0].HeaderTypes = []string{"at+jwt"}
	cfg.Issuers[1] = gate.Issuer{
		Name: shopName, Keys: public(shopKey), IdentityClaim: "email",
		Lenient: gate.Lenient{AnyOrigin: true, NoID: true, NoExpiry: true, AnyType: true, AnyFresh: true, AnySubject: true, AnyHeaderType: true},
	}
	bank := func(edits ...string) string {
		return mintWith(bankKey, `{"alg":"ES256","kid":"k1","typ":"at+jwt"}`, claimsOf(bankName, edits...))
	}
	shop := func(edits ...string) string {
		return mint(shopKey, claimsOf(shopName, append([]string{"email", `"a@b.example"`}, edits...)...))
	}
	me := func(edits ...string) string {
		return mint(hs256, payload(append([]string{"iss", `"https://me.example"`, "aud", `"me"`}, edits...)...))
	}
	for _, tt := range []struct{ name, raw, want string }{
		{"bank", bank(), "ok"},
		{"bank, audience of the gate", bank("aud", `"me"`), "aud_mismatch"},
		{"bank, no audience", bank("aud", ""), "aud_missing"},
		{"bank, typ of the gate", mint(bankKey, claimsOf(bankName)), "typ_mismatch"},
		{"bank, no jti", bank("jti", ""), "claim_missing"},
		{"bank, no exp", bank("exp", ""), "exp_missing"},
		{"bank, no type", bank("type", ""), "claim_missing"},
		{"bank, fresh of a wrong type", bank("fresh", `"x"`), "fresh_type"},
		{"bank, sub a number", bank("sub", "1"), "sub_type"},
		{"shop", shop(), "ok"},
		{"shop, another's audience", shop("aud", `"x"`), "ok"},
		{"shop, no audience", shop("aud", ""), "ok"},
		{"shop, no jti, exp, type", shop("jti", "", "exp", "", "type", ""), "ok"},
		{"shop, sub a number", shop("sub", "1"), "ok"},
		{"shop, fresh of a wrong type", shop("fresh", `"x"`), "ok"},
		{"shop, any typ", mintWith(shopKey, `{"alg":"EdDSA","kid":"k1","typ":"x"}`, claimsOf(shopName, "email", `"a@b.example"`)), "ok"},
		{"shop, without its identity", mint(shopKey, claimsOf(shopName)), "claim_missing"},
		{"own", me(), "ok"},
		{"own, audience of the others", me("aud", `"api"`), "aud_mismatch"},
		{"own, no jti", me("jti", ""), "claim_missing"},
		{"own, no exp", me("exp", ""), "exp_missing"},
		{"own, no type", me("type", ""), "claim_missing"},
		{"own, sub a number", me("sub", "1"), "sub_type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newGate(t, cfg).CheckToken(t.Context(), tt.raw, gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
	g := newGate(t, cfg)
	if id := must(g.CheckToken(t.Context(), shop(), gate.Policy{})).Identity(); id != "a@b.example" {
		t.Errorf("identity of the shop's user = %v, want that of its claim email", id)
	}
	if id := must(g.CheckToken(t.Context(), me("email", `"x"`), gate.Policy{})).Identity(); id != "alice" {
		t.Errorf("identity of the gate's user = %v, want alice", id)
	}
}

// blockAll refuses every token, and tells whose it was.
type blockAll struct{ seen []string }

func (b *blockAll) Blocked(_ context.Context, t *gate.Token) (bool, error) {
	b.seen = append(b.seen, t.VerifiedIssuer())
	return true, nil
}

func TestIssuersHaveBlocklistsOfTheirOwn(t *testing.T) {
	var common, banks blockAll
	cfg := issuing()
	cfg.Blocklist, cfg.Issuers[0].Blocklist = &common, &banks
	g := newGate(t, cfg)
	for _, raw := range []string{
		mint(bankKey, claimsOf(bankName)), mint(shopKey, claimsOf(shopName)), mint(hs256, claimsOf("https://me.example", "aud", "")),
	} {
		_, err := g.CheckToken(t.Context(), raw, gate.Policy{})
		checkVerdict(t, err, "revoked")
	}
	if !slices.Equal(banks.seen, []string{bankName}) || !slices.Equal(common.seen, []string{shopName, ""}) {
		t.Errorf("the bank's list was asked about %q, the common one about %q", banks.seen, common.seen)
	}
	_, err := g.CheckToken(t.Context(), mint(bankKey, claimsOf(bankName)), gate.Policy{SkipBlocklist: true})
	checkVerdict(t, err, "ok")
}

// A source that fails is the trouble of those alone whose tokens it verifies.
func TestIssuerDown(t *testing.T) {
	cfg := issuing()
	bank := &recorder{Source: cfg.Issuers[0].Keys, err: errors.New("no route to host")}
	cfg.Issuers[0].Keys = bank
	for _, own := range []keys.Source{hs256, asked{hs256}} {
		bank.asked, cfg.Keys = 0, own
		g := newGate(t, cfg)
		for _, tt := range []struct{ name, raw, want string }{
			{"names the bank", mint(bankKey, claimsOf(bankName)), "failure"},
			{"names the shop", mint(shopKey, claimsOf(shopName)), "ok"},
			{"the gate's own", mint(hs256, claimsOf("https://me.example", "aud", "")), "ok"},
			{"the bank's key, names the shop", mint(bankKey, claimsOf(shopName)), "alg_mismatch"},
			{"forged, names the gate", mint(must(keys.Generate(keys.HS256)), claimsOf("https://me.example", "aud", "")), "signature"},
			{"names nobody", mint(bankKey, payload()), "issuer_unknown"},
		} {
			_, err := g.CheckToken(t.Context(), tt.raw, gate.Policy{})
			checkVerdict(t, err, tt.want)
		}
		if bank.asked != 1 {
			t.Errorf("the bank was asked %d times, want once", bank.asked)
		}
	}
}

// Another issuer may write the very header that the gate itself writes.
func TestIssuerWithTheHeaderOfTheGate(t *testing.T) {
	theirs := must(keys.Generate(keys.HS256))
	cfg := issuing()
	cfg.Issuers = []gate.Issuer{{Name: bankName, Keys: theirs, Audiences: []string{"api"}}}
	g := newGate(t, cfg)
	for _, tt := range []struct{ name, raw, want string }{
		{"own", mint(hs256, claimsOf("https://me.example", "aud", "")), "ok"},
		{"theirs", mint(theirs, claimsOf(bankName)), "ok"},
		{"theirs, says it is own", mint(theirs, claimsOf("https://me.example", "aud", "")), "signature"},
		{"own, says it is theirs", mint(hs256, claimsOf(bankName)), "iss_mismatch"},
		{"own, with a payload that is not JSON", mint(hs256, "x"), "payload_json"},
	} {
		_, err := g.CheckToken(t.Context(), tt.raw, gate.Policy{})
		checkVerdict(t, err, tt.want)
	}
}

// Two sources that cannot list their keys may hold one key, which New cannot see. The
// cache keeps their tokens apart all the same, and forgets with the source.
func TestCacheKeepsIssuersApart(t *testing.T) {
	cfg := issuing()
	bank, shop := &source{keys: []*keys.Key{bankKey}}, &source{keys: []*keys.Key{bankKey}}
	cfg.Issuers[0].Keys, cfg.Issuers[1].Keys = bank, shop
	g := newGate(t, cfg)
	ofBank, ofShop := mint(bankKey, claimsOf(bankName)), mint(bankKey, claimsOf(shopName))
	for range 2 {
		for raw, want := range map[string]string{ofBank: bankName, ofShop: shopName} {
			tok, err := g.CheckToken(t.Context(), raw, gate.Policy{})
			if err != nil || tok.VerifiedIssuer() != want {
				t.Errorf("token of %s: %v, %v", want, tok.VerifiedIssuer(), err)
			}
		}
	}
	bank.keys = []*keys.Key{shopKey}
	_, err := g.CheckToken(t.Context(), ofBank, gate.Policy{})
	checkVerdict(t, err, "alg_mismatch")
	_, err = g.CheckToken(t.Context(), ofShop, gate.Policy{})
	checkVerdict(t, err, "ok")
}

// A gate without keys verifies what others sign and creates nothing.
func TestGateWithoutKeys(t *testing.T) {
	g := must(gate.New(gate.Config{Clock: stopped, Issuers: issuing().Issuers}))
	_, err := g.CheckToken(t.Context(), mint(bankKey, claimsOf(bankName)), gate.Policy{})
	checkVerdict(t, err, "ok")
	for _, raw := range []string{token(), mint(hs256, claimsOf("https://me.example")), mint(bankKey, payload())} {
		_, err := g.CheckToken(t.Context(), raw, gate.Policy{})
		checkVerdict(t, err, "issuer_unknown")
	}
	if _, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}); !errors.Is(err, keys.ErrCannotSign) || !strings.Contains(fmt.Sprint(err), "Config.Keys") {
		t.Errorf("CreateAccessToken: error = %v, want ErrCannotSign that names Config.Keys", err)
	}
}

// A gate whose own tokens name no issuer takes those, and no other, for its own.
func TestIssuersAndNoNameOfOnesOwn(t *testing.T) {
	cfg := issuing()
	cfg.Create.Issuer = ""
	strict := newGate(t, cfg)
	cfg.Accept.Lenient.AnyOrigin = true
	lenient := newGate(t, cfg)
	for _, tt := range []struct{ name, raw, strict, lenient string }{
		{"names nobody", token(), "ok", "ok"},
		{"names a stranger", token("iss", `"x"`), "iss_mismatch", "ok"},
		{"names the empty text", token("iss", `""`), "iss_mismatch", "ok"},
		{"names the bank", token("iss", quoted(bankName)), "iss_mismatch", "iss_mismatch"},
		{"a list", token("iss", "[]"), "iss_type", "iss_type"},
		{"the bank's", mint(bankKey, claimsOf(bankName)), "ok", "ok"},
	} {
		_, err := strict.CheckToken(t.Context(), tt.raw, gate.Policy{})
		checkVerdict(t, err, tt.strict)
		_, err = lenient.CheckToken(t.Context(), tt.raw, gate.Policy{})
		checkVerdict(t, err, tt.lenient)
	}
}

// readiness answers as a Readier.
type readiness struct {
	keys.Source
	gate.Blocklist
	err error
}

func (r readiness) Ready(context.Context, gate.Needs) error { return r.err }

func TestReadyAsksIssuers(t *testing.T) {
	cfg := issuing()
	cfg.Issuers[0].Keys = readiness{Source: cfg.Issuers[0].Keys, err: errors.New("no route to the bank")}
	cfg.Issuers[1].Blocklist = readiness{err: errors.New("the shop's list is away")}
	err := newGate(t, cfg).Ready(t.Context())
	for _, want := range []string{`key source of "` + bankName + `": no route to the bank`, `blocklist of "` + shopName + `": the shop's list is away`} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("Ready = %v, want an error with %s", err, want)
		}
	}
	cfg = issuing()
	cfg.Issuers[0].Keys = must(keys.NewRing(keys.RingOptions{Lifetime: time.Hour}, keys.RingKey{Key: bankKey, From: time.Now().Add(time.Hour)}))
	if err := newGate(t, cfg).Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "pending") {
		t.Errorf("Ready = %v, want the error of a ring whose key is pending", err)
	}
	if err := newGate(t, issuing()).Ready(t.Context()); err != nil {
		t.Errorf("Ready = %v, want nil where no part is a Readier", err)
	}
	if err := must(gate.New(gate.Config{Issuers: issuing().Issuers})).Ready(t.Context()); err != nil {
		t.Errorf("Ready = %v, want nil for a gate without keys of its own", err)
	}
}

// Tokens of other issuers open what an access token opens, and nothing comes of them.
func TestIssuersOpenNoMoreThanAccess(t *testing.T) {
	cfg := issuing()
	cfg.Create.Types = []gate.TokenType{"reset"}
	cfg.Issuers[1].Lenient.AnyType = true
	g := newGate(t, cfg)
	for _, tt := range []struct {
		name, raw string
		typ       gate.TokenType
		want      string
	}{
		{"access", mint(bankKey, claimsOf(bankName)), gate.Access, "ok"},
		{"access, where any is welcome", mint(bankKey, claimsOf(bankName)), gate.AnyTokenType, "ok"},
		{"refresh", mint(bankKey, claimsOf(bankName, "type", `"refresh"`)), gate.Refresh, "refresh_wanted"},
		{"refresh, where any is welcome", mint(bankKey, claimsOf(bankName, "type", `"refresh"`)), gate.AnyTokenType, "access_wanted"},
		{"a type of the gate", mint(bankKey, claimsOf(bankName, "type", `"reset"`)), "reset", "type_wanted"},
		{"no type, leniently", mint(shopKey, claimsOf(shopName, "type", "")), gate.Access, "ok"},
		{"another type, leniently", mint(shopKey, claimsOf(shopName, "type", `"Bearer"`)), gate.Access, "ok"},
		{"refresh, leniently", mint(shopKey, claimsOf(shopName, "type", `"refresh"`)), gate.Access, "access_wanted"},
		{"a type of the gate, leniently", mint(shopKey, claimsOf(shopName, "type", `"reset"`)), gate.Access, "access_wanted"},
		{"a type of the gate for itself, leniently", mint(shopKey, claimsOf(shopName, "type", `"reset"`)), "reset", "type_wanted"},
	} {
		_, err := g.CheckToken(t.Context(), tt.raw, gate.Policy{Type: tt.typ})
		if got := verdict(t, err); got != tt.want {
			t.Errorf("%s: verdict = %s, want %s", tt.name, got, tt.want)
		}
	}
	foreign := must(g.CheckToken(t.Context(), mint(bankKey, claimsOf(bankName)), gate.Policy{}))
	if _, _, err := g.Issue(t.Context(), gate.Access, "alice", gate.TokenOptions{From: foreign}); err == nil || !strings.Contains(err.Error(), "another issuer") {
		t.Errorf("Issue from a token of the bank: error = %v, want one that says so", err)
	}
	_, own, err := g.Issue(t.Context(), gate.Access, "alice", gate.TokenOptions{})
	if err != nil || own.VerifiedIssuer() != "" || own.VerifiedKey() != hs256 {
		t.Fatalf("Issue: %v, %v; want a token of the gate's own key", own, err)
	}
	if _, _, err := g.Issue(t.Context(), gate.Access, "alice", gate.TokenOptions{From: own}); err != nil {
		t.Errorf("Issue from a token of its own: %v", err)
	}
}
