package gatesql

import (
	"context"
	"database/sql"
	"strconv"
)

// writer executes the statement of one write.
type writer struct {
	s     *Store
	tx    *sql.Tx // nil: the statement commits by itself
	epoch *epoch
}

// lane returns the first parameters of a write in MySQL.
func (w writer) lane(id string) []any {
	lane := laneOf(id)
	return []any{laneID(lane), w.epoch.lanes, lane}
}

// guard returns the last parameters of a write in the other dialects.
func (w writer) guard() []any {
	guard := []any{w.s.sentinel, w.epoch.name}
	if w.s.o.Dialect != Postgres {
		return guard
	}
	wait := int64(0)
	if w.s.o.Timeout > 0 {
		wait = max(w.s.o.Timeout.Milliseconds(), 1)
	}
	return append(guard, strconv.FormatInt(wait, 10))
}

func (w writer) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if w.tx != nil {
		res, err := w.tx.ExecContext(ctx, query, args...)
		return res, classify(err)
	}
	return w.s.exec(ctx, query, args...)
}

// affected returns how many rows a statement has changed.
func (w writer) affected(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := w.exec(ctx, query, args...)
	return w.rows(res, err)
}

// affectedOnce does the same for a statement that is not prepared.
func (w writer) affectedOnce(ctx context.Context, query string, args ...any) (int64, error) {
	if w.tx != nil {
		return w.affected(ctx, query, args...)
	}
	res, err := w.s.db.ExecContext(ctx, query, args...)
	return w.rows(res, classify(err))
}

// rows returns how many rows were changed, without the row of a lane. MySQL counts that
// row twice if it existed.
func (w writer) rows(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	rows, err := res.RowsAffected()
	if w.s.o.Dialect == MySQL {
		rows -= 2
	}
	return rows, err
}

// lastID returns the last insert ID of a statement, and how many rows it has changed.
func (w writer) lastID(ctx context.Context, query string, args ...any) (id, rows int64, err error) {
	res, err := w.exec(ctx, query, args...)
	if err != nil {
		return 0, 0, err
	}
	if id, err = res.LastInsertId(); err != nil {
		return 0, 0, err
	}
	rows, err = w.rows(res, nil)
	return id, rows, err
}

// returned returns the number that a statement returns for each row, and how many rows
// there are.
func (w writer) returned(ctx context.Context, query string, args ...any) (n, count int64, err error) {
	var rows *sql.Rows
	if w.tx != nil {
		rows, err = w.tx.QueryContext(ctx, query, args...)
	} else {
		rows, err = w.s.query(ctx, query, args...)
	}
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		count++
		if err := rows.Scan(&n); err != nil {
			return 0, 0, err
		}
	}
	if err := rows.Err(); err != nil {
		return 0, 0, err
	}
	return n, count, rows.Close() // Close waits for the commit
}
