package gate_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
)

// TestReportsPolicy: what users of such libraries reported about routes and what they
// demand. before says what happened to them.
func TestReportsPolicy(t *testing.T) {
	both := []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()}
	split := []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies(gate.Refresh)}
	body := []gate.Location{gate.FromJSON("", "refresh_token")}
	allow := func(_ context.Context, t *gate.Token) error {
		if t.Subject != "alice" {
			return errors.New("not alice")
		}
		return nil
	}
	reset := func(edits ...string) string { return token(append([]string{"type", `"reset"`}, edits...)...) }
	header := func(raw string) *http.Request { return bearer(raw) }
	cookies := func(pairs ...string) *http.Request { return request("GET", "/", "Cookie: "+strings.Join(pairs, "; ")) }
	access, refresh := "access_token_cookie="+token(), "refresh_token_cookie="+refreshToken()
	for _, tt := range []struct {
		name, before string
		request      *http.Request
		policy       gate.Policy
		want         string
	}{
		{"password reset link", "an access token did for every purpose, so a reset link opened the API",
			header(reset()), gate.Policy{}, "access_wanted"},
		{"password reset route", "no token type of one's own",
			header(reset()), gate.Policy{Type: "reset"}, "ok"},
		{"access token on the password reset route", "any token of the site changed the password",
			header(token()), gate.Policy{Type: "reset"}, "type_wanted"},
		{"refresh token on the password reset route", "as before",
			header(refreshToken()), gate.Policy{Type: "reset"}, "type_wanted"},
		{"reset token on a logout route", "any type meant any", header(reset()), gate.Policy{Type: gate.AnyTokenType}, "access_wanted"},
		{"reset token in the access cookie", "types of one's own had no place in cookies",
			cookies("access_token_cookie=" + reset()), gate.Policy{Type: "reset"}, "ok"},
		{"logout with the refresh cookie alone", "401: only the access cookie was looked at, and the user stayed logged in",
			cookies(refresh), gate.Policy{Type: gate.AnyTokenType}, "ok"},
		{"logout with both cookies", "the order of the cookies decided", cookies(refresh, access), gate.Policy{Type: gate.AnyTokenType}, "ok"},
		{"logout with an access token in the header", "as now", header(token()), gate.Policy{Type: gate.AnyTokenType}, "ok"},
		{"logout without a token", "as now, but the header was named twice", request("GET", "/"), gate.Policy{Type: gate.AnyTokenType}, "missing"},
		{"optional logout without a token", "as now", request("GET", "/"), gate.Policy{Type: gate.AnyTokenType, Optional: true}, "ok"},
		{"access token in a cookie of an application that splits them", "an access cookie that a subdomain planted was taken",
			cookies(access), gate.Policy{Locations: split}, "missing_header"},
		{"refresh token in a cookie of an application that splits them", "as now",
			cookies(refresh), gate.Policy{Type: gate.Refresh, Locations: split}, "ok"},
		{"forged refresh cookie beside a good access header", "the refresh place was read on every route",
			request("GET", "/", "Cookie: refresh_token_cookie=x.y.z", "Authorization: Bearer "+token()), gate.Policy{Locations: split}, "ok"},
		{"refresh token in JSON, for refresh alone", "the access member was read as well",
			withBody("POST", "application/json", `{"access_token":"x","refresh_token":"`+refreshToken()+`"}`), gate.Policy{Type: gate.Refresh, Locations: body}, "ok"},
		{"scope as text", "scopes were checked by hand in each handler, or not at all",
			header(token("scope", `"read write"`)), gate.Policy{Scopes: []string{"write"}}, "ok"},
		{"scope as a list", "a list was read as no scope", header(token("scope", `["read","write"]`)), gate.Policy{Scopes: []string{"read", "write"}}, "ok"},
		{"scp of Microsoft and Okta", "another name was no scope", header(token("scp", `"read"`)), gate.Policy{Scopes: []string{"read"}}, "ok"},
		{"scp as a list", "as before", header(token("scp", `["read"]`)), gate.Policy{Scopes: []string{"read"}}, "ok"},
		{"scope and scp", "the wider of both counted", header(token("scope", `"read"`, "scp", `"admin"`)), gate.Policy{Scopes: []string{"admin"}}, "scope"},
		{"scope missing", "401, so that clients logged in again for ever", header(token()), gate.Policy{Scopes: []string{"read"}}, "scope"},
		{"part of a scope", "strings.Contains: \"read\" was found in \"read:none\"", header(token("scope", `"read:none"`)), gate.Policy{Scopes: []string{"read"}}, "scope"},
		{"one of two scopes", "any one did", header(token("scope", `"read"`)), gate.Policy{Scopes: []string{"read", "write"}}, "scope"},
		{"scope in another case", "compared without case", header(token("scope", `"READ"`)), gate.Policy{Scopes: []string{"read"}}, "scope"},
		{"scope of a wrong type", "a panic in a type assertion", header(token("scope", `{"read":true}`)), gate.Policy{Scopes: []string{"read"}}, "scope"},
		{"number in a list of scopes", "a panic in a type assertion", header(token("scope", `[1,"read"]`)), gate.Policy{Scopes: []string{"1"}}, "scope"},
		{"empty scopes", "two spaces were a scope", header(token("scope", `"  "`)), gate.Policy{Scopes: []string{"read"}}, "scope"},
		{"rule of one route", "a second middleware that read the token again", header(token()), gate.Policy{Allow: allow}, "ok"},
		{"rule of one route refuses", "as before", header(token("sub", `"bob"`)), gate.Policy{Allow: allow}, "rejected"},
		{"rule of one route, bad token", "the rule saw tokens that nobody had verified", header(token("exp", at(-1))), gate.Policy{Allow: allow}, "expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Create: gate.Create{Types: []gate.TokenType{"reset"}}, Locations: both})
			_, err := g.Check(tt.request, tt.policy)
			if got := verdict(t, err); got != tt.want {
				t.Errorf("verdict = %s (%v), want %s; before: %s", got, err, tt.want, tt.before)
			}
		})
	}
}

