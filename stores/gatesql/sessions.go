package gatesql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// seen is what one statement has read about a subject at one instant: the records of its
// sessions, its own record, and the database's clock.
type seen struct {
	now     time.Time
	epoch   *epoch
	revoked storekit.SubjectRecord
	seq     int64 // the number of the subject's record; 0: there is none
	records []stores.SessionRecord
}

// sessionsOf reads the session records of a subject, or one of them. It leaves out
// expired records.
func (s *Store) sessionsOf(ctx context.Context, subject string, session ...any) (seen, error) {
	v, err := repeated(ctx, func() (seen, error) { return s.readSessions(ctx, subject, session) })
	if err != nil {
		return v, fmt.Errorf("gatesql: sessions: %w", err)
	}
	return v, nil
}

func (s *Store) readSessions(ctx context.Context, subject string, session []any) (v seen, err error) {
	query, id := s.sq.list, s.subjectID(subject)
	if len(session) > 0 {
		query = s.sq.find
	}
	known := s.epoch.Load()
	rows, err := s.query(ctx, query, append(append([]any{id, id}, session...), s.sentinel)...)
	if err != nil {
		return v, err
	}
	defer rows.Close()
	for rows.Next() {
		var r sessionRow
		if err := s.scanSeen(rows.Scan, &v, &r); err != nil {
			return v, err
		}
		if record := r.record(subject); r.id != "" && !s.keep.SessionOver(record, v.now) {
			v.records = append(v.records, record)
		}
	}
	if err := rows.Err(); err != nil {
		return v, err
	}
	storekit.SortSessions(v.records)
	return v, s.sameEpoch(ctx, known, v.epoch)
}

func (s *Store) scanSeen(scan func(...any) error, v *seen, r *sessionRow) error {
	var replica bool
	var now, until, undone int64
	var e epoch
	err := scan(append([]any{
		(*flag)(&replica), &now, &e.born, (*flag)(&e.accepted), &e.floor, &e.name, orZero{&v.seq}, orZero{&until}, orZero{&undone},
		orZero{&v.revoked.Generation}, orZero{&v.revoked.AllGeneration}, orZero{&v.revoked.Before}, orZero{&v.revoked.AllBefore}, orEmpty{&v.revoked.Except},
	}, r.fields()...)...)
	if err != nil {
		return err
	}
	if v.now, err = s.serverTime(replica, now); err != nil {
		return err
	}
	if undone != 0 || !storekit.Live(until, s.o.Clock()) {
		v.revoked = storekit.SubjectRecord{}
	}
	v.epoch = &e
	return nil
}

// serverTime returns the time of a row's answer, and an error if a replica gave it.
func (s *Store) serverTime(replica bool, micros int64) (time.Time, error) {
	switch {
	case replica && !s.o.Insecure.AllowReplica:
		return time.Time{}, stores.ErrReadOnly
	case s.o.ServerClock != nil:
		return s.o.ServerClock().UTC().Truncate(time.Microsecond), nil
	}
	return storekit.FromMicros(micros), nil
}

func (s *Store) subjectID(subject string) string {
	return storekit.HashID(stores.Subject, s.o.Scope.Text(), subject)
}

// coversSession reports whether the tokens of a record are revoked.
func (s *Store) coversSession(v seen, r stores.SessionRecord) bool {
	if s.o.Upgrading {
		r.Generation = stores.NoGeneration
	}
	session := storekit.HashID(stores.Session, s.o.Scope.Text(), r.ID)
	return !v.revoked.Predates(r.Generation, s.floor(v.epoch)) && v.revoked.CoversSession(r, session) || s.olderThan(r.Generation, r.Issued, v.epoch)
}

// open returns the records that are not revoked.
func (s *Store) open(v seen) (list []stores.SessionRecord) {
	for _, r := range v.records {
		if !s.coversSession(v, r) {
			list = append(list, r)
		}
	}
	return list
}

// writeSession executes a guarded statement in the epoch of v, and reports whether it
// has changed rows.
func (s *Store) writeSession(ctx context.Context, v seen, query string, args []any) (bool, error) {
	return s.write(ctx, nil, func(ctx context.Context, w writer) (int64, error) {
		if w.epoch.name != v.epoch.name {
			return 0, nil
		}
		res, err := w.exec(ctx, query, append(args[:len(args):len(args)], w.guard()...)...)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	})
}

// past reports whether another epoch has begun since v was read.
func (s *Store) past(v seen) bool { return s.epoch.Load().name != v.epoch.name }

