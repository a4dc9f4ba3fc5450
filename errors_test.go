package gate_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

var allKinds = []error{
	gate.ErrMissing, gate.ErrCSRF, gate.ErrInvalid, gate.ErrExpired, gate.ErrWrongType,
	gate.ErrNotFresh, gate.ErrRevoked, gate.ErrScope, gate.ErrRejected, gate.ErrNoUser,
}

func TestErrorKinds(t *testing.T) {
	cause := errors.New("cause")
	for _, kind := range allKinds {
		err := fmt.Errorf("handler: %w", &gate.Error{Kind: kind, Reason: "expired", Err: cause})
		for _, other := range append([]error{cause}, allKinds...) {
			if got, want := errors.Is(err, other), other == kind || other == cause; got != want {
				t.Errorf("an error of kind %v is %v: %v, want %v", kind, other, got, want)
			}
		}
		var e *gate.Error
		if !errors.As(err, &e) || e.Kind != kind {
			t.Errorf("no *Error in %v", err)
		}
		if without := (&gate.Error{Kind: kind}); !errors.Is(without, kind) || errors.Is(without, cause) {
			t.Errorf("an error of kind %v without cause is something else", kind)
		}
	}
}

func TestErrorText(t *testing.T) {
	for _, tt := range []struct {
		name          string
		err           gate.Error
		text, message string
	}{
		{"reason", gate.Error{Kind: gate.ErrExpired, Reason: "expired"}, "gate: The token has expired", "The token has expired"},
		{"name", gate.Error{Kind: gate.ErrInvalid, Reason: "claim_missing", Name: "sub"}, "gate: The claim sub is missing", "The claim sub is missing"},
		{"cause", gate.Error{Kind: gate.ErrRejected, Reason: "rejected", Err: errors.New("a\nb")},
			"gate: The token is not accepted here: a; b", "The token is not accepted here"},
		{"no reason", gate.Error{Kind: gate.ErrInvalid, Err: errors.New("mine")}, "gate: invalid token: mine", ""},
		{"unknown reason", gate.Error{Kind: gate.ErrRevoked, Reason: "mine"}, "gate: token revoked", ""},
		{"no kind", gate.Error{}, "gate: ", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.err.Error(); got != tt.text {
				t.Errorf("Error = %q, want %q", got, tt.text)
			}
			if got := tt.err.Message(); got != tt.message {
				t.Errorf("Message = %q, want %q", got, tt.message)
			}
		})
	}
}

// source texts of the package: the reasons given to refuse, refuseName, onlyValue and
// Reason:, the faults of internal/jws, and the keys of messages.
func reasonsInSource(t *testing.T) (used, messages map[string]bool) {
	used, messages = map[string]bool{}, map[string]bool{}
	add := func(to map[string]bool, e ast.Expr) {
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == gotoken.STRING {
			if s := must(strconv.Unquote(l.Value)); s != "" {
				to[s] = true
			}
		}
	}
	for _, file := range append(must(filepath.Glob("*.go")), "internal/jws/fault.go", "session/refresh.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		ast.Inspect(must(parser.ParseFile(gotoken.NewFileSet(), file, nil, 0)), func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok {
					switch f.Name {
					case "refuse", "refuseName":
						add(used, n.Args[1])
					case "onlyValue":
						add(used, n.Args[2])
					}
				}
			case *ast.KeyValueExpr:
				if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Reason" {
					add(used, n.Value)
				}
			case *ast.ValueSpec:
				if typ, ok := n.Type.(*ast.Ident); ok && typ.Name == "Fault" {
					add(used, n.Values[0])
				}
				for i, name := range n.Names {
					list, ok := ast.Expr(nil), i < len(n.Values)
					if ok {
						list = n.Values[i]
					}
					c, ok := list.(*ast.CompositeLit)
					if !ok || name.Name != "messages" && name.Name != "statuses" {
						continue
					}
					for _, e := range c.Elts {
						if row, ok := e.(*ast.CompositeLit); ok {
							add(used, row.Elts[len(row.Elts)-1])
						} else {
							add(messages, e.(*ast.KeyValueExpr).Key)
						}
					}
				}
			}
			return true
		})
	}
	return used, messages
}

// Every reason has its sentence, and every sentence its reason.
func TestEveryReasonHasAMessage(t *testing.T) {
	used, messages := reasonsInSource(t)
	if len(used) < 60 || len(messages) < 60 {
		t.Fatalf("%d reasons and %d messages found in the source; the test looks in the wrong place", len(used), len(messages))
	}
	for reason := range used {
		if !messages[reason] {
			t.Errorf("reason %q has no message", reason)
		}
		e := gate.Error{Kind: gate.ErrInvalid, Reason: reason, Name: "THE-NAME"}
		if m := e.Message(); m == "" || strings.Contains(m, "%") || strings.HasSuffix(m, ".") || !strings.Contains("ABCDEFGHIJKLMNOPQRSTUVWXYZ", m[:1]) {
			t.Errorf("message of %q is not a sentence without a stop: %q", reason, m)
		}
	}
	for reason := range messages {
		if !used[reason] {
			t.Errorf("message %q is used by no reason", reason)
		}
	}
}

