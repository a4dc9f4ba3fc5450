// Package gatesql keeps revoked tokens in a SQL database: SQLite, PostgreSQL, MySQL or
// MariaDB, through database/sql with whatever driver the program has.
//
// # What happens
//
// A check is one SELECT by primary key, for token, session and subject at once. A write
// is one statement that commits by itself: no client holds a lock while it thinks. In
// MySQL and MariaDB writers lock one row of 64, elsewhere only the row they write.
// RevokeSubject is two such statements: see package storekit. A row lives until no token
// that it covers can be accepted any more; [Store.Run] and [Store.Cleanup] delete it
// then.
//
// Identifiers are stored as hashes (storekit.HashID), with the time, who, why and until
// when, which [Store.List] shows. That time is of Options.Clock; generations are made of
// the database's clock.
//
// # What is lost
//
// What the database loses. In PostgreSQL each write asks for synchronous_commit itself.
// Other settings that lose acknowledged writes in a crash are refused
// ([stores.ErrUnsafe]), and so are replicas and read-only servers
// ([stores.ErrReadOnly]), unless Options.Insecure allows them: docs/production.md has
// the list. A failover to a replica that lags loses what the replica has not got, and a
// backup that is put back loses what came after it. Tables that were emptied, dropped or
// made anew under a running program are noticed, and every check is an error
// ([stores.ErrWiped]) until [Store.AcceptWipe]. A program that finds no tables makes
// them, and takes all tokens from before for revoked; with Options.NoCreate it does not
// start.
//
// # Databases
//
// All reads go to the primary: a replica may not know yet what was revoked. Statements
// are prepared in SQLite and MySQL; in PostgreSQL that is left to the driver, so that a
// pooler such as PgBouncer can be in between: give pgx the parameter
// default_query_exec_mode=exec then. SQLite needs a file, write-ahead logging and a busy
// timeout; [Open] says what is missing.
package gatesql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Errors of [Open].
var (
	// ErrNoSchema: the tables are not there or of an older version, and Options.NoCreate
	// is set. [Schema] has the statements.
	ErrNoSchema = errors.New("gatesql: the tables do not exist or are older, and NoCreate is set: run the statements of gatesql.Schema")
	// ErrNewer: the tables were made by a newer version of this package.
	ErrNewer = errors.New("gatesql: the tables are of a newer version")
)

// errClosed is what a closed store says.
var errClosed = errors.New("gatesql: the store is closed")

// Options of a [Store]. Only Dialect is required.
type Options struct {
	Dialect Dialect
	// Schema is the schema of the tables in PostgreSQL, and the database in MySQL.
	// Default: the one in which they are found, or the current one where there are none.
	// It is an error if several schemas of search_path have such tables.
	Schema string
	// Table names the table of entries: a small letter or _, then small letters, digits
	// and _, at most 40. Default: gate_revoked. A second one has _meta at the
	// end, and one for the records of sessions _sessions.
	Table string
	// Scope is the name space of the identifiers: see package stores. Scopes may share a
	// table; List shows them together.
	Scope stores.Scope
	// Leeway, MaxLifetime and Skew say how long entries live and what they cover: see
	// [storekit.Keep].
	Leeway, MaxLifetime, Skew time.Duration
	// Timeout bounds one check and one write: 2 seconds; negative: no bound. PostgreSQL
	// and MariaDB are also told not to wait longer for a lock.
	Timeout time.Duration
	// CacheFor is how old an answer from memory may be. While [Store.Run] runs the
	// process keeps a copy of all entries, 40 to 80 bytes each, and checks ask the
	// database only where the copy is older, or where this process has just written.
	// What this process revokes its own checks see at once. Zero: no copy.
	CacheFor time.Duration
	// Poll is how often Run asks for changes: a quarter of CacheFor.
	Poll time.Duration
	// Prune is how often Run deletes rows that are past their time: each hour; negative:
	// never.
	Prune time.Duration
	// NoCreate changes nothing in the schema: tables that are missing or older are
	// [ErrNoSchema].
	NoCreate bool
	// Upgrading is for the time in which programs of the first version of this package
	// use the same tables, or will again: nothing is done that they do not understand.
	// Tokens are judged by "iat" alone, writes lock one row of all, and there is no copy
	// in memory. Set it in all new programs until the last old one is gone.
	Upgrading bool
	// TrustOlderTokens accepts tokens that were issued before the tables were made, or
	// that do not say when. Without it they count as revoked: tables that are new may have
	// replaced others that were lost. Set it where a service that has had no store gets its
	// first one, until the tokens from before have expired.
	TrustOlderTokens bool
	// IdleConns is how many idle connections the pool of db keeps: 16, or as many as may
	// be open. database/sql keeps two, so that 16 checks at once would connect each time.
	// Negative leaves the pool as it is.
	IdleConns int
	Insecure  Insecure
	// OnEvent is told what happens besides calls, by the names in package stores. It may
	// be called by several goroutines at once, and must not call the store.
	OnEvent func(context.Context, gate.Event)
	// Clock tells the time, for tests. Default: time.Now. ServerClock replaces the
	// database's clock in what is done with sessions, for tests too.
	Clock, ServerClock func() time.Time
}

// Insecure allows by name what can let revoked tokens in.
type Insecure struct {
	// AllowReplica uses a server that is a replica or read-only. It may not know what was
	// revoked, and revoking may be an error.
	AllowReplica bool
	// AllowLossyServer uses a server whose settings lose acknowledged writes in a crash:
	// fsync, full_page_writes, innodb_flush_log_at_trx_commit, sync_binlog, synchronous.
	AllowLossyServer bool
	// AllowFragileSQLite uses SQLite without a busy timeout, without write-ahead logging
	// or in memory: checks and writes fail when others write.
	AllowFragileSQLite bool
}

