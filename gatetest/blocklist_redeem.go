package gatetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

func (s *suite) redeem(first bool, tok *gate.Token, when string) {
	s.Helper()
	got, err := s.store.Redeem(s.Context(), tok, s.note)
	s.ok(err, when+": Redeem")
	if got != first {
		s.Errorf("%s: Redeem = %v, want %v", when, got, first)
	}
}

// checkRedeem: a token counts once, also if it was revoked in another way.
func checkRedeem(s *suite) {
	a, b, revoked := s.token("a"), s.token("b"), s.token("revoked")
	s.redeem(true, a, "first")
	s.want(true, a, "redeemed")
	s.redeem(false, a, "second")
	s.want(false, b, "another token")
	s.revoke(revoked)
	s.redeem(false, revoked, "revoked before")
	s.revoke(a)
	s.redeem(false, a, "revoked since")
	s.ok(s.store.RestoreToken(s.Context(), a.ID), "RestoreToken")
	s.want(false, a, "restored")
	s.redeem(true, a, "restored")
	s.redeem(false, a, "after that")
	s.want(true, a, "after that")
	s.clock.Set(a.Expiry.Add(storekit.DefaultLeeway - time.Millisecond))
	s.redeem(false, a, "within the leeway")
	s.want(true, a, "within the leeway")
	s.clock.Set(a.Expiry.Add(storekit.DefaultLeeway))
	cancelled, cancel := context.WithCancel(s.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		tok  *gate.Token
		want error
	}{
		{"past its time", s.Context(), a, stores.ErrForgotten}, {"nil", s.Context(), nil, stores.ErrNoID},
		{"no jti", s.Context(), s.token(""), stores.ErrNoID}, {"cancelled", cancelled, s.token("c"), context.Canceled},
	} {
		if first, err := s.store.Redeem(tt.ctx, tt.tok, s.note); first || !errors.Is(err, tt.want) {
			s.Errorf("%s: Redeem = %v, %v; want %v", tt.name, first, err, tt.want)
		}
	}
}

// checkRedeemAtOnce: of many calls one is the first.
func checkRedeemAtOnce(s *suite) {
	for i := range 8 {
		tok := s.token(fmt.Sprint("token ", i))
		var firsts atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				first, err := s.store.Redeem(s.Context(), tok, s.note)
				s.check(err)
				if first {
					firsts.Add(1)
				}
			})
		}
		wg.Wait()
		if n := firsts.Load(); n != 1 {
			s.Errorf("%s: %d calls were the first, want 1", tok.ID, n)
		}
	}
}

// checkRevokeAll: what was issued before is refused, whosever it is.
func checkRevokeAll(s *suite) {
	a, b, bare, stolen := s.token("a"), s.token("b"), &gate.Token{ID: "bare", Expiry: s.clock.Now().Add(time.Hour)}, s.token("stolen")
	b.Subject = "bob"
	s.clock.Advance(time.Minute)
	late := s.token("late")
	s.ok(s.store.RevokeAll(s.Context(), s.note), "RevokeAll")
	for name, tok := range map[string]*gate.Token{"alice's": a, "bob's": b, "without iat": bare, "of the same second": late} {
		s.want(true, tok, "everything revoked: "+name)
	}
	s.revoke(stolen)
	s.clock.Advance(storekit.DefaultSkew + time.Second)
	s.want(true, a, "later")
	s.want(false, s.token("new"), "issued later")
	stolen.IssuedAt = s.clock.Now()
	s.want(true, stolen, "issued later, and revoked")
	s.revokeSubject("bob", stores.SubjectOptions{})
	s.want(false, s.token("new"), "another subject revoked")
	s.ok(s.store.RestoreSubject(s.Context(), "alice"), "RestoreSubject")
	s.want(true, a, "a subject restored")
	cancelled, cancel := context.WithCancel(s.Context())
	cancel()
	if err := s.store.RevokeAll(cancelled, s.note); err == nil {
		s.Error("RevokeAll with a cancelled context: no error")
	}
	s.want(false, s.token("new"), "after a call that was given up")
}

// checkRevokeAllGeneration: every login that begins after the return is good.
func checkRevokeAllGeneration(s *suite) {
	login := func(subject string) *gate.Token {
		return s.minted(gate.Create{}, map[string]any{"sub": subject, "jti": "x", "gen": s.generation(subject)})
	}
	s.revokeSubject("bob", stores.SubjectOptions{})
	a, b := login("alice"), login("bob")
	for range 3 {
		before := []*gate.Token{a, b, VerifiedToken(s, "https://idp.example", map[string]any{
			"jti": "x", "gen": 1<<53 - 1, "iat": s.clock.Now(), "exp": s.clock.Now().Add(time.Hour),
		})}
		s.ok(s.store.RevokeAll(s.Context(), s.note), "RevokeAll")
		for _, tok := range before {
			s.want(true, tok, "everything revoked")
		}
		a, b = login("alice"), login("bob")
		s.want(false, a, "a login after it, in the same second")
		s.want(false, b, "a login after it, of a subject that was revoked before")
		s.revokeSubject("alice", stores.SubjectOptions{})
		s.want(true, a, "the subject revoked")
		a = login("alice")
		s.want(false, a, "a login after that")
		s.want(false, b, "another subject")
	}
}
