package gatesql

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

const never = storekit.Never

// undoneFor is how long a row stays after it was restored.
const undoneFor = time.Hour

// RevokeToken implements [stores.Store].
func (s *Store) RevokeToken(ctx context.Context, t *gate.Token, n stores.Note) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	if t == nil || t.ID == "" {
		return fmt.Errorf("gatesql: %w", stores.ErrNoID)
	}
	now := s.o.Clock()
	until := s.keep.UntilRevoked(t, now)
	if !storekit.Live(until, now) {
		return nil
	}
	return s.put(ctx, row{id: s.hashes(t).token, kind: stores.Token, until: until, note: n})
}

// RevokeSession implements [stores.Store].
func (s *Store) RevokeSession(ctx context.Context, sessionID string, n stores.Note) error {
	if err := s.writable(ctx, sessionID); err != nil {
		return err
	}
	return s.put(ctx, row{id: storekit.HashID(stores.Session, s.o.Scope.Text(), sessionID), kind: stores.Session,
		until: s.keep.UntilSession(s.o.Clock()), note: n})
}

// writable returns an error if ctx has ended or id is empty.
func (s *Store) writable(ctx context.Context, id string) error {
	err := ctx.Err()
	if err == nil && id == "" {
		err = stores.ErrNoID
	}
	if err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	return nil
}

// put writes the entry of a token or session.
func (s *Store) put(ctx context.Context, r row) error {
	note, now := storekit.CleanNote(r.note), s.o.Clock().Unix()
	return s.mustWrite(ctx, []string{r.id}, func(ctx context.Context, w writer) (int64, error) {
		args := []any{r.id, string(r.kind), now, r.until, note.By, note.Why}
		if s.o.Dialect == MySQL {
			args = append(append(w.lane(r.id), args...), laneOf(r.id))
			return w.affected(ctx, s.q.put, args...)
		}
		return w.affected(ctx, s.q.put, append(args, w.guard()...)...)
	})
}

// RevokeTokens implements [stores.BatchRevoker]. It revokes the tokens with few
// statements and leaves out expired ones. After an error some tokens may be revoked.
func (s *Store) RevokeTokens(ctx context.Context, tokens []*gate.Token, n stores.Note) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	until, now := map[string]int64{}, s.o.Clock()
	for _, t := range tokens {
		if t == nil || t.ID == "" {
			return fmt.Errorf("gatesql: %w", stores.ErrNoID)
		}
		if end := s.keep.UntilRevoked(t, now); storekit.Live(end, now) {
			id := s.hashes(t).token
			until[id] = max(until[id], end)
		}
	}
	entries := make([]row, 0, len(until))
	for id, end := range until {
		entries = append(entries, row{id: id, kind: stores.Token, until: end})
	}
	// All writers lock rows in the same order, so that two batches do not deadlock. In
	// MySQL one statement writes to one lane.
	slices.SortFunc(entries, func(a, b row) int { return strings.Compare(a.id, b.id) })
	const most = 500
	for len(entries) > 0 {
		k := min(len(entries), most)
		if s.o.Dialect == MySQL {
			k = sameLane(entries[:k])
		}
		if err := s.putMany(ctx, entries[:k], now.Unix(), storekit.CleanNote(n)); err != nil {
			return err
		}
		entries = entries[k:]
	}
	return nil
}

// sameLane returns how many entries at the beginning have the lane of the first one.
func sameLane(entries []row) int {
	for i := range entries {
		if laneOf(entries[i].id) != laneOf(entries[0].id) {
			return i
		}
	}
	return len(entries)
}

// putMany writes entries of tokens with one statement.
func (s *Store) putMany(ctx context.Context, entries []row, now int64, n stores.Note) error {
	hashes := make([]string, len(entries))
	for i := range entries {
		hashes[i] = entries[i].id
	}
	return s.mustWrite(ctx, hashes, func(ctx context.Context, w writer) (int64, error) {
		if s.o.Dialect != MySQL {
			return w.affectedOnce(ctx, s.build.putMany(entries), append([]any{now, n.By, n.Why}, w.guard()...)...)
		}
		args := w.lane(hashes[0])
		for _, r := range entries {
			args = append(args, r.id, string(r.kind), now, r.until, n.By, n.Why, laneOf(r.id))
		}
		return w.affectedOnce(ctx, s.build.putLane(len(entries)), args...)
	})
}

