package attacks_test

import (
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/attacks"
	"github.com/jwtgate/gate/keys"
)

// TestAttacksOnIssuers runs the tokens of the corpus a second time, against a gate that
// has no key of its own and takes them for those of another issuer, beside a second
// issuer with keys of the same kinds and, another time, beside keys of its own. What is
// refused must be refused there too, and the controls pass.
func TestAttacksOnIssuers(t *testing.T) {
	c, err := attacks.Load(corpusFile())
	if err != nil {
		t.Fatal(err)
	}
	own, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	accepted, refused := 0, 0
	for i := range c.Entries {
		e := &c.Entries[i]
		if e.Layer != "jws" && e.Layer != "claims" {
			continue
		}
		for name, key := range map[string]keys.Source{"alone": nil, "beside own keys": own} {
			t.Run(e.ID+", "+name, func(t *testing.T) {
				defer noPanic(t)
				ok := asIssuer(t, c, e, key)
				x := expected(t, e)
				if ok != (x.Outcome == "accept") {
					t.Errorf("accepted = %v, want %s: %s", ok, x.Outcome, e.Title)
				}
				if ok {
					accepted++
				} else {
					refused++
				}
			})
		}
	}
	if accepted == 0 || refused == 0 {
		t.Errorf("%d accepted, %d refused; want both", accepted, refused)
	}
}

// asIssuer reports whether a gate accepts the token of a case as that of another
// issuer.
func asIssuer(t *testing.T, c *attacks.Corpus, e *attacks.Entry, own keys.Source) bool {
	t.Helper()
	cfg := configOf(t, c, e)
	second, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Issuers = []gate.Issuer{
		{Name: cfg.Accept.Issuer, Keys: cfg.Keys, Audiences: cfg.Accept.Audiences},
		{Name: cfg.Accept.Issuer + "/second", Keys: second, Audiences: cfg.Accept.Audiences},
	}
	cfg.Keys, cfg.Accept.Issuer, cfg.Accept.Audiences = own, "", nil
	g, err := gate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.Compact(e.Token)
	if err != nil {
		t.Fatal(err)
	}
	x := expected(t, e)
	p := gate.Policy{Fresh: x.ErrorClass == "fresh_required" || freshRoute.MatchString(e.Title+e.Note)}
	tok, err := g.CheckToken(t.Context(), raw, p)
	if err == nil && tok.VerifiedIssuer() != cfg.Issuers[0].Name {
		t.Errorf("VerifiedIssuer = %q, want %q", tok.VerifiedIssuer(), cfg.Issuers[0].Name)
	}
	return err == nil
}
