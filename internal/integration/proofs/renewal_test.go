package proofs_test

import (
	"context"
	"math"
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

func TestRenewalGivesNothingNew(t *testing.T) {
	run(t, []proof{
		{"a partner's token becomes one of ours", renewForeign},
		{"a restricted token loses its restrictions", renewRestricted},
		{"a renewal under way survives the logout", renewAfterLogout},
		{"a renewed token is of somebody else", renewBigIdentity},
		{"a shared cache keeps the renewed cookie", renewIntoCache},
	})
}

func renewForeign(a *attack) {
	partnerKey := must(keys.Generate(keys.ES256)).WithID("partner")
	clock := gatetest.NewClock()
	g := newGate(gate.Config{
		Clock: clock.Now, Locations: fromCookies,
		Create: gate.Create{Issuer: "https://bank.example"},
		Issuers: []gate.Issuer{{
			Name: "https://partner.example", Audiences: []string{"bank"},
			Keys: must(keys.FromPublic(keys.ES256, partnerKey.Public())).WithID("partner"),
		}},
	})
	partner := newGate(gate.Config{Keys: partnerKey, Clock: clock.Now, Create: gate.Create{Issuer: "https://partner.example", Audience: []string{"bank"}}})
	raw := access(partner, "admin", gate.TokenOptions{})
	if _, err := check(g, raw); err != nil {
		a.Fatal(err)
	}
	clock.Advance(10 * time.Minute)
	h := g.Renew(gate.RenewOptions{})(page(g))
	if a.planted {
		h = naive(g, func(t *gate.Token) (string, error) { return access(g, t.Subject, gate.TokenOptions{}), nil })
	}
	if _, renewed := visit(h, raw); renewed != "" {
		a.gain("a new token of the partner's admin")
	}
}

func renewRestricted(a *attack) {
	clock := gatetest.NewClock()
	g := newGate(gate.Config{
		Clock: clock.Now, Locations: fromCookies,
		Create: gate.Create{Audience: []string{"web"}}, Accept: gate.Accept{Audiences: []string{"web", "kiosk"}},
	})
	h := g.Renew(gate.RenewOptions{})(page(g))
	if a.planted {
		h = naive(g, func(t *gate.Token) (string, error) { return access(g, t.Subject, gate.TokenOptions{}), nil })
	}
	raw := access(g, "alice", gate.TokenOptions{Claims: map[string]any{"scope": "read", "aud": "kiosk", "act": map[string]any{"sub": "support"}}})
	clock.Advance(10 * time.Minute)
	_, renewed := visit(h, raw)
	if renewed == "" {
		return
	}
	var c struct {
		Scope string         `json:"scope"`
		Aud   string         `json:"aud"`
		Act   map[string]any `json:"act"`
	}
	if err := must(check(g, renewed)).Claims(&c); err != nil || c.Scope != "read" || c.Aud != "kiosk" || c.Act["sub"] != "support" {
		a.gain("the new token has scope %q, audience %q, actor %v (%v)", c.Scope, c.Aud, c.Act, err)
	}
}

func renewAfterLogout(a *attack) {
	clock := gatetest.NewClock()
	store := must(gatemem.New(gatemem.Options{Clock: clock.Now}))
	g := newGate(gate.Config{Clock: clock.Now, Locations: fromCookies, Blocklist: store})
	raw := access(g, "alice", gate.TokenOptions{})
	old := must(check(g, raw))
	clock.Advance(8 * time.Minute)
	_, renewed := visit(g.Renew(gate.RenewOptions{})(page(g)), raw)
	if a.planted {
		renewed = access(g, "alice", gate.TokenOptions{}) // of no session
	}
	if renewed == "" {
		a.Fatal("not renewed")
	}
	if err := store.RevokeSession(context.Background(), old.SessionID, stores.Note{}); err != nil {
		a.Fatal(err)
	}
	if _, err := check(g, renewed); err == nil {
		a.gain("the renewed token is good after the logout")
	}
}

func renewBigIdentity(a *attack) {
	clock := gatetest.NewClock()
	g := newGate(gate.Config{Clock: clock.Now, Locations: fromCookies, Create: gate.Create{IdentityClaim: "uid"}})
	h := g.Renew(gate.RenewOptions{})(page(g))
	if a.planted {
		h = naive(g, func(t *gate.Token) (string, error) {
			return access(g, uint64(must(parse(t.Identity()))), gate.TokenOptions{}), nil
		})
	}
	for _, id := range []uint64{1<<53 + 1, 1<<63 + 1, 1<<63 + 700, math.MaxUint64 - 1} {
		raw := access(g, id, gate.TokenOptions{})
		want := must(must(check(g, raw)).SubjectKey())
		clock.Advance(8 * time.Minute)
		_, renewed := visit(h, raw)
		if renewed == "" {
			a.Fatal("not renewed")
		}
		if got := must(must(check(g, renewed)).SubjectKey()); got != want {
			a.gain("a token of %s became one of %s", want, got)
		}
	}
}

func renewIntoCache(a *attack) {
	clock := gatetest.NewClock()
	g := newGate(gate.Config{Clock: clock.Now, Locations: fromCookies})
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Cache-Control", "CDN-Cache-Control", "Surrogate-Control", "Cloudflare-CDN-Cache-Control"} {
			w.Header().Set(name, "public, max-age=60")
		}
		if a.planted {
			http.SetCookie(w, &http.Cookie{Name: cookie, Value: "new"})
		}
	})
	h := g.Renew(gate.RenewOptions{})(g.Require(gate.Policy{Optional: true})(app))
	raw := access(g, "alice", gate.TokenOptions{})
	if !a.planted {
		clock.Advance(10 * time.Minute)
	}
	w, renewed := visit(h, raw)
	if renewed == "" {
		a.Fatal("not renewed")
	}
	if kept := cacheable(w); kept != "" {
		a.gain("the answer with the cookie has %s", kept)
	}
}

// cacheable returns a header of an answer that lets a shared cache keep it.
func cacheable(w *httptest.ResponseRecorder) string {
	if cc := w.Header().Get("Cache-Control"); cc != "no-store" && cc != "private" {
		return "Cache-Control: " + cc
	}
	for _, name := range []string{"CDN-Cache-Control", "Surrogate-Control", "Cloudflare-CDN-Cache-Control"} {
		if v := w.Header().Get(name); v != "" && v != "no-store" {
			return name + ": " + v
		}
	}
	return ""
}
