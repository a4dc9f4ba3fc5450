// Package gatemem keeps revoked tokens in the memory of the process: for one process,
// or for tests. It needs 16 to 32 bytes for a token or session, and starts no
// goroutine: what is past its time goes bit by bit with each write.
//
// # What is lost
//
// All of it, when the process ends, unless it was written with [Store.Save] and is
// read with [Load]; then what was revoked since the last Save. [Options.Since] keeps
// the tokens out that may have been revoked in what is lost, at the price that users
// log in again. Two processes do not see each other's revocations. Stores that share and survive are gatesql and gateredis.
//
// # Collisions
//
// An identifier is kept as 64 bits of SipHash under a random key. A token that was not
// revoked is refused if its hash is that of an entry: with ten million entries the
// chance is 5e-13 for each check, and nobody can raise it who does not know the key.
// A revoked token is never let in by a collision; undoing a revocation undoes that of
// an entry with the same hash too, with the same chance.
package gatemem

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// Options of a [Store]. The zero value is the default.
type Options struct {
	// Scope is the name space of the identifiers, for a gate that accepts several
	// issuers: see package stores. A snapshot is read back under the same scope alone.
	Scope string
	// Leeway and MaxLifetime say how long entries live: see [stores.Keep].
	Leeway, MaxLifetime time.Duration
	// Since revokes every token that was issued before its second, or that does not say
	// when. Set it to time.Now() in a process that has read no snapshot, or an old one:
	// then nothing that was revoked in the life before comes back, and users log in
	// again. Zero: nothing is revoked by its age.
	Since time.Time
	// MaxEntries bounds the store: 10 million, some 200 to 320 MB. A full store refuses
	// ([stores.ErrFull]) rather than forget.
	MaxEntries int
	// Clock tells the time, for tests. Default: time.Now.
	Clock func() time.Time
}

// Store keeps revoked tokens in memory. Make one with [New] or [Load]. It is safe for
// concurrent use. Notes are not kept, and it cannot list what it holds.
type Store struct {
	scope string
	keep  stores.Keep
	clock func() time.Time
	since int64 // Unix time; 0: none
	max   int64

	master   hashKey // kept with a snapshot
	token    hashKey // of each kind, derived from master and scope
	session  hashKey
	subject  hashKey
	tokens   set
	sessions set
	subjects subjects
	entries  atomic.Int64 // in all three
	swept    atomic.Int64 // the second of the last complete sweep
}

var _ stores.Store = (*Store)(nil)

// New returns an empty store. It refuses negative options.
func New(o Options) (*Store, error) {
	var key [16]byte
	rand.Read(key[:]) // never fails
	return newStore(o, key)
}

func newStore(o Options, key [16]byte) (*Store, error) {
	keep, err := stores.Keep{Leeway: o.Leeway, MaxLifetime: o.MaxLifetime}.WithDefaults()
	if err != nil {
		return nil, fmt.Errorf("gatemem: %w", err)
	}
	if o.MaxEntries < 0 {
		return nil, fmt.Errorf("gatemem: MaxEntries %d is negative", o.MaxEntries)
	}
	if o.MaxEntries == 0 {
		o.MaxEntries = 10_000_000
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	s := &Store{scope: o.Scope, keep: keep, clock: o.Clock, max: int64(o.MaxEntries)}
	if !o.Since.IsZero() {
		s.since = max(o.Since.Unix(), 1)
	}
	s.master = hashKey{binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])}
	s.token = s.master.derive(string(stores.Token), o.Scope)
	s.session = s.master.derive(string(stores.Session), o.Scope)
	s.subject = s.master.derive(string(stores.Subject), o.Scope)
	s.subjects.m = make(map[uint64]subject)
	return s, nil
}

// Len returns the number of entries, those included that are past their time and not
// swept yet.
func (s *Store) Len() int { return int(s.entries.Load()) }

// Format prints the number of entries, whatever the verb: not the key of the hashes.
func (s *Store) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "gatemem.Store(%d entries)", s.Len()) }

// Blocked reports whether t, its session or its subject was revoked.
func (s *Store) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("gatemem: %w", err)
	}
	if s.since != 0 && (t.IssuedAt.IsZero() || t.IssuedAt.Unix() < s.since) {
		return true, nil
	}
	if s.tokens.has(&s.token, t.ID, s.clock) || s.sessions.has(&s.session, t.SessionID, s.clock) || s.subjectBlocked(t) {
		return true, nil
	}
	now := t.IssuedAt
	if now.IsZero() {
		now = s.clock()
	}
	if err := s.keep.Check(t, now); err != nil {
		return false, fmt.Errorf("gatemem: %w", err)
	}
	return false, nil
}

// RevokeToken implements [stores.Store].
func (s *Store) RevokeToken(ctx context.Context, t *gate.Token, _ stores.Note) error {
	if t == nil || t.ID == "" {
		return fmt.Errorf("gatemem: %w", stores.ErrNoID)
	}
	now, until := s.clock(), s.keep.UntilToken(t)
	if !stores.Live(until, now) {
		return s.done(ctx)
	}
	return s.put(ctx, &s.tokens, s.token.hash(t.ID), until)
}

