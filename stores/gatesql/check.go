package gatesql

import (
	"context"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Blocked reports whether t, its session or its subject was revoked.
func (s *Store) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	if s.cache == nil {
		return s.BlockedDirect(ctx, t)
	}
	now := s.o.Clock()
	if err := s.answerable(ctx, t, now); err != nil {
		return false, err
	}
	if blocked, known := s.cache.blocked(t, s.hashes(t), now); known {
		s.counts.hits.Add(1)
		return blocked || s.older(t, s.epoch.Load()), nil
	}
	return s.BlockedDirect(ctx, t)
}

// Recall answers from memory only. If known is false, the database must be asked.
func (s *Store) Recall(t *gate.Token) (blocked, known bool) {
	now := s.o.Clock()
	if s.cache == nil || s.keep.Check(t, now) != nil {
		return false, false
	}
	if blocked, known = s.cache.blocked(t, s.hashes(t), now); !known {
		return false, false
	}
	s.counts.hits.Add(1)
	return blocked || s.older(t, s.epoch.Load()), true
}

// BlockedDirect does the same as Blocked, but always asks the database.
func (s *Store) BlockedDirect(ctx context.Context, t *gate.Token) (bool, error) {
	now := s.o.Clock()
	if err := s.answerable(ctx, t, now); err != nil {
		return false, err
	}
	s.counts.checks.Add(1)
	ctx, cancel := s.within(ctx)
	defer cancel()
	err := s.lookNow(ctx)
	blocked := false
	if err == nil {
		blocked, err = repeated(ctx, func() (bool, error) { return s.verdict(ctx, t, s.hashes(t), now) })
	}
	if err != nil {
		s.counts.failed(err)
		return false, fmt.Errorf("gatesql: %w", err)
	}
	return blocked || s.older(t, s.epoch.Load()), nil
}

// answerable returns an error if ctx has ended, or if the entries of the token may have
// been deleted.
func (s *Store) answerable(ctx context.Context, t *gate.Token, now time.Time) error {
	err := ctx.Err()
	if err == nil {
		err = s.keep.Check(t, now)
	}
	if err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	return nil
}

// trusts reports whether tokens that are older than the epoch are accepted.
func (s *Store) trusts(e *epoch) bool { return e.born == 0 || s.o.TrustOlderTokens && !e.accepted }

// floor returns the lowest generation of a token that was made in this epoch. It is 0 if
// older tokens are accepted.
func (s *Store) floor(e *epoch) int64 {
	if s.trusts(e) {
		return 0
	}
	return e.floor
}

// older reports whether t may have been revoked in earlier tables, which are lost. A token
// with a generation of this epoch was not. Other tokens are judged by "iat", with Skew
// for the difference between the clocks.
func (s *Store) older(t *gate.Token, e *epoch) bool {
	gen, _ := t.Generation()
	return s.olderThan(gen, t.IssuedAt, e)
}

func (s *Store) olderThan(gen int64, issued time.Time, e *epoch) bool {
	if s.trusts(e) {
		return false
	}
	if gen >= e.floor && e.floor > 0 && !s.o.Upgrading {
		return false
	}
	return issued.IsZero() || issued.Unix() <= e.born+int64(s.keep.Skew/time.Second)
}

// checkRow is a row that queries.check returns.
type checkRow struct {
	kind, except           string
	record                 string // see parseRecord; not in MySQL
	replica, until, undone int64  // in MySQL
	subject                storekit.SubjectRecord
}

// fields returns the destinations of the columns.
func (r *checkRow) fields(d Dialect) []any {
	if d == MySQL {
		return []any{&r.kind, &r.except, &r.replica, &r.until, &r.undone, &r.subject.Generation, &r.subject.AllGeneration, &r.subject.Before, &r.subject.AllBefore}
	}
	return []any{&r.kind, &r.except, &r.record}
}

// checkArgs returns the arguments of queries.check.
func (s *Store) checkArgs(h ids, now time.Time) []any {
	args := []any{h.token, h.session, h.subject, s.sentinel, now.Unix()}
	if s.o.Dialect == MySQL {
		return args[:4] // there the rows are compared with now in evaluate
	}
	return args
}

// evaluate completes the row, and reports whether it counts at now.
func (r *checkRow) evaluate(d Dialect, now time.Time) (live bool, err error) {
	switch {
	case d == MySQL && r.replica != 0:
		r.kind = kindReplica
	case d == MySQL:
		live = r.undone == 0 && storekit.Live(r.until, now)
	default:
		live = true
		if r.kind == string(stores.Subject) {
			r.subject, err = parseRecord(r.record)
		}
	}
	r.subject.Except = r.except
	return live, err
}

