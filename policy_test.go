package gate_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

func TestPolicyTypes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		typ     string
		lenient bool
		policy  gate.Policy
		want    string
	}{
		{"access", `"access"`, false, gate.Policy{}, "ok"},
		{"refresh", `"refresh"`, false, gate.Policy{Type: gate.Refresh}, "ok"},
		{"access on any", `"access"`, false, gate.Policy{Type: gate.AnyTokenType}, "ok"},
		{"refresh on any", `"refresh"`, false, gate.Policy{Type: gate.AnyTokenType}, "ok"},
		{"access on any, place of refresh", `"access"`, false, gate.Policy{Type: gate.AnyTokenType, Locations: []gate.Location{gate.FromCookies(gate.Refresh)}}, "ok"},
		{"unknown, lenient", `"id"`, true, gate.Policy{}, "ok"},
		{"missing, lenient", ``, true, gate.Policy{}, "ok"},
		{"number, lenient", `1`, true, gate.Policy{}, "ok"},
		{"missing on any, lenient", ``, true, gate.Policy{Type: gate.AnyTokenType}, "ok"},

		{"refresh for access", `"refresh"`, false, gate.Policy{}, "access_wanted"},
		{"refresh for access, lenient", `"refresh"`, true, gate.Policy{}, "access_wanted"},
		{"access for refresh", `"access"`, false, gate.Policy{Type: gate.Refresh}, "refresh_wanted"},
		{"missing for refresh, lenient", ``, true, gate.Policy{Type: gate.Refresh}, "refresh_wanted"},
		{"unknown", `"id"`, false, gate.Policy{}, "access_wanted"},
		{"in another case", `"Access"`, false, gate.Policy{}, "access_wanted"},
		{"missing", ``, false, gate.Policy{}, "claim_missing"},
		{"missing for refresh", ``, false, gate.Policy{Type: gate.Refresh}, "claim_missing"},
		{"missing on any", ``, false, gate.Policy{Type: gate.AnyTokenType}, "claim_missing"},
		{"unknown on any", `"id"`, false, gate.Policy{Type: gate.AnyTokenType}, "access_wanted"},
		{"number", `1`, false, gate.Policy{}, "type_type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Accept: gate.Accept{Lenient: gate.Lenient{AnyType: tt.lenient}}})
			_, err := g.CheckToken(t.Context(), token("type", tt.typ), tt.policy)
			checkVerdict(t, err, tt.want)
		})
	}
}

func TestFresh(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fresh string
		now   time.Duration
		want  string
	}{
		{"true", "true", 0, "ok"},
		{"true, long after", "true", 899 * time.Second, "ok"},
		{"until later", at(60), 0, "ok"},
		{"until now", at(60), 60 * time.Second, "ok"},
		{"until a fraction later", at(60) + ".5", 60*time.Second + 500*time.Millisecond, "ok"},

		{"false", "false", 0, "not_fresh"},
		{"missing", "", 0, "not_fresh"},
		{"just over", at(60), 60*time.Second + 1, "not_fresh"},
		{"over by a fraction", at(60) + ".5", 60*time.Second + 501*time.Millisecond, "not_fresh"},
		{"within the leeway, which does not count", at(60), 61 * time.Second, "not_fresh"},
		{"zero", "0", 0, "not_fresh"},
		{"one", "1", 0, "not_fresh"},
		{"nine", "9", 0, "not_fresh"},
		{"negative", "-1", 0, "not_fresh"},
		{"as the zero time", "-62135596800", 0, "not_fresh"},
		{"string", `"true"`, 0, "fresh_type"},
		{"null", `null`, 0, "fresh_type"},
		{"huge", `1e300`, 0, "fresh_type"},
		{"hugely negative", `-1e300`, 0, "fresh_type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Clock: stoppedAt(tt.now), Accept: gate.Accept{Leeway: time.Minute}})
			_, err := g.CheckToken(t.Context(), token("fresh", tt.fresh), gate.Policy{Fresh: true})
			checkVerdict(t, err, tt.want)
		})
	}
}

// With Lenient.AnyFresh a value of a wrong type is not fresh, and no more.
func TestAnyFresh(t *testing.T) {
	g := newGate(t, gate.Config{Accept: gate.Accept{Lenient: gate.Lenient{AnyFresh: true}}})
	for _, v := range []string{`"true"`, `null`, `{"a":1}`, `1e300`} {
		_, err := g.CheckToken(t.Context(), token("fresh", v), gate.Policy{})
		checkVerdict(t, err, "ok")
		_, err = g.CheckToken(t.Context(), token("fresh", v), gate.Policy{Fresh: true})
		checkVerdict(t, err, "not_fresh")
	}
}

