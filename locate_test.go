package gate_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
)

func TestFromHeader(t *testing.T) {
	raw := token()
	for _, tt := range []struct {
		name   string
		scheme string
		lines  []string
		want   string
	}{
		{"token", "Bearer", []string{"Bearer " + raw}, "ok"},
		{"scheme in lower case", "Bearer", []string{"bearer " + raw}, "ok"},
		{"scheme in upper case", "Bearer", []string{"BEARER " + raw}, "ok"},
		{"many spaces", "Bearer", []string{"  Bearer   " + raw + "  "}, "ok"},
		{"a tab", "Bearer", []string{"Bearer\t" + raw}, "ok"},
		{"another scheme in another line", "Bearer", []string{"Basic YTpi", "Bearer " + raw}, "ok"},
		{"an empty line before it", "Bearer", []string{"", "Bearer " + raw}, "ok"},
		{"no scheme", "", []string{raw}, "ok"},
		{"scheme of two words", "Token v1", []string{"Token v1 " + raw}, "ok"},

		{"absent", "Bearer", nil, "missing_header"},
		{"empty", "Bearer", []string{""}, "missing_header"},
		{"white space", "Bearer", []string{" \t "}, "missing_header"},
		{"empty without a scheme", "", []string{""}, "missing_header"},
		{"another scheme", "Bearer", []string{"Basic YTpi"}, "missing_scheme"},
		{"token without its scheme", "Bearer", []string{raw}, "missing_scheme"},
		{"scheme with a tail", "Bearer", []string{"Bearers " + raw}, "missing_scheme"},
		{"scheme with a colon", "Bearer", []string{"Bearer:" + raw}, "missing_scheme"},
		{"scheme cut short", "Bearer", []string{"Bear " + raw}, "missing_scheme"},

		{"scheme alone", "Bearer", []string{"Bearer"}, "header_malformed"},
		{"scheme and space", "Bearer", []string{"Bearer "}, "header_malformed"},
		{"two tokens", "Bearer", []string{"Bearer " + raw + " " + raw}, "header_malformed"},
		{"two tokens with a comma", "Bearer", []string{"Bearer " + raw + ", Bearer " + raw}, "header_malformed"},
		{"two tokens with a tab", "Bearer", []string{"Bearer " + raw + "\t" + raw}, "header_malformed"},
		{"two tokens without a scheme", "", []string{raw + "," + raw}, "header_malformed"},
		{"two lines", "Bearer", []string{"Bearer " + raw, "Bearer " + token("sub", `"bob"`)}, "ambiguous"},
		{"the same line twice", "Bearer", []string{"Bearer " + raw, "bearer " + raw}, "ambiguous"},
		{"a malformed line behind", "Bearer", []string{"Bearer " + raw, "Bearer"}, "ambiguous"},
		{"two lines without a scheme", "", []string{raw, raw}, "ambiguous"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromHeader("x-token", tt.scheme)}})
			r := request("GET", "/")
			r.Header["X-Token"] = tt.lines
			_, err := g.Check(r, gate.Policy{})
			checkVerdict(t, err, tt.want)
			if e := (*gate.Error)(nil); errors.As(err, &e) && (e.Name != "X-Token" || e.Location != "header") {
				t.Errorf("error names %q at %q, want X-Token at header", e.Name, e.Location)
			}
		})
	}
}

func TestFromCookies(t *testing.T) {
	raw, other := token(), token("sub", `"bob"`)
	for _, tt := range []struct {
		name   string
		lines  []string
		policy gate.Policy
		want   string
	}{
		{"token", []string{"access_token_cookie=" + raw}, gate.Policy{}, "ok"},
		{"among others", []string{"a=b; access_token_cookie=" + raw + "; c=d"}, gate.Policy{}, "ok"},
		{"twice the same", []string{"access_token_cookie=" + raw + "; access_token_cookie=" + raw}, gate.Policy{}, "ok"},
		{"empty beside it", []string{"access_token_cookie=; access_token_cookie=" + raw}, gate.Policy{}, "ok"},
		{"refresh token", []string{"refresh_token_cookie=" + refreshToken()}, gate.Policy{Type: gate.Refresh}, "ok"},
		{"any type, place of access", []string{"access_token_cookie=" + refreshToken()}, gate.Policy{Type: gate.AnyTokenType}, "ok"},
		{"any type, place of refresh", []string{"refresh_token_cookie=" + raw}, gate.Policy{Type: gate.AnyTokenType, Locations: []gate.Location{gate.FromCookies(gate.Refresh)}}, "ok"},

		{"absent", nil, gate.Policy{}, "missing_cookie"},
		{"empty", []string{"access_token_cookie="}, gate.Policy{}, "missing_cookie"},
		{"name in another case", []string{"Access_Token_Cookie=" + raw}, gate.Policy{}, "missing_cookie"},
		{"access cookie where refresh is wanted", []string{"access_token_cookie=" + raw}, gate.Policy{Type: gate.Refresh}, "missing_cookie"},
		{"two tokens", []string{"access_token_cookie=" + raw + "; access_token_cookie=" + other}, gate.Policy{}, "ambiguous"},
		{"two tokens in two lines", []string{"access_token_cookie=" + other, "access_token_cookie=" + raw}, gate.Policy{}, "ambiguous"},
		{"refresh token in the access cookie", []string{"access_token_cookie=" + refreshToken()}, gate.Policy{}, "access_wanted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}})
			r := request("GET", "/")
			r.Header["Cookie"] = tt.lines
			tok, err := g.Check(r, tt.policy)
			checkVerdict(t, err, tt.want)
			if err == nil && tok.Location() != "cookie" {
				t.Errorf("location = %q, want cookie", tok.Location())
			}
		})
	}
}