// RevokeSession implements [stores.Store].
func (s *Store) RevokeSession(ctx context.Context, sessionID string, _ stores.Note) error {
	if sessionID == "" {
		return fmt.Errorf("gatemem: %w", stores.ErrNoID)
	}
	return s.put(ctx, &s.sessions, s.session.hash(sessionID), s.keep.UntilSession(s.clock()))
}

// RestoreToken implements [stores.Store].
func (s *Store) RestoreToken(ctx context.Context, tokenID string) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	s.entries.Add(-s.tokens.remove(s.token.hash(tokenID)))
	return nil
}

// RestoreSession implements [stores.Store].
func (s *Store) RestoreSession(ctx context.Context, sessionID string) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	s.entries.Add(-s.sessions.remove(s.session.hash(sessionID)))
	return nil
}

// done reports that the caller has given up.
func (s *Store) done(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("gatemem: %w", err)
	}
	return nil
}

// put adds an entry to a set, where there is room.
func (s *Store) put(ctx context.Context, to *set, hash uint64, until int64) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	now := s.clock()
	if !s.reserve(now) {
		if to.extend(hash, until) { // was there before: needs no room
			return nil
		}
		return fmt.Errorf("gatemem: %w", stores.ErrFull)
	}
	// One place was reserved; what was already there or went by the way gives it back.
	s.entries.Add(to.put(hash, until, now) - 1)
	return nil
}

// reserve takes a place for one more entry. A store that is full is swept first, once
// in a second at most.
func (s *Store) reserve(now time.Time) bool {
	if s.entries.Add(1) <= s.max {
		return true
	}
	if s.entries.Add(-1); s.swept.Swap(now.Unix()) == now.Unix() {
		return false
	}
	s.entries.Add(-s.tokens.sweep(now) - s.sessions.sweep(now) - s.subjects.sweep(now))
	if s.entries.Add(1) <= s.max {
		return true
	}
	s.entries.Add(-1)
	return false
}

// subject is a record and the second in which it goes.
type subject struct {
	stores.SubjectRecord
	until int64
}

// subjects are few: one for each "log out everywhere".
type subjects struct {
	any atomic.Bool // there has been one
	mu  sync.RWMutex
	m   map[uint64]subject
}

func (s *Store) subjectBlocked(t *gate.Token) bool {
	if t.Subject == "" || !s.subjects.any.Load() {
		return false
	}
	hash := s.subject.hash(t.Subject)
	s.subjects.mu.RLock()
	r, ok := s.subjects.m[hash]
	s.subjects.mu.RUnlock()
	if !ok || !stores.Live(r.until, s.clock()) {
		return false
	}
	session := ""
	if r.Except != "" && t.SessionID != "" {
		session = stores.HashID(stores.Session, s.scope, t.SessionID)
	}
	return r.Covers(t, session)
}

// RevokeSubject implements [stores.Store].
func (s *Store) RevokeSubject(ctx context.Context, sub string, o stores.SubjectOptions, _ stores.Note) error {
	if sub == "" {
		return fmt.Errorf("gatemem: %w", stores.ErrNoID)
	}
	if err := s.done(ctx); err != nil {
		return err
	}
	now := s.clock()
	r := stores.NewSubjectRecord(o, now, s.scope)
	e := subject{r, s.keep.UntilSubject(now, r)}
	reserved := s.reserve(now)
	hash := s.subject.hash(sub)
	s.subjects.mu.Lock()
	defer s.subjects.mu.Unlock()
	old, ok := s.subjects.m[hash]
	switch {
	case ok && stores.Live(old.until, now):
		e = subject{old.Merge(r), stores.Later(old.until, e.until)}
	case !ok && !reserved:
		return fmt.Errorf("gatemem: %w", stores.ErrFull)
	}
	s.subjects.m[hash] = e
	s.subjects.any.Store(true)
	if ok && reserved {
		s.entries.Add(-1)
	}
	s.entries.Add(-s.subjects.sweepSome(now, sweepEach))
	return nil
}

// RestoreSubject implements [stores.Store].
func (s *Store) RestoreSubject(ctx context.Context, sub string) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	hash := s.subject.hash(sub)
	s.subjects.mu.Lock()
	defer s.subjects.mu.Unlock()
	if _, ok := s.subjects.m[hash]; ok {
		delete(s.subjects.m, hash)
		s.entries.Add(-1)
	}
	return nil
}

func (s *subjects) sweep(now time.Time) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sweepSome(now, len(s.m))
}

// sweepSome looks at n records, with the lock held, and returns how many have gone. Go
// starts to range over a map at a random place, so that all have their turn.
func (s *subjects) sweepSome(now time.Time, n int) (gone int64) {
	for hash, e := range s.m {
		if n--; n < 0 {
			break
		}
		if !stores.Live(e.until, now) {
			delete(s.m, hash)
			gone++
		}
	}
	return gone
}
