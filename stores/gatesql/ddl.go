package gatesql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// The levels of the tables. Programs with the first version of this package work with
// levels 1 and 2: level 2 only adds columns and rows that they do not use.
const (
	levelEmpty  = 0
	levelFirst  = 1
	levelBoth   = 2
	levelNewest = 3
)

// statement is a change of the tables.
type statement struct {
	query string
	// unless and only make it safe to repeat the statement in MySQL, where it is not part
	// of a transaction. It runs unless the column or index named unless exists, and only
	// if the index named only exists.
	unless, only string
}

// Schema returns the statements that change the tables from one level to another, as text
// for a migration tool. Programs with Options.NoCreate need it. The levels are: 0, no
// tables; 1, the tables of the first version of this package; 2, tables that programs of
// both versions can use at the same time (Options.Upgrading); 3, the current tables. A
// downgrade from 3 to 2 is possible; one from 2 to 1 forgets all generations. Before the
// statements from 0 to 1 are run, the database must not have the tables, and its clock
// must be right.
func Schema(o Options, from, to int) (string, error) {
	o = o.withDefaults()
	keep, err := storekit.Keep{Skew: o.Skew}.WithDefaults()
	if err = errors.Join(err, o.check()); err != nil {
		return "", err
	}
	if min(from, to) < levelEmpty || max(from, to) > levelNewest || min(from, to) == levelEmpty && to < from {
		return "", fmt.Errorf("gatesql: no statements lead from level %d to %d", from, to)
	}
	var b strings.Builder
	d := definitions{o.Dialect, o.Dialect.qualify(o.Schema, o.Table), keep.Skew}
	for from != to {
		statements := d.up(from)
		if to < from {
			statements = d.down(from)
			from--
		} else {
			from++
		}
		if from == levelFirst && to >= from {
			statements = append(statements, statement{query: d.insertMeta(d.newName(), d.seconds())})
		}
		if from == levelBoth && to >= from {
			statements = append(statements, statement{query: d.insertSentinel(quoted(sentinelID(o.Scope.Text())))})
		}
		for _, st := range append(statements, statement{query: d.setLevel(from)}, statement{query: d.setVersion(from)}) {
			b.WriteString(st.query + ";\n")
		}
	}
	return b.String(), nil
}

// definitions makes the statements that change tables.
type definitions struct {
	d    Dialect
	n    names
	skew time.Duration
}

// up returns the statements that lead from a level to the next one.
func (d definitions) up(level int) []statement {
	switch level {
	case levelEmpty:
		return append([]statement{{query: d.createMeta()}}, d.first()...)
	case levelFirst:
		return d.both()
	default:
		return d.newest()
	}
}

// down returns the statements that lead from a level to the one before.
func (d definitions) down(level int) []statement {
	if level == levelNewest {
		return d.withoutNewest()
	}
	return d.withoutBoth()
}

// createMeta makes the table that describes the table of entries. Row 1 is for programs
// of the first version. Row 2 has the level in the column version.
func (d definitions) createMeta() string {
	return `CREATE TABLE IF NOT EXISTS ` + d.n.meta + ` (` +
		`id INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL, epoch ` + d.d.hashType() + ` NOT NULL, born BIGINT NOT NULL, seq BIGINT NOT NULL)` + d.d.engine()
}

func (d definitions) insertMeta(epoch, born string) string {
	insert := ` INTO ` + d.n.meta + ` (id, version, epoch, born, seq) VALUES (1, 0, ` + epoch + `, ` + born + `, 0)`
	if d.d == MySQL {
		return `INSERT IGNORE` + insert
	}
	return `INSERT` + insert + ` ON CONFLICT (id) DO NOTHING`
}

// setLevel writes row 2.
func (d definitions) setLevel(level int) string {
	insert := fmt.Sprintf(`INSERT INTO %s (id, version, epoch, born, seq) VALUES (2, %d, '', 0, 0)`, d.n.meta, level)
	if d.d == MySQL {
		return insert + ` ON DUPLICATE KEY UPDATE version = VALUES(version)`
	}
	return insert + ` ON CONFLICT (id) DO UPDATE SET version = excluded.version`
}

// setVersion writes the version that programs of the first version read.
func (d definitions) setVersion(level int) string {
	version := 1
	if level == levelNewest {
		version = 2
	}
	return fmt.Sprintf(`UPDATE %s SET version = %d WHERE id = 1`, d.n.meta, version)
}