func TestFromQuery(t *testing.T) {
	raw := token()
	for _, tt := range []struct{ name, prefix, query, want string }{
		{"token", "", "jwt=" + raw, "ok"},
		{"twice the same", "", "jwt=" + raw + "&jwt=" + raw, "ok"},
		{"prefix", "Bearer ", "jwt=Bearer%20" + raw, "ok"},
		{"prefix with a plus", "Bearer ", "jwt=Bearer+" + raw, "ok"},
		{"absent", "", "", "missing_query"},
		{"empty", "", "jwt=", "missing_query"},
		{"name in another case", "", "JWT=" + raw, "missing_query"},
		{"prefix missing", "Bearer ", "jwt=" + raw, "query_prefix"},
		{"prefix in another case", "Bearer ", "jwt=bearer+" + raw, "query_prefix"},
		{"prefix alone", "Bearer ", "jwt=Bearer+", "query_prefix"},
		{"two tokens", "", "jwt=" + raw + "&jwt=" + refreshToken(), "ambiguous"},
		{"white space behind", "", "jwt=" + raw + "%20", "signature_encoding"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromQuery("jwt", tt.prefix)}})
			_, err := g.Check(request("GET", "/?"+tt.query), gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
}

func TestLocationFunc(t *testing.T) {
	shared := &gate.Error{Kind: gate.ErrMissing, Reason: "missing"}
	for _, tt := range []struct {
		name string
		raw  string
		err  error
		want string // of this location, with a good header behind it
		next bool
	}{
		{"token", token(), nil, "ok", false},
		{"no token and no error", "", nil, "missing", true},
		{"missing", "", gate.ErrMissing, "missing", true},
		{"missing, wrapped", "", fmt.Errorf("mine: %w", gate.ErrMissing), "missing", true},
		{"missing, as an Error", "", shared, "missing", true},
		{"expired, as an Error", "", &gate.Error{Kind: gate.ErrExpired, Reason: "expired"}, "expired", false},
		{"its own error", "", errors.New("mine"), "", false},
		{"another kind of the gate", "", fmt.Errorf("mine: %w", gate.ErrRevoked), "", false},
		{"an Error without a kind", "", &gate.Error{Reason: "expired"}, "", false},
		{"token and error", token(), errors.New("mine"), "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			own := gate.LocationFunc("mine", func(r gate.Request, want gate.TokenType) (string, error) {
				if got := r.Method(); got != "GET" || want != gate.Access {
					t.Errorf("asked for %s by %s, want access by GET", want, got)
				}
				return tt.raw, tt.err
			})
			g := newGate(t, gate.Config{Locations: []gate.Location{own}})
			tok, err := g.Check(request("GET", "/"), gate.Policy{})
			checkVerdict(t, err, tt.want)
			var e *gate.Error
			switch {
			case err == nil && tok.Location() != "mine":
				t.Errorf("location = %q, want mine", tok.Location())
			case errors.As(err, &e) && (e.Location != "mine" || tt.want == "" && !errors.Is(err, tt.err)):
				t.Errorf("error = %#v, want %v at mine", e, tt.err)
			}
			two := []gate.Location{own, gate.FromHeader("Authorization", "Bearer")}
			_, err = g.Check(bearer(token()), gate.Policy{Locations: two})
			if passed := err == nil; passed != (tt.next || tt.want == "ok") {
				t.Errorf("with a good header behind it: %v", err)
			}
		})
	}
	if shared.Location != "" {
		t.Error("the error that LocationFunc returned was written to")
	}
}

