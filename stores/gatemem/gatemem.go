// Package gatemem keeps revoked tokens in the memory of the process. It is for programs
// that run as one process, and for tests. A token or session takes 16 to 32 bytes. The
// package starts no goroutine: each write removes some of the expired entries.
//
// # What is lost
//
// When the process ends, all entries are lost that were not written with [Store.Save].
// [Load] reads what Save wrote. Save writes the records of sessions too, so users stay
// logged in after a restart. A session of an older snapshot goes on if its refresh token
// was replaced at most 8 times since. Set [Options.Since] to refuse all older tokens after a loss,
// because some of them may have been revoked; then users log in again. Two processes do
// not see each other's revocations. Use gatesql or gateredis to share revocations
// between processes, or to keep them after a restart.
//
// # Collisions
//
// An identifier is kept as 64 bits of SipHash under a random key. A token that was not
// revoked is refused if its hash equals the hash of an entry. With ten million entries
// the chance is 5e-13 for each check. Nobody can raise it without the key. A collision
// never lets a revoked token in. To undo a revocation also undoes the revocation of an
// entry with the same hash; the chance is the same.
package gatemem

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Options of a [Store]. The zero value is the default.
type Options struct {
	// Scope is the name space of the identifiers: see package stores. A snapshot can
	// only be read with the scope that it was written with.
	Scope stores.Scope
	// Leeway, MaxLifetime and Skew say how long entries live and what they cover: see
	// [storekit.Keep].
	Leeway, MaxLifetime, Skew time.Duration
	// Since revokes every token that was issued up to the end of this second, and every
	// token without "iat". Set it to time.Now() in a process that has read no snapshot,
	// or an old one: then no token that was revoked before is accepted again, and users
	// log in again. Zero: no token is revoked by its age.
	Since time.Time
	// MaxTokens is how many entries of single tokens the store holds at most; with that
	// many, RevokeToken returns [stores.ErrFull]. Zero: 10 million, which take 200 to
	// 320 MB. Entries of sessions and subjects are not limited, so that nobody can
	// prevent a logout by filling the store.
	MaxTokens int
	// Clock tells the time, for tests. Default: time.Now.
	Clock func() time.Time
}

// Store keeps revoked tokens in memory. Make one with [New] or [Load]. It is safe for
// concurrent use. Notes are not kept, and it cannot list what it holds.
type Store struct {
	*secrets
	keep  storekit.Keep
	clock func() time.Time
	since int64 // Options.Since as Unix time; 0: none
	max   int64

	tokens    set
	sessions  set
	subjects  subjects
	everybody atomic.Pointer[subject] // of RevokeAll; nil: none
	records   records
	reserved  atomic.Int64 // how many tokens there are, with those that are being written
	swept     atomic.Int64 // the second of the last complete sweep
}

// secrets holds what fmt must not print. fmt does not follow a pointer inside a struct
// that is itself printed through a pointer.
type secrets struct {
	scope  stores.Scope
	master hashKey    // kept with a snapshot
	own    issuerKeys // of the gate's own tokens
}

var (
	_ stores.Sessions        = (*Store)(nil)
	_ stores.MemoryBlocklist = (*Store)(nil)
	_ stores.BatchRevoker    = (*Store)(nil)
	_ stores.Inspector       = (*Store)(nil)
	_ gate.GenerationReader  = (*Store)(nil)
	_ gate.DirectBlocklist   = (*Store)(nil)
	_ gate.Readier           = (*Store)(nil)
)

// New returns an empty store. It refuses negative options.
func New(o Options) (*Store, error) {
	var key [16]byte
	rand.Read(key[:]) // never fails
	return newStore(o, key)
}

func newStore(o Options, key [16]byte) (*Store, error) {
	keep, err := storekit.Keep{Leeway: o.Leeway, MaxLifetime: o.MaxLifetime, Skew: o.Skew}.WithDefaults()
	if err != nil {
		return nil, fmt.Errorf("gatemem: %w", err)
	}
	if o.MaxTokens < 0 {
		return nil, fmt.Errorf("gatemem: MaxTokens %d is negative", o.MaxTokens)
	}
	if o.MaxTokens == 0 {
		o.MaxTokens = 10_000_000
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	s := &Store{secrets: &secrets{scope: o.Scope}, keep: keep, clock: o.Clock, max: int64(o.MaxTokens)}
	if !o.Since.IsZero() {
		s.since = max(o.Since.Unix(), 1)
	}
	s.master = hashKey{binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])}
	s.own = s.keysOf("")
	s.subjects.m = make(map[uint64]subject)
	return s, nil
}

// Len returns the number of entries. It includes expired entries that were not removed
// yet.
func (s *Store) Len() int {
	return int(s.tokens.n.Load()+s.sessions.n.Load()) + s.subjects.len()
}

// Format prints the number of entries for every verb, and never the key of the hashes.
func (s *Store) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "gatemem.Store(%d entries)", s.Len()) }

// Blocked reports whether t, its session or its subject was revoked. It returns the
// error of an ended context, [stores.ErrLifetime] or [stores.ErrForgotten].
func (s *Store) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("gatemem: %w", err)
	}
	now := s.clock()
	if err := s.keep.Check(t, now); err != nil {
		return false, fmt.Errorf("gatemem: %w", err)
	}
	return s.verdict(t, now), nil
}

