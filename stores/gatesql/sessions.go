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
func (s *Store) sessionsOf(ctx context.Context, subject string, session ...any) (v seen, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("gatesql: sessions: %w", err)
		}
	}()
	query, id := s.sq.list, s.subjectID(subject)
	if len(session) > 0 {
		query = s.sq.find
	}
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
	return v, s.sameEpoch(ctx, v.epoch)
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

// Rotate implements [stores.Sessions].
func (s *Store) Rotate(ctx context.Context, r stores.Rotation) (out stores.Rotated, err error) {
	if err = ctx.Err(); err == nil {
		err = storekit.CheckRotation(r)
	}
	if err != nil {
		return out, fmt.Errorf("gatesql: %w", err)
	}
	if !storekit.SessionID(r.Token.SessionID) { // PostgreSQL refuses such a text
		return stores.Rotated{Outcome: stores.SessionGone}, nil
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	out, done, err := s.rotateOpen(ctx, r)
	for !done && err == nil {
		out, done, err = s.tryRotate(ctx, r)
	}
	return out, err
}

// rotateOpen rotates a session that is plainly open: it reads the session's record alone,
// and writes on the condition that the subject's record, if there is one, has the
// generation of the token or spares the session. It leaves all other cases to tryRotate.
func (s *Store) rotateOpen(ctx context.Context, r stores.Rotation) (out stores.Rotated, done bool, err error) {
	known, subject, session := s.epoch.Load(), storekit.SubjectOf(r.Token), r.Token.SessionID
	id := s.subjectID(subject)
	old, now, err := s.readSession(ctx, subject, session)
	presented := storekit.Presented(old, r.Token)
	if err != nil || old.ID == "" || s.o.Upgrading || s.keep.SessionOver(old, now) || s.olderThan(presented.Generation, presented.Issued, known) {
		return out, false, err
	}
	if out, _ = storekit.Rotate(old, r, false, now); out.Outcome != stores.SessionRotated {
		return out, false, nil
	}
	gen := presented.Generation
	args := append(changed(out.Session), s.keep.SessionUntil(out.Session), id, session, old.Live,
		gen, gen, gen, storekit.HashID(stores.Session, s.o.Scope.Text(), session))
	done, err = s.writeSession(ctx, seen{epoch: known}, s.sq.changeOpen, args)
	return out, done, err
}

// readSession reads one record and the database's clock. Without the record it returns
// the zero value.
func (s *Store) readSession(ctx context.Context, subject, session string) (record stores.SessionRecord, now time.Time, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("gatesql: sessions: %w", err)
		}
	}()
	rows, err := s.query(ctx, s.sq.read, s.subjectID(subject), session)
	if err != nil {
		return record, now, err
	}
	defer rows.Close()
	if !rows.Next() {
		return record, now, rows.Err()
	}
	var r sessionRow
	var replica bool
	var micros int64
	if err := rows.Scan(append([]any{(*flag)(&replica), &micros}, r.fields()...)...); err != nil {
		return record, now, err
	}
	now, err = s.serverTime(replica, micros)
	return r.record(subject), now, errors.Join(err, rows.Close())
}

// tryRotate reads the session's record and the subject's record, decides, and writes the
// result on the condition that neither record has changed. If another writer was faster,
// done is false.
func (s *Store) tryRotate(ctx context.Context, r stores.Rotation) (out stores.Rotated, done bool, err error) {
	subject, session := storekit.SubjectOf(r.Token), r.Token.SessionID
	v, err := s.sessionsOf(ctx, subject, session)
	if err != nil {
		return out, false, err
	}
	if len(v.records) == 0 {
		return stores.Rotated{Outcome: stores.SessionGone}, true, nil
	}
	old := v.records[0]
	out, write := storekit.Rotate(old, r, s.coversSession(v, storekit.Presented(old, r.Token)), v.now)
	if !write {
		return out, true, nil
	}
	id := s.subjectID(subject)
	done, err = s.writeSession(ctx, v, s.sq.change, append(changed(out.Session), s.keep.SessionUntil(out.Session), id, session, old.Live, v.seq))
	return out, done, err
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
	v, err := s.sessionsOf(ctx, r.Subject)
	if err != nil {
		return nil, err
	}
	r, _ = storekit.NewSession(r, v.now)
	if _, refused := storekit.LimitSessions(append([]stores.SessionRecord{r}, s.open(v)...), l, v.now); refused {
		return nil, fmt.Errorf("gatesql: %w", stores.ErrTooManySessions)
	}
	id := s.subjectID(r.Subject)
	there, err := s.writeSession(ctx, v, s.sq.add, append(append([]any{id}, added(r)...), s.keep.SessionUntil(r)))
	if err == nil && !there {
		err = fmt.Errorf("gatesql: %w: there is a session of that ID", stores.ErrSessionID)
	}
	if err != nil || l.Max == 0 {
		return storekit.EndedIn(v.records), err
	}
	return s.limitSessions(ctx, r, l)
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
	v, err := s.sessionsOf(ctx, subject, sessionID)
	if err != nil || len(v.records) == 0 {
		return false, err
	}
	return s.writeSession(ctx, v, s.sq.remove, []any{s.subjectID(subject), sessionID})
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
