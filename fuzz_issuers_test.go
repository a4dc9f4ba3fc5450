package gate_test

import (
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/keys"
)

// FuzzIssuers: whatever the claims are, at most one of two issuers and the gate itself
// can sign them, and it is the one that "iss" names by a reader of its own.
func FuzzIssuers(f *testing.F) {
	names := []string{"https://me.example", bankName, "https://login.example/{tenantid}/v2"}
	signers := make([]*keys.Key, len(names))
	for n := range signers {
		signers[n] = must(keys.Generate(keys.HS256))
	}
	lenient := gate.Lenient{AnyOrigin: true, NoID: true, NoExpiry: true, AnyType: true, AnyFresh: true, AnySubject: true}
	g := must(gate.New(gate.Config{
		Keys: signers[0], Clock: stopped, Create: gate.Create{Issuer: names[0]}, Accept: gate.Accept{Lenient: lenient, Issuer: names[0]},
		Issuers: []gate.Issuer{{Name: names[1], Keys: signers[1], Lenient: lenient}, {Name: names[2], Keys: signers[2], Lenient: lenient}},
	}))
	for _, iss := range append(names, "https://login.example/t-1/v2", "https://login.example//v2", "") {
		f.Add(claimsOf(iss))
		f.Add(claimsOf(iss, "tid", `"t-1"`))
		f.Add(`{"iss":"x",` + claimsOf(iss)[1:])
		f.Add(`{"\u0069ss":"` + iss + `","sub":""}`)
		f.Add(`{"a":{"iss":"` + iss + `"},"sub":"a"}`)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		accepted := 0
		for n, k := range signers {
			tok, err := g.CheckToken(t.Context(), mint(k, payload), gate.Policy{})
			if err != nil {
				continue
			}
			accepted++
			var claims map[string]any
			if err := json.Unmarshal([]byte(payload), &claims); err != nil {
				t.Fatalf("accepted, and not strict JSON: %v", err)
			}
			want, _ := claims["iss"].(string)
			if n == 0 && (want != names[0] || tok.VerifiedIssuer() != "") || n > 0 && tok.VerifiedIssuer() != want || n == 1 && want != names[1] {
				t.Errorf("signer %d: iss %q, VerifiedIssuer %q", n, want, tok.VerifiedIssuer())
			}
		}
		if accepted > 1 {
			t.Errorf("%d signers are accepted for %q", accepted, payload)
		}
	})
}
