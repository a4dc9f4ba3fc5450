package gatetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// issued is a token of alice's session sid, issued at an instant and living as long as
// a store remembers.
func (s *suite) issued(sid string, at time.Time) *gate.Token {
	tok := s.token(fmt.Sprintf("%s at %d", sid, at.Unix()))
	tok.SessionID, tok.IssuedAt, tok.Expiry = sid, at.Truncate(time.Second), at.Truncate(time.Second).Add(stores.DefaultMaxLifetime)
	return tok
}

// checkSubject: what was issued until now, and to nobody else.
func checkSubject(s *suite) {
	s.clock.Advance(700 * time.Millisecond)
	now := s.clock.Now()
	s.revokeSubject("alice", stores.SubjectOptions{})
	s.want(true, s.issued("s", now.Add(-24*time.Hour)), "issued yesterday")
	s.want(true, s.issued("s", now), "issued in the same second")
	s.want(false, s.issued("s", now.Add(time.Second)), "issued in the next second")
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

// checkInstants: the latest instant stands.
func checkInstants(s *suite) {
	now := s.clock.Now()
	noon, ten, two := s.issued("s", now), s.issued("s", now.Add(-2*time.Hour)), s.issued("s", now.Add(2*time.Hour))
	s.revokeSubject("alice", stores.SubjectOptions{Before: now.Add(-time.Hour)})
	s.want(true, ten, "issued before the instant")
	s.want(false, noon, "issued after the instant")
	s.revokeSubject("alice", stores.SubjectOptions{})
	s.want(true, noon, "revoked until now")
	s.revokeSubject("alice", stores.SubjectOptions{Before: now.Add(-3 * time.Hour)})
	s.want(true, noon, "an earlier instant after a later one")
	s.want(true, ten, "an earlier instant after a later one")
	s.want(false, two, "issued later")
	s.revokeSubject("alice", stores.SubjectOptions{Before: now.Add(3 * time.Hour)})
	s.want(true, two, "an instant to come")
}

func checkExcept(s *suite) {
	now := s.clock.Now()
	s.revokeSubject("alice", stores.SubjectOptions{ExceptSession: "mine"})
	s.want(false, s.issued("mine", now), "the session that is spared")
	s.want(true, s.issued("other", now), "another session")
	s.want(true, s.issued("", now), "no session")
	s.want(false, s.issued("other", now.Add(time.Second)), "another session, later")
	unknown := s.issued("mine", now)
	unknown.IssuedAt, unknown.Expiry = time.Time{}, now.Add(time.Hour)
	s.want(false, unknown, "without iat, the session that is spared")
	s.revokeSession("mine")
	s.want(true, s.issued("mine", now), "the session that was spared, revoked by itself")
}

// checkUnion: whatever the order of calls, a token is revoked exactly when one of
// them revokes it.
func checkUnion(s *suite) {
	now := s.clock.Now()
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	calls := []struct {
		minutes int
		except  string
	}{{-9, ""}, {-6, "a"}, {-6, "b"}, {-3, "a"}, {-3, ""}, {-1, "b"}}
	for i, first := range calls {
		for j, second := range calls {
			for k, third := range calls {
				if (i*7+j*3+k)%4 != 0 { // a quarter of the orders will do
					continue
				}
				subject := fmt.Sprint("subject ", i, j, k)
				for _, c := range []struct {
					minutes int
					except  string
				}{first, second, third} {
					s.revokeSubject(subject, stores.SubjectOptions{Before: at(c.minutes), ExceptSession: c.except})
				}
				covers := func(minutes int, sid string) bool {
					return minutes <= first.minutes && sid != first.except || minutes <= second.minutes && sid != second.except ||
						minutes <= third.minutes && sid != third.except
				}
				for _, sid := range []string{"a", "b"} {
					for _, minutes := range []int{-7, -5, -2} {
						tok := s.issued(sid, at(minutes))
						tok.Subject = subject
						s.want(covers(minutes, sid), tok, fmt.Sprintf("%v, %v, %v: session %s at %d minutes", first, second, third, sid, minutes))
					}
				}
			}
		}
	}
}

// checkSubjectLife: the record outlives every token that it covers.
func checkSubjectLife(s *suite) {
	soon := s.clock.Now().Add(time.Hour)
	s.revokeSubject("alice", stores.SubjectOptions{Before: soon})
	last := s.issued("s", soon)
	s.clock.Set(last.Expiry.Add(stores.DefaultLeeway - time.Second))
	s.want(true, last, "the last token that is covered, at the end of its life")
	s.clock.Advance(2 * time.Second)
	s.want(false, last, "after the record's time")
}

// checkSubjectAtOnce: of many calls at once none is lost.
func checkSubjectAtOnce(s *suite) {
	now := s.clock.Now()
	const n = 12
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			o := stores.SubjectOptions{Before: now.Add(-time.Duration(i) * time.Minute)}
			if i%3 == 0 {
				o.ExceptSession = "mine"
			}
			if err := s.store.RevokeSubject(s.Context(), "alice", o, s.note); err != nil {
				s.Errorf("RevokeSubject: %v", err)
			}
		})
	}
	wg.Wait()
	s.want(true, s.issued("other", now), "the latest instant")
	s.want(false, s.issued("mine", now), "spared by the latest")
	s.want(true, s.issued("mine", now.Add(-time.Minute)), "not spared by the second latest")
}
