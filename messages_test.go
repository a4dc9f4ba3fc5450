package gate_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/jwtgate/gate"
)

// Messages that tell what to send name what this gate accepts, by the names of its
// configuration.
func TestMessagesNameWhatIsAccepted(t *testing.T) {
	form := func(fields string) *http.Request {
		r := withBody("POST", "application/x-www-form-urlencoded", fields)
		r.Header.Set("Cookie", "access_token_cookie="+token())
		return r
	}
	large := form("a=" + string(make([]byte, 300<<10)))
	names := gate.Cookies{
		Access:  gate.CookieNames{CSRFHeader: "X-Access", CSRFField: "access_field"},
		Refresh: gate.CookieNames{Name: "refresh", CSRFHeader: "X-Refresh", CSRFField: "refresh_field"},
	}
	forms := names
	forms.CSRF.Form = true
	inHeader, inCookies := gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()
	own := gate.LocationFunc("ticket", func(gate.Request, gate.TokenType) (string, error) { return "", nil })
	get := request("GET", "/")
	for _, tt := range []struct {
		name      string
		cookies   gate.Cookies
		locations []gate.Location
		policy    gate.Policy
		r         *http.Request
		want      string
	}{
		{"CSRF, header only", names, []gate.Location{inCookies}, gate.Policy{}, form(""),
			"The CSRF value is missing; send it in the X-Access header"},
		{"CSRF, forms", forms, []gate.Location{inCookies}, gate.Policy{}, form(""),
			"The CSRF value is missing; send it in the X-Access header or the form field access_field"},
		{"CSRF of refresh tokens, forms", forms, []gate.Location{inCookies}, gate.Policy{Type: gate.Refresh}, request("POST", "/", "Cookie: refresh="+refreshToken()),
			"The CSRF value is missing; send it in the X-Refresh header or the form field refresh_field"},
		{"CSRF, a large form", forms, []gate.Location{inCookies}, gate.Policy{}, large,
			"The CSRF field access_field is not in the part of the form that is searched; put it before the files, or send the value in the X-Access header"},

		{"one place", names, []gate.Location{inHeader}, gate.Policy{}, get, "The Authorization header is missing"},
		{"two places", names, []gate.Location{inHeader, inCookies}, gate.Policy{}, get,
			"No token was sent; send it in the Authorization header or the cookie access_token_cookie"},
		{"all places", names, []gate.Location{gate.FromHeader("X-Token", ""), inCookies, gate.FromQuery("jwt", ""), gate.FromPath("token"), gate.FromJSON("access", "refresh"), own}, gate.Policy{}, get,
			"No token was sent; send it in the X-Token header, the cookie access_token_cookie, the query parameter jwt, the part token of the path, the JSON member access (with Content-Type: application/json) or ticket"},
		{"places of a refresh token", names, []gate.Location{inHeader, inCookies, gate.FromJSON("access", "refresh")}, gate.Policy{Type: gate.Refresh}, get,
			"No token was sent; send it in the Authorization header, the cookie refresh or the JSON member refresh (with Content-Type: application/json)"},
		{"places of a route", names, []gate.Location{inHeader}, gate.Policy{Locations: []gate.Location{gate.FromQuery("jwt", ""), own}}, get,
			"No token was sent; send it in the query parameter jwt or ticket"},
		{"places of any token", names, []gate.Location{inHeader, inCookies, gate.FromJSON("token", "token")}, gate.Policy{Type: gate.AnyTokenType}, get,
			"No token was sent; send it in the Authorization header, the cookie access_token_cookie, the JSON member token (with Content-Type: application/json) or the cookie refresh"},

		{"a JSON body of another type", names, []gate.Location{inHeader, gate.FromJSON("access", "refresh")}, gate.Policy{}, withBody("POST", "application/x-www-form-urlencoded", "{}"),
			"No token was sent; send it in the Authorization header or the JSON member access (with Content-Type: application/json)"},
		{"a JSON body without the member", names, []gate.Location{inHeader, gate.FromJSON("access", "refresh")}, gate.Policy{}, withBody("POST", "application/json", "{}"),
			"No token was sent; send it in the Authorization header or the JSON member access"},

		{"another scheme", names, []gate.Location{gate.FromHeader("X-Token", "JWT")}, gate.Policy{}, request("GET", "/", "X-Token: Bearer x"),
			"The X-Token header does not use the expected scheme; send JWT, one space and one token"},
		{"another scheme, two places", names, []gate.Location{inHeader, inCookies}, gate.Policy{}, request("GET", "/", "Authorization: Basic x"),
			"No token was sent; send it in the Authorization header or the cookie access_token_cookie"},
		{"malformed", names, []gate.Location{gate.FromHeader("X-Token", "JWT")}, gate.Policy{}, request("GET", "/", "X-Token: JWT x y"),
			"The X-Token header is malformed; send JWT, one space and one token"},
		{"malformed, no scheme", names, []gate.Location{gate.FromHeader("X-Token", "")}, gate.Policy{}, request("GET", "/", "X-Token: x y"),
			"The X-Token header is malformed; send one token and nothing else"},
		{"prefix", names, []gate.Location{gate.FromQuery("jwt", "JWT ")}, gate.Policy{}, request("GET", "/?jwt=x"),
			`The query parameter jwt does not start with the expected prefix; send "JWT " and the token`},
		{"no token", names, []gate.Location{gate.FromQuery("jwt", "JWT ")}, gate.Policy{}, request("GET", "/?jwt=JWT+"),
			`The query parameter jwt does not start with the expected prefix; send "JWT " and the token`},
		{"GET", names, []gate.Location{gate.FromJSON("access", "refresh")}, gate.Policy{}, withBody("GET", "application/json", "{}"),
			"The body of a GET or HEAD request is not read; use POST"},
		{"a large body", names, []gate.Location{gate.FromJSON("access", "refresh")}, gate.Policy{}, withBody("POST", "application/json", `{"a":"`+string(make([]byte, 300<<10))),
			"The body is too large to be searched for the JSON member access; send a smaller one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Cookies: tt.cookies, Locations: tt.locations})
			_, err := g.Check(tt.r, tt.policy)
			var e *gate.Error
			if !errors.As(err, &e) || e.Message() != tt.want {
				t.Errorf("the message of %v is not %q", err, tt.want)
			}
		})
	}
}
