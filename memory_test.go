package gate_test

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// reused is a request in memory that its transport uses again for the next one, as
// fasthttp does.
type reused struct {
	transport
	memory []byte
}

func (r reused) Header(name string) []string {
	if name != "Authorization" {
		return nil
	}
	return []string{unsafe.String(unsafe.SliceData(r.memory), len(r.memory))}
}

func (r reused) Cookies(string) []string {
	return []string{unsafe.String(&r.memory[len("Bearer ")], len(r.memory)-len("Bearer "))}
}

func (r reused) Query(name string) []string { return r.Cookies(name) }

func (r reused) PathValue(string) string { return r.Cookies("")[0] }

func (r reused) Body(int) ([]byte, bool, error) { return r.memory, true, nil }

// tells is all that a token tells.
func tells(tok *gate.Token) string {
	var header, claims map[string]any
	err1, err2 := tok.Header(&header), tok.Claims(&claims)
	return fmt.Sprint(tok, tok.ID, tok.Subject, tok.Issuer, tok.SessionID, tok.Audience, tok.Type, header, claims, err1, err2,
		tok.Identity(), tok.CSRF(), tok.Location(), tok.VerifiedIssuer(), tok.VerifiedKey(), tok.Expiry)
}

func TestNothingPointsIntoTheRequest(t *testing.T) {
	claims := payload("aud", `["a","b"]`, "iss", `"me"`, "sid", `"s"`, "uid", `"u1"`)
	for _, tt := range []struct {
		name string
		keys keys.Source
		raw  string
	}{
		{"header of the key", hs256, mint(hs256, claims)},
		{"another header", hs256, mintWith(hs256, `{"typ":"JWT","alg":"HS256","x":"y"}`, claims)},
		{"cached", ed, mint(ed, claims)},
		{"key source", asked{hs256}, mint(hs256, claims)},
	} {
		for name, location := range map[string]gate.Location{
			"header": gate.FromHeader("Authorization", "Bearer"), "cookie": gate.FromCookies(), "query": gate.FromQuery("jwt", ""),
		} {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				var events []gate.Event
				g := newGate(t, gate.Config{Keys: tt.keys, Locations: []gate.Location{location}, OnEvent: listen(&events),
					Accept: gate.Accept{Audiences: []string{"a"}}, Create: gate.Create{IdentityClaim: "uid"}})
				for range 2 { // the second is out of the cache
					r := reused{transport{method: "GET"}, []byte("Bearer " + tt.raw)}
					tok, err := g.CheckRequest(t.Context(), r, gate.Policy{})
					if err != nil {
						t.Fatal(err)
					}
					want := tells(tok)
					copy(r.memory, strings.Repeat("#", len(r.memory)))
					if got := tells(tok); got != want || got != tells(events[len(events)-1].Token) {
						t.Errorf("token = %s, want %s as before", got, want)
					}
				}
			})
		}
	}
}
