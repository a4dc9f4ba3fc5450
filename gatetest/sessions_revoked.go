package gatetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// login adds a session whose tokens have the subject's generation, as Start does.
func (s *sessions) login(id string) stores.SessionRecord {
	s.Helper()
	r := s.record(id)
	r.Generation = s.generation("alice")
	return s.begin(r)
}

// checkRotationGeneration: the generation and its exception count in the step.
func checkRotationGeneration(s *sessions) {
	a, b := s.login("a"), s.login("b")
	s.revokeSubject("alice", stores.SubjectOptions{ExceptSession: "a"})
	got := s.rotate(b, b.Live, stores.SessionRevoked, "revoked")
	s.rotate(b, "older", stores.SessionRevoked, "revoked, an older token: no reuse")
	if got.ID != "b" || !got.Ended.IsZero() {
		s.Errorf("the revoked record = %+v", got)
	}
	next := s.rotate(a, a.Live, stores.SessionRotated, "spared")
	c := s.login("c")
	s.rotate(c, c.Live, stores.SessionRotated, "a login in the same second")
	s.revokeSubject("alice", stores.SubjectOptions{ExceptSession: "c"})
	s.rotate(a, next.Live, stores.SessionRevoked, "no longer spared")
	s.rotate(c, c.Live, stores.SessionReplayed, "spared now")
	d := s.login("d")
	s.revokeSubject("alice", stores.SubjectOptions{})
	s.rotate(c, c.Live, stores.SessionRevoked, "nobody is spared")
	s.revokeSubject("alice", stores.SubjectOptions{ExceptSession: "d"})
	s.rotate(d, d.Live, stores.SessionRevoked, "spared after it was revoked")
	s.ok(s.store.RestoreSubject(s.Context(), "alice"), "RestoreSubject")
	s.rotate(c, c.Live, stores.SessionReplayed, "restored")
}

// checkRotationIssued: tokens without a generation are judged by their "iat".
func checkRotationIssued(s *sessions) {
	a, b := s.record("a"), s.record("b")
	a.Generation, b.Generation = stores.NoGeneration, stores.NoGeneration
	s.begin(a)
	s.begin(b)
	s.clock.Advance(time.Minute)
	s.revokeSubject("alice", stores.SubjectOptions{ExceptSession: "a"})
	s.rotate(b, b.Live, stores.SessionRevoked, "revoked by its iat")
	s.listed("one is revoked by its iat", "a")
	s.rotate(a, a.Live, stores.SessionRotated, "spared")
	s.clock.Advance(storekit.DefaultSkew + time.Second)
	c := s.record("c")
	c.Generation = stores.NoGeneration
	s.begin(c)
	s.rotate(c, c.Live, stores.SessionRotated, "issued later")
}

// checkRotationAbove: the store has lost the generation that a token has.
func checkRotationAbove(s *sessions) {
	a := s.login("a")
	a.Generation = storekit.NextGeneration(0, s.clock.Now().Add(24*time.Hour))
	b := s.record("b")
	b.Generation = a.Generation
	s.begin(b)
	s.rotate(b, b.Live, stores.SessionRotated, "no record at all")
	s.clock.Advance(time.Minute)
	s.revokeSubject("alice", stores.SubjectOptions{})
	s.rotate(a, a.Live, stores.SessionRevoked, "issued before")
	s.rotate(b, b.Live, stores.SessionRevoked, "issued before, as its record")
	s.listed("both are revoked by their iat")
	s.clock.Advance(storekit.DefaultSkew + time.Second)
	c := s.record("c")
	c.Generation = a.Generation
	s.begin(c)
	s.rotate(c, c.Live, stores.SessionRotated, "issued after")
}

// checkRemoveRevoked: only records of earlier generations are removed.
func checkRemoveRevoked(s *sessions) {
	s.login("a")
	s.login("b")
	s.ok(s.kept.RemoveRevoked(s.Context(), "alice"), "RemoveRevoked of nothing")
	s.listed("nothing is revoked", "a", "b")
	s.revokeSubject("alice", stores.SubjectOptions{ExceptSession: "b"})
	s.login("c")
	s.listed("revoked", "b", "c")
	s.ok(s.kept.RemoveRevoked(s.Context(), "alice"), "RemoveRevoked")
	s.ok(s.store.RestoreSubject(s.Context(), "alice"), "RestoreSubject")
	s.listed("removed, and restored", "b", "c")
}

func checkRotationAll(s *sessions) {
	a, b := s.login("a"), s.login("b")
	b.Subject = "bob"
	s.begin(b)
	none := s.record("none")
	none.Generation = stores.NoGeneration
	s.begin(none)
	s.ok(s.store.RevokeAll(s.Context(), s.note), "RevokeAll")
	for _, r := range []stores.SessionRecord{a, b, none} {
		s.rotate(r, r.Live, stores.SessionRevoked, "everything revoked, "+r.ID)
	}
	s.listed("everything is revoked")
	c := s.login("c")
	s.rotate(c, c.Live, stores.SessionRotated, "a login after that")
	s.listed("a login after that", "c")
}

