package gatesql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// lookEach is how often calls check the settings of the server.
const lookEach = 10 * time.Second

// look is the result of the last look at the server's settings.
type look struct {
	next  atomic.Int64 // Unix nanoseconds of the next look
	fault atomic.Pointer[error]
}

// lookNow returns what is wrong with the server. It looks at the server at most once in
// lookEach; other calls get the last result.
func (s *Store) lookNow(ctx context.Context) error {
	now, next := time.Now(), s.look.next.Load()
	if now.UnixNano() >= next && s.look.next.CompareAndSwap(next, now.Add(lookEach).UnixNano()) {
		err := s.lookAt(ctx)
		if err != nil && !errors.Is(err, stores.ErrUnsafe) && !errors.Is(err, stores.ErrReadOnly) {
			s.look.next.Store(0) // the next call looks again
			return err
		}
		before := s.look.fault.Load()
		if err == nil {
			s.look.fault.Store(nil)
		} else {
			s.look.fault.Store(&err)
		}
		switch {
		case err != nil && before == nil:
			s.event(ctx, stores.StoreUnsafe, err)
		case err == nil && before != nil:
			s.event(ctx, stores.StoreSafe, nil)
		}
	}
	if fault := s.look.fault.Load(); fault != nil {
		if s.look.next.Load() > now.Add(lookAgain).UnixNano() {
			s.look.next.Store(now.Add(lookAgain).UnixNano()) // the fault may be repaired soon
		}
		return *fault
	}
	return nil
}

// Ready returns an error if the store cannot serve a gate with these needs: it would
// forget too early, its tables were wiped, or its server is a replica or has settings
// that can lose data. If the last write has failed, Ready tries a write and returns its
// error.
func (s *Store) Ready(ctx context.Context, n gate.Needs) error {
	ctx, cancel := s.within(ctx)
	defer cancel()
	err := s.keep.Fits(n)
	if err == nil {
		err = s.lookAt(ctx)
	}
	if err == nil {
		err = s.checkEpoch(ctx)
	}
	if err != nil {
		return fmt.Errorf("gatesql: %w", err)
	}
	if s.Stats().LastWriteError == nil {
		return nil
	}
	probe := row{id: storekit.HashID(stores.Token, s.o.Scope.Text(), "\x00probe"), kind: stores.Token, until: s.o.Clock().Unix() + 60}
	if err := s.put(ctx, probe); err != nil {
		return fmt.Errorf("gatesql: nothing can be revoked: %w", err)
	}
	return nil
}

// lookAgain is how often calls check the settings while one of them is wrong.
const lookAgain = time.Second

// lookAt asks the server for its role and for settings that can lose acknowledged writes.
func (s *Store) lookAt(ctx context.Context) error {
	switch s.o.Dialect {
	case SQLite:
		return s.lookAtSQLite(ctx)
	case Postgres:
		return s.lookAtPostgres(ctx)
	default:
		return s.lookAtMySQL(ctx)
	}
}

func (s *Store) unsafe(setting, want string) error {
	if s.o.Insecure.AllowLossyServer {
		return nil
	}
	return fmt.Errorf("%w: %s; set %s, or Insecure.AllowLossyServer", stores.ErrUnsafe, setting, want)
}

func (s *Store) replica(what string) error {
	if s.o.Insecure.AllowReplica {
		return nil
	}
	return fmt.Errorf("%w: %s; connect to the primary, or set Insecure.AllowReplica", stores.ErrReadOnly, what)
}

func (s *Store) lookAtPostgres(ctx context.Context) error {
	var fsync, pages, readOnly string
	var replica bool
	err := s.db.QueryRowContext(ctx, `SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('transaction_read_only'),`+
		` pg_is_in_recovery()::int`).Scan(&fsync, &pages, &readOnly, (*flag)(&replica))
	switch {
	case err != nil:
		return err
	case replica:
		return s.replica("the server is a standby")
	case readOnly == "on":
		return s.replica("transactions are read-only (default_transaction_read_only)")
	case fsync != "on":
		return s.unsafe("fsync is "+fsync, "fsync=on")
	case pages != "on":
		return s.unsafe("full_page_writes is "+pages, "full_page_writes=on")
	}
	return nil
}

