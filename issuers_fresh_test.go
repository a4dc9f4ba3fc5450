package gate_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Another issuer's claim "fresh" counts only if the issuer is a gate: at a provider a user
// or another application may have written it. "auth_time" counts where the configuration
// says for how long.
func TestFreshTokensOfIssuers(t *testing.T) {
	provider := gate.Issuer{Name: bankName, Keys: public(bankKey), Audiences: []string{"api"}}
	isGate, byLogin, both := provider, provider, provider
	isGate.IsGate = true
	byLogin.FreshFor = 10 * time.Minute
	both.IsGate, both.FreshFor = true, 10*time.Minute
	const ok, old, never = "ok", "not_fresh", "never_fresh"
	for _, tt := range []struct {
		claims                          []string
		provider, isGate, byLogin, both string
	}{
		{nil, never, old, old, old},
		{[]string{"fresh", "true"}, never, ok, old, ok},
		{[]string{"fresh", "false"}, never, old, old, old},
		{[]string{"fresh", at(60)}, never, ok, old, ok},
		{[]string{"fresh", at(-60)}, never, old, old, old},
		{[]string{"auth_time", at(-9 * 60)}, never, old, ok, ok},
		{[]string{"auth_time", at(-9*60) + ".75"}, never, old, ok, ok},
		{[]string{"auth_time", at(-11 * 60)}, never, old, old, old},
		{[]string{"auth_time", at(-11 * 60), "fresh", "true"}, never, ok, old, ok},
		{[]string{"auth_time", at(-11 * 60), "fresh", at(60)}, never, ok, old, ok},
		{[]string{"auth_time", at(-9 * 60), "fresh", at(-60)}, never, old, ok, ok},
		{[]string{"auth_time", at(-9 * 60), "fresh", "false"}, never, old, ok, ok},
		{[]string{"auth_time", `"` + at(-60) + `"`}, never, old, old, old},
		{[]string{"auth_time", "true"}, never, old, old, old},
		{[]string{"auth_time", "null"}, never, old, old, old},
		{[]string{"auth_time", "1e300"}, never, old, old, old},
		{[]string{"auth_time", "-1"}, never, old, old, old},
		{[]string{"auth_time", "0"}, never, old, old, old},
		// No token is fresh for longer than FreshFor after it was issued, nor if it does not say when.
		{[]string{"iat", at(-9 * 60), "auth_time", at(3600)}, never, old, ok, ok},
		{[]string{"iat", at(-11 * 60), "auth_time", at(3600)}, never, old, old, old},
		{[]string{"iat", "", "auth_time", at(-60)}, never, old, old, old},
	} {
		for name, issuer := range map[string]struct {
			gate.Issuer
			want string
		}{"a provider": {provider, tt.provider}, "a gate": {isGate, tt.isGate}, "by login": {byLogin, tt.byLogin}, "both": {both, tt.both}} {
			cfg := issuing()
			cfg.Issuers = []gate.Issuer{issuer.Issuer}
			g := newGate(t, cfg)
			for range 2 { // the second time from the cache
				raw := mint(bankKey, claimsOf(bankName, tt.claims...))
				_, err := g.CheckToken(t.Context(), raw, gate.Policy{Fresh: true})
				if got := verdict(t, err); got != issuer.want {
					t.Errorf("%s, %v: %s, want %s", name, tt.claims, got, issuer.want)
				}
				tok, err := g.CheckToken(t.Context(), raw, gate.Policy{})
				fresh := err == nil && (tok.Fresh || tok.FreshUntil.After(start))
				if err != nil || fresh != (issuer.want == ok) {
					t.Errorf("%s, %v: the handler sees fresh %v until %v, %v", name, tt.claims, tok.Fresh, tok.FreshUntil, err)
				}
			}
		}
	}
}

// A client is told how old a login may be at the issuer of its token, and not to log in
// again where that is of no use.
func TestChallengeOfIssuers(t *testing.T) {
	cfg := issuing()
	cfg.Issuers[1].FreshFor = time.Hour
	cfg.Issuers = append(cfg.Issuers, gate.Issuer{Name: "https://gate.example", Keys: public(hotelKey), Audiences: []string{"api"}, IsGate: true})
	g := newGate(t, cfg)
	for _, tt := range []struct {
		name, raw string
		status    int
		challenge string
	}{
		{"own", token("iss", quoted("https://me.example"), "fresh", "false"), 401, `Bearer error="insufficient_user_authentication", max_age="900"`},
		{"by login", mint(shopKey, claimsOf(shopName)), 401, `Bearer error="insufficient_user_authentication", max_age="3600"`},
		{"a gate", mint(hotelKey, claimsOf("https://gate.example", "fresh", "false")), 401, `Bearer error="insufficient_user_authentication"`},
		{"a provider", mint(bankKey, claimsOf(bankName, "fresh", "true")), 403, ""},
	} {
		_, err := g.CheckToken(t.Context(), tt.raw, gate.Policy{Fresh: true})
		status, h, _ := g.Answer(err)
		if got := h.Get("WWW-Authenticate"); status != tt.status || got != tt.challenge {
			t.Errorf("%s: %d %s, want %d %s", tt.name, status, got, tt.status, tt.challenge)
		}
		if never := status == http.StatusForbidden; errors.Is(err, gate.ErrRejected) != never || errors.Is(err, gate.ErrNotFresh) == never {
			t.Errorf("%s: the kind of %v", tt.name, err)
		}
	}
}

var hotelKey = must(keys.Generate(keys.ES256)).WithID("k2")

// Where no token can ever be fresh, the program does not start.
func TestFreshWithoutFreshIssuers(t *testing.T) {
	cfg := issuing()
	cfg.Keys, cfg.Create, cfg.Clock = nil, gate.Create{}, func() time.Time { return start }
	_, err := must(gate.New(cfg)).Check(bearer(mint(bankKey, claimsOf(bankName))), gate.Policy{Fresh: true})
	if e := (*gate.Error)(nil); err == nil || errors.As(err, &e) || !strings.Contains(err.Error(), "Issuer.IsGate") || !strings.Contains(err.Error(), "FreshFor") {
		t.Errorf("the error is %v", err)
	}
	for _, change := range []func(*gate.Issuer){func(i *gate.Issuer) { i.IsGate = true }, func(i *gate.Issuer) { i.FreshFor = time.Minute }} {
		cfg := cfg
		cfg.Issuers = append([]gate.Issuer{}, cfg.Issuers...)
		change(&cfg.Issuers[1])
		_, err := must(gate.New(cfg)).Check(bearer(mint(bankKey, claimsOf(bankName))), gate.Policy{Fresh: true})
		checkVerdict(t, err, "never_fresh")
	}
	cfg.Issuers[0].FreshFor = -1
	if _, err := gate.New(cfg); err == nil || !strings.Contains(err.Error(), "FreshFor") {
		t.Errorf("a negative FreshFor: %v", err)
	}
}

// A provider's token is revoked by its own ID, whatever its other claims say.
func TestRevocationIDOfIssuers(t *testing.T) {
	cfg := issuing()
	cfg.Issuers[1].IsGate = true
	g := newGate(t, cfg)
	for raw, want := range map[string]string{
		mint(bankKey, claimsOf(bankName, "renewed_jti", `"id-0"`)): "id-1",
		mint(shopKey, claimsOf(shopName, "renewed_jti", `"id-0"`)): "id-0",
	} {
		if got := must(g.CheckToken(t.Context(), raw, gate.Policy{})).RevocationID(); got != want {
			t.Errorf("RevocationID = %q, want %q", got, want)
		}
	}
}
