package gatemem

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// records holds the records of sessions by subject. The subject's hash chooses the
// shard. The map's key is the subject itself, because two subjects with the same hash
// must not share sessions.
type records struct{ shards [1 << shardBits]recordShard }

type recordShard struct {
	mu sync.Mutex
	m  map[string][]stores.SessionRecord
}

// sweepSubjects is the number of subjects whose expired records AddSession removes.
const sweepSubjects = 4

// owner is a subject, the records of its sessions, and its own record. Both are locked.
type owner struct {
	s       *Store
	shard   *recordShard
	subject string
	revoked storekit.SubjectRecord
	now     time.Time
}

// lock locks the session records of a subject and its own record, until unlock. It reads
// the clock while it holds the locks.
func (s *Store) lock(subject string) *owner {
	hash := s.own.subject.hash(subject)
	o := &owner{s: s, shard: &s.records.shards[hash&(1<<shardBits-1)], subject: subject}
	s.subjects.mu.RLock()
	o.shard.mu.Lock()
	o.now = s.clock().UTC().Truncate(time.Microsecond)
	if r := s.subjects.m[hash]; storekit.Live(r.until, o.now) {
		o.revoked = r.SubjectRecord
	}
	return o
}

func (o *owner) unlock() {
	o.shard.mu.Unlock()
	o.s.subjects.mu.RUnlock()
}

// find returns the record of a session, or nil.
func (o *owner) find(id string) *stores.SessionRecord {
	list := o.shard.m[o.subject]
	for i := range list {
		if list[i].ID == id && !o.s.keep.SessionOver(list[i], o.now) {
			return &list[i]
		}
	}
	return nil
}

// live returns the records that are neither expired nor revoked, newest first.
func (o *owner) live() []stores.SessionRecord {
	var list []stores.SessionRecord
	for _, r := range o.shard.m[o.subject] {
		if !o.s.keep.SessionOver(r, o.now) && !o.covers(r) {
			list = append(list, r)
		}
	}
	storekit.SortSessions(list)
	return list
}

// covers reports whether the tokens of a record are revoked.
func (o *owner) covers(r stores.SessionRecord) bool {
	if o.s.everybodyCovers(r.Generation, r.Issued, o.now) {
		return true
	}
	return !o.revoked.Predates(r.Generation, o.s.lowest()) && o.revoked.CoversSession(r, o.s.hashSession(r.ID))
}

// remove removes the records for which gone returns true, and returns their number.
func (o *owner) remove(gone func(stores.SessionRecord) bool) int {
	list := o.shard.m[o.subject]
	before := len(list)
	if list = slices.DeleteFunc(list, gone); len(list) == 0 {
		delete(o.shard.m, o.subject)
	} else {
		o.shard.m[o.subject] = list
	}
	return before - len(list)
}

func (s *Store) hashSession(id string) string {
	return storekit.HashID(stores.Session, s.scope.Text(), id)
}

// AddSession implements [stores.Sessions].
func (s *Store) AddSession(ctx context.Context, r stores.SessionRecord, l stores.SessionLimit) (ended []string, err error) {
	if err := s.done(ctx); err != nil {
		return nil, err
	}
	o := s.lock(r.Subject)
	defer o.unlock()
	if r, err = storekit.NewSession(r, o.now); err != nil {
		return nil, fmt.Errorf("gatemem: %w", err)
	}
	o.shard.sweep(o, sweepSubjects)
	if o.find(r.ID) != nil {
		return nil, fmt.Errorf("gatemem: %w: there is a session of that ID", stores.ErrSessionID)
	}
	end, refused := storekit.LimitSessions(append([]stores.SessionRecord{r}, o.live()...), l, o.now)
	if refused {
		return nil, fmt.Errorf("gatemem: %w", stores.ErrTooManySessions)
	}
	o.add(r)
	for _, id := range end {
		if old := o.find(id); old != nil {
			old.Ended = o.now
		}
	}
	o.remove(func(r stores.SessionRecord) bool { return s.keep.SessionOver(r, o.now) })
	return storekit.EndedIn(o.shard.m[r.Subject]), nil
}

// add adds a record.
func (o *owner) add(r stores.SessionRecord) {
	if o.shard.m == nil {
		o.shard.m = map[string][]stores.SessionRecord{}
	}
	o.shard.m[o.subject] = append(o.shard.m[o.subject], r)
}

// sweep removes the expired records of n subjects. Go ranges over a map from a random
// place, so every subject is looked at some time.
func (h *recordShard) sweep(o *owner, n int) {
	for subject := range h.m {
		if n--; n < 0 {
			return
		}
		other := *o
		other.subject = subject
		other.remove(func(r stores.SessionRecord) bool { return o.s.keep.SessionOver(r, o.now) })
	}
}

// Rotate implements [stores.Sessions].
func (s *Store) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	err := s.done(ctx)
	if err == nil {
		err = storekit.CheckRotation(r)
	}
	if err != nil {
		return stores.Rotated{}, fmt.Errorf("gatemem: %w", err)
	}
	o := s.lock(storekit.SubjectOf(r.Token))
	defer o.unlock()
	record := o.find(r.Token.SessionID)
	if record == nil {
		return stores.Rotated{Outcome: stores.SessionGone}, nil
	}
	out, changed := storekit.Rotate(*record, r, o.covers(storekit.Presented(*record, r.Token)), o.now)
	if changed {
		*record = out.Session
	}
	return out, nil
}

// Sessions implements [stores.Sessions].
func (s *Store) Sessions(ctx context.Context, subject string) ([]stores.SessionRecord, error) {
	if err := s.names(ctx, subject); err != nil {
		return nil, err
	}
	o := s.lock(subject)
	defer o.unlock()
	return o.live(), nil
}

// RemoveSession implements [stores.Sessions].
func (s *Store) RemoveSession(ctx context.Context, subject, sessionID string) (bool, error) {
	if err := s.names(ctx, subject); err != nil {
		return false, err
	}
	o := s.lock(subject)
	defer o.unlock()
	there := o.find(sessionID) != nil
	o.remove(func(r stores.SessionRecord) bool { return r.ID == sessionID })
	return there, nil
}

// RemoveRevoked implements [stores.Sessions].
func (s *Store) RemoveRevoked(ctx context.Context, subject string) error {
	if err := s.names(ctx, subject); err != nil {
		return err
	}
	o := s.lock(subject)
	defer o.unlock()
	o.remove(o.covers)
	return nil
}

// names returns an error if ctx has ended or subject is empty.
func (s *Store) names(ctx context.Context, subject string) error {
	err := s.done(ctx)
	if err == nil && subject == "" {
		err = fmt.Errorf("gatemem: %w", stores.ErrNoID)
	}
	return err
}
