package gatesql

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jwtgate/gate"
)

// Close closes the prepared statements of the store. Later calls return an error. The
// database stays open.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, st := range s.statements {
		errs = append(errs, st.Close())
	}
	s.statements = nil
	return errors.Join(errs...)
}

// prepared returns the prepared statement of a query. It prepares it on first use.
func (s *Store) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.RLock()
	st, ok := s.statements[query]
	closed := s.statements == nil
	s.mu.RUnlock()
	if ok {
		return st, nil
	}
	if closed {
		return nil, errClosed
	}
	st, err := s.db.PrepareContext(ctx, query) // without the lock, since it may take long
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other, ok := s.statements[query]; ok || s.statements == nil {
		_ = st.Close() // another goroutine was faster, so this one is not used
		if !ok {
			return nil, errClosed
		}
		return other, nil
	}
	s.statements[query] = st
	return st, nil
}

// closed reports an error after Close.
func (s *Store) closed() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.statements == nil {
		return errClosed
	}
	return nil
}

func (s *Store) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s.o.Dialect == Postgres {
		if err := s.closed(); err != nil {
			return nil, err
		}
		rows, err := s.db.QueryContext(ctx, query, args...)
		return rows, classify(err)
	}
	st, err := s.prepared(ctx, query)
	if err != nil {
		return nil, classify(err)
	}
	rows, err := st.QueryContext(ctx, args...)
	return rows, classify(err)
}

func (s *Store) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s.o.Dialect == Postgres {
		if err := s.closed(); err != nil {
			return nil, err
		}
		res, err := s.db.ExecContext(ctx, query, args...)
		return res, classify(err)
	}
	st, err := s.prepared(ctx, query)
	if err != nil {
		return nil, classify(err)
	}
	res, err := st.ExecContext(ctx, args...)
	return res, classify(err)
}

// within limits a call to Options.Timeout.
func (s *Store) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.o.Timeout < 0 {
		return ctx, func() {}
	}
	if at, ok := ctx.Deadline(); ok && time.Until(at) <= s.o.Timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.o.Timeout)
}

func (s *Store) event(ctx context.Context, name string, err error) {
	if s.o.OnEvent != nil {
		s.o.OnEvent(ctx, gate.Event{Name: name, Err: err})
	}
}
