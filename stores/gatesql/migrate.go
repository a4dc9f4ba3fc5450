package gatesql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/jwtgate/gate/stores"
)

func isMariaDB(version string) bool { return strings.Contains(strings.ToLower(version), "mariadb") }

// findSchema returns the schema of the tables.
func (s *Store) findSchema(ctx context.Context) (string, error) {
	if s.o.Schema != "" || s.o.Dialect == SQLite {
		return s.o.Schema, nil
	}
	rows, err := s.db.QueryContext(ctx, s.o.Dialect.findSchemas(), s.o.Table+"_meta")
	if err != nil {
		return "", s.o.Dialect.unanswered(err)
	}
	defer rows.Close()
	var current sql.NullString
	var found []string
	for rows.Next() {
		var n int
		if err := rows.Scan(&current, &n); err != nil { // the last one is the current one
			return "", fmt.Errorf("gatesql: looking for the tables: %w", err)
		}
		if n > 0 {
			found = append(found, current.String)
		}
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("gatesql: looking for the tables: %w", err)
	}
	switch {
	case len(found) > 1:
		return "", fmt.Errorf("gatesql: table %s_meta is in more than one schema of search_path (%s): set Options.Schema", s.o.Table, strings.Join(found, ", "))
	case len(found) == 1:
		return found[0], nil
	case current.String == "":
		return "", errors.New("gatesql: no schema or database is selected: set Options.Schema, or name it in the DSN")
	}
	return current.String, nil
}

