package gatesql

import (
	"database/sql"
	"fmt"
	"strings"
)

// Dialect says which database it is.
type Dialect int

// The dialects.
const (
	SQLite   Dialect = iota + 1 // tested with 3.51
	Postgres                    // tested with 15
	MySQL                       // MySQL and MariaDB; tested with MariaDB 10.11
)

// isolation is what writes need: to see what was committed before they had the lock.
func (d Dialect) isolation() *sql.TxOptions {
	if d == SQLite {
		return nil // its transactions are serializable, and the level cannot be chosen
	}
	return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
}

// numbered turns ? into $1, $2 and so on, where the database wants it.
func (d Dialect) numbered(query string) string {
	if d != Postgres {
		return query
	}
	parts := strings.Split(query, "?")
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			fmt.Fprintf(&b, "$%d", i)
		}
		b.WriteString(p)
	}
	return b.String()
}

// exists counts the tables of a name.
func (d Dialect) exists() string {
	switch d {
	case SQLite:
		return `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?`
	case Postgres:
		return `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA() AND table_name = $1`
	default:
		return `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?`
	}
}

// prune deletes the oldest of what is past its time, and reads no other row: a DELETE
// with IN reads all of them in MySQL, and may in PostgreSQL.
func (d Dialect) prune(table string) string {
	past := ` FROM ` + table + ` WHERE until_at <= ? ORDER BY until_at LIMIT ?`
	switch d {
	case SQLite:
		return `DELETE FROM ` + table + ` WHERE id IN (SELECT id` + past + `)`
	case Postgres:
		return `DELETE FROM ` + table + ` WHERE ctid = ANY (ARRAY(SELECT ctid` + past + `))`
	default:
		return `DELETE` + past
	}
}

// hashType is a column that holds a hash and compares it byte by byte.
func (d Dialect) hashType() string {
	switch d {
	case Postgres:
		return `VARCHAR(32) COLLATE "C"`
	case MySQL:
		return `VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin`
	default:
		return `VARCHAR(32)`
	}
}

// textType is a column for half a note.
func (d Dialect) textType() string {
	if d == MySQL {
		return `VARCHAR(512) CHARACTER SET utf8mb4`
	}
	return `VARCHAR(512)`
}

// engine is what stands behind a table's columns.
func (d Dialect) engine() string {
	if d == MySQL {
		return ` ENGINE=InnoDB`
	}
	return ``
}

// createMeta makes the table of one row that says what the other table is.
func (d Dialect) createMeta(table string) string {
	return `CREATE TABLE IF NOT EXISTS ` + table + `_meta (` +
		`id INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL, epoch ` + d.hashType() + ` NOT NULL, born BIGINT NOT NULL, seq BIGINT NOT NULL)` + d.engine()
}

// migrations lead from each version to the next. Each statement may be repeated: MySQL
// has no transactions around them.
func (d Dialect) migrations(table string) [][]string {
	return [][]string{d.version1(table)}
}

func (d Dialect) version1(table string) []string {
	columns := `id ` + d.hashType() + ` NOT NULL PRIMARY KEY, kind VARCHAR(8) NOT NULL, ` +
		`revoked_at BIGINT NOT NULL, until_at BIGINT NOT NULL, undone INTEGER NOT NULL, seq BIGINT NOT NULL, ` +
		`before_at BIGINT NOT NULL, all_before_at BIGINT NOT NULL, except_id ` + d.hashType() + ` NOT NULL, ` +
		`revoked_by ` + d.textType() + ` NOT NULL, why ` + d.textType() + ` NOT NULL`
	if d == MySQL { // which has no CREATE INDEX IF NOT EXISTS
		return []string{`CREATE TABLE IF NOT EXISTS ` + table + ` (` + columns +
			`, INDEX ` + table + `_until (until_at), INDEX ` + table + `_seq (seq))` + d.engine()}
	}
	return []string{
		`CREATE TABLE IF NOT EXISTS ` + table + ` (` + columns + `)`,
		`CREATE INDEX IF NOT EXISTS ` + table + `_until ON ` + table + ` (until_at)`,
		`CREATE INDEX IF NOT EXISTS ` + table + `_seq ON ` + table + ` (seq)`,
	}
}

// queries are the statements of a store, in its dialect.
type queries struct {
	check, list, changes                         string
	bump, find, insert, update, prune            string
	version, insertMeta, setVersion, tableExists string
}

const columns = `id, kind, revoked_at, until_at, undone, seq, before_at, all_before_at, except_id, revoked_by, why`

func newQueries(d Dialect, table string) queries {
	meta := table + "_meta"
	q := queries{
		check: `SELECT m.epoch, r.kind, r.before_at, r.all_before_at, r.except_id FROM ` + meta + ` m LEFT JOIN ` + table +
			` r ON r.id IN (?, ?, ?) AND r.until_at > ? AND r.undone = 0 WHERE m.id = 1`,
		list:    `SELECT ` + columns + ` FROM ` + table + ` WHERE id > ? AND until_at > ? AND undone = 0 AND (kind = ? OR ? = '') ORDER BY id LIMIT ?`,
		changes: `SELECT ` + columns + ` FROM ` + table + ` WHERE seq > ? ORDER BY seq LIMIT ?`,
		// Whoever has changed the one row of meta has the table to itself until it commits,
		// so that numbers become visible in their order.
		bump:       `UPDATE ` + meta + ` SET seq = seq + 1 WHERE id = 1`,
		version:    `SELECT version, epoch, born, seq FROM ` + meta + ` WHERE id = 1`,
		insertMeta: `INSERT INTO ` + meta + ` (id, version, epoch, born, seq) VALUES (1, 0, ?, ?, 0)`,
		setVersion: `UPDATE ` + meta + ` SET version = ? WHERE id = 1`,
		find:       `SELECT ` + columns + ` FROM ` + table + ` WHERE id = ?`,
		insert:     `INSERT INTO ` + table + ` (` + columns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		update: `UPDATE ` + table + ` SET kind = ?, revoked_at = ?, until_at = ?, undone = ?, seq = ?, before_at = ?, all_before_at = ?, ` +
			`except_id = ?, revoked_by = ?, why = ? WHERE id = ?`,
		prune:       d.prune(table),
		tableExists: d.exists(),
	}
	if d == Postgres {
		q.bump += ` RETURNING pg_notify('` + table + `', '')`
	}
	for _, s := range []*string{&q.check, &q.list, &q.changes, &q.insertMeta, &q.setVersion, &q.find, &q.insert, &q.update, &q.prune} {
		*s = d.numbered(*s)
	}
	return q
}
