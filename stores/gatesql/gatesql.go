// Package gatesql keeps revoked tokens in a SQL database: SQLite, PostgreSQL, MySQL or
// MariaDB, through database/sql with whatever driver the program has.
//
// # What happens
//
// A check is one SELECT by primary key for token, session and subject at once. A write
// is one short transaction, which also deletes some rows that are past their time; the
// writes of a table run one after the other. A row lives until no token it covers can
// be accepted any more. [Store.Cleanup] deletes the rest, for a database that is
// written to rarely.
//
// Identifiers are stored as hashes ([storekit.HashID]); beside them stand when, who, why
// and until when, which [Store.List] shows. The time is that of Options.Clock, never
// the database's.
//
// # What is lost
//
// What the database loses. SQLite with synchronous=FULL, PostgreSQL with
// synchronous_commit=on and InnoDB with innodb_flush_log_at_trx_commit=1, the defaults
// of all three, lose nothing that was acknowledged when they crash; a failover to a
// replica that lags does, and so does a backup that is put back. Tables that were
// dropped or made anew under a running program are noticed, and every check is an error
// ([stores.ErrWiped]). A program that finds no tables makes them, and takes all tokens
// from before for revoked; with Options.NoCreate it does not start.
//
// # Databases
//
// SQLite wants write-ahead logging (journal_mode=WAL), or checks fail while somebody
// writes, and a busy timeout, or writes do. That timeout also bounds a write whose
// context ends: a driver may miss the moment. The database's text is UTF-8. All reads
// go to the primary: a replica may not know yet what was revoked.
package gatesql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Errors of [Open].
var (
	// ErrNoSchema: the tables are not there, and Options.NoCreate is set.
	ErrNoSchema = errors.New("gatesql: the tables do not exist")
	// ErrNewer: the tables were made by a newer version of this package.
	ErrNewer = errors.New("gatesql: the tables are of a newer version")
)

// errClosed is what a closed store says.
var errClosed = errors.New("gatesql: the store is closed")

// Options of a [Store]. Only Dialect is required.
type Options struct {
	Dialect Dialect
	// Table names the table of entries: a small letter or _, then small letters, digits
	// and _, at most 40. Default: gate_revoked. A second one has _meta behind the name.
	Table string
	// Scope is the name space of the identifiers, for a gate that accepts several
	// issuers: see package stores. Scopes may share a table; List shows them together.
	Scope string
	// Leeway and MaxLifetime say how long entries live: see [storekit.Keep].
	Leeway, MaxLifetime, Skew time.Duration
	// NoCreate refuses to create the tables ([ErrNoSchema]). They are brought to the
	// present version all the same.
	NoCreate bool
	// TrustOlderTokens accepts tokens that were issued before the tables were made, or
	// that do not say when. Without it they count as revoked: tables that are new may
	// stand in the place of others that were lost. Set it where a service that has had no
	// store gets its first one, until the tokens from before have expired.
	TrustOlderTokens bool
	// Prune is how many rows past their time a write deletes: 100; negative: none.
	Prune int
	// Front keeps a copy in memory while [Store.Run] runs. nil: none.
	Front *Front
	// Clock tells the time, for tests. Default: time.Now.
	Clock func() time.Time
}

// Store keeps revoked tokens in a table. Make one with [Open]. It is safe for
// concurrent use.
type Store struct {
	db     *sql.DB
	o      Options
	keep   storekit.Keep
	q      queries
	tables meta   // as they were opened
	front  *front // nil: none

	writing chan struct{} // writers wait here, and not with a connection in hand

	mu         sync.Mutex
	statements map[string]*sql.Stmt // nil once closed
}

var (
	_ stores.Store  = (*Store)(nil)
	_ stores.Lister = (*Store)(nil)
)