// limited adds a session under a limit, a second after the one before.
func (s *sessions) limited(id string, l stores.SessionLimit) ([]string, error) {
	s.Helper()
	s.clock.Advance(time.Second)
	r := s.record(id)
	r.Generation = s.generation("alice")
	ended, err := s.kept.AddSession(s.Context(), r, l)
	slices.Sort(ended)
	return ended, err
}

func checkRefuse(s *sessions) {
	l := stores.SessionLimit{Max: 2}
	for _, id := range []string{"a", "b"} {
		if ended, err := s.limited(id, l); err != nil || len(ended) > 0 {
			s.Fatalf("AddSession(%s) = %q, %v", id, ended, err)
		}
	}
	other := s.record("other")
	other.Subject = "bob"
	s.begin(other)
	if _, err := s.limited("c", l); !errors.Is(err, stores.ErrTooManySessions) {
		s.Errorf("AddSession beyond Max: error = %v, want ErrTooManySessions", err)
	}
	s.listed("refused", "a", "b")
	a := s.record("a")
	s.rotate(a, "older", stores.SessionReused, "reuse ends one")
	if ended, err := s.limited("d", l); err != nil || fmt.Sprint(ended) != "[a]" {
		s.Errorf("AddSession in the place of one that was ended = %q, %v; want [a], which is to be removed", ended, err)
	}
	s.revokeSubject("alice", stores.SubjectOptions{ExceptSession: "d"})
	if _, err := s.limited("e", l); err != nil {
		s.Errorf("AddSession in the place of one that was revoked: %v", err)
	}
	if _, err := s.limited("f", l); !errors.Is(err, stores.ErrTooManySessions) {
		s.Errorf("AddSession beyond Max again: error = %v, want ErrTooManySessions", err)
	}
}

// checkEvict: the oldest go, by when they were created, and are named until they are
// removed.
func checkEvict(s *sessions) {
	l := stores.SessionLimit{Max: 2, Evict: true}
	a := s.record("a")
	for _, tt := range []struct{ id, ended string }{{"a", "[]"}, {"b", "[]"}} {
		if ended, err := s.limited(tt.id, l); err != nil || fmt.Sprint(ended) != tt.ended {
			s.Fatalf("AddSession(%s) = %q, %v; want %s", tt.id, ended, err, tt.ended)
		}
	}
	first := s.rotate(a, a.Live, stores.SessionRotated, "the older one is used")
	if ended, err := s.limited("c", l); err != nil || fmt.Sprint(ended) != "[a]" {
		s.Errorf("AddSession(c) = %q, %v; want [a]", ended, err)
	}
	if got := s.rotate(a, first.Live, stores.SessionEnded, "evicted"); !got.Ended.Equal(s.clock.Now()) {
		s.Errorf("ended at %v, want %v", got.Ended, s.clock.Now())
	}
	s.listed("until it is removed", "a", "b", "c")
	if ended, err := s.limited("d", l); err != nil || fmt.Sprint(ended) != "[a b]" {
		s.Errorf("AddSession(d) = %q, %v; want [a b]", ended, err)
	}
	for _, id := range []string{"a", "b"} {
		if there, err := s.kept.RemoveSession(s.Context(), "alice", id); !there || err != nil {
			s.Errorf("RemoveSession(%s) = %v, %v", id, there, err)
		}
	}
	s.listed("at last", "c", "d")
}

// checkIdleLimit: a session whose refresh token has expired takes no place, whatever its
// age, and is ended before it could come back.
func checkIdleLimit(s *sessions) {
	l := stores.SessionLimit{Max: 2}
	used := s.record("used")
	for _, id := range []string{"used", "idle"} {
		if ended, err := s.limited(id, l); err != nil || len(ended) > 0 {
			s.Fatalf("AddSession(%s) = %q, %v", id, ended, err)
		}
	}
	s.clock.Advance(testIdle / 2)
	s.rotate(used, used.Live, stores.SessionRotated, "one is used")
	s.clock.Advance(testIdle/2 + time.Second)
	if ended, err := s.limited("new", l); err != nil || fmt.Sprint(ended) != "[idle]" {
		s.Errorf("AddSession in the place of an idle one = %q, %v; want [idle], which is to be removed", ended, err)
	}
	if r := s.list("alice")["idle"]; !r.Ended.Equal(s.clock.Now()) {
		s.Errorf("the idle one ended at %v, want %v", r.Ended, s.clock.Now())
	}
	if _, err := s.limited("newer", l); !errors.Is(err, stores.ErrTooManySessions) {
		s.Errorf("AddSession beyond Max: error = %v, want ErrTooManySessions", err)
	}
	l.Evict = true
	if ended, err := s.limited("newer", l); err != nil || fmt.Sprint(ended) != "[idle used]" {
		s.Errorf("AddSession(newer) = %q, %v; want [idle used]", ended, err)
	}
}
