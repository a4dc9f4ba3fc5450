package gatetest

import (
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// checkRenewed: to revoke a token revokes what was renewed from it, and what it was
// renewed from, until the last of them has expired.
func checkRenewed(s *suite) {
	for i, when := range []string{"the first is revoked", "the second is revoked", "the third is revoked"} {
		chain := s.renewals()
		for _, tok := range chain {
			s.want(false, tok, "before "+when)
		}
		other := s.token("other " + when)
		s.revoke(chain[i])
		for _, tok := range chain {
			s.want(true, tok, when)
		}
		s.want(false, other, when)
		last := chain[len(chain)-1]
		s.clock.Advance(last.Expiry.Sub(s.clock.Now()) - time.Second)
		s.want(true, last, when+", a second before the last expires")
		s.ok(s.store.RestoreToken(s.Context(), last.RevocationID()), "RestoreToken")
		s.want(false, last, "after RestoreToken")
	}
}

// renewals makes a token and renews it twice.
func (s *suite) renewals() []*gate.Token {
	s.Helper()
	key, err := keys.Generate(keys.HS256)
	s.ok(err, "keys.Generate")
	g, err := gate.New(gate.Config{Keys: key, Clock: s.clock.Now, Cookies: gate.Cookies{CSRF: gate.CSRF{Disabled: true}}})
	s.ok(err, "gate.New")
	_, tok, err := g.Issue(s.Context(), gate.Access, "alice", gate.TokenOptions{})
	s.ok(err, "Issue")
	chain := []*gate.Token{tok}
	for range 2 {
		s.clock.Advance(8 * time.Minute)
		cookies, err := g.RenewCookies(s.Context(), chain[len(chain)-1], nil, gate.RenewOptions{AnyLocation: true})
		s.ok(err, "RenewCookies")
		tok, err = g.Decode(s.Context(), cookies[len(cookies)-1].Value, gate.DecodeOptions{})
		s.ok(err, "Decode")
		chain = append(chain, tok)
	}
	return chain
}
