package gatetest_test

// The programs of docs/testing.md. A test in docs compares.

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

func welcome(w http.ResponseWriter, r *http.Request) {
	if t, ok := gate.FromContext(r.Context()); ok {
		fmt.Fprintf(w, "Welcome back, %s", t.Subject)
		return
	}
	fmt.Fprint(w, "Welcome, stranger")
}

func TestWelcome(t *testing.T) {
	stranger := gate.NewContext(t.Context(), nil)
	for ctx, want := range map[context.Context]string{
		stranger:                      "Welcome, stranger",
		gatetest.Context(t, nil, nil): "Welcome back, alice",
	} {
		w := httptest.NewRecorder()
		welcome(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
		if got := w.Body.String(); got != want {
			t.Errorf("body = %q, want %q", got, want)
		}
	}
}

func routes(g *gate.Gate) http.Handler {
	mux := http.NewServeMux()
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.Handle("GET /report", g.Require(gate.Policy{Scopes: []string{"reports"}})(ok))
	mux.Handle("POST /transfer", g.Require(gate.Policy{Fresh: true})(ok))
	return mux
}

func TestRoutes(t *testing.T) {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		t.Fatal(err)
	}
	good := gatetest.Token(t, key, map[string]any{"scope": "reports"})
	for _, tt := range []struct {
		name, method, path, token string
		want                      int
	}{
		{"no token", "GET", "/report", "", 401},
		{"good", "GET", "/report", good, 200},
		{"changed on the way", "GET", "/report", gatetest.Tampered(good), 401},
		{"without the scope", "GET", "/report", gatetest.Token(t, key, nil), 403},
		{"expired", "GET", "/report", gatetest.Token(t, key, map[string]any{"exp": time.Now().Add(-time.Hour)}), 401},
		{"refresh token", "GET", "/report", gatetest.Token(t, key, map[string]any{"type": "refresh"}), 401},
		{"fresh", "POST", "/transfer", gatetest.Token(t, key, map[string]any{"fresh": true}), 200},
		{"not fresh", "POST", "/transfer", gatetest.Token(t, key, nil), 401},
	} {
		w := httptest.NewRecorder()
		routes(g).ServeHTTP(w, gatetest.Request(tt.method, tt.path, tt.token))
		if w.Code != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, w.Code, tt.want)
		}
	}
}

func TestExpiry(t *testing.T) {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	clock := gatetest.NewClock()
	g, err := gate.New(gate.Config{Keys: key, Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	raw := clock.Token(t, key, nil) // good for an hour
	for _, step := range []struct {
		wait time.Duration
		want error
	}{{0, nil}, {59 * time.Minute, nil}, {time.Minute, gate.ErrExpired}} {
		clock.Advance(step.wait)
		if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); !errors.Is(err, step.want) {
			t.Errorf("at %v: error = %v, want %v", clock.Now(), err, step.want)
		}
	}
}

func TestForm(t *testing.T) {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Locations: []gate.Location{gate.FromCookies()}})
	if err != nil {
		t.Fatal(err)
	}
	raw, token, err := g.Issue(t.Context(), gate.Access, "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := g.AccessCookies(t.Context(), raw, gate.CookieOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for csrf, want := range map[string]error{token.CSRF(): nil, "": gate.ErrCSRF, "of another page": gate.ErrCSRF} {
		r := gatetest.CookieRequest("POST", "/transfer", csrf, cookies...)
		if _, err := g.Check(r, gate.Policy{}); !errors.Is(err, want) {
			t.Errorf("CSRF value %q: error = %v, want %v", csrf, err, want)
		}
	}
}

func TestLogout(t *testing.T) {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	store, err := gatemem.New(gatemem.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: store})
	if err != nil {
		t.Fatal(err)
	}
	raw := gatetest.Token(t, key, nil)
	token, err := g.CheckToken(t.Context(), raw, gate.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.RevokeToken(t.Context(), token, stores.Note{Why: "logout"}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("after the logout: error = %v, want ErrRevoked", err)
	}
}

// onlyTenant is a Config.Verify: of the provider's tenants one is welcome.
func onlyTenant(_ context.Context, t *gate.Token) error {
	if t.VerifiedIssuer() == "https://idp.example/my-tenant" {
		return nil
	}
	return errors.New("not our tenant")
}

func TestOnlyTenant(t *testing.T) {
	for issuer, welcome := range map[string]bool{"https://idp.example/my-tenant": true, "https://idp.example/other": false} {
		token := gatetest.VerifiedToken(t, issuer, map[string]any{"sub": "alice"})
		if err := onlyTenant(t.Context(), token); (err == nil) != welcome {
			t.Errorf("%s: error = %v", issuer, err)
		}
	}
}

func TestProvider(t *testing.T) {
	provider, err := keys.Generate(keys.RS256) // plays the provider's key
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Issuers: []gate.Issuer{{
		Name: "https://idp.example", Keys: provider, Audiences: []string{"orders"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for iss, want := range map[string]error{"https://idp.example": nil, "https://evil.example": gate.ErrInvalid} {
		raw := gatetest.Token(t, provider, map[string]any{"iss": iss, "aud": "orders"})
		if _, err := g.Check(gatetest.Request("GET", "/", raw), gate.Policy{}); !errors.Is(err, want) {
			t.Errorf("%s: error = %v, want %v", iss, err, want)
		}
	}
}