func (d definitions) first() []statement {
	columns := `id ` + d.d.hashType() + ` NOT NULL PRIMARY KEY, kind VARCHAR(8) NOT NULL, ` +
		`revoked_at BIGINT NOT NULL, until_at BIGINT NOT NULL, undone INTEGER NOT NULL, seq BIGINT NOT NULL, ` +
		`before_at BIGINT NOT NULL, all_before_at BIGINT NOT NULL, except_id ` + d.d.hashType() + ` NOT NULL, ` +
		`revoked_by ` + d.d.textType() + ` NOT NULL, why ` + d.d.textType() + ` NOT NULL`
	if d.d == MySQL { // which has no CREATE INDEX IF NOT EXISTS
		return []statement{{query: `CREATE TABLE IF NOT EXISTS ` + d.n.entries + ` (` + columns +
			`, INDEX ` + d.n.table + `_until (until_at), INDEX ` + d.n.table + `_seq (seq))` + d.d.engine()}}
	}
	return []statement{
		{query: `CREATE TABLE IF NOT EXISTS ` + d.n.entries + ` (` + columns + `)`},
		{query: d.createIndex("_until", "until_at")},
		{query: d.createIndex("_seq", "seq")},
	}
}

func (d definitions) createIndex(suffix, columns string) string {
	if d.d == MySQL {
		return `CREATE INDEX ` + d.n.table + suffix + ` ON ` + d.n.entries + ` (` + columns + `)`
	}
	return `CREATE INDEX IF NOT EXISTS ` + d.n.table + suffix + ` ON ` + d.n.entries + ` (` + columns + `)`
}

func (d definitions) dropIndex(suffix string) statement {
	name := d.n.table + suffix
	switch d.d {
	case MySQL:
		return statement{query: `DROP INDEX ` + name + ` ON ` + d.n.entries, only: name}
	case Postgres:
		schema, _, _ := strings.Cut(d.n.entries, d.n.table)
		return statement{query: `DROP INDEX IF EXISTS ` + schema + name}
	default:
		return statement{query: `DROP INDEX IF EXISTS ` + name}
	}
}

// both adds the columns for generations and caches, an index for lists, and the table of
// sessions.
func (d definitions) both() []statement {
	add := func(column, definition string) statement {
		query := `ALTER TABLE ` + d.n.entries + ` ADD COLUMN `
		if d.d == Postgres {
			query += `IF NOT EXISTS `
		}
		return statement{query: query + column + ` ` + definition, unless: column}
	}
	list := []statement{add("gen", `BIGINT NOT NULL DEFAULT 0`), add("all_gen", `BIGINT NOT NULL DEFAULT 0`)}
	if d.d == MySQL {
		list = append(list, add("lane", `SMALLINT NOT NULL DEFAULT -1`),
			statement{query: d.createIndex("_lane", "lane, seq"), unless: d.n.table + "_lane"})
		for lane := range lanes {
			list = append(list, statement{query: d.insertLane(lane)})
		}
	}
	list = append(list, statement{query: d.createIndex("_kind", "kind, id"), unless: d.n.table + "_kind"})
	return append(list, d.createSessions()...)
}

func (d definitions) newest() []statement {
	if d.d == MySQL { // where caches follow lane and seq
		return []statement{d.dropIndex("_seq")}
	}
	return nil
}

func (d definitions) withoutNewest() []statement {
	list := []statement{{query: `UPDATE ` + d.n.meta + ` SET seq = (SELECT MAX(seq) FROM ` + d.n.entries + `) WHERE id = 1`}}
	if d.d == MySQL {
		list = append(list, statement{query: d.createIndex("_seq", "seq"), unless: d.n.table + "_seq"})
	}
	return list
}

func (d definitions) withoutBoth() []statement {
	list := []statement{{query: `DELETE FROM ` + d.n.entries + ` WHERE kind IN ('epoch', 'lane')`}, d.dropIndex("_kind"), {query: `DROP TABLE IF EXISTS ` + d.n.sessions}}
	columns := []string{"gen", "all_gen"}
	if d.d == MySQL {
		list, columns = append(list, d.dropIndex("_lane")), append(columns, "lane")
	}
	for _, c := range columns {
		list = append(list, statement{query: `ALTER TABLE ` + d.n.entries + ` DROP COLUMN ` + c, only: c})
	}
	return list
}

