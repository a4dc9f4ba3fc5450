package gatesql

import (
	"context"
	"fmt"
)

// Cleanup deletes all entries, and records of sessions, that are past their time, a
// thousand in a statement, and returns how many. [Store.Run] does it each Options.Prune.
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

// pruneBatch is how many rows one statement deletes.
const pruneBatch = 1000

func (s *Store) prune(ctx context.Context, query string) (int64, error) {
	res, err := s.exec(ctx, query, s.o.Clock().Unix(), pruneBatch)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
