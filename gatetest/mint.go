package gatetest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/json"

	"github.com/jwtgate/gate/keys"
)

var enc = base64.RawURLEncoding

// minted counts tokens, for their "jti".
var minted atomic.Int64

// Token creates a token with any claims, also one that a gate would never create: it
// is signed by key, and nothing else is checked. Other claims are those of an access
// token of "alice", issued a minute ago, that expires in an hour and has a new "jti".
// A claim that is nil is left out. Times are time.Time or numbers of seconds.
func Token(tb testing.TB, key *keys.Key, claims map[string]any) string {
	tb.Helper()
	return TokenWithHeader(tb, key, nil, claims)
}

// TokenWithHeader is [Token] with header fields, which replace those of the key. A
// field that is nil is left out.
func TokenWithHeader(tb testing.TB, key *keys.Key, header, claims map[string]any) string {
	tb.Helper()
	return minting{key, header, claims, time.Now()}.token(tb)
}

// minting is what one token is made of.
type minting struct {
	key            *keys.Key
	header, claims map[string]any
	now            time.Time
}

func (m minting) token(tb testing.TB) string {
	tb.Helper()
	key, header, claims, now := m.key, m.header, m.claims, m.now
	c := map[string]any{
		"sub": "alice", "type": "access", "jti": fmt.Sprintf("gatetest-%d", minted.Add(1)), "fresh": false,
		"iat": now.Add(-time.Minute), "nbf": now.Add(-time.Minute), "exp": now.Add(time.Hour),
	}
	h := map[string]any{"alg": string(key.Algorithm()), "typ": "JWT"}
	if key.ID() != "" {
		h["kid"] = key.ID()
	}
	raw := segment(tb, h, header) + "." + segment(tb, c, claims)
	sig, err := key.Sign(tb.Context(), raw)
	if err != nil {
		tb.Fatalf("gatetest: signing a token: %v", err)
	}
	return raw + "." + sig
}

// segment encodes members with changes.
func segment(tb testing.TB, members, changes map[string]any) string {
	tb.Helper()
	maps.Copy(members, changes)
	for name, v := range members {
		if v == nil {
			delete(members, name)
		}
		if t, ok := v.(time.Time); ok {
			members[name] = t.Unix()
		}
	}
	text, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		tb.Fatalf("gatetest: encoding a token: %v", err)
	}
	return enc.EncodeToString(text)
}

// Tampered returns raw with one bit of its signature changed.
func Tampered(raw string) string {
	i := len(raw) - 10
	c := byte('A')
	if raw[i] == c {
		c = 'B'
	}
	return raw[:i] + string(c) + raw[i+1:]
}

// Request returns a request with raw as a bearer token; "" sends none.
func Request(method, target, raw string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	if raw != "" {
		r.Header.Set("Authorization", "Bearer "+raw)
	}
	return r
}

// CookieRequest returns a request with cookies, such as those of
// [gate.Gate.AccessCookies], as a browser would send it. csrf, unless it is "", is
// sent in the header X-CSRF-Token.
func CookieRequest(method, target, csrf string, cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	if csrf != "" {
		r.Header.Set("X-CSRF-Token", csrf)
	}
	return r
}
