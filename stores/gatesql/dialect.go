package gatesql

import (
	"fmt"
	"strings"
)

// Dialect is a kind of database.
type Dialect int

// The dialects.
const (
	SQLite   Dialect = iota + 1 // 3.35 or later; tested with 3.51
	Postgres                    // 13 or later; tested with 15
	MySQL                       // MySQL and MariaDB; tested with MariaDB 10.11, not with MySQL
)

// unanswered names the dialect in the error of the first statement, since it may be wrong.
func (d Dialect) unanswered(err error) error {
	name := [...]string{SQLite: "SQLite", Postgres: "Postgres", MySQL: "MySQL"}[d]
	return fmt.Errorf("gatesql: asking the database in the dialect %s: %w", name, err)
}

// numbered replaces ? by $1, $2 and so on, if the database needs that.
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

// names holds the names of a store's tables as statements use them.
type names struct {
	table    string // without its schema
	entries  string
	meta     string
	sessions string
}

// qualify makes names of a table in a schema; "" leaves the schema to the database.
func (d Dialect) qualify(schema, table string) names {
	n := names{table, table, table + "_meta", table + "_sessions"}
	if schema == "" {
		return n
	}
	quote := `"`
	if d == MySQL {
		quote = "`"
	}
	prefix := quote + strings.ReplaceAll(schema, quote, quote+quote) + quote + "."
	n.entries, n.meta, n.sessions = prefix+n.entries, prefix+n.meta, prefix+n.sessions
	return n
}

// findSchemas lists for PostgreSQL and MySQL the schemas with a visible table of that
// name. The last row is the schema in which a new table would be made, or NULL.
func (d Dialect) findSchemas() string {
	if d == Postgres {
		return `SELECT s, (SELECT COUNT(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace` +
			` WHERE n.nspname = s AND c.relname = $1) FROM unnest(current_schemas(false)) WITH ORDINALITY AS p(s, i) ORDER BY i DESC`
	}
	return `SELECT DATABASE(), (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?)`
}

// hasColumn counts the columns with a name. MySQL has no ADD COLUMN IF NOT EXISTS.
const hasColumn = `SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = ? AND table_name = ? AND column_name = ?`

// micros returns an expression for the database's clock in microseconds.
func (d Dialect) micros() string {
	switch d {
	case SQLite:
		return `((CAST(strftime('%s', 'now') AS INTEGER) * 1000 + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER)) * 1000)`
	case Postgres:
		return `(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint`
	default:
		return `(UNIX_TIMESTAMP() * 1000000 + MICROSECOND(NOW(6)))`
	}
}

// greatest returns an expression for the larger of two values.
func (d Dialect) greatest(a, b string) string {
	if d == SQLite {
		return `MAX(` + a + `, ` + b + `)`
	}
	return `GREATEST(` + a + `, ` + b + `)`
}

// hashType returns the type of a column for a hash that is compared byte by byte.
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

// exactType returns the type of a column for an identifier of at most 128 bytes. It is
// compared byte by byte, with trailing spaces.
func (d Dialect) exactType() string {
	switch d {
	case Postgres:
		return `VARCHAR(128) COLLATE "C"`
	case MySQL:
		return `VARBINARY(128)`
	default:
		return `VARCHAR(128)`
	}
}

// textType returns the type of a column for half a note.
func (d Dialect) textType() string {
	if d == MySQL {
		return `VARCHAR(512) CHARACTER SET utf8mb4`
	}
	return `VARCHAR(512)`
}

// engine returns the end of the definition of a table.
func (d Dialect) engine() string {
	if d == MySQL {
		return ` ENGINE=InnoDB`
	}
	return ``
}
