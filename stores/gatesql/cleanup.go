package gatesql

import (
	"context"
	"fmt"
)

// Cleanup deletes all expired entries and records of sessions, at most a thousand with
// one statement, and returns their number. [Store.Run] does so every Options.Prune.
func (s *Store) Cleanup(ctx context.Context) (deleted int64, err error) {
	err = s.checkEpoch(ctx)
	for _, query := range []string{s.q.prune, s.sq.prune} {
		for more := true; more && err == nil; {
			var n int64
			n, err = s.prune(ctx, query)
			deleted, more = deleted+n, n == pruneBatch
		}
	}
	if err != nil {
		err = fmt.Errorf("gatesql: cleanup: %w", err)
	}
	return deleted, err
}

// pruneBatch is how many rows one statement deletes at most.
const pruneBatch = 1000

func (s *Store) prune(ctx context.Context, query string) (int64, error) {
	return repeated(ctx, func() (int64, error) {
		res, err := s.exec(ctx, query, s.o.Clock().Unix(), pruneBatch)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	})
}
