package gateconnect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateconnect"
	"github.com/jwtgate/gate/gatetest"
)

// TestRefusals: each refusal, and beside it the call that is let through, in all protocols
// and both kinds of method.
func TestRefusals(t *testing.T) {
	past := time.Now().Add(-time.Hour)
	for _, test := range []struct {
		name   string
		policy gate.Policy
		good   map[string]any
		bad    map[string]any // nil: no token
		code   connect.Code
		reason string
	}{
		{name: "missing", code: connect.CodeUnauthenticated, reason: "MISSING_HEADER"},
		{name: "expired", bad: map[string]any{"iat": past, "exp": past.Add(time.Minute)}, code: connect.CodeUnauthenticated, reason: "EXPIRED"},
		{name: "type", bad: map[string]any{"type": "refresh"}, code: connect.CodeUnauthenticated, reason: "ACCESS_WANTED"},
		{name: "fresh", policy: gate.Policy{Fresh: true}, good: map[string]any{"fresh": true}, bad: map[string]any{}, code: connect.CodeUnauthenticated, reason: "NOT_FRESH"},
		{name: "scope", policy: gate.Policy{Scopes: []string{"admin"}}, good: map[string]any{"scope": "admin"}, bad: map[string]any{}, code: connect.CodePermissionDenied, reason: "SCOPE"},
		{name: "revoked", bad: map[string]any{"jti": "revoked"}, code: connect.CodeUnauthenticated, reason: "REVOKED"},
		{name: "down", bad: map[string]any{"jti": "down"}, code: connect.CodeUnavailable, reason: "UNAVAILABLE"},
		{name: "rejected", policy: gate.Policy{Allow: func(_ context.Context, t *gate.Token) error {
			if t.Subject == "mallory" {
				return errors.New("secret-cause")
			}
			return nil
		}}, bad: map[string]any{"sub": "mallory"}, code: connect.CodePermissionDenied, reason: "REJECTED"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := serve(t, gate.Config{Blocklist: blocklist(func(t *gate.Token) (bool, error) {
				if t.ID == "down" {
					return false, errDown
				}
				return t.ID == "revoked", nil
			})}, all(test.policy))
			good, bad := w.bearer(t, test.good), http.Header{}
			if test.bad != nil {
				bad = w.bearer(t, test.bad)
			}
			for _, o := range protocols {
				if user, err := w.call(t, unary, good, o...); err != nil || user != "alice" {
					t.Errorf("%q and %v", user, err)
				}
				_, err := w.open(t, good, o...)
				want(t, err, 0, "")
				_, err = w.call(t, unary, bad, o...)
				want(t, err, test.code, test.reason)
				_, streamErr := w.open(t, bad, o...)
				want(t, streamErr, test.code, test.reason)
				if strings.Contains(fmt.Sprint(err, streamErr), "secret") {
					t.Errorf("the client sees the cause: %v, %v", err, streamErr)
				}
			}
		})
	}
}

// TestMethods: which policy a method has; one without is denied.
func TestMethods(t *testing.T) {
	w := serve(t, gate.Config{}, gateconnect.Options{
		Methods: map[string]gate.Policy{unary: {}},
		PolicyOf: func(procedure string) (gate.Policy, bool) {
			return gate.Policy{Scopes: []string{"admin"}}, procedure == read
		},
	})
	_, err := w.call(t, unary, w.bearer(t, nil))
	want(t, err, 0, "")
	_, err = w.call(t, read, w.bearer(t, nil))
	want(t, err, connect.CodePermissionDenied, "SCOPE")
	_, err = w.call(t, read, w.bearer(t, map[string]any{"scope": "admin"}))
	want(t, err, 0, "")
	_, err = w.open(t, w.bearer(t, nil))
	want(t, err, connect.CodePermissionDenied, "METHOD_UNLISTED")
	defer func() {
		if recover() == nil {
			t.Error("a name without a service is accepted")
		}
	}()
	gateconnect.New(w.g, gateconnect.Options{Methods: map[string]gate.Policy{"Unary": {}}})
}

// TestCookies: a browser sends the CSRF value and comes from this site, except for methods
// without side effects.
func TestCookies(t *testing.T) {
	w := serve(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}}, all(gate.Policy{}))
	cookie := []string{"access_token_cookie=" + gatetest.Token(t, w.key, map[string]any{"csrf": "value"})}
	token := []string{"value"}
	for _, test := range []struct {
		procedure string
		header    http.Header
		code      connect.Code
		reason    string
	}{
		{unary, http.Header{"Cookie": cookie}, connect.CodePermissionDenied, "CSRF_MISSING"},
		{unary, http.Header{"Cookie": cookie, "X-Csrf-Token": {"other"}}, connect.CodePermissionDenied, "CSRF_MISMATCH"},
		{unary, http.Header{"Cookie": cookie, "X-Csrf-Token": token}, 0, ""},
		{unary, http.Header{"Cookie": cookie, "X-Csrf-Token": token, "Origin": {w.server.URL}}, 0, ""},
		{unary, http.Header{"Cookie": cookie, "X-Csrf-Token": token, "Origin": {"https://evil.example"}}, connect.CodePermissionDenied, "CSRF_ORIGIN"},
		{read, http.Header{"Cookie": cookie}, 0, ""},
		{read, http.Header{}, connect.CodeUnauthenticated, "MISSING_COOKIE"},
	} {
		if test.header["X-Csrf-Token"] != nil {
			test.header[w.g.Config().Cookies.Access.CSRFHeader] = test.header["X-Csrf-Token"]
		}
		_, err := w.call(t, test.procedure, test.header)
		want(t, err, test.code, test.reason)
	}
}

