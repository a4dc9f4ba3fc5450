package gatesql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// row is an entry as it stands in the table.
type row struct {
	id             string
	kind           stores.Kind
	revoked, until int64 // seconds; until is never for what does not go
	undone         bool  // restored: kept for a while, so that copies in front learn of it
	seq            int64
	record         storekit.SubjectRecord
	note           stores.Note
}

// fields are where the columns are scanned to, in their order.
func (r *row) fields() []any {
	return []any{&r.id, &r.kind, &r.revoked, &r.until, (*flag)(&r.undone), &r.seq,
		&r.record.Before, &r.record.AllBefore, &r.record.Except, &r.note.By, &r.note.Why}
}

// values are what is written to the columns behind the first, in their order.
func (r *row) values() []any {
	undone := 0
	if r.undone {
		undone = 1
	}
	return []any{string(r.kind), r.revoked, r.until, undone, r.seq,
		r.record.Before, r.record.AllBefore, r.record.Except, r.note.By, r.note.Why}
}

// flag is a bool in a column of integers.
type flag bool

// Scan implements sql.Scanner.
func (f *flag) Scan(v any) error {
	var n sql.NullInt64
	err := n.Scan(v)
	*f = n.Int64 != 0
	return err
}

// entry is the row as it is listed.
func (r *row) entry() stores.Entry {
	e := stores.Entry{
		Kind: r.kind, ID: r.id, At: time.Unix(r.revoked, 0).UTC(), Note: r.note,
		Before: instant(r.record.Before), AllBefore: instant(r.record.AllBefore), ExceptSession: r.record.Except,
	}
	e.Until = storekit.UnixTime(r.until)
	return e
}

func instant(sec int64) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}

func (r *row) live(now time.Time) bool { return !r.undone && now.Unix() < r.until }

// RevokeToken implements [stores.Store].
func (s *Store) RevokeToken(ctx context.Context, t *gate.Token, n stores.Note) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	if t == nil {
		return fmt.Errorf("gatesql: %w", stores.ErrNoID)
	}
	now := s.o.Clock()
	until := s.keep.UntilRevoked(t, now)
	if t.ID != "" && !storekit.Live(until, now) {
		return nil
	}
	return s.revoke(ctx, row{kind: stores.Token, until: until}, t.RevocationID(), n, storekit.SubjectChange{})
}

// RevokeSession implements [stores.Store].
func (s *Store) RevokeSession(ctx context.Context, sessionID string, n stores.Note) error {
	return s.revoke(ctx, row{kind: stores.Session, until: s.keep.UntilSession(s.o.Clock())}, sessionID, n, storekit.SubjectChange{})
}

// RevokeSubject implements [stores.Store].
func (s *Store) RevokeSubject(ctx context.Context, subject string, o stores.SubjectOptions, n stores.Note) error {
	now := s.o.Clock()
	c := s.keep.SubjectChange(o, now, s.o.Scope)
	r := storekit.SubjectRecord{}.Revoke(c, 0)
	return s.revoke(ctx, row{kind: stores.Subject, until: s.keep.UntilSubject(now, r), record: r}, subject, n, c)
}

// revoke writes a row, or joins it with the one that is there.
func (s *Store) revoke(ctx context.Context, r row, id string, n stores.Note, c storekit.SubjectChange) error {
	if id == "" {
		return fmt.Errorf("gatesql: %w", stores.ErrNoID)
	}
	now := s.o.Clock()
	r.id, r.revoked, r.note = storekit.HashID(r.kind, s.o.Scope, id), now.Unix(), storekit.CleanNote(n)
	return s.change(ctx, r.id, func(old *row) *row {
		if old != nil && old.live(now) {
			r.until = max(r.until, old.until)
			if r.kind == stores.Subject {
				r.record = old.record.Revoke(c, 0)
			}
		}
		return &r
	})
}

// RestoreToken implements [stores.Store].
func (s *Store) RestoreToken(ctx context.Context, tokenID string) error {
	return s.restore(ctx, stores.Token, tokenID)
}

// RestoreSession implements [stores.Store].
func (s *Store) RestoreSession(ctx context.Context, sessionID string) error {
	return s.restore(ctx, stores.Session, sessionID)
}

// RestoreSubject implements [stores.Store].
func (s *Store) RestoreSubject(ctx context.Context, subject string) error {
	return s.restore(ctx, stores.Subject, subject)
}

