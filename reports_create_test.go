package gate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// nested is JSON of that many levels.
func nested(levels int) any {
	var v any = 1
	for range levels {
		v = []any{v}
	}
	return v
}

// TestReportsCreating: a gate never creates what it would refuse. want is part of the
// error, or "" for a token that passes at once.
func TestReportsCreating(t *testing.T) {
	groups := make([]string, 1100)
	claims := func(pairs ...any) gate.TokenOptions {
		m := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return gate.TokenOptions{Claims: m}
	}
	for _, tt := range []struct {
		name, before string
		identity     any
		options      gate.TokenOptions
		want         string
	}{
		{"1,100 groups", "created, and refused on first use with \"too large\"", "alice", claims("groups", groups), "too large"},
		{"1,000 groups", "as now", "alice", claims("groups", groups[:1000]), ""},
		{"JSON of 70 levels", "created, and refused on first use", "alice", claims("tree", nested(70)), "too large"},
		{"20 years", "created, and refused on first use", "alice", gate.TokenOptions{ExpiresIn: 20 * 365 * 24 * time.Hour}, "MaxLifetime"},
		{"20 years as a claim", "created, and refused on first use", "alice", claims("exp", start.AddDate(20, 0, 0)), "too far"},
		{"milliseconds", "created, and refused on first use", "alice", claims("exp", start.UnixMilli()), "too far"},
		{"half a second", "a token that was over before it arrived", "alice", gate.TokenOptions{ExpiresIn: time.Second / 2}, "seconds"},
		{"a negative lifetime", "a token that was never good", "alice", gate.TokenOptions{ExpiresIn: -time.Hour}, "seconds"},
		{"seconds for a duration", "900 nanoseconds, never good", "alice", gate.TokenOptions{ExpiresIn: 900}, "seconds"},
		{"exp in the past", "a token that was never good", "alice", claims("exp", start.Add(-time.Second)), "exp"},
		{"exp as text", "created, and refused on first use", "alice", claims("exp", "tomorrow"), "exp is not a time"},
		{"valid from tomorrow for a quarter of an hour", "never valid", "alice", claims("nbf", start.AddDate(0, 0, 1)), "nbf"},
		{"nbf as text", "created, and refused on first use", "alice", claims("nbf", "now"), "nbf is not a time"},
		{"issued tomorrow", "created, and out of reach of RevokeSubject", "alice", claims("iat", start.AddDate(0, 0, 1)), "issued in the future"},
		{"issued and valid from tomorrow", "out of reach of RevokeSubject until then", "alice",
			claims("iat", start.AddDate(0, 0, 1), "nbf", start.AddDate(0, 0, 1), "exp", start.AddDate(0, 0, 2)), "issued in the future"},
		{"another type as a claim", "created, and refused on first use", "alice", claims("type", "admin"), `type would be "admin"`},
		{"a refresh token by a claim", "an access token that became a refresh token", "alice", claims("type", "refresh"), `type would be "refresh"`},
		{"jti empty", "all tokens had one identifier, and one logout ended them all", "alice", claims("jti", ""), "jti is empty"},
		{"jti a number", "created, and refused on first use", "alice", claims("jti", 1), "jti is not a string"},
		{"sub null", "created, and refused on first use", "alice", claims("sub", nil), "identity"},
		{"another audience", "created, and refused on first use", "alice", claims("aud", "elsewhere"), "audience"},
		{"session of nobody", "one logout ended the sessions of all who had none", "alice", claims("sid", ""), "sid is empty"},
		{"no string as CSRF value", "created, and refused in cookies", "alice", claims("csrf", 5), "csrf"},
		{"no typ that this gate takes", "created, and refused on first use", "alice", gate.TokenOptions{Header: map[string]any{"typ": "logout+jwt"}}, "typ"},
		{"empty identity", "all users without an ID were the same user", "", gate.TokenOptions{}, "identity is empty"},
		{"empty identity as a claim", "as before", "alice", claims("sub", ""), "identity is empty"},
		{"identity of a type with a String method", "\"{42 alice@example.com}\" became the subject", stringer{"alice"}, gate.TokenOptions{}, "no text form"},
		{"no identity", "\"<nil>\" became the subject", nil, gate.TokenOptions{}, "no text form"},
		{"claims that are a list", "a compile error at best", "alice", gate.TokenOptions{Claims: []int{1}}, "no JSON object"},
		{"claims that are a nil struct", "a token without its claims", "alice", gate.TokenOptions{Claims: (*struct{})(nil)}, "no JSON object"},
		{"claims that JSON cannot hold", "as now", "alice", gate.TokenOptions{Claims: struct{ F func() }{}}, "Claims"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{})
			raw, err := g.CreateAccessToken(t.Context(), tt.identity, tt.options)
			if tt.want == "" {
				if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); err != nil {
					t.Errorf("created and refused: %v", err)
				}
				return
			}
			if raw != "" || verdict(t, err) != "failure" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("token %q, error %v, want one about %q; before: %s", raw, err, tt.want, tt.before)
			}
		})
	}
}