// TestCaches: an answer to a GET request that a cookie can change is not for shared caches.
func TestCaches(t *testing.T) {
	w := serve(t, gate.Config{Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies()}}, all(gate.Policy{Optional: true}))
	raw := gatetest.Token(t, w.key, map[string]any{"csrf": "value"})
	for _, test := range []struct {
		name, value string
		varies      bool
		cache       string
	}{
		{"Cookie", "access_token_cookie=" + raw, true, "no-store"},
		{"Cookie", "other=1", true, ""},
		{"Authorization", "Bearer " + raw, false, ""},
	} {
		req := connect.NewRequest(&empty{})
		req.Header().Set(test.name, test.value)
		client := connect.NewClient[empty, text](w.server.Client(), w.server.URL+read, connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects))
		res, err := client.CallUnary(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		vary, cache := res.Header()["Vary"], res.Header().Get("Cache-Control")
		if slices.Contains(vary, "Cookie") != test.varies || cache != test.cache {
			t.Errorf("%s %.12s: Vary %q and Cache-Control %q, want %v and %q", test.name, test.value, vary, cache, test.varies, test.cache)
		}
	}
}

// TestCachedErrors: so is an error of the handler, which another cookie may not get. The
// error itself is not changed, since all calls may share it.
func TestCachedErrors(t *testing.T) {
	w := serve(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}}, all(gate.Policy{}))
	cookie := "access_token_cookie=" + gatetest.Token(t, w.key, map[string]any{"csrf": "value"})
	client := connect.NewClient[empty, text](w.server.Client(), w.server.URL+read, connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects))
	for _, fail := range []string{"plainly", "wrapped"} {
		req := connect.NewRequest(&empty{})
		req.Header().Set("Cookie", cookie)
		req.Header().Set("Fail", fail)
		_, err := client.CallUnary(t.Context(), req)
		var failed *connect.Error
		if !errors.As(err, &failed) || failed.Code() != errNote.Code() || failed.Message() != errNote.Message() || failed.Meta().Get("Note") != "7" || len(failed.Details()) != 1 {
			t.Fatalf("%s: %v", fail, err)
		}
		if vary, cache := failed.Meta()["Vary"], failed.Meta().Get("Cache-Control"); !slices.Contains(vary, "Cookie") || cache != "no-store" {
			t.Errorf("%s: Vary %q and Cache-Control %q", fail, vary, cache)
		}
	}
	if len(errNote.Meta()) != 1 {
		t.Errorf("the error has %v now", errNote.Meta())
	}
}

// TestBeforeTheMessage: a call without a token is refused before its message is read.
func TestBeforeTheMessage(t *testing.T) {
	w := serve(t, gate.Config{}, all(gate.Policy{}))
	for header, code := range map[string]int{"": http.StatusUnauthorized, w.bearer(t, nil).Get("Authorization"): http.StatusBadRequest} {
		req, err := http.NewRequest("POST", w.server.URL+unary, strings.NewReader("{not JSON"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", header)
		resp, err := w.server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != code {
			t.Errorf("status %d, want %d", resp.StatusCode, code)
		}
	}
}

// TestPanics: a hook that panics lets nobody in, and the server goes on.
func TestPanics(t *testing.T) {
	w := serve(t, gate.Config{Verify: func(_ context.Context, t *gate.Token) error {
		if t.Subject == "panic" {
			panic("in a hook")
		}
		return nil
	}}, all(gate.Policy{}))
	bad := w.bearer(t, map[string]any{"sub": "panic"})
	if user, err := w.call(t, unary, bad); err == nil {
		t.Errorf("%q was let in", user)
	}
	if _, err := w.open(t, bad); err == nil {
		t.Error("a stream was opened")
	}
	_, err := w.call(t, unary, w.bearer(t, nil))
	want(t, err, 0, "")
}

// TestConcurrent: many calls do not see each other's tokens.
func TestConcurrent(t *testing.T) {
	w := serve(t, gate.Config{}, all(gate.Policy{Optional: true}))
	var wg sync.WaitGroup
	for i := range 32 {
		user := fmt.Sprint("user", i)
		h := w.bearer(t, map[string]any{"sub": user})
		if i%4 == 0 {
			user, h = "visitor", nil
		}
		wg.Go(func() {
			if got, err := w.call(t, unary, h); err != nil || got != user {
				t.Errorf("%q and %v, want %s", got, err, user)
			}
			if _, err := w.open(t, h); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