// Freshness for a time, from its creation to its end and one nanosecond more.
func TestFreshFor(t *testing.T) {
	c := newClock()
	c.add(250 * time.Millisecond)
	g := newGate(t, gate.Config{Clock: c.now})
	raw := must(g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{FreshFor: time.Minute}))
	c.add(time.Minute)
	tok, err := g.CheckToken(t.Context(), raw, gate.Policy{Fresh: true})
	checkVerdict(t, err, "ok")
	if !tok.FreshUntil.Equal(c.now()) || tok.Fresh {
		t.Errorf("fresh until %v, fresh %v; want %v, false", tok.FreshUntil, tok.Fresh, c.now())
	}
	c.add(1)
	_, err = g.CheckToken(t.Context(), raw, gate.Policy{Fresh: true})
	checkVerdict(t, err, "not_fresh")
	_, err = g.CheckToken(t.Context(), raw, gate.Policy{})
	checkVerdict(t, err, "ok")
}

// Refresh tokens are never fresh.
func TestRefreshTokensAreNotFresh(t *testing.T) {
	g := newGate(t, gate.Config{})
	for _, o := range []gate.TokenOptions{{Fresh: true}, {FreshFor: time.Hour}} {
		raw := must(g.CreateRefreshToken(t.Context(), "alice", o))
		_, err := g.CheckToken(t.Context(), raw, gate.Policy{Type: gate.AnyTokenType, Fresh: true})
		checkVerdict(t, err, "not_fresh")
	}
}

// A hook sees what the route demands, but for where it looks.
func TestTokenPolicy(t *testing.T) {
	for _, want := range []gate.Policy{
		{}, {Optional: true}, {Fresh: true}, {Type: gate.Refresh}, {Type: gate.AnyTokenType}, {SkipBlocklist: true},
	} {
		given := want
		given.Locations = []gate.Location{gate.FromCookies()}
		raw := token("fresh", "true")
		if want.Type == gate.Refresh {
			raw = refreshToken()
		}
		tok := must(newGate(t, gate.Config{}).CheckToken(t.Context(), raw, given))
		if got := tok.Policy(); !reflect.DeepEqual(got, want) {
			t.Errorf("Policy = %+v, want %+v", got, want)
		}
	}
	tok := must(newGate(t, gate.Config{}).Decode(t.Context(), token(), gate.DecodeOptions{}))
	if got := tok.Policy(); !reflect.DeepEqual(got, gate.Policy{}) {
		t.Errorf("Policy of a decoded token = %+v, want the zero one", got)
	}
}

func TestOptional(t *testing.T) {
	g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()}})
	p := gate.Policy{Optional: true}
	for _, tt := range []struct {
		name   string
		header []string
		token  bool
		want   string
	}{
		{"no token", nil, false, "ok"},
		{"another scheme", []string{"Authorization: Basic YTpi"}, false, "ok"},
		{"token", []string{"Authorization: Bearer " + token()}, true, "ok"},
		{"malformed", []string{"Authorization: Bearer"}, false, "header_malformed"},
		{"expired", []string{"Authorization: Bearer " + token("exp", at(0))}, false, "expired"},
		{"forged", []string{"Authorization: Bearer " + token() + "x"}, false, "signature"},
		{"refresh token", []string{"Authorization: Bearer " + refreshToken()}, false, "access_wanted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tok, err := g.Check(request("GET", "/", tt.header...), p)
			checkVerdict(t, err, tt.want)
			if (tok != nil) != tt.token {
				t.Errorf("token = %v, want one: %v", tok, tt.token)
			}
		})
	}
}

func TestPolicyReachesHooks(t *testing.T) {
	var seen []bool
	see := func(t *gate.Token) { seen = append(seen, t.Policy().Fresh) }
	g := newGate(t, gate.Config{
		Blocklist: gate.BlocklistFunc(func(_ context.Context, t *gate.Token) (bool, error) { see(t); return false, nil }),
		Verify:    func(_ context.Context, t *gate.Token) error { see(t); return nil },
		LoadUser:  func(_ context.Context, t *gate.Token) (any, error) { see(t); return "alice", nil },
	})
	must(g.CheckToken(t.Context(), token("fresh", "true"), gate.Policy{Fresh: true}))
	must(g.CheckToken(t.Context(), token(), gate.Policy{}))
	if want := []bool{true, true, true, false, false, false}; !slices.Equal(seen, want) {
		t.Errorf("policies seen = %v, want %v", seen, want)
	}
}