// sentinelID returns the ID of the sentinel of a scope. A sentinel is a row with the
// epoch of the tables. It is in the table of entries, so that it is lost whenever that
// table is emptied.
func sentinelID(scope string) string { return "!" + storekit.HashID("epoch", scope, "")[1:] }

// lanes is the number of lanes in MySQL: each write locks the row of one lane.
const lanes = 64

func laneID(lane int) string { return fmt.Sprintf("!lane%02d", lane) }

// laneOf returns the lane of an entry.
func laneOf(id string) int {
	const hashAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return max(strings.IndexByte(hashAlphabet, id[0]), 0)
}

// insertLane makes a lane, or gives it the epoch of meta.
func (d definitions) insertLane(lane int) string {
	return fmt.Sprintf(`INSERT INTO %s (id, kind, revoked_at, until_at, undone, lane, seq, before_at, all_before_at, except_id, revoked_by, why)`+
		` SELECT '%s', 'lane', 0, %d, 0, %d, 1, 0, 0, epoch, '', '' FROM %s WHERE id = 1 ON DUPLICATE KEY UPDATE except_id = VALUES(except_id)`,
		d.n.entries, laneID(lane), storekit.Never, lane, d.n.meta)
}

// insertSentinel makes a sentinel from the epoch of meta; id is an expression.
func (d definitions) insertSentinel(id string) string {
	insert := `INTO ` + d.n.entries + ` (id, kind, revoked_at, until_at, undone, seq, before_at, all_before_at, except_id, revoked_by, why, gen)` +
		fmt.Sprintf(` SELECT %s, 'epoch', born, %d, 0, 1, born, 0, epoch, '', '', %s FROM %s WHERE id = 1`, id, storekit.Never, d.floor(), d.n.meta)
	if d.d == MySQL {
		return `INSERT IGNORE ` + insert
	}
	return `INSERT ` + insert + ` ON CONFLICT (id) DO NOTHING`
}

// floor returns an expression for the lowest generation of an epoch that begins now. It
// is higher than all generations of an earlier epoch, even if the clock of that epoch's
// server was ahead by Skew.
func (d definitions) floor() string {
	return fmt.Sprintf(`%s + %d`, d.d.micros(), d.skew.Microseconds())
}

// newName returns an expression for a random name, which no other tables have.
func (d definitions) newName() string {
	switch d.d {
	case SQLite:
		return `lower(hex(randomblob(16)))`
	case Postgres:
		return `replace(gen_random_uuid()::text, '-', '')`
	default:
		return `MD5(CONCAT(UUID(), RAND()))`
	}
}

// seconds is the database's clock.
func (d definitions) seconds() string {
	switch d.d {
	case SQLite:
		return `CAST(strftime('%s', 'now') AS INTEGER)`
	case Postgres:
		return `EXTRACT(EPOCH FROM now())::bigint`
	default:
		return `UNIX_TIMESTAMP()`
	}
}

// quoted returns the SQL literal of a text that contains no quotes.
func quoted(s string) string { return `'` + s + `'` }

// meta is the content of the meta table.
type meta struct {
	version int
	level   int
	epoch   string // a random name, made with the tables
}

// readMeta reads both rows. If the first one is missing, the error is [stores.ErrWiped].
func (s *Store) readMeta(ctx context.Context, q querier) (m meta, err error) {
	rows, err := q.QueryContext(ctx, `SELECT id, version, epoch FROM `+s.n.meta+` WHERE id IN (1, 2) ORDER BY id`)
	if err != nil {
		return m, err
	}
	defer rows.Close()
	found := false
	for rows.Next() {
		var id, version int
		var epoch string
		if err := rows.Scan(&id, &version, &epoch); err != nil {
			return m, err
		}
		if id == 1 {
			m, found = meta{version, min(version, levelFirst), epoch}, true
			continue
		}
		m.level = version
	}
	if err := rows.Err(); err != nil {
		return m, err
	}
	if !found {
		return m, fmt.Errorf("%w: the row of %s is gone; see AcceptWipe", stores.ErrWiped, s.n.meta)
	}
	return m, nil
}

// querier is a pool, a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}
