package gatesql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jwtgate/gate/stores"
)

// poller reads for one poll.
type poller struct {
	s        *Store
	ctx      context.Context
	progress func()
	rows     []row
	anew     bool   // rows holds all rows, not only the changes
	why      string // why everything was read again
}

// errReplaced is the error of a poll that has read parts of two epochs.
var errReplaced = errors.New("the tables were replaced while they were read")

// read reads what has changed since last. If the server's history is another one than
// before, it reads everything. It uses one connection for both. A copy that was read anew
// counts only if the tables have the same epoch afterwards: otherwise a wipe in between
// would be read as "nothing is revoked".
func (p *poller) read(last position) (next position, err error) {
	if err := p.s.lookNow(p.ctx); err != nil {
		return next, err
	}
	before := p.s.epoch.Load()
	if err := p.s.checkEpoch(p.ctx); err != nil {
		return next, err
	}
	epoch := p.s.epoch.Load()
	if epoch != before {
		last = position{}
	}
	if p.s.o.Dialect == Postgres {
		next, err = p.readSnapshot(last)
	} else {
		next, err = p.readLanes(last)
	}
	if err != nil || !p.anew {
		return next, err
	}
	if err := p.s.checkEpoch(p.ctx); err != nil {
		return next, err
	}
	if p.s.epoch.Load() != epoch {
		return next, errReplaced
	}
	return next, nil
}

func (p *poller) restart(last position, why string) position {
	p.anew = true
	if last.known() {
		p.why = why
	}
	return position{}
}

// readSnapshot is for PostgreSQL, where rows have the number of their transaction. It
// reads the rows of transactions that the last snapshot did not see.
func (p *poller) readSnapshot(last position) (next position, err error) {
	tx, err := p.s.db.BeginTx(p.ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return next, err
	}
	defer tx.Rollback()
	var replica bool
	err = tx.QueryRowContext(p.ctx, `SELECT pg_current_snapshot()::text, pg_snapshot_xmin(pg_current_snapshot())::text::bigint,`+
		` pg_snapshot_xmax(pg_current_snapshot())::text::bigint, pg_is_in_recovery()::int, concat_ws(' ', 'system', (pg_control_system()).system_identifier,`+
		` 'timeline', CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END,`+
		` 'started', extract(epoch from pg_postmaster_start_time()), 'file', pg_relation_filenode($1::regclass))`, p.s.n.entries).
		Scan(&next.snapshot, &next.xmin, &next.xmax, (*flag)(&replica), &next.server)
	switch {
	case err != nil:
		return next, err
	case replica && !p.s.o.Insecure.AllowReplica:
		return next, stores.ErrReadOnly
	case next.server != last.server:
		last = p.restart(last, "it was "+last.server+" and is "+next.server)
	case next.xmax < last.xmax:
		last = p.restart(last, fmt.Sprintf("transactions were as far as %d and are at %d", last.xmax, next.xmax))
	}
	query, args := `SELECT `+columns+` FROM `+p.s.n.entries+` WHERE until_at > $1 AND undone = 0 AND kind NOT IN ('epoch', 'lane')`, []any{p.s.o.Clock().Unix()}
	if !p.anew {
		query, args = `SELECT `+columns+` FROM `+p.s.n.entries+` WHERE seq >= $1 AND NOT pg_visible_in_snapshot(seq::text::xid8, $2::text::pg_snapshot)`+
			` AND kind NOT IN ('epoch', 'lane')`, []any{last.xmin, last.snapshot}
	}
	rows, err := tx.QueryContext(p.ctx, query, args...)
	if err != nil {
		return next, err
	}
	if err := p.scan(rows, nil); err != nil {
		return next, err
	}
	return next, tx.Commit()
}