func (s *Store) lookAtMySQL(ctx context.Context) error {
	var flush, syncBinlog int
	var readOnly, binlog bool
	var format string
	err := s.db.QueryRowContext(ctx, `SELECT @@global.innodb_flush_log_at_trx_commit, @@global.log_bin, @@global.sync_binlog, @@session.binlog_format,`+
		` @@global.read_only OR @@global.innodb_read_only`).Scan(&flush, (*flag)(&binlog), &syncBinlog, &format, (*flag)(&readOnly))
	if err != nil {
		return err
	}
	replicas, err := s.replicating(ctx)
	switch {
	case err != nil:
		return err
	case readOnly:
		return s.replica("read_only is on")
	case replicas:
		return s.replica("the server copies another one (Slaves_running)")
	case flush != 1:
		return s.unsafe(fmt.Sprintf("innodb_flush_log_at_trx_commit is %d", flush), "it to 1")
	case binlog && syncBinlog != 1:
		return s.unsafe(fmt.Sprintf("log_bin is on and sync_binlog is %d: after a crash writes that are not in the binary log are rolled back", syncBinlog), "it to 1")
	case binlog && strings.EqualFold(format, "STATEMENT"):
		return fmt.Errorf("%w: binlog_format is STATEMENT, by which replicas get other numbers; set ROW or MIXED", stores.ErrUnsafe)
	}
	return nil
}

// replicating reports whether a MariaDB server copies another one. MySQL has no status
// of that name.
func (s *Store) replicating(ctx context.Context) (bool, error) {
	var name string
	var n int
	err := s.db.QueryRowContext(ctx, `SHOW GLOBAL STATUS LIKE 'Slaves_running'`).Scan(&name, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return n > 0, err
}

// sqliteDSN is the part of an error that shows complete DSNs for SQLite.
const sqliteDSN = `modernc.org/sqlite: file:gate.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL); ` +
	`mattn/go-sqlite3: file:gate.db?_busy_timeout=5000&_journal_mode=WAL&_synchronous=FULL`

// lookAtSQLite checks one connection: all connections have the settings of the DSN.
func (s *Store) lookAtSQLite(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var busy, synchronous int
	var readOnly bool
	var journal, file string
	for _, p := range []struct {
		pragma string
		to     any
	}{
		{`PRAGMA busy_timeout`, &busy}, {`PRAGMA journal_mode`, &journal}, {`PRAGMA synchronous`, &synchronous},
		{`PRAGMA query_only`, (*flag)(&readOnly)}, {`SELECT file FROM pragma_database_list WHERE name = 'main'`, &file},
	} {
		if err := conn.QueryRowContext(ctx, p.pragma).Scan(p.to); err != nil {
			return err
		}
	}
	fragile := func(what string) error {
		if s.o.Insecure.AllowFragileSQLite {
			return nil
		}
		return fmt.Errorf("%w: %s; use a DSN such as these, or set Insecure.AllowFragileSQLite: %s", stores.ErrUnsafe, what, sqliteDSN)
	}
	switch {
	case readOnly:
		return s.replica("query_only is set")
	case synchronous < 2:
		return s.unsafe(fmt.Sprintf("synchronous is %d", synchronous), "synchronous(FULL) in the DSN")
	case file == "":
		return fragile("the database is in memory, and each connection may have one of its own")
	case busy < 1000:
		return fragile(fmt.Sprintf("busy_timeout is %d ms, so that calls fail while others write", busy))
	case journal != "wal":
		return fragile("journal_mode is " + journal + ", in which checks fail while others write")
	}
	return nil
}
