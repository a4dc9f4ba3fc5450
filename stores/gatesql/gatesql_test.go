package gatesql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate/stores/gatesql"
)

// unreachable is a database that nobody reaches.
type unreachable struct{}

var errUnreachable = errors.New("no route to the database")

func (unreachable) Connect(context.Context) (driver.Conn, error) { return nil, errUnreachable }
func (unreachable) Driver() driver.Driver                        { return nil }

// foreign is a database that does not understand the statements.
type foreign struct{}

var errSyntax = errors.New("syntax error")

func (foreign) Connect(context.Context) (driver.Conn, error) { return foreign{}, nil }
func (foreign) Driver() driver.Driver                        { return nil }
func (foreign) Prepare(string) (driver.Stmt, error)          { return nil, errSyntax }
func (foreign) Begin() (driver.Tx, error)                    { return nil, errSyntax }
func (foreign) Close() error                                 { return nil }

// TestOpenOptions: options that cannot be are refused before a database is asked.
func TestOpenOptions(t *testing.T) {
	db := sql.OpenDB(unreachable{})
	defer db.Close()
	for name, o := range map[string]gatesql.Options{
		"no dialect":                  {},
		"an unknown dialect":          {Dialect: 9},
		"a table of two words":        {Dialect: gatesql.SQLite, Table: "a b"},
		"a table that injects":        {Dialect: gatesql.SQLite, Table: "a; DROP TABLE b"},
		"a table too long":            {Dialect: gatesql.SQLite, Table: strings.Repeat("a", 41)},
		"a schema in SQLite":          {Dialect: gatesql.SQLite, Schema: "main"},
		"a negative leeway":           {Dialect: gatesql.SQLite, Leeway: -1},
		"a negative CacheFor":         {Dialect: gatesql.SQLite, CacheFor: -1},
		"a CacheFor too long":         {Dialect: gatesql.SQLite, CacheFor: time.Hour},
		"a Poll as long as CacheFor":  {Dialect: gatesql.SQLite, CacheFor: time.Second, Poll: time.Second},
		"a Poll that is not positive": {Dialect: gatesql.SQLite, CacheFor: time.Second, Poll: -1},
	} {
		if _, err := gatesql.Open(t.Context(), db, o); err == nil || errors.Is(err, errUnreachable) {
			t.Errorf("Open with %s: error = %v, want one of the options", name, err)
		}
	}
	for _, d := range []gatesql.Dialect{gatesql.SQLite, gatesql.Postgres, gatesql.MySQL} {
		if _, err := gatesql.Open(t.Context(), db, gatesql.Options{Dialect: d}); !errors.Is(err, errUnreachable) {
			t.Errorf("Open of a database that nobody reaches: %v, want its error", err)
		}
	}
	other := sql.OpenDB(foreign{})
	defer other.Close()
	_, err := gatesql.Open(t.Context(), other, gatesql.Options{Dialect: gatesql.MySQL})
	if !errors.Is(err, errSyntax) || !strings.Contains(err.Error(), "in the dialect MySQL") {
		t.Errorf("Open of a database of another kind: %v, want an error that names the dialect", err)
	}
}

// TestSchemaStatements: the text names the tables in their schema, and quotes it.
func TestSchemaStatements(t *testing.T) {
	for d, want := range map[gatesql.Dialect]string{
		gatesql.SQLite: `CREATE TABLE IF NOT EXISTS gate_revoked (`, gatesql.Postgres: `CREATE TABLE IF NOT EXISTS "a""b".gate_revoked (`,
		gatesql.MySQL: "CREATE TABLE IF NOT EXISTS `a\"b`.gate_revoked (",
	} {
		o := gatesql.Options{Dialect: d}
		if d != gatesql.SQLite {
			o.Schema = `a"b`
		}
		text, err := gatesql.Schema(o, 0, 3)
		if err != nil || !strings.Contains(text, want) || !strings.HasSuffix(text, ";\n") {
			t.Errorf("Schema = %v, %s\nwant statements with %s", err, text, want)
		}
	}
}
