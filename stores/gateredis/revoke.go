package gateredis

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

// RevokeToken revokes t by its RevocationID: see [stores.Store].
func (s *Store) RevokeToken(ctx context.Context, t *gate.Token, n stores.Note) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("gateredis: %w", err)
	}
	if t == nil || t.ID == "" {
		return fmt.Errorf("gateredis: %w", stores.ErrNoID)
	}
	now := s.now()
	until := s.keep.UntilRevoked(t, now)
	if !storekit.Live(until, now) {
		return nil
	}
	hash := storekit.HashID(stores.Token, storekit.IssuerScope(s.o.Scope.Text(), t.VerifiedIssuer()), t.RevocationID())
	return s.put(ctx, stores.Token, hash, entry{until: until, at: now.Unix(), note: storekit.CleanNote(n)}, now)
}

// batchWriters is how many writes of a batch run at the same time. The client sends them
// in few packets.
const batchWriters = 64

// RevokeTokens revokes many tokens: see [stores.BatchRevoker].
func (s *Store) RevokeTokens(ctx context.Context, tokens []*gate.Token, n stores.Note) error {
	for _, t := range tokens {
		if t == nil || t.ID == "" {
			return fmt.Errorf("gateredis: %w", stores.ErrNoID)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(batchWriters, len(tokens)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(tokens)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := s.RevokeToken(ctx, tokens[i], n); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// RevokeSession revokes all tokens of a session: see [stores.Store].
func (s *Store) RevokeSession(ctx context.Context, sessionID string, n stores.Note) error {
	if sessionID == "" {
		return fmt.Errorf("gateredis: %w", stores.ErrNoID)
	}
	now := s.now()
	return s.put(ctx, stores.Session, s.hash(stores.Session, sessionID), entry{until: s.keep.UntilSession(now), at: now.Unix(), note: storekit.CleanNote(n)}, now)
}

// put writes an entry, unless there is one that lives longer.
func (s *Store) put(ctx context.Context, kind stores.Kind, hash string, e entry, now time.Time) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	_, err := s.write(ctx, change{
		key: s.key(kind, hash), mark: s.markKey(s.tag(hash)), script: putScript, urgent: kind != stores.Token,
		args: []string{e.encode(kind), wireUntil(e.until), number(ttl(e.until, now))},
	})
	return err
}

// RevokeSubject revokes all tokens that a subject has: see [stores.Store]. It writes
// twice. The first write takes effect and makes the generation. The second write covers
// tokens without a generation that were made before the first one was acknowledged.
func (s *Store) RevokeSubject(ctx context.Context, subject string, o stores.SubjectOptions, n stores.Note) error {
	if subject == "" {
		return fmt.Errorf("gateredis: %w", stores.ErrNoID)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	hash := s.hash(stores.Subject, subject)
	c := change{key: s.key(stores.Subject, hash), mark: s.markKey(s.tag(hash)), urgent: true}
	k, err := s.ready(ctx, time.Now())
	if err != nil {
		return err
	}
	for {
		c.script, c.args = revokeScript, append(s.subjectArgs(o, storekit.CleanNote(n)), number(k.epoch.base))
		generation, err := s.write(ctx, c)
		if err != nil {
			return err
		}
		c.script, c.args = restampScript, s.subjectArgs(o, stores.Note{})[:4]
		c.args[3] = number(generation)
		kept, err := s.write(ctx, c)
		if kept == 1 || err != nil {
			return err
		}
		// A failover has lost the first write, so it is made again.
	}
}

// subjectArgs returns the arguments of revokeScript for the current time.
func (s *Store) subjectArgs(o stores.SubjectOptions, n stores.Note) []string {
	now := s.now()
	c := s.keep.SubjectChange(o, now, s.o.Scope.Text())
	until := s.keep.UntilSubject(now, storekit.SubjectRecord{Before: c.Before})
	return []string{
		number(now.UnixMilli()), number(c.Before), c.Except, number(storekit.RandomBits()),
		wireUntil(until), number(now.Unix()), n.By, n.Why,
	}
}

// Generation returns the subject's generation, which a gate writes into the claim "gen" of
// the subject's new tokens. If nothing was revoked, it is the generation of the store's
// epoch. It always asks the server.
func (s *Store) Generation(ctx context.Context, subject string) (int64, error) {
	if subject == "" {
		return 0, fmt.Errorf("gateredis: %w", stores.ErrNoID)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	k, err := s.ready(ctx, time.Now())
	if err != nil {
		return 0, err
	}
	hash := s.hash(stores.Subject, subject)
	values, err := s.readFresh(ctx, []string{s.key(stores.Subject, hash), s.markKey(s.tag(hash))})
	if err != nil {
		return 0, fmt.Errorf("gateredis: read: %w", err)
	}
	e, err := s.sameEpoch(ctx, k, values[1:])
	if err != nil || values[0] == "" {
		return e.lowest(), err
	}
	record, ok := decode(stores.Subject, values[0])
	if !ok {
		return 0, errForeign
	}
	return max(record.subject.Generation, e.base), nil
}

// RestoreToken undoes RevokeToken: see [stores.Store].
func (s *Store) RestoreToken(ctx context.Context, tokenID string) error {
	return s.restore(ctx, stores.Token, tokenID)
}

// RestoreSession undoes RevokeSession: see [stores.Store].
func (s *Store) RestoreSession(ctx context.Context, sessionID string) error {
	return s.restore(ctx, stores.Session, sessionID)
}

// RestoreSubject undoes every RevokeSubject of the subject: see [stores.Store].
func (s *Store) RestoreSubject(ctx context.Context, subject string) error {
	return s.restore(ctx, stores.Subject, subject)
}

func (s *Store) restore(ctx context.Context, kind stores.Kind, id string) error {
	if id == "" {
		return nil
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	hash := s.hash(kind, id)
	_, err := s.write(ctx, change{key: s.key(kind, hash), mark: s.markKey(s.tag(hash)), script: dropScript})
	return err
}
