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

// subject is a record and the second in which it is removed.
type subject struct {
	storekit.SubjectRecord
	until int64
}

// subjects are few: one for each account that was logged out everywhere.
type subjects struct {
	any    atomic.Bool // there has been one
	mu     sync.RWMutex
	m      map[uint64]subject
	newest int64 // the largest generation there has been
}

// set takes a record, with the lock held.
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

// Generation returns the subject's generation, which a new token of the subject
// carries in the claim "gen"; 0 where nothing was revoked.
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

// RevokeSubject implements [stores.Store]. The clock is read under the lock, so one
// write is enough for tokens without a generation too.
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

// sweepSome looks at n records, with the lock held, and removes those past their time.
// Go starts to range over a map at a random place, so that all have their turn.
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