func (s *Store) restore(ctx context.Context, kind stores.Kind, id string) error {
	until := s.o.Clock().Add(undoneFor).Unix()
	return s.change(ctx, storekit.HashID(kind, s.o.Scope, id), func(old *row) *row {
		if old == nil || old.undone {
			return nil
		}
		old.undone, old.until = true, until
		return old
	})
}

// undoneFor is how long a row stays after it was restored.
const undoneFor = time.Hour

// change replaces the row of id by what edit makes of it, or leaves it where that is
// nil. Changes of a table happen one after the other, in all processes.
func (s *Store) change(ctx context.Context, id string, edit func(old *row) *row) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return fmt.Errorf("gatesql: %w", ctx.Err())
	}
	var done *row
	err := s.locked(ctx, func(tx *sql.Tx, m meta) error {
		var old row
		found := true
		err := s.in(ctx, tx, s.q.find, func(st *sql.Stmt) error { return st.QueryRowContext(ctx, id).Scan(old.fields()...) })
		if errors.Is(err, sql.ErrNoRows) {
			found, err = false, nil
		}
		if err != nil {
			return err
		}
		if !found {
			done = edit(nil)
		} else {
			done = edit(&old)
		}
		if done == nil {
			return nil
		}
		done.seq = m.seq
		return s.store(ctx, tx, done, found)
	})
	if err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	if done != nil && s.front != nil {
		s.front.apply(*done)
	}
	return nil
}

// store writes a row, and deletes some that are past their time.
func (s *Store) store(ctx context.Context, tx *sql.Tx, r *row, found bool) error {
	query, args := s.q.insert, append([]any{r.id}, r.values()...)
	if found {
		query, args = s.q.update, append(r.values(), r.id)
	}
	if err := s.exec(ctx, tx, query, args...); err != nil {
		return err
	}
	if s.o.Prune < 0 {
		return nil
	}
	return s.exec(ctx, tx, s.q.prune, s.o.Clock().Unix(), s.o.Prune)
}

// locked runs do in a transaction that has the table to itself.
func (s *Store) locked(ctx context.Context, do func(*sql.Tx, meta) error) error {
	// Before a connection is taken: there may be only one.
	for _, query := range []string{s.q.bump, s.q.version, s.q.find, s.q.insert, s.q.update, s.q.prune} {
		if _, err := s.prepare(ctx, query); err != nil {
			return err
		}
	}
	tx, err := s.db.BeginTx(ctx, s.o.Dialect.isolation())
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.exec(ctx, tx, s.q.bump); err != nil {
		return err
	}
	var m meta
	if err := s.in(ctx, tx, s.q.version, func(st *sql.Stmt) error { return scanMeta(st.QueryRowContext(ctx), &m) }); err != nil {
		return err
	}
	if m.epoch != s.tables.epoch {
		return stores.ErrWiped
	}
	if err := do(tx, m); err != nil {
		return err
	}
	return tx.Commit()
}

// in runs do with the statement of a query, in a transaction.
func (s *Store) in(ctx context.Context, tx *sql.Tx, query string, do func(*sql.Stmt) error) error {
	st, err := s.prepare(ctx, query)
	if err != nil {
		return err
	}
	return do(tx.StmtContext(ctx, st))
}

func (s *Store) exec(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	return s.in(ctx, tx, query, func(st *sql.Stmt) error {
		_, err := st.ExecContext(ctx, args...)
		return err
	})
}

// Cleanup deletes all rows that are past their time, a thousand in a transaction, and
// returns how many. Writes do some of it by the way; call it once a day or so.
func (s *Store) Cleanup(ctx context.Context) (deleted int64, err error) {
	const batch = 1000
	for {
		var n int64
		err := s.locked(ctx, func(tx *sql.Tx, _ meta) error {
			return s.in(ctx, tx, s.q.prune, func(st *sql.Stmt) error {
				res, err := st.ExecContext(ctx, s.o.Clock().Unix(), batch)
				if err == nil {
					n, err = res.RowsAffected()
				}
				return err
			})
		})
		if err != nil {
			return deleted, fmt.Errorf("gatesql: cleanup: %w", err)
		}
		if deleted += n; n < batch {
			return deleted, nil
		}
	}
}
