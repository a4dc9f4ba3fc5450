// Package gatesql keeps revoked tokens in a SQL database: SQLite, PostgreSQL, MySQL or
// MariaDB. It uses database/sql with the driver that the program chooses.
//
// # Statements
//
// A check is one SELECT by primary key for the token, its session and its subject. A
// write is one statement that commits by itself, so no lock waits for a client. In MySQL
// and MariaDB a write also locks one of 64 rows; in PostgreSQL it locks only the row
// that it writes. RevokeSubject is two such statements: see package storekit. A row lives
// until no token that it covers can be accepted any more. Then [Store.Run] or
// [Store.Cleanup] deletes it.
//
// A row has the hash of an identifier (storekit.HashID), the time of the revocation, who
// revoked it, why, and when the row expires. [Store.List] shows these. The times come
// from Options.Clock; generations are made from the database's clock.
//
// # What is lost
//
// The store loses what the database loses. In PostgreSQL each write asks for
// synchronous_commit itself. Other settings that lose acknowledged writes in a crash are
// refused ([stores.ErrUnsafe]), and so are replicas and read-only servers
// ([stores.ErrReadOnly]), unless Options.Insecure allows them. docs/revocation.md has the
// list. A failover loses what the replica has not received, and a restored backup loses
// what was revoked after it was made. If tables are emptied, dropped or made anew while
// programs run, every check returns an error ([stores.ErrWiped]) until an operator calls
// [Store.AcceptWipe]. A program that finds no tables makes them, and all tokens issued
// before count as revoked. With Options.NoCreate it does not start.
//
// # Databases
//
// All reads go to the primary, because a replica may not know yet what was revoked. The
// store prepares statements in SQLite and MySQL. In PostgreSQL the driver may prepare
// them; for a pooler such as PgBouncer give pgx the parameter
// default_query_exec_mode=exec. SQLite needs a file, write-ahead logging and a busy
// timeout; the error of [Open] says what is missing.
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
	// ErrNoSchema means that the tables do not exist or are older, and that
	// Options.NoCreate is set. [Schema] returns the statements to run.
	ErrNoSchema = errors.New("gatesql: the tables do not exist or are older, and NoCreate is set: run the statements of gatesql.Schema")
	// ErrNewer means that the tables were made by a newer version of this package.
	ErrNewer = errors.New("gatesql: the tables are of a newer version")
)

// errClosed is the error of every call after Close.
var errClosed = errors.New("gatesql: the store is closed")

// Options of a [Store]. Only Dialect is required.
type Options struct {
	Dialect Dialect
	// Schema is the schema of the tables in PostgreSQL, and the database in MySQL.
	// Default: the one that has the tables, or the current one if none has them. It is an
	// error if several schemas of search_path have such tables.
	Schema string
	// Table is the name of the table of entries: a small letter or _, then small letters,
	// digits and _, at most 40 characters. Default: gate_revoked. The names of two other
	// tables end with _meta and _sessions.
	Table string
	// Scope is the name space of the identifiers: see package stores. Scopes may share a
	// table; List shows them together.
	Scope stores.Scope
	// Leeway, MaxLifetime and Skew say how long entries live and what they cover: see
	// [storekit.Keep].
	Leeway, MaxLifetime, Skew time.Duration
	// Timeout limits each check and each write. Zero: 2 seconds; negative: no limit. In
	// PostgreSQL and MariaDB it also limits the wait for a lock.
	Timeout time.Duration
	// CacheFor is how old an answer from memory may be. While [Store.Run] runs, the
	// process keeps a copy of all entries, 40 to 80 bytes each. Checks ask the database
	// only if the copy is older, or if this process has just written the entry. So a
	// process sees its own revocations at once. Zero: no copy.
	CacheFor time.Duration
	// Poll is how often Run asks for changes. Zero: a quarter of CacheFor.
	Poll time.Duration
	// Prune is how often Run deletes expired rows. Zero: every hour; negative: never.
	Prune time.Duration
	// NoCreate makes Open leave the schema as it is. If tables are missing or older, Open
	// returns [ErrNoSchema].
	NoCreate bool
	// Upgrading lets programs with the first version of this package use the same tables
	// at the same time. Tokens are then judged by "iat" only, all writes lock the same
	// row, and there is no copy in memory. Set it in all new programs until the last old
	// one is gone.
	Upgrading bool
	// TrustOlderTokens accepts tokens that were issued before the tables were made, and
	// tokens without "iat". Otherwise they count as revoked, because the new tables may
	// replace tables that were lost. Set it when a service gets its first store, and
	// remove it when the older tokens have expired.
	TrustOlderTokens bool
	// IdleConns is how many idle connections the pool of db keeps. Zero: 16, or fewer if
	// fewer may be open. database/sql keeps two by default, so that most of 16 concurrent
	// checks would make a new connection. Negative: the pool is not changed.
	IdleConns int
	Insecure  Insecure
	// OnEvent is called for each event of the store; package stores has their names. It
	// may be called by several goroutines at once. It must not call the store.
	OnEvent func(context.Context, gate.Event)
	// Clock returns the time. Default: time.Now. ServerClock replaces the database's clock
	// for sessions. Both are for tests.
	Clock, ServerClock func() time.Time
}

// Insecure allows servers that can let revoked tokens in. The zero value refuses them.
type Insecure struct {
	// AllowReplica allows a server that is a replica or read-only. It may not know what
	// was revoked, and a call that revokes may fail.
	AllowReplica bool
	// AllowLossyServer allows a server that can lose acknowledged writes in a crash by
	// one of these settings:
	// fsync, full_page_writes, innodb_flush_log_at_trx_commit, sync_binlog, synchronous.
	AllowLossyServer bool
	// AllowFragileSQLite allows SQLite without a busy timeout, without write-ahead logging
	// or in memory. Checks and writes then fail while others write.
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

	writing chan struct{} // SQLite: writers wait for this channel and not for the file

	mu         sync.RWMutex
	statements map[string]*sql.Stmt // nil after Close
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

// Open returns a store in db. It creates the tables, or upgrades them, if needed; only
// then does it need the right to do so. If the tables have lost their entries, Open
// succeeds, but every check returns an error: see [Store.AcceptWipe]. The caller closes
// the store, then db.
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

// start checks the server and the tables.
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

// identify finds out which server this is, and which schema has the tables.
func (s *Store) identify(ctx context.Context) error {
	maria := false
	if s.o.Dialect == MySQL {
		var version string
		if err := s.db.QueryRowContext(ctx, `SELECT VERSION()`).Scan(&version); err != nil {
			return s.o.Dialect.unanswered(err)
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

// waits returns the longest wait for a lock in whole seconds, for MariaDB.
func (s *Store) waits() int {
	if s.o.Timeout < 0 {
		return 0
	}
	return int((s.o.Timeout + time.Second - 1) / time.Second)
}

// ids holds the hashes of a token's identifiers. A missing one is "", which no row has.
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
