package gatemem

import (
	"context"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// everybodyHash returns the hash under which a snapshot keeps the record of RevokeAll.
// The hashes of subjects are made with another key.
func (s *Store) everybodyHash() uint64 {
	key := s.master.derive("everybody", s.scope.Text())
	return key.hash("")
}

// RevokeAll implements [stores.Store].
func (s *Store) RevokeAll(ctx context.Context, _ stores.Note) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	s.subjects.mu.Lock()
	defer s.subjects.mu.Unlock()
	now, old := s.clock(), s.subjects.m[s.everybodyHash()]
	r := old.Revoke(s.keep.SubjectChange(stores.SubjectOptions{}, now, ""), storekit.NextGeneration(s.subjects.newest, now))
	s.setEverybody(subject{r, max(old.until, s.keep.UntilSubject(now, r))})
	return nil
}

// setEverybody stores the record of RevokeAll. The caller holds the lock.
func (s *Store) setEverybody(r subject) {
	s.subjects.set(s.everybodyHash(), r)
	s.everybody.Store(&r)
}

// everybodyCovers reports whether RevokeAll covers a token with this generation and
// "iat". A generation that is not lower than the record's was read after RevokeAll. Such
// a token is not covered, whatever its "iat".
func (s *Store) everybodyCovers(gen int64, issued, now time.Time) bool {
	r := s.everybody.Load()
	if r == nil || !storekit.Live(r.until, now) {
		return false
	}
	if gen != stores.NoGeneration {
		return gen < r.Generation
	}
	return r.CoversSession(stores.SessionRecord{Generation: gen, Issued: issued}, "")
}

func generationOf(t *gate.Token) int64 {
	if gen, ok := t.Generation(); ok {
		return gen
	}
	return stores.NoGeneration
}

// lowest is the lowest generation that a token made now may have.
func (s *Store) lowest() int64 {
	if r := s.everybody.Load(); r != nil {
		return r.Generation
	}
	return 0
}

// Redeem implements [stores.Store].
func (s *Store) Redeem(ctx context.Context, t *gate.Token, _ stores.Note) (first bool, err error) {
	if err := s.done(ctx); err != nil {
		return false, err
	}
	if t == nil || t.ID == "" {
		return false, fmt.Errorf("gatemem: %w", stores.ErrNoID)
	}
	now := s.clock()
	until := s.keep.UntilRevoked(t, now)
	if !storekit.Live(until, now) {
		return false, fmt.Errorf("gatemem: %w", stores.ErrForgotten)
	}
	hash := s.keysOf(t.VerifiedIssuer()).token.hash(t.RevocationID())
	if !s.reserve(now) {
		if s.tokens.extend(hash, until) {
			return false, nil
		}
		return false, fmt.Errorf("gatemem: %w", stores.ErrFull)
	}
	first, grown := s.tokens.claim(hash, until, now)
	s.reserved.Add(grown - 1)
	return first, nil
}