// verdict asks the database.
func (s *Store) verdict(ctx context.Context, t *gate.Token, h ids, now time.Time) (blocked bool, err error) {
	rows, err := s.query(ctx, s.q.check, s.checkArgs(h, now)...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var r checkRow
	var name string
	var subject storekit.SubjectRecord
	found, to := false, r.fields(s.o.Dialect)
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return false, err
		}
		live, err := r.evaluate(s.o.Dialect, now)
		switch {
		case err != nil:
			return false, err
		case r.kind == kindReplica:
			return false, stores.ErrReadOnly
		case !live:
		case r.kind == string(kindEpoch):
			found, name = true, r.except
		case r.kind == string(stores.Subject):
			subject = r.subject
		default:
			blocked = true
		}
	}
	if err := rows.Err(); err != nil {
		return false, err
	}
	if !found || name != s.epoch.Load().name {
		if err := s.checkEpoch(ctx); err != nil {
			return false, err
		}
	}
	return blocked || s.covers(subject, t, h.session, s.epoch.Load()), nil
}

// covers reports whether the record covers t. While programs without generations write
// too, only "iat" counts.
func (s *Store) covers(r storekit.SubjectRecord, t *gate.Token, session string, e *epoch) bool {
	if s.o.Upgrading {
		r.Generation, r.AllGeneration = -1, -1
	}
	gen, _ := t.Generation()
	return !r.Predates(gen, s.floor(e)) && r.Covers(t, session)
}

const kindEpoch stores.Kind = "epoch"

// sameEpoch returns an error if the tables are not the ones that were opened, unless an
// operator has accepted the new ones. The epoch known was loaded before found was read, so
// that found is the newer one, unless another goroutine has found a new one meanwhile.
func (s *Store) sameEpoch(ctx context.Context, known, found *epoch) error {
	switch {
	case found == nil:
		return wiped(s.n.entries + " has no sentinel")
	case found.name == known.name:
		return nil
	case s.epoch.Load() != known:
		return s.checkEpoch(ctx)
	case !found.accepted:
		return wiped(s.n.entries + " is not the table that it was")
	}
	m, err := s.readMeta(ctx, s.db)
	if err != nil {
		return err
	}
	found.lanes = m.epoch
	if !s.epoch.CompareAndSwap(known, found) {
		return s.checkEpoch(ctx)
	}
	s.event(ctx, stores.StoreReopened, nil)
	return nil
}

// Generation returns the generation of a subject. It always asks the database. If nothing
// was revoked, it is the lowest generation of the epoch, or 0 with
// Options.TrustOlderTokens. It implements [gate.GenerationReader].
func (s *Store) Generation(ctx context.Context, subject string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("gatesql: %w", err)
	}
	if subject == "" {
		return 0, fmt.Errorf("gatesql: %w", stores.ErrNoID)
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	gen, err := s.generation(ctx, storekit.HashID(stores.Subject, s.o.Scope.Text(), subject))
	if err != nil {
		s.counts.failed(err)
		return 0, fmt.Errorf("gatesql: generation: %w", err)
	}
	return max(gen.live, s.floor(s.epoch.Load())), nil
}

// found is the generation of a row: written is what the row has, and live is the same, or
// 0 if the row was restored.
type found struct{ written, live int64 }

func (s *Store) generation(ctx context.Context, id string) (found, error) {
	return repeated(ctx, func() (found, error) { return s.readGeneration(ctx, id) })
}

func (s *Store) readGeneration(ctx context.Context, id string) (g found, err error) {
	rows, err := s.query(ctx, s.q.generation, id, s.sentinel)
	if err != nil {
		return g, err
	}
	defer rows.Close()
	var e *epoch
	for rows.Next() {
		var replica, undone bool
		var kind stores.Kind
		var gen int64
		var except string
		if err := rows.Scan((*flag)(&replica), &kind, &gen, &except, (*flag)(&undone)); err != nil {
			return g, err
		}
		switch {
		case replica && !s.o.Insecure.AllowReplica:
			return g, stores.ErrReadOnly
		case kind == kindEpoch:
			e = &epoch{name: except}
		case undone:
			g.written = gen
		default:
			g = found{gen, gen}
		}
	}
	if err := rows.Err(); err != nil {
		return g, err
	}
	if e == nil || e.name != s.epoch.Load().name {
		return g, s.checkEpoch(ctx)
	}
	return g, nil
}

// checkEpoch reads the sentinel.
func (s *Store) checkEpoch(ctx context.Context) error {
	known := s.epoch.Load()
	own, err := repeated(ctx, func() (*epoch, error) {
		own, _, err := s.sentinels(ctx)
		return own, err
	})
	if err != nil {
		return err
	}
	return s.sameEpoch(ctx, known, own)
}

// Epoch returns the name of the tables' epoch and the second in which it began. New tables
// have a new epoch. Tokens issued before it, or in the Skew after its begin, count as
// revoked, unless Options.TrustOlderTokens is set.
func (s *Store) Epoch(ctx context.Context) (name string, begun time.Time, err error) {
	if err := s.checkEpoch(ctx); err != nil {
		return "", time.Time{}, fmt.Errorf("gatesql: %w", err)
	}
	e := s.epoch.Load()
	return e.name, time.Unix(e.born, 0).UTC(), nil
}