// readLanes is for MySQL and SQLite. It reads the last known row of each lane again. If
// that row is gone, the tables have lost rows, and everything is read again.
func (p *poller) readLanes(last position) (next position, err error) {
	conn, err := p.s.db.Conn(p.ctx)
	if err != nil {
		return next, err
	}
	defer conn.Close()
	server, err := p.server(conn)
	if err != nil {
		return next, err
	}
	if server != last.server {
		last = p.restart(last, "it was "+last.server+" and is "+server)
	}
	if !p.anew {
		next, err = p.readChanges(conn, last)
		if err == nil && next.complete(p.s.o.Dialect) {
			return next, nil
		}
		if err != nil {
			return next, err
		}
		p.rows = p.rows[:0]
		p.restart(last, "rows that were read are gone")
	}
	if next, err = p.ends(conn); err != nil {
		return next, err
	}
	next.server = server
	rows, err := conn.QueryContext(p.ctx, `SELECT `+columns+` FROM `+p.s.n.entries+
		` WHERE until_at > ? AND undone = 0 AND kind NOT IN ('epoch', 'lane')`, p.s.o.Clock().Unix())
	if err != nil {
		return next, err
	}
	return next, p.scan(rows, nil)
}

// complete reports whether every lane was seen.
func (p *position) complete(d Dialect) bool {
	for lane, seq := range p.seqs {
		if seq == 0 && (d == MySQL || lane == 0) {
			return false
		}
	}
	return true
}

// server returns the name of the connection's server: see position.
func (p *poller) server(conn *sql.Conn) (name string, err error) {
	if p.s.o.Dialect == SQLite {
		return "file", nil
	}
	var replica bool
	err = conn.QueryRowContext(p.ctx, `SELECT CONCAT_WS(' ', 'server', @@global.server_id, @@global.hostname, @@global.port), `+p.s.build.role()).
		Scan(&name, (*flag)(&replica))
	if err == nil && replica && !p.s.o.Insecure.AllowReplica {
		err = stores.ErrReadOnly
	}
	return name, err
}

// ends returns the last number of each lane.
func (p *poller) ends(conn *sql.Conn) (next position, err error) {
	query := `SELECT 0, MAX(seq) FROM ` + p.s.n.entries
	if p.s.o.Dialect == MySQL {
		query = `SELECT lane, seq FROM ` + p.s.n.entries + ` WHERE kind = 'lane'`
	}
	rows, err := conn.QueryContext(p.ctx, query)
	if err != nil {
		return next, err
	}
	defer rows.Close()
	for rows.Next() {
		var lane int
		var seq int64
		if err := rows.Scan(&lane, &seq); err != nil {
			return next, err
		}
		if lane < 0 || lane >= lanes {
			return next, fmt.Errorf("gatesql: %s has a row of lane %d", p.s.n.entries, lane)
		}
		next.seqs[lane] = seq
	}
	return next, rows.Err()
}

// readChanges reads the rows at or after the last known number of each lane.
func (p *poller) readChanges(conn *sql.Conn, last position) (next position, err error) {
	next.server = last.server
	query, args := `SELECT `+columns+`, 0, seq FROM `+p.s.n.entries+` WHERE seq >= ?`, []any{last.seqs[0]}
	if p.s.o.Dialect == MySQL {
		query = `SELECT ` + columns + `, lane, seq FROM ` + p.s.n.entries + ` WHERE lane = 0 AND seq >= ?` + strings.Repeat(` OR lane = ? AND seq >= ?`, lanes-1)
		for lane := 1; lane < lanes; lane++ {
			args = append(args, lane, last.seqs[lane])
		}
	}
	rows, err := conn.QueryContext(p.ctx, query, args...)
	if err != nil {
		return next, err
	}
	return next, p.scan(rows, &next.seqs)
}

// scan reads rows, and the last number of each lane.
func (p *poller) scan(rows *sql.Rows, seqs *[lanes]int64) error {
	defer rows.Close()
	var lane int
	var seq int64
	for rows.Next() {
		var r row
		to := r.fields()
		if seqs != nil {
			to = append(to, &lane, &seq)
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		if seqs != nil {
			seqs[lane] = max(seqs[lane], seq)
		}
		if r.kind != kindEpoch && r.kind != "lane" {
			p.rows = append(p.rows, r)
		}
		if len(p.rows)%1000 == 999 {
			p.progress()
		}
	}
	return rows.Err()
}
