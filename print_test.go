package gate_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/jwtgate/gate/internal/json"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// An application that prints its own structs prints the tokens in them.
type (
	session struct {
		token gate.Token
		ptr   *gate.Token
		key   keys.Key
		user  any
	}
	Session struct {
		Token gate.Token
		Ptr   *gate.Token
		Event gate.Event
		List  []any
	}
)

// printed is v in every form in which it may end in a log.
func printed(v any) map[string]string {
	all := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		all[verb] = fmt.Sprintf(verb, v)
	}
	b, err := json.Marshal(v)
	all["encoding/json"] = fmt.Sprint(string(b), err)
	b, err = jsonv2.Marshal(v)
	all["json v2"] = fmt.Sprint(string(b), err)
	var text, js bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v)
	slog.New(slog.NewJSONHandler(&js, nil)).Info("m", "v", v)
	all["slog text"], all["slog JSON"] = text.String(), js.String()
	return all
}

func TestNothingPrintsSecrets(t *testing.T) {
	g := newGate(t, gate.Config{
		Locations: []gate.Location{gate.FromCookies()},
		LoadUser: func(context.Context, *gate.Token) (any, error) {
			return struct{ Password string }{"canary-password"}, nil
		},
	})
	raw := token("email", `"canary-email"`)
	tok := must(g.Check(request("GET", "/", "Cookie: access_token_cookie="+raw), gate.Policy{}))
	ctx := gate.NewContext(t.Context(), tok)
	other := *tok
	edKey := must(keys.Generate(keys.EdDSA))
	for name, v := range map[string]any{
		"token": tok, "value": *tok, "unexported": session{token: *tok, ptr: tok, key: *hs256, user: other},
		"pointer": &session{token: *tok}, "exported": Session{Token: *tok, Ptr: tok, Event: gate.Event{Token: tok}, List: []any{*tok, tok}},
		"map": map[string]any{"t": other}, "key": *edKey, "key in a struct": session{key: *edKey}, "gate": g, "gate by value": []any{g},
		"context": ctx, "error": &gate.Error{Kind: gate.ErrExpired, Reason: "expired", Token: tok},
		"error by value": gate.Error{Kind: gate.ErrExpired, Reason: "expired", Token: tok},
	} {
		for form, text := range printed(v) {
			for _, canary := range []string{secret, tok.CSRF(), "canary-email", "canary-password", raw, raw[:40]} {
				for _, shape := range []string{canary, hex.EncodeToString([]byte(canary)), fmt.Sprint([]byte(canary))} {
					if strings.Contains(strings.ToLower(text), strings.ToLower(strings.Trim(shape, "[]"))) {
						t.Errorf("%s by %s shows %q", name, form, canary)
					}
				}
			}
		}
	}
}

// A Token that no gate has made has nothing to hide, and tells its fields.
func TestTokenByHand(t *testing.T) {
	tok := &gate.Token{ID: "id-1", Subject: "alice"}
	var claims map[string]any
	if err := tok.Claims(&claims); err != nil || claims["sub"] != "alice" || claims["jti"] != "id-1" || len(claims) != 3 {
		t.Errorf("Claims = %v, %v; want those of its fields", claims, err)
	}
	whole := &gate.Token{
		ID: "id-1", Subject: "alice", Issuer: "i", SessionID: "s", Audience: []string{"a"}, Type: gate.Access,
		IssuedAt: start, NotBefore: start, Expiry: start.Add(time.Minute), FreshUntil: start.Add(time.Second),
	}
	claims = nil
	want := "map[aud:[a] exp:1.70000006e+09 fresh:1.700000001e+09 iat:1.7e+09 iss:i jti:id-1 nbf:1.7e+09 sid:s sub:alice type:access]"
	if err := whole.Claims(&claims); err != nil || fmt.Sprint(claims) != want {
		t.Errorf("Claims = %v, %v; want %s", claims, err, want)
	}
	if err := tok.Header(&claims); err == nil {
		t.Errorf("Header = %v, want an error", claims)
	}
	if tok.CSRF() != "" || tok.Location() != "" || tok.VerifiedIssuer() != "" || tok.VerifiedKey() != nil || tok.Identity() != any("alice") || tok.Policy().Fresh {
		t.Errorf("a token made by hand tells of %v", tok)
	}
	if _, ok := gate.User[any](gate.NewContext(t.Context(), tok)); ok {
		t.Error("a token made by hand has a user")
	}
}