// AddSession implements [stores.Sessions]. It adds the record first and applies the limit
// after that, so that the last of several callers sees all new records.
func (s *Store) AddSession(ctx context.Context, r stores.SessionRecord, l stores.SessionLimit) (ended []string, err error) {
	if err = ctx.Err(); err == nil {
		_, err = storekit.NewSession(r, time.Time{})
	}
	if err != nil {
		return nil, fmt.Errorf("gatesql: %w", err)
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	for done := false; !done && err == nil; {
		ended, done, err = s.tryAdd(ctx, r, l)
	}
	return ended, err
}

// tryAdd adds a record. If RevokeAll or AcceptWipe was faster, done is false.
func (s *Store) tryAdd(ctx context.Context, r stores.SessionRecord, l stores.SessionLimit) (ended []string, done bool, err error) {
	v, err := s.sessionsOf(ctx, r.Subject)
	if err != nil {
		return nil, false, err
	}
	r, _ = storekit.NewSession(r, v.now)
	if _, refused := storekit.LimitSessions(append([]stores.SessionRecord{r}, s.open(v)...), l, v.now); refused {
		return nil, false, fmt.Errorf("gatesql: %w", stores.ErrTooManySessions)
	}
	there, err := s.writeSession(ctx, v, s.sq.add, append(append([]any{s.subjectID(r.Subject)}, added(r)...), s.keep.SessionUntil(r)))
	switch {
	case err != nil:
		return nil, false, err
	case !there && s.past(v):
		return nil, false, nil
	case !there:
		return nil, false, fmt.Errorf("gatesql: %w: there is a session of that ID", stores.ErrSessionID)
	case l.Max == 0:
		return storekit.EndedIn(v.records), true, nil
	}
	ended, err = s.limitSessions(ctx, r, l)
	return ended, true, err
}

// limitSessions ends the sessions above the limit, or removes the new one.
func (s *Store) limitSessions(ctx context.Context, r stores.SessionRecord, l stores.SessionLimit) ([]string, error) {
	v, err := s.sessionsOf(ctx, r.Subject)
	if err != nil {
		return nil, err
	}
	id := s.subjectID(r.Subject)
	end, refused := storekit.LimitSessions(s.open(v), l, v.now)
	if refused {
		_, err := s.writeSession(ctx, v, s.sq.remove, []any{id, r.ID})
		return nil, errors.Join(fmt.Errorf("gatesql: %w", stores.ErrTooManySessions), err)
	}
	for part := range slices.Chunk(end, changedAtOnce) {
		args := []any{storekit.Micros(v.now), id}
		for _, session := range part {
			args = append(args, session)
		}
		if _, err := s.writeSession(ctx, v, s.o.Dialect.numbered(s.build.endSessions(len(part))), args); err != nil {
			return nil, err
		}
	}
	return append(storekit.EndedIn(v.records), end...), nil
}

// Sessions implements [stores.Sessions].
func (s *Store) Sessions(ctx context.Context, subject string) ([]stores.SessionRecord, error) {
	if err := s.writable(ctx, subject); err != nil {
		return nil, err
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	v, err := s.sessionsOf(ctx, subject)
	if err != nil {
		return nil, err
	}
	return s.open(v), nil
}

// RemoveSession implements [stores.Sessions].
func (s *Store) RemoveSession(ctx context.Context, subject, sessionID string) (bool, error) {
	if err := s.writable(ctx, subject); err != nil || !storekit.SessionID(sessionID) {
		return false, err
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	for {
		v, err := s.sessionsOf(ctx, subject, sessionID)
		if err != nil || len(v.records) == 0 {
			return false, err
		}
		done, err := s.writeSession(ctx, v, s.sq.remove, []any{s.subjectID(subject), sessionID})
		if done || err != nil || !s.past(v) {
			return done, err
		}
	}
}

// changedAtOnce is how many records one statement ends or deletes at most.
const changedAtOnce = 100

// RemoveRevoked implements [stores.Sessions].
func (s *Store) RemoveRevoked(ctx context.Context, subject string) error {
	if err := s.writable(ctx, subject); err != nil {
		return err
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	v, err := s.sessionsOf(ctx, subject)
	if err != nil {
		return err
	}
	var gone []any
	for _, r := range v.records {
		if s.coversSession(v, r) {
			gone = append(gone, r.ID)
		}
	}
	for part := range slices.Chunk(gone, changedAtOnce) {
		query := s.o.Dialect.numbered(s.build.removeSessions(len(part)))
		if _, err := s.writeSession(ctx, v, query, append([]any{s.subjectID(subject)}, part...)); err != nil {
			return err
		}
	}
	return nil
}
