package gate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// reportRow is a report: what somebody did, what came of it, and what should.
type reportRow struct {
	name, before string
	got          func() string
	want         string
}

func runReports(t *testing.T, rows []reportRow) {
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.got(); got != tt.want {
				t.Errorf("%s (before: %s): %s, want %s", tt.name, tt.before, got, tt.want)
			}
		})
	}
}

// answered is the answer of a guard as one line: the status, the reason, and what more a
// report is about.
func answered(t *testing.T, cfg gate.Config, p gate.Policy, r *http.Request) string {
	t.Helper()
	if cfg.OnError == nil {
		cfg.OnError = gate.ProblemErrors("")
	}
	s := serve(newGate(t, cfg).Require(p), r)
	if s.reached {
		if tok, ok := gate.FromContext(s.request.Context()); ok {
			return "let in by " + tok.Location()
		}
		return "let in"
	}
	_, code, _ := strings.Cut(s.Body.String(), `"code":"`)
	code, _, _ = strings.Cut(code, `"`)
	return strings.TrimSpace(fmt.Sprint(s.Code, " ", code))
}

// TestReportsRequests: where the token is, and what else is in the request.
func TestReportsRequests(t *testing.T) {
	const js = "application/json"
	large := `{"a":"` + strings.Repeat("x", 300<<10) + `"}`
	inHeader, inBody, inCookie := gate.FromHeader("Authorization", "Bearer"), gate.FromJSON("access_token", "refresh_token"), gate.FromCookies()
	with := func(r *http.Request, lines ...string) *http.Request {
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Add(name, value)
		}
		return r
	}
	apiKey := gate.LocationFunc("key", func(r gate.Request, _ gate.TokenType) (string, error) {
		return strings.Join(r.Header("X-API-Key"), ""), nil
	})
	byHost := gate.LocationFunc("host", func(r gate.Request, _ gate.TokenType) (string, error) {
		if r.Host() != "api.example.com" {
			return "", gate.ErrMissing
		}
		return strings.Join(r.Header("X-Token"), ""), nil
	})
	cookieConfig := gate.Config{Locations: []gate.Location{inCookie}, Cookies: gate.Cookies{CSRF: gate.CSRF{Form: true}}}
	contentType, form := multipartForm("@photo", strings.Repeat("x", 300<<10), "csrf_token", "canary-csrf-1")
	runReports(t, []reportRow{
		{"an API key in a header that is spelled X-API-Key", "nothing was found: the name was compared by case", func() string {
			return answered(t, gate.Config{Locations: []gate.Location{apiKey}}, gate.Policy{}, request("GET", "/", "X-API-Key: "+token()))
		}, "let in by key"},
		{"a location that depends on the host", "a location could not know it", func() string {
			return answered(t, gate.Config{Locations: []gate.Location{byHost}}, gate.Policy{}, request("GET", "http://api.example.com/", "X-Token: "+token()))
		}, "let in by host"},
		{"a link with a token in its path", "no location; the handler had to call CheckToken", func() string {
			var got string
			mux := http.NewServeMux()
			mux.HandleFunc("/unsubscribe/{token}", func(_ http.ResponseWriter, r *http.Request) {
				got = answered(t, gate.Config{Locations: []gate.Location{gate.FromPath("token")}}, gate.Policy{}, r)
			})
			mux.ServeHTTP(httptest.NewRecorder(), request("GET", "/unsubscribe/"+token()))
			return got
		}, "let in by path"},
		{"a large JSON body without a token, on an optional route", "401: the body is too large to hold a token", func() string {
			return answered(t, gate.Config{Locations: []gate.Location{inBody}}, gate.Policy{Optional: true}, withBody("POST", js, large))
		}, "let in"},
		{"a large JSON body beside a good token in the header", "401: the body is too large to hold a token", func() string {
			r := with(withBody("POST", js, large), "Authorization: Bearer "+token())
			return answered(t, gate.Config{Locations: []gate.Location{inBody, inHeader}}, gate.Policy{}, r)
		}, "let in by header"},
		{"a large JSON body and nothing else", "401, which did not say what to do", func() string {
			return answered(t, gate.Config{Locations: []gate.Location{inBody}}, gate.Policy{}, withBody("POST", js, large))
		}, "401 missing_large_body"},
		{"a GET with a JSON body", "401: the body is not JSON", func() string {
			return answered(t, gate.Config{Locations: []gate.Location{inBody}}, gate.Policy{}, withBody("GET", js, `{"access_token":"`+token()+`"}`))
		}, "401 missing_method"},
		{"a CSRF field behind a large file", "401 invalid token: the body is too large to hold a token", func() string {
			r := with(withBody("POST", contentType, form), "Cookie: access_token_cookie="+token())
			return answered(t, cookieConfig, gate.Policy{}, r)
		}, "403 csrf_large_form"},
		{"the same with the value in the header", "worked", func() string {
			r := with(withBody("POST", contentType, form), "Cookie: access_token_cookie="+token(), "X-CSRF-TOKEN: canary-csrf-1")
			return answered(t, cookieConfig, gate.Policy{}, r)
		}, "let in by cookie"},
		{"a form without its CSRF value", "401, on which clients logged in again", func() string {
			return answered(t, cookieConfig, gate.Policy{}, request("POST", "/", "Cookie: access_token_cookie="+token()))
		}, "403 csrf_missing"},
		{"a home page, after the access token has expired", "401 on the home page", func() string {
			return answered(t, cookieConfig, gate.Policy{Public: true}, request("GET", "/", "Cookie: access_token_cookie="+token("exp", at(0))))
		}, "let in"},
		{"a home page, with a cookie of the site that was here before", "401 until the browser was closed", func() string {
			return answered(t, cookieConfig, gate.Policy{Public: true}, request("GET", "/", "Cookie: access_token_cookie=old"))
		}, "let in"},
		{"a Kerberos ticket of 20 KiB beside a cookie", "worked", func() string {
			r := request("GET", "/", "Authorization: Negotiate "+strings.Repeat("x", 20<<10), "Cookie: access_token_cookie="+token())
			return answered(t, gate.Config{Locations: []gate.Location{inHeader, inCookie}}, gate.Policy{}, r)
		}, "let in by cookie"},
		{"a Content-Type of a megabyte", "250 ms of work", func() string {
			r := withBody("POST", js+strings.Repeat(";a*0=b", 1<<20/6), "{}")
			return answered(t, gate.Config{Locations: []gate.Location{inBody}}, gate.Policy{}, r)
		}, "401 header_too_large"},
	})
}