// refusals makes a request of every kind of fault, each full of canaries.
func refusals() []*http.Request {
	raw := []string{
		token(), token("exp", at(0)), token("sub", `{"canary-sub":1}`), token("aud", `"canary-aud"`), token("iss", `"canary-iss"`),
		token("type", `"canary-type"`), token("jti", ""), token("csrf", `1`), token("nbf", at(9)), token("exp", `"canary-exp"`),
		mint(hs256, "canary-payload"), mint(hs256, `["canary-payload"]`), mint(hs256, payload("canary-name", `{"canary":1,"canary":2}`)),
		mintWith(hs256, `{"alg":"canary-alg"}`, payload()), mintWith(hs256, `{"alg":"HS256","typ":"canary-typ"}`, payload()),
		mintWith(hs256, `{"alg":"HS256","kid":["canary-kid"]}`, payload()), mintWith(hs256, `{"alg":"HS256","crit":["canary-crit"]}`, payload()),
		mintWith(hs256, "canary-header", payload()), refreshToken(), token() + "x", token() + "canary", "canary", "canary.canary", "canary.canary.canary.canary", "..",
		strings.Repeat("canary", 2000),
	}
	var list []*http.Request
	for _, s := range raw {
		form := withBody("POST", "application/json", `{"access_token":"`+s+`"}`)
		csrf := request("POST", "/canary", "Cookie: access_token_cookie="+s, "X-CSRF-TOKEN: canary-csrf-9")
		list = append(list, bearer(s), form, csrf, request("GET", "/?jwt="+s),
			request("POST", "/?jwt=canary&jwt="+s), request("POST", "/", "Cookie: access_token_cookie="+s),
			request("GET", "/", "Authorization: Bearer "+s+" "+s), request("GET", "/", "Authorization: Bearer "+s, "Authorization: Bearer canary"),
			request("GET", "/", "Cookie: access_token_cookie="+s+"; access_token_cookie=canary"))
	}
	for _, body := range []string{`{"access_token":["canary"]}`, `{"canary`, `{"canary":1,"canary":2}`, `{"access_token":"canary","access_token":1}`} {
		list = append(list, withBody("POST", "application/json", body))
	}
	return append(list, request("GET", "/canary"), withBody("POST", "canary/canary", "canary"))
}

// No error, no header and no body that a gate writes holds anything of the token, of
// the request or of the secret.
func TestNoOutputHoldsACanary(t *testing.T) {
	locations := []gate.Location{
		gate.FromHeader("Authorization", "Bearer"), gate.FromCookies(), gate.FromQuery("jwt", ""), gate.FromJSON("access_token", "refresh_token"),
	}
	blocked := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return true, nil })
	down := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return false, errors.New("no connection") })
	set := must(keys.NewSet(hs256.WithID("k")))
	seen := map[string]bool{}
	for _, cfg := range []gate.Config{
		{}, {Keys: asked{hs256}}, {Keys: set}, {Blocklist: blocked}, {Blocklist: down},
		{Accept: gate.Accept{Issuer: "me"}},
		{Verify: func(context.Context, *gate.Token) error { return errors.New("no") }},
		{LoadUser: func(context.Context, *gate.Token) (any, error) { return nil, nil }},
		{OnError: gate.ProblemErrors("https://example.com/")},
	} {
		cfg.Locations = locations
		g := newGate(t, cfg)
		for _, p := range []gate.Policy{{}, {Type: gate.Refresh}, {Fresh: true}, {Optional: true}} {
			for _, r := range refusals() {
				w := httptest.NewRecorder()
				_, err := g.Check(r, p)
				if err == nil {
					continue
				}
				g.WriteError(w, r, err)
				seen[verdict(t, err)] = true
				out := fmt.Sprintf("%v\n%+v\n%v\n%s", err, err, w.Header(), w.Body)
				for _, c := range []string{"canary", secret, encode("canary")} {
					if strings.Contains(out, c) {
						t.Fatalf("%q shows in the answer to %v:\n%s", c, r, out)
					}
				}
			}
		}
	}
	for _, reason := range []string{"signature", "expired", "csrf_mismatch", "ambiguous", "failure", "no_user", "iss_missing", "too_large"} {
		if !seen[reason] {
			t.Errorf("no request was refused as %s; seen: %v", reason, slices.Sorted(maps.Keys(seen)))
		}
	}
}
