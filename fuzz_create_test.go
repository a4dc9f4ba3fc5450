package gate_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// FuzzCreate: a gate accepts what it creates, whatever claims it is given, and where it
// creates nothing that is no refusal of a token.
func FuzzCreate(f *testing.F) {
	g := newGate(f, gate.Config{Create: gate.Create{Issuer: "me", Audience: []string{"a", "b"}, IdentityClaim: "uid"}})
	for _, name := range []string{"exp", "nbf", "iat", "iss", "aud", "sub", "jti", "sid", "gen", "type", "fresh", "csrf", "uid", "scope", ""} {
		for _, v := range []string{`1`, `1700000900`, `1700000060.5`, `-1`, `1e400`, `"x"`, `""`, `null`, `true`, `["a"]`, `{"a":[1]}`, `"\ud800"`} {
			f.Add(name, v, int64(0), "alice")
			f.Add(name, v, int64(time.Hour), "\xff")
		}
	}
	f.Add("role", `"admin"`, int64(-1<<63), "")
	f.Fuzz(func(t *testing.T, name, value string, lifetime int64, identity string) {
		o := gate.TokenOptions{
			ExpiresIn: time.Duration(lifetime), SessionID: name,
			Claims: map[string]any{name: json.RawMessage(value)},
		}
		raw, tok, err := g.Issue(t.Context(), gate.Access, identity, o)
		var refused *gate.Error
		switch {
		case errors.As(err, &refused):
			t.Fatalf("creating is refused as a token would be: %v", err)
		case err != nil:
			if raw != "" || tok != nil {
				t.Fatalf("an error, and yet %q", raw)
			}
			return
		}
		checked, err := g.CheckToken(t.Context(), raw, gate.Policy{})
		if errors.As(err, &refused) && refused.Reason == "nbf_future" && tok.NotBefore.Before(tok.Expiry) {
			return // valid one day
		}
		if err != nil {
			t.Fatalf("created and refused: %v", err)
		}
		if fields(t, tok) != fields(t, checked) {
			t.Fatalf("Issue returned\n%s, the check\n%s", fields(t, tok), fields(t, checked))
		}
		again, err := g.CreateAccessToken(t.Context(), tok.Identity(), gate.TokenOptions{From: tok})
		if err != nil {
			t.Fatalf("accepted, but not to make another from: %v", err)
		}
		if next := check(t, g, again); next.SessionID != tok.SessionID || next.CSRF() != tok.CSRF() {
			t.Fatalf("made from %s: %s", fields(t, tok), fields(t, next))
		}
	})
}