// TestReportsErrors: what the client, the log and the operator are told.
func TestReportsErrors(t *testing.T) {
	hook := func(err error) gate.Config {
		return gate.Config{Verify: func(context.Context, *gate.Token) error { return err }}
	}
	sentenceOf := func(cfg gate.Config) string {
		return strings.TrimSpace(serve(newGate(t, cfg).Require(gate.Policy{}), bearer(token())).Body.String())
	}
	events := func(cfg gate.Config, r *http.Request) string {
		var list []gate.Event
		cfg.OnEvent = listen(&list)
		serve(newGate(t, cfg).Require(gate.Policy{}), r)
		return describe(list)
	}
	down := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return false, errDown })
	runReports(t, []reportRow{
		{"a token without type", "wrong token type: an access token is wanted here", func() string {
			return answered(t, gate.Config{}, gate.Policy{}, bearer(token("type", "")))
		}, "401 claim_missing"},
		{"a token with an audience, and none is configured", "the token is for another audience", func() string {
			return answered(t, gate.Config{}, gate.Policy{}, bearer(token("aud", `"api"`)))
		}, "401 aud_unexpected"},
		{"a token whose list of audiences is empty", "401: the claim aud is missing", func() string {
			return answered(t, gate.Config{}, gate.Policy{}, bearer(token("aud", `[]`)))
		}, "let in by header"},
		{"Verify wants a fresh login for some users", "403 whatever it returned", func() string {
			return answered(t, hook(gate.ErrNotFresh), gate.Policy{}, bearer(token()))
		}, "401 not_fresh"},
		{"Verify cannot reach the database", "403, and clients logged out", func() string {
			return answered(t, hook(gate.Unavailable(errDown)), gate.Policy{}, bearer(token()))
		}, "503"},
		{"LoadUser cannot reach the database", "the service cannot check the token now", func() string {
			return sentenceOf(gate.Config{LoadUser: func(context.Context, *gate.Token) (any, error) { return nil, errDown }})
		}, `{"msg":"The service cannot answer the request now; try again"}`},
		{"the blocklist is down", "the same sentence as for everything", func() string { return sentenceOf(gate.Config{Blocklist: down}) },
			`{"msg":"The service cannot check the token now; try again"}`},
		{"an OnError that only logs", "200 with an empty body, to a client without a token", func() string {
			return answered(t, gate.Config{OnError: func(http.ResponseWriter, *http.Request, error) {}}, gate.Policy{}, request("GET", "/"))
		}, "401"},
		{"a client that looks for the authorization server", "no way to tell", func() string {
			cfg := gate.Config{Challenge: gate.Challenge{Realm: "api", ResourceMetadata: "https://api.example.com/meta"}}
			return serve(newGate(t, cfg).Require(gate.Policy{}), request("GET", "/")).Header().Get("WWW-Authenticate")
		}, `Bearer realm="api", resource_metadata="https://api.example.com/meta"`},
		{"a page without a login", "JSON in the browser", func() string {
			cfg := gate.Config{OnError: gate.RedirectErrors("/login", nil)}
			return serve(newGate(t, cfg).Require(gate.Policy{}), request("GET", "/", "Accept: text/html")).Header().Get("Location")
		}, "/login?next=%2F"},
		{"a request of a script to the same site", "worked, or a redirect that it could not follow", func() string {
			cfg := gate.Config{OnError: gate.RedirectErrors("/login", nil)}
			return fmt.Sprint(serve(newGate(t, cfg).Require(gate.Policy{}), request("GET", "/", "Sec-Fetch-Mode: cors", "Accept: */*")).Code)
		}, "401"},
		{"a forged token", "nobody was told", func() string { return events(gate.Config{}, bearer(token()+"x")) }, "token.refused signature "},
		{"a store that is down", "503 on every request, in silence", func() string { return events(gate.Config{Blocklist: down}, bearer(token())) }, "check.failed  "},
		{"a thousand forged tokens in a second", "nobody was told, or a log of a thousand lines", func() string {
			var out bytes.Buffer
			g := newGate(t, gate.Config{OnEvent: gate.SlogEvents(slog.New(slog.NewTextHandler(&out, nil)))})
			for range 1000 {
				g.Check(bearer(token()+"x"), gate.Policy{})
			}
			return fmt.Sprint(strings.Count(out.String(), "\n") < 100, strings.Contains(out.String(), token()[:20]))
		}, "true false"},
		{"a token without kid, and a set whose keys all have one", "one signature check for each key", func() string {
			set := must(keys.NewSet(hs256.WithID("a"), must(keys.Generate(keys.HS256)).WithID("b")))
			return answered(t, gate.Config{Keys: set}, gate.Policy{}, bearer(mintWith(hs256, `{"alg":"HS256"}`, payload())))
		}, "401 kid_missing"},
		{"a store that would forget too early, at the start", "503 on every request, later", func() string {
			var asked gate.Needs
			short := readyPart{down, &asked, errors.New("MaxLifetime is a day")}
			return fmt.Sprint(newGate(t, gate.Config{Blocklist: short}).Ready(t.Context()))
		}, "gate: blocklist: MaxLifetime is a day"},
		{"a session struct with a token in it, in a log", "the CSRF value and all claims", func() string {
			tok := must(newGate(t, gate.Config{}).CheckToken(t.Context(), token(), gate.Policy{}))
			shows := printed(struct{ t gate.Token }{*tok})
			return fmt.Sprint(strings.Contains(fmt.Sprint(shows), tok.CSRF()))
		}, "false"},
	})
}
