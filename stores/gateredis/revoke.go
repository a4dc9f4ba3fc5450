package gateredis

import (
	"context"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// RevokeToken revokes t by its ID: see [stores.Store].
func (s *Store) RevokeToken(ctx context.Context, t *gate.Token, n stores.Note) error {
	if t == nil || t.ID == "" {
		return fmt.Errorf("gateredis: %w", stores.ErrNoID)
	}
	now, until := s.now(), s.keep.UntilToken(t)
	if !stores.Live(until, now) {
		return nil
	}
	return s.put(ctx, stores.Token, t.ID, entry{until: until, at: now.Unix(), note: n.Clean()}, now)
}

// RevokeSession revokes all tokens of a session: see [stores.Store].
func (s *Store) RevokeSession(ctx context.Context, sessionID string, n stores.Note) error {
	if sessionID == "" {
		return fmt.Errorf("gateredis: %w", stores.ErrNoID)
	}
	now := s.now()
	return s.put(ctx, stores.Session, sessionID, entry{until: s.keep.UntilSession(now), at: now.Unix(), note: n.Clean()}, now)
}

// put writes an entry, unless one is there that lives longer.
func (s *Store) put(ctx context.Context, kind stores.Kind, id string, e entry, now time.Time) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	hash := s.hash(kind, id)
	_, err := s.write(ctx, change{
		key: s.key(kind, hash), mark: s.markKey(s.tag(hash)), script: putScript,
		args: []string{e.encode(kind), number(e.until), number(ttl(e.until, now))},
	})
	return err
}

// RevokeSubject revokes what was issued to a subject until an instant: see
// [stores.Store]. It reads the record, adds to it and writes it back if nobody else
// has in between; else again.
func (s *Store) RevokeSubject(ctx context.Context, subject string, o stores.SubjectOptions, n stores.Note) error {
	if subject == "" {
		return fmt.Errorf("gateredis: %w", stores.ErrNoID)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	hash := s.hash(stores.Subject, subject)
	c := change{key: s.key(stores.Subject, hash), mark: s.markKey(s.tag(hash)), script: swapScript}
	for {
		done, err := s.mergeSubject(ctx, c, o, n.Clean())
		if done || err != nil {
			return err
		}
	}
}

// mergeSubject is one attempt; false when the record has changed meanwhile.
func (s *Store) mergeSubject(ctx context.Context, c change, o stores.SubjectOptions, n stores.Note) (bool, error) {
	values, err := s.readFresh(ctx, []string{c.key})
	if err != nil {
		return false, fmt.Errorf("gateredis: revoke: %w", err)
	}
	now := s.now()
	e := entry{at: now.Unix(), note: n, subject: stores.NewSubjectRecord(o, now, s.o.Scope)}
	e.until = s.keep.UntilSubject(now, e.subject)
	if values[0] != "" {
		old, ok := decode(stores.Subject, values[0])
		if !ok {
			return false, errForeign
		}
		if stores.Live(old.until, now) {
			e.subject = old.subject.Merge(e.subject)
			e.until = stores.Later(old.until, e.until)
		}
	}
	c.args = []string{e.encode(stores.Subject), values[0], number(ttl(e.until, now))}
	written, err := s.write(ctx, c)
	return written == 1, err
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