// TestReportsForeignTypes: tokens of other systems, whose "type" means nothing to a gate.
func TestReportsForeignTypes(t *testing.T) {
	for _, tt := range []struct{ name, before, typ, want string }{
		{"no type", "tokens of a provider could not be used", ``, "ok"},
		{"type of a provider", "as before", `"Bearer"`, "ok"},
		{"refresh token", "taken for access by code that ignored types", `"refresh"`, "access_wanted"},
		{"type of our own", "leniency for others let reset tokens into the API", `"reset"`, "access_wanted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{
				Create: gate.Create{Types: []gate.TokenType{"reset"}},
				Accept: gate.Accept{Lenient: gate.Lenient{AnyType: true}},
			})
			_, err := g.CheckToken(t.Context(), token("type", tt.typ), gate.Policy{})
			if got := verdict(t, err); got != tt.want {
				t.Errorf("verdict = %s (%v), want %s; before: %s", got, err, tt.want, tt.before)
			}
		})
	}
}

// TestReportsImpossiblePolicies: a guard that nobody can pass is a fault that shows at
// the start and not as a 401 that nobody can explain.
func TestReportsImpossiblePolicies(t *testing.T) {
	for _, tt := range []struct {
		name, before string
		policy       gate.Policy
		want         string
	}{
		{"a typo in the type", "401 on every request", gate.Policy{Type: "acess"}, "Create.Types"},
		{"a fresh refresh token", "401 on every request", gate.Policy{Type: gate.Refresh, Fresh: true}, "never fresh"},
		{"two scopes in one", "403 on every request", gate.Policy{Scopes: []string{"read write"}}, "Scopes"},
		{"an empty scope", "every token had it, or none", gate.Policy{Scopes: []string{""}}, "Scopes"},
		{"a zero location", "401 on every request", gate.Policy{Locations: []gate.Location{{}}}, "zero Location"},
		{"a scheme with a space", "401 on every request", gate.Policy{Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer ")}}, `write "Bearer"`},
		{"locations for other types alone", "401 on every request", gate.Policy{Locations: []gate.Location{gate.FromCookies(gate.Refresh)}}, "no location takes"},
		{"JSON for another type alone", "401 on every request", gate.Policy{Type: gate.Refresh, Locations: []gate.Location{gate.FromJSON("access_token", "")}}, "no location takes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{})
			_, err := g.Check(bearer(token()), tt.policy)
			if verdict(t, err) != "failure" || gate.StatusCode(err) != 503 || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Check: %v, want an error about %q that denies; before: %s", err, tt.want, tt.before)
			}
			_, err = g.CheckToken(t.Context(), token(), tt.policy)
			if len(tt.policy.Locations) == 0 && verdict(t, err) != "failure" {
				t.Errorf("CheckToken: %v, want an error that denies", err)
			}
			defer func() {
				if v := recover(); v == nil || !strings.Contains(v.(error).Error(), tt.want) {
					t.Errorf("Require: panic %v, want one about %q", v, tt.want)
				}
			}()
			g.Require(tt.policy)
		})
	}
}

// Allow comes last, and finds token and user in the context.
func TestAllowSeesTokenAndUser(t *testing.T) {
	var order []string
	note := func(s string) { order = append(order, s) }
	g := newGate(t, gate.Config{
		Blocklist: gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { note("blocklist"); return false, nil }),
		Verify:    func(context.Context, *gate.Token) error { note("verify"); return nil },
		LoadUser:  func(context.Context, *gate.Token) (any, error) { note("user"); return "Alice A.", nil },
	})
	var seen string
	_, err := g.CheckToken(t.Context(), token(), gate.Policy{Allow: func(ctx context.Context, tok *gate.Token) error {
		note("allow")
		inside, _ := gate.FromContext(ctx)
		user, _ := gate.User[string](ctx)
		if inside == tok {
			seen = user
		}
		return gate.Unavailable(errors.New("rules are down"))
	}})
	if got := strings.Join(order, " "); got != "blocklist verify user allow" || seen != "Alice A." {
		t.Errorf("order %q, user %q", got, seen)
	}
	if verdict(t, err) != "failure" || gate.StatusCode(err) != 503 {
		t.Errorf("error = %v, want the failure of Allow", err)
	}
}
