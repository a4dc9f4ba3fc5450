package gatemem

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// subject is the record of a subject and when it expires.
type subject struct {
	storekit.SubjectRecord
	until int64
}

// subjects holds the records of subjects, one for each account that was logged out
// everywhere.
type subjects struct {
	any    atomic.Bool // whether there was ever a record
	mu     sync.RWMutex
	m      map[uint64]subject
	newest int64 // the largest generation ever written
}

// set stores a record. The caller holds the lock.
func (s *subjects) set(hash uint64, r subject) {
	s.m[hash], s.newest = r, max(s.newest, r.Generation)
	s.any.Store(true)
}

func (s *subjects) len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.m)
}

func (s *subjects) get(hash uint64) (subject, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.m[hash]
	return r, ok
}

func (s *Store) subjectBlocked(k *issuerKeys, t *gate.Token, now time.Time) bool {
	if !s.subjects.any.Load() {
		return false
	}
	sub := storekit.SubjectOf(t)
	if sub == "" {
		return false
	}
	r, ok := s.subjects.get(k.subject.hash(sub))
	if !ok || !storekit.Live(r.until, now) || r.Predates(generationOf(t), s.lowest()) {
		return false
	}
	session := ""
	if r.Except != "" && t.SessionID != "" {
		session = storekit.HashID(stores.Session, k.scope, t.SessionID)
	}
	return r.Covers(t, session)
}

// Generation returns the subject's generation, which a gate writes into the claim "gen"
// of the subject's new tokens. It is 0 if nothing was revoked.
func (s *Store) Generation(ctx context.Context, sub string) (int64, error) {
	if err := s.done(ctx); err != nil {
		return 0, err
	}
	if sub == "" {
		return 0, fmt.Errorf("gatemem: %w", stores.ErrNoID)
	}
	k, sub := s.named(sub)
	r, _ := s.subjects.get(k.subject.hash(sub))
	return max(r.Generation, s.lowest()), nil
}

// RevokeSubject implements [stores.Store]. It reads the clock while it holds the lock,
// so that one write is enough for tokens without a generation too.
func (s *Store) RevokeSubject(ctx context.Context, sub string, o stores.SubjectOptions, _ stores.Note) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	if sub == "" {
		return fmt.Errorf("gatemem: %w", stores.ErrNoID)
	}
	k, sub := s.named(sub)
	hash := k.subject.hash(sub)
	s.subjects.mu.Lock()
	defer s.subjects.mu.Unlock()
	now, old := s.clock(), s.subjects.m[hash]
	r := old.Revoke(s.keep.SubjectChange(o, now, s.scope.Text()), storekit.NextGeneration(max(old.Generation, s.lowest()), now))
	s.subjects.set(hash, subject{r, max(old.until, s.keep.UntilSubject(now, r))})
	s.subjects.sweepSome(now, sweepEach)
	return nil
}

// RestoreSubject implements [stores.Store].
func (s *Store) RestoreSubject(ctx context.Context, sub string) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	k, sub := s.named(sub)
	s.subjects.mu.Lock()
	defer s.subjects.mu.Unlock()
	delete(s.subjects.m, k.subject.hash(sub))
	return nil
}

// sweepSome looks at n records and removes the expired ones. The caller holds the lock.
// Go ranges over a map from a random place, so every record is looked at some time.
func (s *subjects) sweepSome(now time.Time, n int) {
	for hash, e := range s.m {
		if n--; n < 0 {
			break
		}
		if !storekit.Live(e.until, now) {
			delete(s.m, hash)
		}
	}
}
