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

// The generations of another issuer's blocklist are not those of this one: a token of a
// great one would outlive every revocation here, and one of a small one would never get in
// again.
func TestGenerationOfAnotherIssuer(t *testing.T) {
	g := newGate(t, issuing())
	for _, tt := range []struct{ raw, want string }{
		{mint(bankKey, claimsOf(bankName, "gen", "0")), "0 false"},
		{mint(bankKey, claimsOf(bankName, "gen", "9007199254740991")), "0 false"},
		{token("iss", quoted("https://me.example"), "gen", "7"), "7 true"},
	} {
		tok, err := g.CheckToken(t.Context(), tt.raw, gate.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		gen, ok := tok.Generation()
		if got := fmt.Sprint(gen, ok); got != tt.want {
			t.Errorf("a token of %q: generation %s, want %s", tok.Issuer, got, tt.want)
		}
	}
}
