package gatetest

import (
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// checkIssuers: the same text is another identifier for each issuer, and text alone means
// the gate's own.
func checkIssuers(s *suite) {
	const one, other = "https://one.example", "https://other.example"
	ctx, now := s.Context(), s.clock.Now().Truncate(time.Second)
	tokens := map[string]*gate.Token{}
	for _, issuer := range []string{"", one, other} {
		tokens[issuer] = VerifiedToken(s, issuer, map[string]any{
			"jti": "a", "sid": "sid-a", "iat": now, "nbf": now, "exp": now.Add(15 * time.Minute),
		})
	}
	for _, step := range []struct {
		name    string
		revoke  func(issuer string) error
		restore func(issuer string) error
	}{
		{"token", func(issuer string) error { return s.store.RevokeToken(ctx, tokens[issuer], s.note) },
			func(issuer string) error { return s.store.RestoreToken(ctx, stores.OfIssuer(issuer, "a")) }},
		{"session", func(issuer string) error {
			return s.store.RevokeSession(ctx, stores.OfIssuer(issuer, "sid-a"), s.note)
		}, func(issuer string) error { return s.store.RestoreSession(ctx, stores.OfIssuer(issuer, "sid-a")) }},
		{"subject", func(issuer string) error {
			return s.store.RevokeSubject(ctx, stores.OfIssuer(issuer, "alice"), stores.SubjectOptions{}, s.note)
		}, func(issuer string) error { return s.store.RestoreSubject(ctx, stores.OfIssuer(issuer, "alice")) }},
		{"subject but for another session", func(issuer string) error {
			return s.store.RevokeSubject(ctx, stores.OfIssuer(issuer, "alice"), stores.SubjectOptions{ExceptSession: stores.OfIssuer(issuer, "sid-b")}, s.note)
		}, func(issuer string) error { return s.store.RestoreSubject(ctx, stores.OfIssuer(issuer, "alice")) }},
	} {
		for revoked := range tokens {
			s.ok(step.revoke(revoked), step.name+" of "+revoked)
			for issuer, tok := range tokens {
				s.want(issuer == revoked, tok, step.name+" of "+revoked+" revoked, asked about "+issuer)
			}
			s.ok(step.restore(revoked), "restoring a "+step.name)
			s.want(false, tokens[revoked], step.name+" restored")
		}
	}
	s.revokeSubject(stores.OfIssuer(one, "alice"), stores.SubjectOptions{ExceptSession: stores.OfIssuer(one, "sid-a")})
	s.want(false, tokens[one], "the session that is spared")
}

// checkOtherGenerations: the claim "gen" of another issuer counts revocations elsewhere.
// Its tokens are judged by "iat", whatever the claim says.
func checkOtherGenerations(s *suite) {
	const issuer = "https://one.example"
	made := func(gen int64) *gate.Token {
		now := s.clock.Now().Truncate(time.Second)
		return VerifiedToken(s, issuer, map[string]any{"jti": "a", "gen": gen, "iat": now, "nbf": now, "exp": now.Add(15 * time.Minute)})
	}
	for _, gen := range []int64{0, 1<<53 - 1} {
		old := made(gen)
		s.revokeSubject(stores.OfIssuer(issuer, "alice"), stores.SubjectOptions{})
		s.want(true, old, fmt.Sprint("issued before, of generation ", gen))
		s.clock.Advance(time.Minute)
		s.want(false, made(gen), fmt.Sprint("issued after, of generation ", gen))
	}
}
