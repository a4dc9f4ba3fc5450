package gatesql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jwtgate/gate/stores"
)

// meta is the one row that says what the table of entries is.
type meta struct {
	version int
	epoch   string // drawn when the tables were made
	born    int64  // when that was
	seq     int64  // of the last change
}

// scanMeta reads the row of [queries.version]. That there is none means that it is gone.
func scanMeta(r *sql.Row, m *meta) error {
	err := r.Scan(&m.version, &m.epoch, &m.born, &m.seq)
	if errors.Is(err, sql.ErrNoRows) {
		return stores.ErrWiped
	}
	return err
}

// migrate brings the tables to the present version and returns what they are.
func (s *Store) migrate(ctx context.Context) (meta, error) {
	steps := s.o.Dialect.migrations(s.o.Table)
	m, err := s.findMeta(ctx)
	if err != nil {
		return meta{}, err
	}
	if m.version > len(steps) {
		return meta{}, fmt.Errorf("%w: %d, and this program knows %d", ErrNewer, m.version, len(steps))
	}
	for v := m.version; v < len(steps); v++ {
		if err := s.step(ctx, v, steps[v]); err != nil {
			return meta{}, fmt.Errorf("gatesql: bringing the tables to version %d: %w", v+1, err)
		}
	}
	return m, nil
}

// findMeta reads the row, and makes it where it may.
func (s *Store) findMeta(ctx context.Context) (meta, error) {
	var err error
	for range 5 { // another process may be making it too, and one of the two fails
		var n int
		if err = s.db.QueryRowContext(ctx, s.q.tableExists, s.o.Table+"_meta").Scan(&n); err != nil {
			return meta{}, fmt.Errorf("gatesql: looking for the tables: %w", err)
		}
		if n > 0 {
			var m meta
			if err = scanMeta(s.db.QueryRowContext(ctx, s.q.version), &m); err == nil {
				return m, nil
			}
		}
		if s.o.NoCreate {
			return meta{}, errors.Join(ErrNoSchema, err)
		}
		if _, err = s.db.ExecContext(ctx, s.o.Dialect.createMeta(s.o.Table)); err == nil {
			_, err = s.db.ExecContext(ctx, s.q.insertMeta, rand.Text(), s.o.Clock().Unix())
		}
	}
	return meta{}, fmt.Errorf("gatesql: creating the tables: %w", err)
}

// step leads from version v to the next, unless somebody else just has.
func (s *Store) step(ctx context.Context, v int, statements []string) error {
	tx, err := s.db.BeginTx(ctx, s.o.Dialect.isolation())
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, s.q.bump); err != nil {
		return err
	}
	var m meta
	if err := scanMeta(tx.QueryRowContext(ctx, s.q.version), &m); err != nil || m.version > v {
		return err
	}
	for _, query := range statements {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, s.q.setVersion, v+1); err != nil {
		return err
	}
	return tx.Commit()
}
