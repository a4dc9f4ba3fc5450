package gate_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/judged"
)

// TestDecodeRequest: the token of a request that may have expired, with all else checked.
func TestDecodeRequest(t *testing.T) {
	c := newClock()
	locations := []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()}
	g := newGate(t, gate.Config{Clock: c.now, Locations: locations, LoadUser: noUser})
	raw, refresh, err := g.Issue(t.Context(), gate.Refresh, "alice", gate.TokenOptions{ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	younger, _, err := g.Issue(t.Context(), gate.Refresh, "bob", gate.TokenOptions{ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	c.add(2 * time.Hour)
	late, now := gate.DecodeOptions{AllowExpired: true}, gate.DecodeOptions{}
	inCookie, csrf := "refresh_token_cookie="+raw, refresh.CSRF()
	for _, tt := range []struct {
		name, header, cookie, csrf string
		policy                     gate.Policy
		o                          gate.DecodeOptions
		want                       error
	}{
		{"expired", "Bearer " + raw, "", "", gate.Policy{Type: gate.Refresh}, late, nil},
		{"expired, in a cookie", "", inCookie, csrf, gate.Policy{Type: gate.Refresh}, late, nil},
		{"expired, of any type", "", inCookie, csrf, gate.Policy{Type: gate.AnyTokenType}, late, nil},
		{"expired where that counts", "Bearer " + raw, "", "", gate.Policy{Type: gate.Refresh}, now, gate.ErrExpired},
		{"another type", "Bearer " + raw, "", "", gate.Policy{}, late, gate.ErrWrongType},
		{"no CSRF value", "", inCookie, "", gate.Policy{Type: gate.Refresh}, late, gate.ErrCSRF},
		{"another CSRF value", "", inCookie, csrf + "x", gate.Policy{Type: gate.Refresh}, late, gate.ErrCSRF},
		{"no CSRF value, skipped", "", inCookie, "", gate.Policy{Type: gate.Refresh, SkipCSRF: true}, late, nil},
		{"none", "", "", "", gate.Policy{Optional: true}, late, gate.ErrMissing},
		{"forged", "Bearer " + raw + "x", "", "", gate.Policy{Type: gate.Refresh}, late, gate.ErrInvalid},
		{"two cookies", "", inCookie + "; refresh_token_cookie=" + younger, csrf, gate.Policy{Type: gate.Refresh}, late, gate.ErrInvalid},
	} {
		r := httptest.NewRequest("POST", "/logout", nil)
		for name, v := range map[string]string{"Authorization": tt.header, "Cookie": tt.cookie, "X-CSRF-TOKEN": tt.csrf} {
			if v != "" {
				r.Header.Set(name, v)
			}
		}
		tok, err := g.DecodeRequest(t.Context(), gate.HTTPRequest(r), tt.policy, tt.o)
		if !errors.Is(err, tt.want) || (err == nil) != (tok != nil && tok.ID == refresh.ID) {
			t.Errorf("%s: %v, %v; want %v", tt.name, tok, err, tt.want)
		}
	}
	if _, err := g.DecodeRequest(t.Context(), gate.HTTPRequest(httptest.NewRequest("GET", "/", nil)), gate.Policy{Locations: []gate.Location{{}}}, late); err == nil {
		t.Error("a zero location is taken")
	}
}

// TestConfig: what packages that work with a gate see of it is a copy, from which the
// same gate can be made.
func TestConfig(t *testing.T) {
	g := newGate(t, gate.Config{Create: gate.Create{Types: []gate.TokenType{"reset"}}, Accept: gate.Accept{Skew: -1, Audiences: []string{"a"}}, Cookies: gate.Cookies{Former: []gate.CookieScope{{Path: "/old"}}}})
	c := g.Config()
	if c.Create.AccessLifetime != 15*time.Minute || c.Cookies.Refresh.Name == "" || len(c.Locations) != 1 {
		t.Errorf("the configuration lacks defaults: %+v", c.Create)
	}
	c.Create.Types[0], c.Accept.Audiences[0], c.Cookies.Former[0].Path = "changed", "changed", "/changed"
	again := g.Config()
	if again.Create.Types[0] != "reset" || again.Accept.Audiences[0] != "a" || again.Cookies.Former[0].Path != "/old" {
		t.Error("a change of the copy is one of the gate")
	}
	if same := newGate(t, again).Config(); same.Accept.Skew != again.Accept.Skew || !slices.Equal(same.Accept.Audiences, again.Accept.Audiences) {
		t.Errorf("a gate of the copy has the Skew %v, the copy %v", same.Accept.Skew, again.Accept.Skew)
	}
}

// TestJudged: who has judged From in the same step as its own change spares the question.
// Everybody else is refused.
func TestJudged(t *testing.T) {
	asked := 0
	g := newGate(t, gate.Config{Blocklist: blockEverything(&asked)})
	raw, from, err := g.Issue(t.Context(), gate.Refresh, "alice", gate.TokenOptions{})
	if err != nil || raw == "" {
		t.Fatal(err)
	}
	o := gate.TokenOptions{From: from}
	if _, _, err := g.Issue(t.Context(), gate.Access, "alice", o); !errors.Is(err, gate.ErrRevoked) || asked != 1 {
		t.Errorf("from a revoked token: %v, the blocklist was asked %d times", err, asked)
	}
	judged.Mark(&o)
	if _, next, err := g.Issue(t.Context(), gate.Access, "alice", o); err != nil || next.SessionID != from.SessionID || asked != 1 {
		t.Errorf("from a judged token: %v, the blocklist was asked %d times", err, asked)
	}
}

func noUser(context.Context, *gate.Token) (any, error) { return nil, nil }

// blockEverything counts how often it is asked.
func blockEverything(asked *int) gate.BlocklistFunc {
	return func(context.Context, *gate.Token) (bool, error) {
		*asked++
		return true, nil
	}
}