// TestReportsContradictions: what Create and Accept disagree on shows when a token is made.
func TestReportsContradictions(t *testing.T) {
	for _, tt := range []struct {
		name, before string
		cfg          gate.Config
		typ          gate.TokenType
		options      gate.TokenOptions
		want         string
	}{
		{"another issuer", "created, and refused on first use", gate.Config{Create: gate.Create{Issuer: "a"}, Accept: gate.Accept{Issuer: "b"}}, gate.Access, gate.TokenOptions{}, "another issuer"},
		{"no issuer", "created, and refused on first use", gate.Config{Accept: gate.Accept{Issuer: "b"}}, gate.Access, gate.TokenOptions{}, "iss is missing"},
		{"another audience", "created, and refused on first use", gate.Config{Create: gate.Create{Audience: []string{"a"}}, Accept: gate.Accept{Audiences: []string{"b"}}}, gate.Access, gate.TokenOptions{}, "another audience"},
		{"another typ", "created, and refused on first use", gate.Config{Accept: gate.Accept{HeaderTypes: []string{"at+jwt"}}}, gate.Access, gate.TokenOptions{}, `typ "JWT"`},
		{"any token", "made one that opened everything", gate.Config{}, gate.AnyTokenType, gate.TokenOptions{}, "no type of this gate"},
		{"a type that nobody has named", "made, and refused on each route", gate.Config{}, "reset", gate.TokenOptions{ExpiresIn: time.Hour}, "Create.Types"},
		{"a reset link without a lifetime", "lived as long as a login", gate.Config{Create: gate.Create{Types: []gate.TokenType{"reset"}}}, "reset", gate.TokenOptions{}, "ExpiresIn"},
		{"a reset link", "as now", gate.Config{Create: gate.Create{Types: []gate.TokenType{"reset"}}}, "reset", gate.TokenOptions{ExpiresIn: time.Hour}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, tt.cfg)
			raw, tok, err := g.Issue(t.Context(), tt.typ, "alice", tt.options)
			if tt.want == "" {
				if _, err := g.CheckToken(t.Context(), raw, gate.Policy{Type: tt.typ}); err != nil {
					t.Errorf("created and refused: %v", err)
				}
				return
			}
			if raw != "" || tok != nil || verdict(t, err) != "failure" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("token %q, error %v, want one about %q; before: %s", raw, err, tt.want, tt.before)
			}
		})
	}
}

// Issue returns the token that a check of its text returns, so that nobody decodes a
// token of their own to learn when it expires.
func TestIssue(t *testing.T) {
	g := newGate(t, gate.Config{Create: gate.Create{Issuer: "me", Audience: []string{"api"}, Types: []gate.TokenType{"reset"}}})
	for _, typ := range []gate.TokenType{gate.Access, gate.Refresh, "reset"} {
		raw, tok, err := g.Issue(t.Context(), typ, 42, gate.TokenOptions{
			ExpiresIn: time.Hour, Fresh: true, Claims: struct {
				Role string `json:"role"`
			}{"admin"}, Header: map[string]any{"x": 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		checked := must(g.CheckToken(t.Context(), raw, gate.Policy{Type: typ}))
		if got, want := fields(t, tok), fields(t, checked); got != want {
			t.Errorf("Issue %s\n%s, want\n%s", typ, got, want)
		}
		if tok.Type != typ || tok.Fresh != (typ != gate.Refresh) || !tok.Expiry.Equal(start.Add(time.Hour)) || tok.Location() != "" {
			t.Errorf("Issue %s = %s", typ, fields(t, tok))
		}
		if strings.Contains(fmt.Sprintf("%+v", *tok), raw) {
			t.Error("the token holds its own text")
		}
	}
}

// fields is what a token shows of itself.
func fields(t *testing.T, tok *gate.Token) string {
	t.Helper()
	var claims, header map[string]any
	if err := tok.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if err := tok.Header(&header); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(tok.ID, tok.Subject, tok.Issuer, tok.SessionID, tok.Audience, tok.IssuedAt, tok.NotBefore,
		tok.Expiry, tok.Type, tok.Fresh, tok.CSRF(), tok.Identity(), claims, header)
}

// A token that is not valid yet may be made, if it is valid one day.
func TestIssueForTomorrow(t *testing.T) {
	c := newClock()
	g := newGate(t, gate.Config{Clock: c.now})
	raw, _, err := g.Issue(t.Context(), gate.Access, "alice", gate.TokenOptions{
		ExpiresIn: 25 * time.Hour, Claims: map[string]any{"nbf": start.Add(24 * time.Hour)},
	})
	checkVerdict(t, err, "ok")
	_, err = g.CheckToken(t.Context(), raw, gate.Policy{})
	checkVerdict(t, err, "nbf_future")
	c.add(24 * time.Hour)
	_, err = g.CheckToken(t.Context(), raw, gate.Policy{})
	checkVerdict(t, err, "ok")
}

// What only package flask asks for is written as it comes.
func TestCompatWritesAnything(t *testing.T) {
	g := compatGate(t, gate.Config{}, flaskLike)
	raw, tok, err := g.Issue(t.Context(), gate.Access, map[string]any{"id": 1}, gate.TokenOptions{
		ExpiresIn: -time.Hour, Claims: map[string]any{"jti": "", "type": "x", "n": json.Number("1")},
	})
	if err != nil || tok.Type != "x" || !strings.Contains(fmt.Sprint(tok.Identity()), "id:1") {
		t.Errorf("token %q %v, %v", raw, tok, err)
	}
}
