package flask_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

// reasons are the keys of the map of messages in the gate's source.
func reasons(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "messages" {
			return true
		}
		for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
			name, err := strconv.Unquote(e.(*ast.KeyValueExpr).Key.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, name)
		}
		return false
	})
	if len(all) < 50 {
		t.Fatalf("found %d reasons in ../errors.go; the test reads it wrongly", len(all))
	}
	return all
}

// ownWords are the reasons that the original has no sentence for: its locations bring
// their own with the error, or it knows no such refusal.
var ownWords = []string{
	"missing", "missing_header", "missing_scheme", "header_malformed", "query_prefix", "no_user", // with the error
	"ambiguous", "body_json", "body_content_type", "header_too_large", "missing_large_body", "missing_path", "missing_method",
	"csrf_large_form", "body_unreadable", "type_wanted",
	"too_large", "typ_type", "typ_mismatch", "crit", "zip", "cty",
	"csrf_origin", "csrf_origin_missing", "csrf_claim_type", "exp_missing", "exp_far", "sid_type", "type_type", "fresh_type", "claim_empty",
	"issuer_unknown", "tid_mismatch", "issuer_check", "never_fresh", // of Config.Issuers
	"refresh_reused", "session_ended", // of package session
	"aud_unexpected", "invalid", "wrong_type", "scope", // of kinds that a hook returns
}

// Every reason of the gate has an answer. A new one has to be looked at: give it the
// original's words, or list it above.
func TestEveryReasonHasAnAnswer(t *testing.T) {
	all := reasons(t)
	for _, reason := range all {
		e := &gate.Error{Kind: gate.ErrInvalid, Reason: reason, Name: "NAME"}
		got := flask.Message(e)
		switch own := slices.Contains(ownWords, reason); {
		case got == "" || got == http.StatusText(http.StatusUnprocessableEntity):
			t.Errorf("%s has no answer", reason)
		case own != (got == e.Message()):
			t.Errorf("%s is answered with %q; ownWords says otherwise", reason, got)
		}
	}
	for _, reason := range ownWords {
		if !slices.Contains(all, reason) {
			t.Errorf("ownWords has %s, which is no reason of the gate", reason)
		}
	}
}

func TestStatus(t *testing.T) {
	for kind, want := range map[error]int{
		gate.ErrMissing: 401, gate.ErrCSRF: 401, gate.ErrInvalid: 422, gate.ErrWrongType: 422, gate.ErrExpired: 401,
		gate.ErrNotFresh: 401, gate.ErrRevoked: 401, gate.ErrRejected: 400, gate.ErrScope: 403, gate.ErrNoUser: 401, errors.New("down"): 503,
	} {
		if got := flask.Status(fmt.Errorf("wrapped: %w", kind)); got != want {
			t.Errorf("Status(%v) = %d, want %d", kind, got, want)
		}
	}
}

func TestErrorsAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"expired", &gate.Error{Kind: gate.ErrExpired, Reason: "expired"}, 401, "Token has expired"},
		{"rejected by another gate's error", &gate.Error{Kind: gate.ErrRejected, Reason: "rejected", Err: gate.ErrExpired}, 400, "User claims verification failed"},
		{"a store is down", errors.New("dial tcp 10.0.0.1"), 503, "The service cannot check the token now; try again"},
		{"a location of the caller's", &gate.Error{Kind: gate.ErrInvalid, Err: errors.New("secret detail")}, 422, "Unprocessable Entity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			flask.Errors("m\"sg")(w, nil, tt.err)
			var body map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if w.Code != tt.status || body[`m"sg`] != tt.body || len(body) != 1 {
				t.Errorf("answer %d %v, want %d %q", w.Code, body, tt.status, tt.body)
			}
			if len(w.Header()) != 1 || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

// The body is ASCII, as Flask writes it.
func TestErrorsAreASCII(t *testing.T) {
	w := httptest.NewRecorder()
	flask.Errors("größe <&>")(w, nil, &gate.Error{Kind: gate.ErrMissing, Reason: "missing_cookie", Name: "😀"})
	if want := `{"gr\u00f6\u00dfe <&>":"Missing cookie \"\ud83d\ude00\""}` + "\n"; w.Body.String() != want {
		t.Errorf("body %s, want %s", w.Body, want)
	}
}

// The joined message names locations of the gate's own by the original's names.
func TestMissingInSeveralPlaces(t *testing.T) {
	cfg, err := configured(flask.Options{}, with("JWT_TOKEN_LOCATION", []string{"headers", "cookies"}), func(c *gate.Config) {
		c.Locations = append(c.Locations, gate.FromQuery("jwt", ""), gate.FromHeader("X-Token", ""))
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"msg":"Missing JWT in headers, cookies, query_string or headers (Missing Authorization Header; Missing cookie \"access_token_cookie\"; Missing 'jwt' query paramater; The X-Token header is missing)"}`
	if got := refusal(t, cfg, "/"); got != want {
		t.Errorf("answer %s, want %s", got, want)
	}
}

// What a location of the caller's says of a missing token is not for the client.
func TestMissingInPlaceOfTheCaller(t *testing.T) {
	at := func(l ...gate.Location) made {
		c, err := configured(flask.Options{}, with("JWT_VERIFY_SUB", true), func(c *gate.Config) { c.Locations = l })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, cause := range []error{gate.ErrMissing, fmt.Errorf("%w: no pigeon", gate.ErrMissing), fmt.Errorf("%w: %w", gate.ErrMissing, errors.New("pigeon"))} {
		pigeon := gate.LocationFunc("pigeon", func(gate.Request, gate.TokenType) (string, error) { return "", cause })
		if got, want := refusal(t, at(pigeon), "/"), `{"msg":"No token was sent"}`; got != want {
			t.Errorf("%v alone: %s, want %s", cause, got, want)
		}
		want := `{"msg":"Missing JWT in pigeon or cookies (No token was sent; Missing cookie \"access_token_cookie\")"}`
		if got := refusal(t, at(pigeon, gate.FromCookies()), "/"); got != want {
			t.Errorf("%v and cookies: %s, want %s", cause, got, want)
		}
	}
}