// RevokeSubject implements [stores.Store].
func (s *Store) RevokeSubject(ctx context.Context, subject string, o stores.SubjectOptions, n stores.Note) error {
	if err := s.writable(ctx, subject); err != nil {
		return err
	}
	n = storekit.CleanNote(n)
	id := storekit.HashID(stores.Subject, s.o.Scope.Text(), subject)
	// Each iteration makes both writes. There is a second iteration only if a failover has
	// lost the first write.
	for {
		gen, err := s.revokeSubject(ctx, id, o, n)
		if err != nil {
			return err
		}
		if kept, err := s.restamp(ctx, id, o, gen); kept || err != nil {
			return err
		}
	}
}

// revokeSubject makes the first write and returns the new generation.
func (s *Store) revokeSubject(ctx context.Context, id string, o stores.SubjectOptions, n stores.Note) (gen int64, err error) {
	err = s.mustWrite(ctx, []string{id}, func(ctx context.Context, w writer) (rows int64, err error) {
		c, now, until := s.change(o)
		ifAll, beforeAll := 0, int64(0)
		if c.Except == "" {
			ifAll, beforeAll = 1, c.Before
		}
		args := []any{id, now, until, c.Before, beforeAll, c.Except, n.By, n.Why}
		lowest := s.floor(w.epoch)>>storekit.GenerationBits + 1
		switch s.o.Dialect {
		case MySQL:
			args = append(append(w.lane(id), args...), lowest, storekit.RandomBits(), ifAll, laneOf(id))
			gen, rows, err = w.lastID(ctx, s.q.revokeSubject, args...)
		case Postgres:
			gen, rows, err = w.returned(ctx, s.q.revokeSubject, append(append(args, ifAll, lowest, storekit.RandomBits()), w.guard()...)...)
		default:
			rows, err = w.affected(ctx, s.q.revokeSubject, append(append(args, ifAll, lowest, storekit.RandomBits()), w.guard()...)...)
		}
		return rows, err
	})
	if err != nil || s.o.Dialect != SQLite {
		return gen, err
	}
	g, err := s.generation(ctx, id) // SQLite has no failover that could lose the write
	return g.written, err
}

// change returns what a call of RevokeSubject asks for, the time, and when its record
// expires.
func (s *Store) change(o stores.SubjectOptions) (c storekit.SubjectChange, now, until int64) {
	at := s.o.Clock()
	c = s.keep.SubjectChange(o, at, s.o.Scope.Text())
	return c, at.Unix(), s.keep.UntilSubject(at, storekit.SubjectRecord{Before: c.Before})
}

// restamp makes the second write. It reports whether the first one was kept.
func (s *Store) restamp(ctx context.Context, id string, o stores.SubjectOptions, gen int64) (kept bool, err error) {
	there := int64(0)
	changed, err := s.write(ctx, []string{id}, func(ctx context.Context, w writer) (rows int64, err error) {
		c, _, until := s.change(o)
		if s.o.Dialect == MySQL {
			there, rows, err = w.lastID(ctx, s.q.restamp, append(w.lane(id), id, until, c.Before, c.Except, laneOf(id), gen, gen, gen, gen, gen)...)
			return rows, err
		}
		return w.affected(ctx, s.q.restamp, append([]any{c.Before, c.Except, c.Except, c.Before, until, id, gen, gen, c.Except}, w.guard()...)...)
	})
	switch {
	case err != nil:
		return false, err
	case s.o.Dialect == MySQL:
		return there >= gen, nil
	case changed:
		return true, nil
	}
	g, err := s.generation(ctx, id) // the first write was lost, or was undone by another call
	return g.live == 0 && g.written >= gen, err
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
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	hash, until := storekit.HashID(kind, s.o.Scope.Text(), id), s.o.Clock().Add(undoneFor).Unix()
	_, there, err := s.find(ctx, hash)
	if err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	if !there {
		return nil
	}
	_, err = s.write(ctx, []string{hash}, func(ctx context.Context, w writer) (int64, error) {
		if s.o.Dialect == MySQL {
			return w.affected(ctx, s.q.undo, append(w.lane(hash), hash, string(kind), until, laneOf(hash))...)
		}
		return w.affected(ctx, s.q.undo, append([]any{until, hash}, w.guard()...)...)
	})
	return err
}