var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,39}$`)

// Open returns a store in db, whose tables it creates or brings to the present version
// where needed. It needs the right to do so only then. The caller closes the store,
// then db.
func Open(ctx context.Context, db *sql.DB, o Options) (*Store, error) {
	keep, err := storekit.Keep{Leeway: o.Leeway, MaxLifetime: o.MaxLifetime, Skew: o.Skew}.WithDefaults()
	if err != nil {
		return nil, fmt.Errorf("gatesql: %w", err)
	}
	if o.Table == "" {
		o.Table = "gate_revoked"
	}
	if o.Prune == 0 {
		o.Prune = 100
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	switch {
	case db == nil:
		return nil, errors.New("gatesql: Open was given no database")
	case o.Dialect < SQLite || o.Dialect > MySQL:
		return nil, errors.New("gatesql: Options.Dialect is not set; it is SQLite, Postgres or MySQL")
	case !tableName.MatchString(o.Table):
		return nil, fmt.Errorf("gatesql: Options.Table %q is not a plain name in small letters", o.Table)
	}
	s := &Store{
		db: db, o: o, keep: keep, q: newQueries(o.Dialect, o.Table),
		writing: make(chan struct{}, 1), statements: map[string]*sql.Stmt{},
	}
	if o.Front != nil {
		if s.front, err = newFront(*o.Front, o.Clock); err != nil {
			return nil, err
		}
	}
	if s.tables, err = s.migrate(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends the store's statements; later calls are errors. The database stays open.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, st := range s.statements {
		errs = append(errs, st.Close())
	}
	s.statements = nil
	return errors.Join(errs...)
}

// prepare returns the statement of a query, prepared when it is first needed.
func (s *Store) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	st, ok := s.statements[query]
	closed := s.statements == nil
	s.mu.Unlock()
	if ok {
		return st, nil
	}
	if closed {
		return nil, errClosed
	}
	st, err := s.db.PrepareContext(ctx, query) // not under the lock: it may take long
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other, ok := s.statements[query]; ok || s.statements == nil {
		_ = st.Close() // somebody else was faster; it was never used
		if !ok {
			return nil, errClosed
		}
		return other, nil
	}
	s.statements[query] = st
	return st, nil
}

// Blocked reports whether t, its session or its subject was revoked.
func (s *Store) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("gatesql: %w", err)
	}
	now, ids := s.o.Clock(), s.identify(t)
	blocked, err := false, s.keep.Check(t, now)
	if err == nil {
		blocked, err = s.verdict(ctx, t, ids, now)
	}
	if err != nil {
		return false, fmt.Errorf("gatesql: %w", err)
	}
	return blocked || !s.o.TrustOlderTokens && s.older(t), nil
}

// older reports whether t may have been revoked in tables that were here before.
func (s *Store) older(t *gate.Token) bool {
	return t.IssuedAt.IsZero() || t.IssuedAt.Unix() < s.tables.born
}

// identifiers are the hashes of a token's; "" where it has none, as no row has.
type identifiers struct{ token, session, subject string }

func (s *Store) identify(t *gate.Token) identifiers {
	hash := func(kind stores.Kind, id string) string {
		if id == "" {
			return ""
		}
		return storekit.HashID(kind, s.o.Scope, id)
	}
	return identifiers{hash(stores.Token, t.RevocationID()), hash(stores.Session, t.SessionID), hash(stores.Subject, t.Subject)}
}

// verdict asks the copy in front where that is fresh, and the database otherwise.
func (s *Store) verdict(ctx context.Context, t *gate.Token, ids identifiers, now time.Time) (bool, error) {
	if s.front != nil {
		if blocked, ok := s.front.blocked(t, ids, now); ok {
			return blocked, nil
		}
	}
	st, err := s.prepare(ctx, s.q.check)
	if err != nil {
		return false, err
	}
	rows, err := st.QueryContext(ctx, ids.token, ids.session, ids.subject, now.Unix())
	if err != nil {
		return false, err
	}
	defer rows.Close()
	blocked, known := false, false
	for rows.Next() {
		var epoch string
		var kind, except sql.NullString
		var before, allBefore sql.NullInt64
		if err := rows.Scan(&epoch, &kind, &before, &allBefore, &except); err != nil {
			return false, err
		}
		known = epoch == s.tables.epoch
		r := storekit.SubjectRecord{Before: before.Int64, AllBefore: allBefore.Int64, Except: except.String}
		blocked = blocked || kind.Valid && (stores.Kind(kind.String) != stores.Subject || r.Covers(t, ids.session))
	}
	if err := rows.Err(); err != nil {
		return false, err
	}
	if !known {
		return false, stores.ErrWiped
	}
	return blocked, nil
}

// List implements [stores.Lister].
func (s *Store) List(ctx context.Context, o stores.ListOptions) ([]stores.Entry, error) {
	if o.Limit <= 0 {
		o.Limit = 100
	}
	st, err := s.prepare(ctx, s.q.list)
	if err != nil {
		return nil, fmt.Errorf("gatesql: %w", err)
	}
	rows, err := st.QueryContext(ctx, o.After, s.o.Clock().Unix(), string(o.Kind), string(o.Kind), min(o.Limit, 1000))
	if err != nil {
		return nil, fmt.Errorf("gatesql: %w", err)
	}
	defer rows.Close()
	var all []stores.Entry
	for rows.Next() {
		var r row
		if err := rows.Scan(r.fields()...); err != nil {
			return nil, fmt.Errorf("gatesql: %w", err)
		}
		all = append(all, r.entry())
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("gatesql: %w", err)
	}
	return all, nil
}