func TestLocationsInOrder(t *testing.T) {
	raw := token()
	all := []gate.Location{
		gate.FromHeader("Authorization", "Bearer"), gate.FromCookies(), gate.FromQuery("jwt", ""), gate.FromJSON("access_token", "refresh_token"),
	}
	post := func(header ...string) *http.Request {
		r := withBody("POST", "application/json", `{"access_token":"`+raw+`"}`)
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
		return r
	}
	for _, tt := range []struct {
		name string
		r    *http.Request
		want string
		at   string
	}{
		{"first", request("GET", "/?jwt=x", "Authorization: Bearer "+raw, "Cookie: access_token_cookie=x"), "ok", "header"},
		{"second", request("GET", "/?jwt=x", "Cookie: access_token_cookie="+raw), "ok", "cookie"},
		{"third", request("GET", "/?jwt="+raw), "ok", "query"},
		{"last", post(), "ok", "json"},
		{"another scheme goes on", post("Authorization: Basic YTpi"), "ok", "json"},
		{"none", request("GET", "/"), "missing", ""},
		{"a bad token stops", request("GET", "/?jwt="+raw, "Authorization: Bearer x"), "segments", "header"},
		{"a malformed header stops", request("GET", "/?jwt="+raw, "Authorization: Bearer"), "header_malformed", "header"},
		{"a CSRF failure stops", post("Cookie: access_token_cookie=" + raw), "csrf_missing", "cookie"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Locations: all})
			tok, err := g.Check(tt.r, gate.Policy{})
			checkVerdict(t, err, tt.want)
			var e *gate.Error
			switch {
			case err == nil && tok.Location() != tt.at:
				t.Errorf("location = %q, want %q", tok.Location(), tt.at)
			case errors.As(err, &e) && e.Location != tt.at:
				t.Errorf("location of the error = %q, want %q", e.Location, tt.at)
			}
		})
	}
}

// With several locations the returned error wraps the error of each.
func TestMissingEverywhere(t *testing.T) {
	g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()}})
	_, err := g.Check(request("GET", "/"), gate.Policy{})
	var e *gate.Error
	if !errors.As(err, &e) || e.Err == nil {
		t.Fatalf("error = %v, want one with the errors of both", err)
	}
	want := "gate: No token was sent: gate: The Authorization header is missing; gate: The cookie access_token_cookie is missing"
	if got := err.Error(); got != want {
		t.Errorf("error = %q, want %q", got, want)
	}
	tok, err := g.Check(request("GET", "/"), gate.Policy{Optional: true})
	if tok != nil || err != nil {
		t.Errorf("optional: %v, %v; want neither", tok, err)
	}
}

func TestPolicyLocations(t *testing.T) {
	g := newGate(t, gate.Config{})
	query := gate.Policy{Locations: []gate.Location{gate.FromQuery("jwt", "")}}
	_, err := g.Check(request("GET", "/?jwt="+token()), query)
	checkVerdict(t, err, "ok")
	_, err = g.Check(bearer(token()), query)
	checkVerdict(t, err, "missing_query")
	_, err = g.Check(bearer(token()), gate.Policy{Optional: true, Locations: []gate.Location{{}}})
	checkVerdict(t, err, "failure")
	_, err = g.Check(bearer(token()), gate.Policy{Locations: []gate.Location{}})
	checkVerdict(t, err, "ok")
}

func TestLocationString(t *testing.T) {
	for want, l := range map[string]gate.Location{
		"header": gate.FromHeader("a", "b"), "cookie": gate.FromCookies(), "query": gate.FromQuery("a", ""),
		"json": gate.FromJSON("a", "b"), "mine": gate.LocationFunc("mine", nil), "": {},
	} {
		if got := l.String(); got != want {
			t.Errorf("String = %q, want %q", got, want)
		}
	}
}

// A location that cannot look is a failure, and no missing token.
func TestLocationFuncFails(t *testing.T) {
	fails := gate.LocationFunc("lookup", func(gate.Request, gate.TokenType) (string, error) {
		return "", fmt.Errorf("lookup: %w", gate.Unavailable(errDown))
	})
	g := newGate(t, gate.Config{Locations: []gate.Location{fails, gate.FromHeader("Authorization", "Bearer")}})
	_, err := g.Check(bearer(token()), gate.Policy{Optional: true})
	checkVerdict(t, err, "failure")
	if !errors.Is(err, errDown) || gate.StatusCode(err) != 503 {
		t.Errorf("error = %v with status %d, want %v with 503", err, gate.StatusCode(err), errDown)
	}
}