// Store keeps revoked tokens in a table. Make one with [Open]. It is safe for
// concurrent use.
type Store struct {
	db       *sql.DB
	o        Options
	keep     storekit.Keep
	n        names
	q        queries
	sq       sessionQueries
	build    builder
	sentinel string
	running  atomic.Bool
	epoch    atomic.Pointer[epoch]
	look     look
	cache    *cache // nil: none
	counts   counts

	writing chan struct{} // SQLite: writers wait here, and not for the file

	mu         sync.Mutex
	statements map[string]*sql.Stmt // nil once closed
}

var (
	_ stores.Sessions        = (*Store)(nil)
	_ stores.Lister          = (*Store)(nil)
	_ stores.Inspector       = (*Store)(nil)
	_ stores.BatchRevoker    = (*Store)(nil)
	_ stores.MemoryBlocklist = (*Store)(nil)
	_ gate.GenerationReader  = (*Store)(nil)
	_ gate.DirectBlocklist   = (*Store)(nil)
	_ gate.Readier           = (*Store)(nil)
)

var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,39}$`)

func (o Options) withDefaults() Options {
	if o.Table == "" {
		o.Table = "gate_revoked"
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Poll == 0 {
		o.Poll = o.CacheFor / 4
	}
	if o.Prune == 0 {
		o.Prune = time.Hour
	}
	if o.IdleConns == 0 {
		o.IdleConns = 16
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Dialect < SQLite || o.Dialect > MySQL:
		return errors.New("gatesql: Options.Dialect is not set; it is SQLite, Postgres or MySQL")
	case !tableName.MatchString(o.Table):
		return fmt.Errorf("gatesql: Options.Table %q is not a plain name in small letters", o.Table)
	case o.Dialect == SQLite && o.Schema != "":
		return errors.New("gatesql: SQLite has no schemas; leave Options.Schema empty")
	case o.CacheFor < 0 || o.CacheFor >= undoneFor:
		return fmt.Errorf("gatesql: Options.CacheFor %v is negative, or not less than %v", o.CacheFor, undoneFor)
	case o.CacheFor > 0 && (o.Poll <= 0 || o.Poll >= o.CacheFor):
		return fmt.Errorf("gatesql: Options.Poll %v must be less than CacheFor %v", o.Poll, o.CacheFor)
	}
	return nil
}

// Open returns a store in db, whose tables it creates or brings to the present level
// where needed. It needs the right to do so only then. A store whose tables have lost
// their entries is opened too, but is closed for checks: see [Store.AcceptWipe]. The
// caller closes the store, then db.
func Open(ctx context.Context, db *sql.DB, o Options) (*Store, error) {
	keep, err := storekit.Keep{Leeway: o.Leeway, MaxLifetime: o.MaxLifetime, Skew: o.Skew}.WithDefaults()
	if err != nil {
		return nil, fmt.Errorf("gatesql: %w", err)
	}
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	if db == nil {
		return nil, errors.New("gatesql: Open was given no database")
	}
	s := &Store{db: db, o: o, keep: keep, sentinel: sentinelID(o.Scope.Text()), statements: map[string]*sql.Stmt{}}
	if o.Dialect == SQLite {
		s.writing = make(chan struct{}, 1)
	}
	if most := db.Stats().MaxOpenConnections; o.IdleConns > 0 {
		if most > 0 {
			o.IdleConns = min(o.IdleConns, most)
		}
		db.SetMaxIdleConns(o.IdleConns)
	}
	if o.CacheFor > 0 && !o.Upgrading {
		s.cache = newCache(o)
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// start looks at the server and at the tables.
func (s *Store) start(ctx context.Context) error {
	if err := s.identify(ctx); err != nil {
		return err
	}
	if err := s.lookAt(ctx); err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	s.look.next.Store(time.Now().Add(lookEach).UnixNano())
	return s.migrate(ctx)
}

// identify finds out which server it is, and where the tables are or will be.
func (s *Store) identify(ctx context.Context) error {
	maria := false
	if s.o.Dialect == MySQL {
		var version string
		if err := s.db.QueryRowContext(ctx, `SELECT VERSION()`).Scan(&version); err != nil {
			return fmt.Errorf("gatesql: %w", err)
		}
		maria = isMariaDB(version)
	}
	schema, err := s.findSchema(ctx)
	if err != nil {
		return err
	}
	s.n = s.o.Dialect.qualify(schema, s.o.Table)
	s.build = builder{d: s.o.Dialect, n: s.n, maria: maria, waits: s.waits(), beside: s.o.Upgrading, anyRole: s.o.Insecure.AllowReplica}
	s.q, s.sq = s.build.all(s.definitions().floor()), s.build.sessions()
	return nil
}

// waits is the bound for locks in whole seconds, for MariaDB.
func (s *Store) waits() int {
	if s.o.Timeout < 0 {
		return 0
	}
	return int((s.o.Timeout + time.Second - 1) / time.Second)
}

// ids are the hashes of a token's identifiers; "" where it has none, as no row has.
type ids struct{ token, session, subject string }

func (s *Store) hashes(t *gate.Token) ids {
	scope := storekit.IssuerScope(s.o.Scope.Text(), t.VerifiedIssuer())
	hash := func(kind stores.Kind, id string) string {
		if id == "" {
			return ""
		}
		return storekit.HashID(kind, scope, id)
	}
	return ids{hash(stores.Token, t.RevocationID()), hash(stores.Session, t.SessionID), hash(stores.Subject, storekit.SubjectOf(t))}
}