// migrate brings the tables to the level that is wanted, and reads which they are.
func (s *Store) migrate(ctx context.Context) error {
	wanted := levelNewest
	if s.o.Upgrading {
		wanted = levelBoth
	}
	var err error
	for try := range 20 { // another process may migrate at the same time, and one of them fails
		var m meta
		if m, err = s.level(ctx); err == nil {
			if m.level > levelNewest || m.version > 2 {
				return fmt.Errorf("%w: %d, and this program knows %d", ErrNewer, max(m.level, m.version), levelNewest)
			}
			if m.level == wanted || s.o.NoCreate && m.level >= levelBoth {
				return s.readEpoch(ctx, m)
			}
			if s.o.NoCreate {
				return ErrNoSchema
			}
			if err = s.step(ctx, m.level, wanted); err == nil {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gatesql: %w", ctx.Err())
		case <-time.After(rand.N(time.Duration(try+1) * 20 * time.Millisecond)):
		}
	}
	return fmt.Errorf("gatesql: creating or changing the tables: %w", err)
}

// level reads the level of the tables. It creates the meta table if it may.
func (s *Store) level(ctx context.Context) (meta, error) {
	m, err := s.readMeta(ctx, s.db)
	if err == nil || errors.Is(err, stores.ErrWiped) && s.o.NoCreate {
		return m, err
	}
	there, errThere := s.has(ctx, s.o.Table+"_meta")
	if errThere != nil {
		return m, errThere
	}
	if s.o.NoCreate && !there {
		return m, nil // level 0
	}
	if there && !errors.Is(err, stores.ErrWiped) {
		return m, err
	}
	d := s.definitions()
	if !there {
		if _, err := s.db.ExecContext(ctx, d.createMeta()); err != nil {
			return m, err
		}
	}
	born := strconv.FormatInt(s.o.Clock().Unix(), 10)
	if _, err := s.db.ExecContext(ctx, d.insertMeta(d.newName(), born)); err != nil {
		return m, err
	}
	s.event(ctx, stores.StoreBegun, nil)
	return s.readMeta(ctx, s.db)
}

// has reports whether there is a table with that name.
func (s *Store) has(ctx context.Context, table string) (bool, error) {
	query := `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?`
	args := []any{table}
	if s.o.Dialect != SQLite {
		schema, _, _ := strings.Cut(s.n.meta, s.o.Table)
		query = s.o.Dialect.numbered(`SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?`)
		args = []any{strings.Trim(schema, "\"`."), table}
	}
	var n int
	err := s.db.QueryRowContext(ctx, query, args...).Scan(&n)
	return n > 0, err
}

func (s *Store) definitions() definitions { return definitions{s.o.Dialect, s.n, s.keep.Skew} }

// step makes one step from a level towards the wanted one, unless another process has
// just made it.
func (s *Store) step(ctx context.Context, from, wanted int) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `UPDATE `+s.n.meta+` SET seq = seq + 0 WHERE id = 1`); err != nil {
		return err
	}
	if m, err := s.readMeta(ctx, tx); err != nil || m.level != from {
		return err
	}
	d, to := s.definitions(), from+1
	statements := d.up(from)
	if wanted < from {
		statements, to = d.down(from), from-1
	}
	if to == levelBoth && wanted > from {
		statements = append(statements, statement{query: d.insertSentinel(quoted(s.sentinel))})
	}
	for _, st := range statements {
		if skip, err := s.done(ctx, tx, st); err != nil || skip {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := tx.ExecContext(ctx, st.query); err != nil {
			return err
		}
	}
	for _, query := range []string{d.setLevel(to), d.setVersion(to)} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// done reports whether a statement was executed before. It is for statements that cannot
// say IF NOT EXISTS themselves.
func (s *Store) done(ctx context.Context, q querier, st statement) (bool, error) {
	name := st.unless + st.only
	if s.o.Dialect == Postgres || name == "" {
		return false, nil
	}
	query := `SELECT COUNT(*) FROM pragma_table_info(?) WHERE name = ?`
	args := []any{s.o.Table, name}
	if s.o.Dialect == MySQL {
		schema, _, _ := strings.Cut(s.n.meta, s.o.Table)
		schema = strings.Trim(schema, "`.")
		query = `SELECT (` + hasColumn + `) + (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = ? AND table_name = ? AND index_name = ?)`
		args = []any{schema, s.o.Table, name, schema, s.o.Table, name}
	}
	var n int
	err := q.QueryRowContext(ctx, query, args...).Scan(&n)
	return (n > 0) == (st.unless != ""), err
}

// epoch is the content of a scope's sentinel. It identifies the tables.
type epoch struct {
	name     string
	born     int64
	floor    int64  // the lowest generation that tokens of it have
	accepted bool   // an operator has accepted it in place of the one before
	lanes    string // the epoch of meta, which the lanes have too
}

// readEpoch reads the sentinel, and writes one for a new scope. Tables without any
// sentinel have lost their entries.
func (s *Store) readEpoch(ctx context.Context, m meta) error {
	for range 2 {
		own, others, err := s.sentinels(ctx)
		if err != nil && !errors.Is(err, stores.ErrWiped) {
			return fmt.Errorf("gatesql: reading the epoch: %w", err)
		}
		if own != nil {
			own.lanes = m.epoch
			s.epoch.Store(own)
			return nil
		}
		if others == 0 {
			s.epoch.Store(&epoch{lanes: m.epoch})
			s.event(ctx, stores.StoreWiped, wiped(s.n.entries+" has no sentinel"))
			return nil
		}
		if s.o.NoCreate {
			return fmt.Errorf("%w: the scope has no sentinel", ErrNoSchema)
		}
		if err := s.newScope(ctx); err != nil {
			return fmt.Errorf("gatesql: beginning the scope: %w", err)
		}
	}
	return errors.New("gatesql: the sentinel of the scope goes away")
}

func wiped(what string) error {
	return fmt.Errorf("%w: %s; see AcceptWipe", stores.ErrWiped, what)
}

// sentinels returns the epoch of the scope, or nil, and the number of other scopes.
func (s *Store) sentinels(ctx context.Context) (own *epoch, others int, err error) {
	rows, err := s.db.QueryContext(ctx, s.q.sentinel)
	if err != nil {
		return nil, 0, classify(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var e epoch
		if err := rows.Scan(&id, &e.born, (*flag)(&e.accepted), &e.name, &e.floor); err != nil {
			return nil, 0, err
		}
		if id == s.sentinel {
			own = &e
			continue
		}
		others++
	}
	return own, others, rows.Err()
}

// newScope writes the sentinel of a scope that is new to the table.
func (s *Store) newScope(ctx context.Context) error {
	return s.writeSentinel(ctx, s.db, s.o.Clock().Unix(), false)
}

// writeSentinel begins an epoch at the second born. Tokens issued before count as revoked.
func (s *Store) writeSentinel(ctx context.Context, q querier, born int64, accepted bool) error {
	d := s.definitions()
	flag := 0
	if accepted {
		flag = 1
	}
	insert := `INSERT INTO ` + s.n.entries + ` (id, kind, revoked_at, until_at, undone, seq, before_at, all_before_at, except_id, revoked_by, why, gen)` +
		fmt.Sprintf(` VALUES ('%s', 'epoch', %d, %d, 0, 1, %d, %d, %s, '', '', %s)`, s.sentinel, born, int64(never), born, flag, d.newName(), d.floor())
	set := ` ON CONFLICT (id) DO NOTHING`
	switch {
	case accepted && s.o.Dialect == MySQL:
		set = ` ON DUPLICATE KEY UPDATE before_at = VALUES(before_at), all_before_at = 1, except_id = VALUES(except_id), gen = VALUES(gen)`
	case accepted:
		set = ` ON CONFLICT (id) DO UPDATE SET before_at = excluded.before_at, all_before_at = 1, except_id = excluded.except_id, gen = excluded.gen`
	case s.o.Dialect == MySQL:
		set = ` ON DUPLICATE KEY UPDATE id = id`
	}
	_, err := q.ExecContext(ctx, insert+set)
	return err
}
