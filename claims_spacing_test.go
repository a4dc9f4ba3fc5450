package gate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
)

// The usual form of claims, without white space and escapes, is read by a shorter
// way. Written in another form the same claims mean the same.
func TestClaimsInAnyForm(t *testing.T) {
	values := []string{
		`"x"`, `""`, `"access"`, `"a b"`, `"é"`, `"\u0061"`, `"\""`, `0`, `1`, `-0`, `-1`, `1.5`, `1e3`, `1E-3`, at(60), at(-60), at(60) + ".5",
		`9007199254740991`, `9007199254740993`, strings.Repeat("9", 19), strings.Repeat("9", 40), `1e400`,
		`true`, `false`, `null`, `[]`, `["a"]`, `["a","b"]`, `["a",1]`, `[[]]`, `{}`, `{"a":{"b":[1]}}`,
		`01`, `+1`, `.5`, `1.`, `1e`, `tru`, `nul`, `"`, `"\x"`, `[`, `{`, `{"a":1,"a":2}`, `-`, ``, "\"\t\"", "\"\xff\"",
	}
	names := []string{"exp", "nbf", "iat", "iss", "aud", "sub", "jti", "sid", "type", "fresh", "csrf", "user", "other"}
	forms := map[string]*strings.Replacer{
		"spaces":  strings.NewReplacer(`":`, `" : `, `,"`, ` , "`, `{"`, `{ "`),
		"lines":   strings.NewReplacer(`":`, "\":\n\t", `,"`, ",\r\n\"", `{"`, "{\n\""),
		"escapes": strings.NewReplacer(`"exp":`, `"\u0065xp":`, `"sub":`, `"s\u0075b":`, `"type":`, `"typ\u0065":`, `"aud":`, `"\u0061ud":`),
	}
	for _, identity := range []string{"sub", "user"} {
		g := newGate(t, gate.Config{
			Create: gate.Create{IdentityClaim: identity},
			Accept: gate.Accept{Lenient: gate.Lenient{AnySubject: true, AnyFresh: true, NoExpiry: true}},
		})
		read := func(payload string) string {
			tok, err := g.Decode(t.Context(), mint(hs256, payload), gate.DecodeOptions{AllowExpired: true})
			if err != nil {
				return verdict(t, err)
			}
			return fmt.Sprint(tok, tok.Issuer, tok.SessionID, tok.Audience, tok.IssuedAt, tok.NotBefore, tok.Expiry,
				tok.Fresh, tok.FreshUntil, tok.CSRF(), tok.Identity())
		}
		for _, name := range names {
			for _, v := range values {
				usual := strings.Replace(payload("user", `"bob"`, name, "0"), `"`+name+`":0`, `"`+name+`":`+v, 1)
				want := read(usual)
				for form, r := range forms {
					if got := read(r.Replace(usual)); got != want {
						t.Errorf("%s %s in the form %s: %s, want %s", name, v, form, got, want)
					}
				}
			}
		}
	}
}