// mustWrite does the same as write, for changes of at least one row. If no row was
// changed, the tables have lost rows.
func (s *Store) mustWrite(ctx context.Context, hashes []string, do func(context.Context, writer) (int64, error)) error {
	changed, err := s.write(ctx, hashes, do)
	if err == nil && !changed {
		err = fmt.Errorf("gatesql: %w", wiped(s.n.entries+" has lost rows"))
	}
	return err
}

// write makes one change, and reports whether rows were changed. If none was, or MySQL
// refuses the number of a lane, the epoch of the tables may have changed. If an operator
// has accepted the new epoch, write tries again.
func (s *Store) write(ctx context.Context, hashes []string, do func(context.Context, writer) (int64, error)) (changed bool, err error) {
	began := time.Now()
	ctx, cancel := s.within(ctx)
	defer cancel()
	if err = s.lookNow(ctx); err == nil {
		changed, err = s.tryWrite(ctx, do)
	}
	if s.cache != nil {
		s.cache.written(hashes) // even after an error the change may have been made
	}
	s.wrote(ctx, began, err)
	if err != nil {
		return false, fmt.Errorf("gatesql: %w", err)
	}
	return changed, nil
}

func (s *Store) tryWrite(ctx context.Context, do func(context.Context, writer) (int64, error)) (changed bool, err error) {
	if s.writing != nil {
		select {
		case s.writing <- struct{}{}:
			defer func() { <-s.writing }()
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	for {
		known := s.epoch.Load()
		rows, err := s.commit(ctx, known, do)
		if rows > 0 && err == nil {
			return true, nil
		}
		if err != nil && !outOfRange(err) {
			return false, err
		}
		if errEpoch := s.checkEpoch(ctx); errEpoch != nil {
			return false, errEpoch
		}
		if s.epoch.Load() == known {
			return false, err
		}
	}
}

// commit executes a write, and does so again if the database has rolled it back.
func (s *Store) commit(ctx context.Context, e *epoch, do func(context.Context, writer) (int64, error)) (int64, error) {
	return repeated(ctx, func() (int64, error) { return s.commitOnce(ctx, e, do) })
}

// repeated calls do again while the database rolls back what it does in favour of another
// transaction, as it must in a deadlock. Nothing was written then. At the level
// SERIALIZABLE of PostgreSQL this happens to reads too.
func repeated[T any](ctx context.Context, do func() (T, error)) (v T, err error) {
	const most = 20
	for try := range most {
		if v, err = do(); !rolledBack(err) {
			break
		}
		select {
		case <-ctx.Done():
			return v, err
		case <-time.After(rand.N(time.Duration(try+1) * 2 * time.Millisecond)):
		}
	}
	return v, err
}

// commitOnce executes a write. With Options.Upgrading it takes the same lock, and increments
// the same number, as programs of the first version.
func (s *Store) commitOnce(ctx context.Context, e *epoch, do func(context.Context, writer) (int64, error)) (int64, error) {
	if !s.o.Upgrading {
		return do(ctx, writer{s, nil, e})
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `UPDATE `+s.n.meta+` SET seq = seq + 1 WHERE id = 1`); err != nil {
		return 0, err
	}
	rows, err := do(ctx, writer{s, tx, e})
	if err != nil {
		return 0, err
	}
	return rows, tx.Commit()
}
