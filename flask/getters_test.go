package flask_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

func TestGettersNeedAGuard(t *testing.T) {
	const want = "You must call `@jwt_required()`"
	_, err1 := flask.GetJWT(t.Context())
	_, err2 := flask.GetJWTHeader(t.Context())
	_, err3 := flask.GetJWTIdentity(t.Context())
	_, err4 := flask.GetCurrentUser(t.Context())
	for i, err := range []error{err1, err2, err3, err4} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("getter %d: error %v, want %q", i, err, want)
		}
	}
	if got := flask.GetJWTRequestLocation(t.Context()); got != "" {
		t.Errorf("location %q", got)
	}
}

func TestGettersOfAnonymousVisitor(t *testing.T) {
	ctx := gate.NewContext(t.Context(), nil)
	claims, err1 := flask.GetJWT(ctx)
	header, err2 := flask.GetJWTHeader(ctx)
	identity, err3 := flask.GetJWTIdentity(ctx)
	user, err4 := flask.GetCurrentUser(ctx)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if claims == nil || header == nil || len(claims)+len(header) != 0 || identity != nil || user != nil {
		t.Errorf("claims %v, header %v, identity %v, user %v", claims, header, identity, user)
	}
}

func TestGetters(t *testing.T) {
	g := newGate(t, with("JWT_TOKEN_LOCATION", []string{"cookies", "headers"}))
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{"role": "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	h := g.Require(gate.Policy{})(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		claims, err1 := flask.GetJWT(r.Context())
		header, err2 := flask.GetJWTHeader(r.Context())
		identity, err3 := flask.GetJWTIdentity(r.Context())
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		if claims["role"] != "admin" || claims["fresh"] != false || header["alg"] != "HS256" || identity != "alice" {
			t.Errorf("claims %v, header %v, identity %v", claims, header, identity)
		}
		if where := flask.GetJWTRequestLocation(r.Context()); where != "headers" {
			t.Errorf("location %q, want headers", where)
		}
		if _, err := flask.GetCurrentUser(r.Context()); err == nil || !strings.Contains(err.Error(), "user_lookup_loader") {
			t.Errorf("without LoadUser: error %v", err)
		}
	}))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestFunctionsOnTokens(t *testing.T) {
	g := newGate(t, with("JWT_COOKIE_CSRF_PROTECT", true))
	plain := newGate(t, with("JWT_COOKIE_CSRF_PROTECT", false))
	ctx := t.Context()
	raw, err := g.CreateAccessToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := flask.DecodeToken(ctx, g, raw, gate.DecodeOptions{})
	if err != nil || claims["sub"] != "alice" {
		t.Fatalf("DecodeToken: %v, %v", claims, err)
	}
	if v, err := flask.GetCSRFToken(ctx, g, raw); err != nil || v != claims["csrf"] || v == "" {
		t.Errorf("GetCSRFToken: %q, %v", v, err)
	}
	if header, err := flask.GetUnverifiedJWTHeaders(raw); err != nil || header["typ"] != "JWT" {
		t.Errorf("GetUnverifiedJWTHeaders: %v, %v", header, err)
	}

	without, err := plain.CreateAccessToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := flask.GetCSRFToken(ctx, g, without); err == nil || !strings.Contains(err.Error(), "no claim csrf") {
		t.Errorf("GetCSRFToken of a token without: %v", err)
	}
	if _, err := flask.GetCSRFToken(ctx, g, raw+"x"); !errors.Is(err, gate.ErrInvalid) {
		t.Errorf("GetCSRFToken of a broken token: %v", err)
	}
	if _, err := flask.GetUnverifiedJWTHeaders("junk"); !errors.Is(err, gate.ErrInvalid) {
		t.Errorf("GetUnverifiedJWTHeaders of junk: %v", err)
	}
	if _, err := flask.DecodeToken(ctx, nil, raw, gate.DecodeOptions{}); err == nil {
		t.Error("DecodeToken without a gate: no error")
	}
}

// The functions that read a token have the limits of a guard, and lose no digits.
func TestTokensOfGuardAndFunctions(t *testing.T) {
	g := newGate(t, with("JWT_TOKEN_LOCATION", "headers"))
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{
		Claims: map[string]any{"text": strings.Repeat("x", 20<<10), "n": json.Number("18446744073709551616")},
		Header: map[string]any{"n": json.Number("9007199254740993")},
	})
	if err != nil {
		t.Fatal(err)
	}
	header, err := flask.GetUnverifiedJWTHeaders(raw)
	if err != nil || header["n"] != json.Number("9007199254740993") {
		t.Errorf("header %v, %v", header, err)
	}
	claims, err := flask.DecodeToken(t.Context(), g, raw, gate.DecodeOptions{})
	if err != nil || claims["n"] != json.Number("18446744073709551616") {
		t.Errorf("claims %v, %v", claims["n"], err)
	}
	if _, err := flask.GetUnverifiedJWTHeaders(raw + strings.Repeat("x", 40<<10)); !errors.Is(err, gate.ErrInvalid) {
		t.Errorf("a token of more than 64 KiB: %v", err)
	}
}
