package gatesql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// List implements [stores.Lister].
func (s *Store) List(ctx context.Context, o stores.ListOptions) ([]stores.Entry, error) {
	if o.Limit <= 0 {
		o.Limit = 100
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	query, args := s.q.list, []any{o.After, s.o.Clock().Unix(), min(o.Limit, 1000)}
	if o.Kind != "" {
		query, args = s.q.listKind, append([]any{string(o.Kind)}, args...)
	}
	rows, err := s.query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("gatesql: list: %w", err)
	}
	defer rows.Close()
	var all []stores.Entry
	for rows.Next() {
		var r row
		if err := rows.Scan(r.fields()...); err != nil {
			return nil, fmt.Errorf("gatesql: list: %w", err)
		}
		all = append(all, r.entry())
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("gatesql: list: %w", err)
	}
	return all, nil
}

// Entry implements [stores.Inspector].
func (s *Store) Entry(ctx context.Context, kind stores.Kind, id string) (stores.Entry, bool, error) {
	var err error
	switch {
	case kind != stores.Token && kind != stores.Session && kind != stores.Subject:
		err = fmt.Errorf("no entry has the kind %q", string(kind))
	case id == "":
		err = stores.ErrNoID
	}
	var r row
	there := false
	if err == nil {
		r, there, err = s.find(ctx, storekit.HashID(kind, s.o.Scope.Text(), id))
	}
	if err != nil {
		return stores.Entry{}, false, fmt.Errorf("gatesql: entry: %w", err)
	}
	if !there {
		return stores.Entry{}, false, nil
	}
	return r.entry(), true, nil
}

// find reads a live entry.
func (s *Store) find(ctx context.Context, hash string) (r row, there bool, err error) {
	ctx, cancel := s.within(ctx)
	defer cancel()
	rows, err := s.query(ctx, s.q.find, hash, s.o.Clock().Unix())
	if err != nil {
		return r, false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return r, false, rows.Err()
	}
	return r, true, rows.Scan(r.fields()...)
}

// row is an entry as it is in the table.
type row struct {
	id             string
	kind           stores.Kind
	revoked, until int64 // Unix time
	undone         bool  // restored; the row is kept for a while, so that copies in memory see that
	record         storekit.SubjectRecord
	note           stores.Note
}

// fields returns the destinations of the columns, in their order.
func (r *row) fields() []any {
	return []any{&r.id, &r.kind, &r.revoked, &r.until, (*flag)(&r.undone),
		&r.record.Generation, &r.record.AllGeneration, &r.record.Before, &r.record.AllBefore, &r.record.Except, &r.note.By, &r.note.Why}
}

// flag is a bool that is stored as an integer.
type flag bool

// Scan implements sql.Scanner.
func (f *flag) Scan(v any) error {
	var n sql.NullInt64
	err := n.Scan(v)
	if err == nil && !n.Valid {
		return errors.New("gatesql: NULL where there is a flag")
	}
	*f = n.Int64 != 0
	return err
}

// entry returns the row as List and Entry show it.
func (r *row) entry() stores.Entry {
	return stores.Entry{
		Kind: r.kind, ID: r.id, At: time.Unix(r.revoked, 0).UTC(), Until: storekit.UnixTime(r.until), Note: r.note,
		Generation: r.record.Generation, AllGeneration: r.record.AllGeneration,
		Before: storekit.UnixTime(r.record.Before), AllBefore: storekit.UnixTime(r.record.AllBefore), ExceptSession: r.record.Except,
	}
}
