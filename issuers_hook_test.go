package gate_test

import (
	"errors"
	"testing"

	"github.com/jwtgate/gate"
)

// Issuer.Check is asked about the tokens of its issuer alone, once everything before it
// holds, and also where a token comes from the cache.
func TestIssuerCheck(t *testing.T) {
	errNot := errors.New("an ID token")
	asked := 0
	cfg := issuing()
	cfg.Issuers[0].Check = func(tok *gate.Token) error {
		asked++
		var c struct {
			Use string `json:"use"`
		}
		if err := tok.Claims(&c); err != nil || tok.VerifiedIssuer() != bankName {
			t.Errorf("Check was given the token %v of %q: %v", tok, tok.VerifiedIssuer(), err)
		}
		if c.Use != "access" {
			return errNot
		}
		return nil
	}
	g := newGate(t, cfg)
	for _, tt := range []struct {
		name, raw, want string
		asked           int
	}{
		{"accepted", mint(bankKey, claimsOf(bankName, "use", `"access"`)), "ok", 1},
		{"refused", mint(bankKey, claimsOf(bankName, "use", `"id"`)), "issuer_check", 1},
		{"refused, and expired", mint(bankKey, claimsOf(bankName, "exp", "1")), "issuer_check", 1},
		{"expired", mint(bankKey, claimsOf(bankName, "use", `"access"`, "exp", "1")), "expired", 1},
		{"for another audience", mint(bankKey, claimsOf(bankName, "aud", `"web"`)), "aud_mismatch", 0},
		{"a forged one", mint(shopKey, claimsOf(bankName)), "alg_mismatch", 0},
		{"of an issuer without a check", mint(shopKey, claimsOf(shopName)), "ok", 0},
		{"the gate's own", mint(hs256, payload("iss", quoted("https://me.example"))), "ok", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time from the cache
				asked = 0
				_, err := g.CheckToken(t.Context(), tt.raw, gate.Policy{})
				checkVerdict(t, err, tt.want)
				if asked != tt.asked {
					t.Errorf("Check was called %d times, want %d", asked, tt.asked)
				}
				if tt.want == "issuer_check" && (!errors.Is(err, errNot) || !errors.Is(err, gate.ErrInvalid)) {
					t.Errorf("error = %v; want the kind and the error of Check", err)
				}
			}
		})
	}
}
