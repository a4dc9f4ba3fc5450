package gate_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// A browser sends every cookie of a name that fits, of any scope: which one counts?
func TestCookieChoice(t *testing.T) {
	old := token("iat", at(-60), "jti", `"old"`, "csrf", `"canary-old"`, "sid", `"s"`)
	young := token("jti", `"young"`, "sid", `"s"`)
	expired, planted := token("exp", at(0), "jti", `"expired"`), mint(ed, payload("jti", `"planted"`))
	mallory := token("sub", `"mallory"`, "jti", `"mallory"`)
	for _, tt := range []struct {
		name    string
		cookies []string
		want    string // its jti, or the reason
	}{
		{"old and young", []string{old, young}, "young"},
		{"young and old", []string{young, old}, "young"},
		{"the same twice", []string{old, old}, "old"},
		{"of one second, the last", []string{token("jti", `"a"`), token("jti", `"b"`)}, "b"},
		{"good and expired", []string{young, expired}, "young"},
		{"expired and good", []string{expired, young}, "young"},
		{"planted, of another key", []string{planted, young}, "young"},
		{"planted, no token", []string{"x", young, "a.b.c"}, "young"},
		{"empty, and good", []string{"", young}, "young"},
		{"four, of one login", []string{old, expired, "x", young}, "young"},
		{"of two accounts", []string{young, mallory}, "ambiguous"},
		{"of two logins", []string{young, token("sid", `"other"`)}, "ambiguous"},
		{"of two issuers", []string{young, token("sid", `"s"`, "iss", `"other"`)}, "ambiguous"},
		{"one expired, one forged", []string{expired, planted}, "ambiguous"},
		{"five", []string{old, young, "x", "y", "z"}, "ambiguous"},
		{"all empty", []string{"", ""}, "missing_cookie"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := csrfGate(t, gate.CSRF{})
			tok, err := g.Check(request("GET", "/", "Cookie: access_token_cookie="+strings.Join(tt.cookies, "; access_token_cookie=")), gate.Policy{})
			if got := verdict(t, err); err != nil && got != tt.want || err == nil && tok.ID != tt.want {
				t.Errorf("token %v, verdict %s; want %s", tok, got, tt.want)
			}
		})
	}
	// The CSRF value is that of the token that is used.
	g := csrfGate(t, gate.CSRF{})
	for value, want := range map[string]string{"canary-csrf-1": "ok", "canary-old": "csrf_mismatch"} {
		r := request("POST", "/", "Cookie: access_token_cookie="+old+"; access_token_cookie="+young, "X-CSRF-TOKEN: "+value)
		_, err := g.Check(r, gate.Policy{})
		checkVerdict(t, err, want)
	}
}

// Identities are compared in the claim that holds them, by value and by JSON type.
func TestCookieChoiceByIdentity(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{`"7"`, `"7"`, "ok"}, {`"7"`, `"8"`, "ambiguous"}, {`7`, `7`, "ok"}, {`7`, `8`, "ambiguous"}, {`7`, `"7"`, "ambiguous"},
	} {
		g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}, Create: gate.Create{IdentityClaim: "uid"}})
		a, b := token("uid", tt.a, "jti", `"a"`), token("uid", tt.b, "jti", `"b"`)
		_, err := g.Check(request("GET", "/", "Cookie: access_token_cookie="+a+"; access_token_cookie="+b), gate.Policy{})
		checkVerdict(t, err, tt.want)
	}
}

// A revoked token is not passed over for another: that would let a planted one in. And
// a key source that is down is no verdict on any.
func TestCookieChoiceAsksNobody(t *testing.T) {
	asked := 0
	list := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { asked++; return true, nil })
	g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}, Blocklist: list})
	two := request("GET", "/", "Cookie: access_token_cookie="+token("iat", at(-9), "jti", `"a"`)+"; access_token_cookie="+token())
	_, err := g.Check(two, gate.Policy{})
	checkVerdict(t, err, "revoked")
	if asked != 1 {
		t.Errorf("the blocklist was asked %d times, want once", asked)
	}
	g = newGate(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}, Keys: downSource{}})
	_, err = g.Check(two, gate.Policy{})
	checkVerdict(t, err, "failure")
}

// downSource is a key source that cannot answer.
type downSource struct{}

func (downSource) SigningKey(context.Context, any) (*keys.Key, error) { return nil, errDown }
func (downSource) VerificationKeys(context.Context, keys.Unverified) ([]*keys.Key, error) {
	return nil, errDown
}

// Whatever the cookies hold: a token that is taken would be taken alone, and no other that
// would be is of another account.
func FuzzCookieChoice(f *testing.F) {
	f.Add(`{"sub":"alice"}`, `{"sub":"bob"}`, true, true)
	f.Add(payload(), payload("iat", at(-5)), true, true)
	f.Add(payload(), payload("sub", `"bob"`), true, false)
	f.Add(payload("exp", at(0)), payload("sid", `"s"`), false, true)
	g := newGate(f, gate.Config{Locations: []gate.Location{gate.FromCookies()}})
	f.Fuzz(func(t *testing.T, a, b string, signA, signB bool) {
		keyOf := map[bool]*keys.Key{true: hs256, false: ed}
		raws := []string{mint(keyOf[signA], a), mint(keyOf[signB], b)}
		both, err := g.Check(request("GET", "/", "Cookie: access_token_cookie="+raws[0]+"; access_token_cookie="+raws[1]), gate.Policy{})
		if err != nil {
			return
		}
		for _, raw := range raws {
			alone, err := g.Check(request("GET", "/", "Cookie: access_token_cookie="+raw), gate.Policy{})
			if err == nil && (alone.Subject != both.Subject || alone.SessionID != both.SessionID || alone.IssuedAt.After(both.IssuedAt)) {
				t.Errorf("%v is taken beside %v", both, alone)
			}
		}
		if alone, err := g.Decode(t.Context(), raws[0], gate.DecodeOptions{}); err == nil && alone.ID == both.ID {
			return
		}
		if alone, err := g.Decode(t.Context(), raws[1], gate.DecodeOptions{}); err != nil || alone.ID != both.ID {
			t.Errorf("%v is taken, and neither cookie has it", both)
		}
	})
}

// Where expired tokens are taken, as at a logout, they count if none is good.
func TestCookieChoiceOfExpired(t *testing.T) {
	old := token("iat", at(-60), "exp", at(-30), "jti", `"old"`)
	young := token("iat", at(-50), "exp", at(-20), "jti", `"young"`)
	for _, tt := range []struct {
		cookies []string
		want    string
	}{
		{[]string{old, young}, "young"},
		{[]string{young, old}, "young"},
		{[]string{young, token("sid", `"other"`)}, "id-1"},
		{[]string{young, token("sid", `"other"`, "exp", at(-1))}, "ambiguous"},
		{[]string{"x", "y"}, "ambiguous"},
	} {
		r := request("GET", "/", "Cookie: access_token_cookie="+strings.Join(tt.cookies, "; access_token_cookie="))
		tok, err := csrfGate(t, gate.CSRF{}).DecodeRequest(t.Context(), gate.HTTPRequest(r), gate.Policy{}, gate.DecodeOptions{AllowExpired: true})
		if got := verdict(t, err); err != nil && got != tt.want || err == nil && tok.ID != tt.want {
			t.Errorf("token %v, verdict %s; want %s", tok, got, tt.want)
		}
	}
}
