package gatetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// issued is a token of alice's session sid, without a generation, issued at an instant
// and living as long as a store remembers.
func (s *suite) issued(sid string, at time.Time) *gate.Token {
	tok := s.token(fmt.Sprintf("%s at %d", sid, at.Unix()))
	tok.SessionID, tok.IssuedAt, tok.Expiry = sid, at.Truncate(time.Second), at.Truncate(time.Second).Add(storekit.DefaultMaxLifetime)
	return tok
}

// checkSubject: what was issued until now and Skew, and to nobody else.
func checkSubject(s *suite) {
	s.clock.Advance(700 * time.Millisecond)
	now := s.clock.Now()
	s.revokeSubject("alice", stores.SubjectOptions{})
	s.want(true, s.issued("s", now.Add(-24*time.Hour)), "issued yesterday")
	s.want(true, s.issued("s", now), "issued in the same second")
	s.want(true, s.issued("s", now.Add(storekit.DefaultSkew)), "issued within Skew, by another clock")
	s.want(false, s.issued("s", now.Add(storekit.DefaultSkew+time.Second)), "issued after Skew")
	bob := s.issued("s", now)
	bob.Subject = "bob"
	s.want(false, bob, "another subject")
	unknown := s.token("no iat")
	unknown.IssuedAt = time.Time{}
	s.want(true, unknown, "without iat")
	nobody := s.issued("s", now)
	nobody.Subject = ""
	s.want(false, nobody, "without sub")
}

// checkInstants: the latest instant counts, also when a clock was set back.
func checkInstants(s *suite) {
	now := s.clock.Now()
	noon, ten, two := s.issued("s", now), s.issued("s", now.Add(-2*time.Hour)), s.issued("s", now.Add(2*time.Hour))
	s.clock.Set(now.Add(-time.Hour))
	s.revokeSubject("alice", stores.SubjectOptions{})
	s.want(true, ten, "issued before the call")
	s.want(false, noon, "issued after the call")
	s.clock.Set(now)
	s.revokeSubject("alice", stores.SubjectOptions{})
	s.want(true, noon, "revoked again, later")
	s.clock.Set(now.Add(-3 * time.Hour))
	s.revokeSubject("alice", stores.SubjectOptions{})
	s.want(true, noon, "revoked again with the clock set back")
	s.want(true, ten, "revoked again with the clock set back")
	s.want(false, two, "issued later")
}

func checkExcept(s *suite) {
	now := s.clock.Now()
	s.revokeSubject("alice", stores.SubjectOptions{ExceptSession: "mine"})
	s.want(false, s.issued("mine", now), "the session that is spared")
	s.want(true, s.issued("other", now), "another session")
	s.want(true, s.issued("", now), "no session")
	s.want(false, s.issued("other", now.Add(storekit.DefaultSkew+time.Second)), "another session, later")
	unknown := s.issued("mine", now)
	unknown.IssuedAt, unknown.Expiry = time.Time{}, now.Add(time.Hour)
	s.want(false, unknown, "without iat, the session that is spared")
	s.revokeSession("mine")
	s.want(true, s.issued("mine", now), "the session that was spared, revoked by itself")
}

// threeCalls runs all sequences of three calls with the exceptions "", "a" and "b", a
// minute apart. login is called before each call and after the last one; after the
// last one, judge is called with what login returned and with the exceptions of the
// calls that came after it.
func threeCalls[T any](s *suite, login func(subject, sid string) T, judge func(tok T, what string, covered bool)) {
	excepts, sessions := []string{"", "a", "b"}, []string{"a", "b", "c"}
	for n := range 27 {
		calls := []string{excepts[n%3], excepts[n/3%3], excepts[n/9]}
		subject := fmt.Sprintf("subject %d", n)
		var tokens [4][3]T
		for i := range 4 {
			for j, sid := range sessions {
				tokens[i][j] = login(subject, sid)
			}
			s.clock.Advance(30 * time.Second)
			if i < 3 {
				s.revokeSubject(subject, stores.SubjectOptions{ExceptSession: calls[i]})
				s.clock.Advance(30 * time.Second)
			}
		}
		for i := range 4 {
			for j, sid := range sessions {
				covered := false
				for _, except := range calls[min(i, 3):] {
					covered = covered || sid != except
				}
				judge(tokens[i][j], fmt.Sprintf("calls except %q: session %s, login before call %d", calls, sid, i+1), covered)
			}
		}
	}
}

// checkUnion: whatever the order of calls, a token is revoked exactly when one of
// them revokes it.
func checkUnion(s *suite) {
	login := func(subject, sid string) *gate.Token {
		tok := s.issued(sid, s.clock.Now())
		tok.Subject = subject
		return tok
	}
	threeCalls(s, login, func(tok *gate.Token, what string, covered bool) { s.want(covered, tok, what) })
}

// checkSubjectLife: the record outlives every token that it covers.
func checkSubjectLife(s *suite) {
	now := s.clock.Now()
	s.revokeSubject("alice", stores.SubjectOptions{})
	last := s.issued("s", now.Add(storekit.DefaultSkew))
	s.clock.Set(last.Expiry.Add(storekit.DefaultLeeway - time.Second))
	s.want(true, last, "the last token that is covered, at the end of its life")
	s.clock.Advance(2 * time.Second)
	s.forgotten(last, "after the record's time")
}

// checkSubjectAtOnce: of many calls at once none is lost.
func checkSubjectAtOnce(s *suite) {
	now := s.clock.Now()
	const n = 6
	for round := range 4 {
		subject := fmt.Sprint("alice ", round)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				o := stores.SubjectOptions{ExceptSession: "mine"}
				if i == round {
					o.ExceptSession = ""
				}
				if err := s.store.RevokeSubject(s.Context(), subject, o, s.note); err != nil {
					s.Errorf("RevokeSubject: %v", err)
				}
			})
		}
		wg.Wait()
		other, mine := s.issued("other", now), s.issued("mine", now)
		other.Subject, mine.Subject = subject, subject
		s.want(true, other, "revoked by all calls")
		s.want(true, mine, "revoked by one call of many")
	}
}
