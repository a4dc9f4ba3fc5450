package gatesql

import (
	"context"
	"errors"
	"fmt"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

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
	if err != nil {
		return stores.Rotated{}, err
	}
	return out, nil
}

// rotateOpen rotates a session that is plainly open: it reads the session's record alone,
// and writes on the condition that the subject's record, if there is one, has the
// generation of the token or spares the session. It leaves all other cases to tryRotate.
func (s *Store) rotateOpen(ctx context.Context, r stores.Rotation) (out stores.Rotated, done bool, err error) {
	if s.o.Upgrading {
		return out, false, nil
	}
	known, subject, session := s.epoch.Load(), storekit.SubjectOf(r.Token), r.Token.SessionID
	id := s.subjectID(subject)
	v, err := repeated(ctx, func() (seen, error) { return s.readSession(ctx, subject, id, session) })
	if err != nil || len(v.records) == 0 {
		return out, false, err
	}
	old, now := v.records[0], v.now
	presented := storekit.Presented(old, r.Token)
	if s.keep.SessionOver(old, now) || s.olderThan(presented.Generation, presented.Issued, known) {
		return out, false, nil
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

// readSession reads one record and the database's clock; id is the hash of the subject.
func (s *Store) readSession(ctx context.Context, subject, id, session string) (v seen, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("gatesql: sessions: %w", err)
		}
	}()
	rows, err := s.query(ctx, s.sq.read, id, session)
	if err != nil {
		return v, err
	}
	defer rows.Close()
	if !rows.Next() {
		return v, rows.Err()
	}
	var r sessionRow
	var replica bool
	var micros int64
	if err := rows.Scan(append([]any{(*flag)(&replica), &micros}, r.fields()...)...); err != nil {
		return v, err
	}
	v.records = []stores.SessionRecord{r.record(subject)}
	v.now, err = s.serverTime(replica, micros)
	return v, errors.Join(err, rows.Close())
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
