package gatetest

import (
	"context"
	"errors"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// checkLifetime: a store does not vouch for a token that may outlive what it knows
// of the token's session and subject.
func checkLifetime(s *suite) {
	a := s.token("a")
	a.Expiry = a.IssuedAt.Add(storekit.DefaultMaxLifetime)
	s.want(false, a, "lives as long as the store remembers")
	noIssue := *a
	noIssue.IssuedAt = time.Time{}
	s.want(false, &noIssue, "the same without iat")
	long, never, unknown := *a, *a, *a
	long.Expiry = a.Expiry.Add(time.Second)
	never.Expiry = time.Time{}
	unknown.IssuedAt, unknown.Expiry = time.Time{}, long.Expiry
	for _, tok := range []*gate.Token{&long, &never, &unknown} {
		if blocked, err := s.store.Blocked(s.Context(), tok); !errors.Is(err, stores.ErrLifetime) {
			s.Errorf("Blocked(token from %v to %v) = %v, %v; want ErrLifetime", tok.IssuedAt, tok.Expiry, blocked, err)
		}
		s.revoke(tok)
		if blocked, err := s.store.Blocked(s.Context(), tok); !errors.Is(err, stores.ErrLifetime) {
			s.Errorf("Blocked(revoked token from %v to %v) = %v, %v; want ErrLifetime", tok.IssuedAt, tok.Expiry, blocked, err)
		}
	}
}

// checkClockBack: a clock set back brings nothing back that is in the store.
func checkClockBack(s *suite) {
	a, b := s.token("a"), s.token("b")
	s.revoke(a)
	s.revokeSession("sid-b")
	s.revokeSubject("bob", stores.SubjectOptions{})
	bob := s.token("c")
	bob.Subject = "bob"
	s.clock.Advance(-time.Hour)
	s.want(true, a, "token, an hour back")
	s.want(true, b, "session, an hour back")
	s.want(true, bob, "subject, an hour back")
	s.revoke(a)
	s.revokeSession("sid-b")
	s.revokeSubject("bob", stores.SubjectOptions{})
	s.clock.Advance(time.Hour)
	s.want(true, a, "token, revoked again with the clock back")
	s.want(true, b, "session, revoked again with the clock back")
	s.want(true, bob, "subject, revoked again with the clock back")
	s.clock.Set(a.Expiry.Add(storekit.DefaultLeeway - time.Second))
	s.want(true, a, "token to the end of its life")
}

// checkContexts: a call that was given up is an error, never "not revoked".
func checkContexts(s *suite) {
	a, past := s.token("a"), longer(s.token("past"), -24*time.Hour)
	s.revoke(a)
	cancelled, cancel := context.WithCancel(s.Context())
	cancel()
	late, cancel := context.WithTimeout(s.Context(), -time.Second)
	defer cancel()
	for name, ctx := range map[string]context.Context{"cancelled": cancelled, "past its deadline": late} {
		blocked, err := s.store.Blocked(ctx, a)
		if err == nil {
			s.Errorf("Blocked(context %s) = %v, nil; want an error", name, blocked)
		}
		for what, err := range map[string]error{
			"RevokeToken":                      s.store.RevokeToken(ctx, a, s.note),
			"RevokeToken of one past its time": s.store.RevokeToken(ctx, past, s.note),
			"RevokeSession":                    s.store.RevokeSession(ctx, "x", s.note),
			"RevokeSubject":                    s.store.RevokeSubject(ctx, "x", stores.SubjectOptions{}, s.note),
			"RestoreToken":                     s.store.RestoreToken(ctx, "x"),
			"RestoreSession":                   s.store.RestoreSession(ctx, "x"),
			"RestoreSubject":                   s.store.RestoreSubject(ctx, "x"),
		} {
			if err == nil {
				s.Errorf("%s(context %s): no error", what, name)
			}
		}
	}
	s.want(true, a, "after calls that were given up")
}