// BlockedDirect does the same as Blocked: the store has no cache.
func (s *Store) BlockedDirect(ctx context.Context, t *gate.Token) (bool, error) {
	return s.Blocked(ctx, t)
}

// Recall implements [stores.MemoryBlocklist].
func (s *Store) Recall(t *gate.Token) (blocked, known bool) {
	now := s.clock()
	if s.keep.Check(t, now) != nil {
		return false, false // Blocked returns the error
	}
	return s.verdict(t, now), true
}

// verdict reports whether t is revoked at now.
func (s *Store) verdict(t *gate.Token, now time.Time) bool {
	return s.since != 0 && (t.IssuedAt.IsZero() || t.IssuedAt.Unix() <= s.since) ||
		s.everybodyCovers(generationOf(t), t.IssuedAt, now) || s.found(t, now)
}

// found reports whether an entry covers t at now.
func (s *Store) found(t *gate.Token, now time.Time) bool {
	k := &s.own
	if issuer := t.VerifiedIssuer(); issuer != "" {
		other := s.keysOf(issuer)
		k = &other
	}
	return s.tokens.has(&k.token, t.RevocationID(), now) || s.sessions.has(&k.session, t.SessionID, now) || s.subjectBlocked(k, t, now)
}

// issuerKeys holds the keys that hash the identifiers of one issuer.
type issuerKeys struct {
	scope                   string
	token, session, subject hashKey
}

func (s *Store) keysOf(issuer string) issuerKeys {
	scope := storekit.IssuerScope(s.scope.Text(), issuer)
	return issuerKeys{
		scope, s.master.derive(string(stores.Token), scope),
		s.master.derive(string(stores.Session), scope), s.master.derive(string(stores.Subject), scope),
	}
}

// named returns the hash keys for an identifier that may come from [stores.OfIssuer],
// and the identifier without its issuer.
func (s *Store) named(id string) (issuerKeys, string) {
	issuer, its := storekit.SplitIssuer(id)
	if issuer == "" {
		return s.own, id
	}
	return s.keysOf(issuer), its
}

// RevokeToken implements [stores.Store].
func (s *Store) RevokeToken(ctx context.Context, t *gate.Token, _ stores.Note) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	if t == nil || t.ID == "" {
		return fmt.Errorf("gatemem: %w", stores.ErrNoID)
	}
	now := s.clock()
	until := s.keep.UntilRevoked(t, now)
	if !storekit.Live(until, now) {
		return nil
	}
	hash := s.keysOf(t.VerifiedIssuer()).token.hash(t.RevocationID())
	if !s.reserve(now) {
		if s.tokens.extend(hash, until) { // an entry exists, so no space is needed
			return nil
		}
		return fmt.Errorf("gatemem: %w", stores.ErrFull)
	}
	// Space for one entry was reserved. It is returned where the entry already existed;
	// so is the space of entries that put has removed.
	s.reserved.Add(s.tokens.put(hash, until, now) - 1)
	return nil
}

// RevokeTokens implements [stores.BatchRevoker].
func (s *Store) RevokeTokens(ctx context.Context, tokens []*gate.Token, n stores.Note) error {
	for _, t := range tokens {
		if t == nil || t.ID == "" {
			return fmt.Errorf("gatemem: %w", stores.ErrNoID)
		}
	}
	for _, t := range tokens {
		if err := s.RevokeToken(ctx, t, n); err != nil {
			return err
		}
	}
	return s.done(ctx)
}

// RevokeSession implements [stores.Store].
func (s *Store) RevokeSession(ctx context.Context, sessionID string, _ stores.Note) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	if sessionID == "" {
		return fmt.Errorf("gatemem: %w", stores.ErrNoID)
	}
	k, sessionID := s.named(sessionID)
	now := s.clock()
	s.sessions.put(k.session.hash(sessionID), s.keep.UntilSession(now), now)
	return nil
}

// RestoreToken implements [stores.Store].
func (s *Store) RestoreToken(ctx context.Context, tokenID string) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	k, tokenID := s.named(tokenID)
	s.reserved.Add(-s.tokens.remove(k.token.hash(tokenID)))
	return nil
}

// RestoreSession implements [stores.Store].
func (s *Store) RestoreSession(ctx context.Context, sessionID string) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	k, sessionID := s.named(sessionID)
	s.sessions.remove(k.session.hash(sessionID))
	return nil
}

// done returns an error if ctx has ended.
func (s *Store) done(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("gatemem: %w", err)
	}
	return nil
}

// reserve takes space for one more token, and reports whether there was any. It removes
// the expired entries of a full store first, at most once a second.
func (s *Store) reserve(now time.Time) bool {
	if s.reserved.Add(1) <= s.max {
		return true
	}
	if s.reserved.Add(-1); s.swept.Swap(now.Unix()) == now.Unix() {
		return false
	}
	s.reserved.Add(-s.tokens.sweep(now))
	if s.reserved.Add(1) <= s.max {
		return true
	}
	s.reserved.Add(-1)
	return false
}
