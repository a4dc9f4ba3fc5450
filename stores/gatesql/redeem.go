package gatesql

import (
	"context"
	"errors"
	"fmt"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Redeem implements [stores.Store].
func (s *Store) Redeem(ctx context.Context, t *gate.Token, n stores.Note) (first bool, err error) {
	id := ""
	if t != nil {
		id = t.ID
	}
	if err := s.writable(ctx, id); err != nil {
		return false, err
	}
	now := s.o.Clock()
	until := s.keep.UntilRevoked(t, now)
	if !storekit.Live(until, now) {
		return false, fmt.Errorf("gatesql: %w", stores.ErrForgotten)
	}
	hash, note := s.hashes(t).token, storekit.CleanNote(n)
	args := []any{hash, string(stores.Token), now.Unix(), until, note.By, note.Why}
	changed, err := s.write(ctx, []string{hash}, func(ctx context.Context, w writer) (int64, error) {
		if s.o.Dialect != MySQL {
			return w.affected(ctx, s.q.redeem, append(args[:len(args):len(args)], w.guard()...)...)
		}
		verdict, rows, err := w.lastID(ctx, s.q.redeem, append(append(w.lane(hash), args...), laneOf(hash))...)
		first = verdict == redeemedNow
		return rows, err
	})
	if err != nil {
		return false, err
	}
	return changed && (first || s.o.Dialect != MySQL), nil
}

// What redeemLane returns.
const (
	redeemedNow    = 1
	redeemedBefore = 2
)

// redeem does the same as put, but only for a token without a live entry.
func (b builder) redeem() string {
	return b.put() + ` WHERE r.undone <> 0 OR r.until_at <= excluded.revoked_at`
}

// redeemLane does the same in MySQL. The last insert ID says whether a live entry
// existed. Its parameters are those of putLane.
func (b builder) redeemLane() string {
	dead := `(undone <> 0 OR until_at <= VALUES(revoked_at))`
	keep := func(column string) string {
		return `, ` + column + ` = IF(` + dead + `, VALUES(` + column + `), ` + column + `)`
	}
	return b.begin() + fmt.Sprintf(`, (?, ?, ?, ?, 0, @gate_seq, 0, 0, '', ?, ?, 0 * LAST_INSERT_ID(%d), 0, ?)`, redeemedNow) + b.count() +
		fmt.Sprintf(`, gen = IF(kind = 'lane', 0, 0 * LAST_INSERT_ID(IF(%s, %d, %d)))`, dead, redeemedNow, redeemedBefore) +
		keep("revoked_at") + keep("revoked_by") + keep("why") + `, until_at = IF(kind <> 'lane' AND ` + dead + `, VALUES(until_at), until_at), undone = 0`
}

// RevokeAll implements [stores.Store]. It begins a new epoch for all processes that use
// the tables with the same scope. Like RevokeSubject it writes twice: the second write
// covers tokens without a generation that were made during the first one.
func (s *Store) RevokeAll(ctx context.Context, n stores.Note) error {
	err := ctx.Err()
	if err == nil && s.o.Upgrading {
		err = errors.New("RevokeAll is for when Options.Upgrading is off: programs of the first version do not know it")
	}
	if err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	for range 2 {
		if err := s.revokeAll(ctx, storekit.CleanNote(n)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) revokeAll(ctx context.Context, n stores.Note) error {
	newest, err := repeated(ctx, func() (newest int64, err error) {
		err = s.db.QueryRowContext(ctx, `SELECT COALESCE(MAX(gen), 0) FROM `+s.n.entries+` WHERE kind = 'subject'`).Scan(&newest)
		return newest, classify(err)
	})
	if err != nil {
		return fmt.Errorf("gatesql: revoke all: %w", err)
	}
	born := max(s.o.Clock().Unix(), 1)
	err = s.mustWrite(ctx, nil, func(ctx context.Context, w writer) (int64, error) {
		res, err := w.exec(ctx, s.q.revokeAll, append([]any{born, newest + 1, n.By, n.Why, s.sentinel}, w.guard()...)...)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	})
	if err != nil {
		return err
	}
	if err := s.checkEpoch(ctx); err != nil {
		return fmt.Errorf("gatesql: revoke all: %w", err)
	}
	return nil
}

// revokeAll makes the sentinel that of a new epoch. Its parameters: born, lowest
// generation, by, why, sentinel, sentinel, epoch[, timeout].
func (b builder) revokeAll(skew string) string {
	where := ` WHERE id = ?` + b.guarded()
	if b.d == MySQL { // which cannot read a table that the statement updates
		where = ` WHERE id = ? AND id = ? AND except_id = ?`
	}
	return b.bound() + `UPDATE ` + b.n.entries + ` SET before_at = ?, all_before_at = 1, gen = ` +
		b.d.greatest(b.d.greatest(`gen + 1`, b.typed("?", "bigint")), skew) + `, revoked_by = ?, why = ?, except_id = ` + definitions{d: b.d}.newName() + where
}
