package gateredis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// A swap writes a record on the condition that the values are still those that were read.
type swap struct {
	session, value string // the ID, and the value that was read; "" if there was none
	record         stores.SessionRecord
	gone           string // the value of the subject's record that was read, or anyValue
	growing        bool   // a full server may refuse it
}

const anyValue = "*"

// swap reports whether the condition held.
func (s *Store) swap(ctx context.Context, l logins, now time.Time, w swap) (bool, error) {
	done, err := s.write(ctx, change{
		key: l.sessions, more: []string{l.gone}, mark: l.mark, script: swapScript, quiet: true, urgent: !w.growing,
		args: []string{w.session, w.value, encodeSession(w.record), w.gone, number(ttl(s.keep.SessionUntil(w.record), now))},
	})
	return done == 1, err
}

// Rotate decides whether a refresh token is accepted: see [stores.Sessions]. The usual
// rotation is one script. Otherwise Rotate reads the session's record and the subject's
// record, decides, and writes on the condition that neither has changed. If another
// writer was faster, it starts again.
func (s *Store) Rotate(ctx context.Context, r stores.Rotation) (stores.Rotated, error) {
	err := ctx.Err()
	if err == nil {
		err = storekit.CheckRotation(r)
	}
	if err != nil {
		return stores.Rotated{}, fmt.Errorf("gateredis: %w", err)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	l := s.logins(storekit.SubjectOf(r.Token))
	if out, done, err := s.quickRotate(ctx, l, r); done || err != nil {
		return out, err
	}
	for {
		out, done, err := s.tryRotate(ctx, l, r)
		if done || err != nil {
			return out, err
		}
	}
}

func (s *Store) tryRotate(ctx context.Context, l logins, r stores.Rotation) (out stores.Rotated, done bool, err error) {
	v, err := s.sessionsOf(ctx, l, r.Token.SessionID)
	if err != nil {
		return out, false, err
	}
	if len(v.records) == 0 {
		return stores.Rotated{Outcome: stores.SessionGone}, true, nil
	}
	old := v.records[0]
	out, write := storekit.Rotate(old, r, s.covers(v, storekit.Presented(old, r.Token)), v.now)
	if !write {
		return out, true, nil
	}
	done, err = s.swap(ctx, l, v.now, swap{session: old.ID, value: v.values[old.ID], record: out.Session, gone: v.gone})
	return out, done, err
}

// AddSession writes the record of a new session: see [stores.Sessions].
func (s *Store) AddSession(ctx context.Context, r stores.SessionRecord, limit stores.SessionLimit) (ended []string, err error) {
	if err = ctx.Err(); err == nil {
		_, err = storekit.NewSession(r, time.Time{})
	}
	if err != nil {
		return nil, fmt.Errorf("gateredis: %w", err)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	l := s.logins(r.Subject)
	v, err := s.sessionsOf(ctx, l, "")
	if err != nil {
		return nil, err
	}
	r, _ = storekit.NewSession(r, v.now)
	if _, refused := storekit.LimitSessions(append([]stores.SessionRecord{r}, s.open(v)...), limit, v.now); refused {
		return nil, fmt.Errorf("gateredis: %w", stores.ErrTooManySessions)
	}
	if err := s.removeOver(ctx, l, v); err != nil {
		return nil, err
	}
	first, err := s.swap(ctx, l, v.now, swap{session: r.ID, record: r, gone: anyValue, growing: true})
	if err == nil && !first {
		err = fmt.Errorf("gateredis: %w: there is a session of that ID", stores.ErrSessionID)
	}
	if err != nil {
		return nil, err
	}
	return s.limitSessions(ctx, l, r, limit)
}

// limitSessions ends the sessions above the limit, or removes the new one. The last of
// several callers sees all new sessions. If another writer was faster, it starts again.
func (s *Store) limitSessions(ctx context.Context, l logins, r stores.SessionRecord, limit stores.SessionLimit) (ended []string, err error) {
	for {
		v, err := s.sessionsOf(ctx, l, "")
		if err != nil {
			return nil, err
		}
		end, refused := storekit.LimitSessions(s.open(v), limit, v.now)
		if refused {
			if _, err := s.removeSessions(ctx, l, []string{r.ID}); err != nil {
				return nil, err
			}
			return nil, fmt.Errorf("gateredis: %w", stores.ErrTooManySessions)
		}
		if len(end) == 0 {
			return storekit.EndedIn(v.records), nil
		}
		if err := s.endSessions(ctx, l, v, end); err != nil {
			return nil, err
		}
	}
}

func (s *Store) endSessions(ctx context.Context, l logins, v seen, ids []string) error {
	end := map[string]bool{}
	for _, id := range ids {
		end[id] = true
	}
	for _, r := range v.records {
		if !end[r.ID] {
			continue
		}
		w := swap{session: r.ID, value: v.values[r.ID], record: r, gone: anyValue}
		w.record.Ended = v.now
		if _, err := s.swap(ctx, l, v.now, w); err != nil {
			return err
		}
	}
	return nil
}

// removeOver removes the expired records.
func (s *Store) removeOver(ctx context.Context, l logins, v seen) error {
	var over []string
	for id, value := range v.values {
		if r, _ := decodeSession(l.subject, id, value); s.keep.SessionOver(r, v.now) {
			over = append(over, id)
		}
	}
	if len(over) == 0 {
		return nil
	}
	_, err := s.removeSessions(ctx, l, over)
	return err
}

// removedAtOnce is how many records one script removes at most: Lua has no space for the
// arguments of more than about 8,000.
const removedAtOnce = 1000

// removeSessions removes records and returns how many there were.
func (s *Store) removeSessions(ctx context.Context, l logins, ids []string) (removed int64, err error) {
	for part := range slices.Chunk(ids, removedAtOnce) {
		n, err := s.write(ctx, change{key: l.sessions, mark: l.mark, script: removeScript, quiet: true, urgent: true, args: part})
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// Sessions lists the sessions of a subject: see [stores.Sessions].
func (s *Store) Sessions(ctx context.Context, subject string) ([]stores.SessionRecord, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	v, err := s.sessionsIn(ctx, subject, "")
	if err != nil {
		return nil, err
	}
	return s.open(v), nil
}

// RemoveSession removes a record: see [stores.Sessions].
func (s *Store) RemoveSession(ctx context.Context, subject, sessionID string) (bool, error) {
	if sessionID == "" {
		return false, nil
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	v, err := s.sessionsIn(ctx, subject, sessionID)
	if err != nil || len(v.records) == 0 {
		return false, err
	}
	n, err := s.removeSessions(ctx, s.logins(subject), []string{sessionID})
	return n > 0, err
}

// RemoveRevoked removes the records of revoked sessions: see [stores.Sessions].
func (s *Store) RemoveRevoked(ctx context.Context, subject string) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	v, err := s.sessionsIn(ctx, subject, "")
	if err != nil {
		return err
	}
	var gone []string
	for _, r := range v.records {
		if s.covers(v, r) {
			gone = append(gone, r.ID)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	_, err = s.removeSessions(ctx, s.logins(subject), gone)
	return err
}
