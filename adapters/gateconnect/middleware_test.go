package gateconnect_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateconnect"
	"github.com/jwtgate/gate/gatetest"
)

// TestBehindRequire: a handler without the option behind gate.Require. Clients of all
// protocols get the code that belongs to the status.
func TestBehindRequire(t *testing.T) {
	w := serve(t, gate.Config{}, gateconnect.Options{})
	w.server = start(t, w.g.Require(gate.Policy{Scopes: []string{"admin"}})(w.handler()))
	for name, o := range protocols {
		t.Run(name, func(t *testing.T) {
			for _, test := range []struct {
				header http.Header
				code   connect.Code
			}{
				{w.bearer(t, map[string]any{"scope": "admin"}), 0},
				{w.bearer(t, nil), connect.CodePermissionDenied},
				{http.Header{}, connect.CodeUnauthenticated},
			} {
				user, err := w.call(t, unary, test.header, o...)
				want(t, err, test.code, "")
				if err == nil && user != "alice" {
					t.Errorf("the handler sees %q", user)
				}
				_, err = w.open(t, test.header, o...)
				want(t, err, test.code, "")
			}
		})
	}
}

// TestRequireAndOption: the policies of both apply, and the handler sees the token of the
// inner guard.
func TestRequireAndOption(t *testing.T) {
	w := serve(t, gate.Config{}, gateconnect.Options{})
	inner := gateconnect.New(w.g, all(gate.Policy{Optional: true, Locations: []gate.Location{gate.FromHeader("X-Inner", "")}}))
	w.server = start(t, w.g.Require(gate.Policy{})(w.handler(inner.Option())))
	h := w.bearer(t, nil)
	for _, wanted := range []string{"visitor", "bob"} {
		if wanted != "visitor" {
			h.Set("X-Inner", gatetest.Token(t, w.key, map[string]any{"sub": wanted}))
		}
		if user, err := w.call(t, unary, h); err != nil || user != wanted {
			t.Errorf("the handler sees %q, want %q: %v", user, wanted, err)
		}
	}
	h.Del("Authorization")
	_, err := w.call(t, unary, h)
	want(t, err, connect.CodeUnauthenticated, "")
}

// TestRenew: the cookie of a call is renewed by gate.Renew, outside of a guard of either
// kind, for unary calls and streams; not that of a refused call.
func TestRenew(t *testing.T) {
	w := serve(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}}, gateconnect.Options{})
	token := gatetest.Token(t, w.key, map[string]any{
		"csrf": "value", "iat": time.Now().Add(-50 * time.Minute), "exp": time.Now().Add(10 * time.Minute),
	})
	h := http.Header{"Cookie": {"access_token_cookie=" + token}, w.g.Config().Cookies.Access.CSRFHeader: {"value"}}
	for name, guarded := range map[string]http.Handler{
		"option":  w.handler(gateconnect.New(w.g, all(gate.Policy{})).Option()),
		"Require": w.g.Require(gate.Policy{})(w.handler()),
	} {
		t.Run(name, func(t *testing.T) {
			var sent http.Header
			inner := w.g.Renew(gate.RenewOptions{})(guarded)
			w.server = start(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				sent = rw.Header() // the client reads it after the call
				inner.ServeHTTP(rw, r)
			}))
			for name, o := range protocols {
				_, err := w.call(t, unary, h, o...)
				want(t, err, 0, "")
				if n := len(sent["Set-Cookie"]); n != 2 || sent.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: %d cookies and Cache-Control %q", name, n, sent.Get("Cache-Control"))
				}
				s, err := w.open(t, h, o...)
				want(t, err, 0, "")
				if n := len(s.ResponseHeader()["Set-Cookie"]); n != 2 {
					t.Errorf("%s, a stream: %d cookies", name, n)
				}
			}
			if _, err := w.call(t, unary, http.Header{"Cookie": h["Cookie"]}); err == nil || sent["Set-Cookie"] != nil {
				t.Errorf("without the CSRF value: %v, cookies %q", err, sent["Set-Cookie"])
			}
		})
	}
}

// TestOutlives: an unguarded stream behind gate.Require does not end with its token, so
// guard streams with the option.
func TestOutlives(t *testing.T) {
	clock := gatetest.NewClock()
	w := serve(t, gate.Config{Clock: clock.Now}, gateconnect.Options{})
	w.server = start(t, w.g.Require(gate.Policy{})(w.handler()))
	h := http.Header{"Authorization": {"Bearer " + clock.Token(t, w.key, map[string]any{"exp": clock.Now().Add(time.Hour)})}}
	w.handle = func(ctx context.Context, s *bidi) error {
		if err := gateconnect.Recheck(ctx); err == nil {
			t.Error("Recheck of a stream without the option is nil")
		}
		return echo(ctx, s)
	}
	s, err := w.open(t, h)
	want(t, err, 0, "")
	clock.Advance(2 * time.Hour)
	want(t, ping(s), 0, "")
}
