//go:build linux

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// far is a store in another process. It knows the IDs of tokens alone.
type far struct{ p *helper }

var farClient = http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}, Timeout: 10 * time.Second}

func (f far) ask(ctx context.Context, what string, t *gate.Token) (string, error) {
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+f.p.addr+what, strings.NewReader(t.ID))
	if err != nil {
		return "", err
	}
	answer, err := farClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(string(body))
	}
	return string(body), err
}

func (f far) RevokeToken(ctx context.Context, t *gate.Token, _ stores.Note) error {
	_, err := f.ask(ctx, "/revoke", t)
	return err
}

func (f far) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	answer, err := f.ask(ctx, "/blocked", t)
	return answer == "true", err
}

func init() { roles["SQLITE_PROCESS"] = serveSQLite }

// serveSQLite is the process of a far store.
func serveSQLite(dsn string) error {
	d := sqlDatabase{driver: "sqlite", dsn: dsn, dialect: gatesql.SQLite}
	s, err := gatesql.Open(context.Background(), must(d.connect()), gatesql.Options{
		Dialect: d.dialect, TrustOlderTokens: true, Timeout: 10 * time.Second, Insecure: gatesql.Insecure{AllowLossyServer: true}})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	serve := func(path string, do func(ctx context.Context, t *gate.Token) (string, error)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			id, _ := io.ReadAll(r.Body)
			t := newToken()
			t.ID = string(id)
			answer, err := do(r.Context(), t)
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
				answer = err.Error()
			}
			_, _ = io.WriteString(w, answer)
		})
	}
	serve("/revoke", func(ctx context.Context, t *gate.Token) (string, error) {
		return "", s.RevokeToken(ctx, t, stores.Note{})
	})
	serve("/blocked", func(ctx context.Context, t *gate.Token) (string, error) {
		blocked, err := s.Blocked(ctx, t)
		return fmt.Sprint(blocked), err
	})
	return serveHelper(mux)
}

// sqlitePower cuts the power of a process with a database in a file.
func sqlitePower(t *testing.T, pragma string, cuts int) finding {
	disk := servers.NewDisk(t, 64)
	dsn := "file:" + filepath.Join(disk.Dir, "db") + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate&_pragma=" + pragma
	p := startHelper(t, "SQLITE_PROCESS", dsn)
	disk.Sync()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	end := func() { disk.Cut(p.cmd.Process.Pid); _ = p.cmd.Wait() }
	start := func() { *p = *startHelper(t, "SQLITE_PROCESS", dsn) }
	_, _, f := crash(t, end, start, cuts, 150*time.Millisecond, func() revoker { return far{p} })
	return f
}

// postgresPower cuts the power of PostgreSQL, which by its settings acknowledges a commit
// before it is on the disk.
func postgresPower(t *testing.T, cuts int, planted bool) finding {
	disk := servers.NewDisk(t, 512)
	pg := servers.StartPostgresIn(t, disk.Dir, lossy...)
	disk.Sync()
	end := func() { disk.Cut(pg.PID()); pg.Kill() }
	_, _, f := crash(t, end, pg.Start, cuts, 300*time.Millisecond, func() revoker {
		s, db := openSQL(t, pg.DSN)
		if planted {
			return careless{s, db}
		}
		return s
	})
	return f
}

// mariaPower cuts the power of MariaDB.
func mariaPower(t *testing.T, cuts int, low time.Duration, options ...string) (*ledger, []time.Time, finding) {
	disk := servers.NewDisk(t, 512)
	m := servers.StartMariaDBIn(t, disk.Dir, append([]string{"--innodb-log-file-size=16M"}, options...)...)
	disk.Sync()
	d := sqlDatabase{driver: "mysql", dsn: m.DSN, dialect: gatesql.MySQL}
	o := gatesql.Options{Insecure: gatesql.Insecure{AllowLossyServer: len(options) > 0}}
	end := func() { disk.Cut(m.PID()); m.Kill() }
	return crash(t, end, m.Start, cuts, low, func() revoker { return d.store(t, o) })
}

// TestSQLPowerCut cuts the power of databases in the middle of writes. What was
// acknowledged is lost only with the settings that the store refuses.
func TestSQLPowerCut(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		holds(t, "F23 sqlite power cut, synchronous=FULL", sqlitePower(t, "synchronous(FULL)", pick(3, 50)))
		// NORMAL syncs at checkpoints, so what came after the last one is lost.
		caught(t, "F23 sqlite", "synchronous=NORMAL, allowed", sqlitePower(t, "synchronous(NORMAL)&_pragma=wal_autocheckpoint(100000)", 1))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		holds(t, "F23 postgres power cut, its synchronous_commit off", postgresPower(t, pick(2, 50), false))
		caught(t, "F23 postgres", "synchronous_commit=off", postgresPower(t, 1, true))
	})
	t.Run("mariadb", func(t *testing.T) {
		t.Parallel()
		_, _, f := mariaPower(t, pick(2, 50), 150*time.Millisecond)
		holds(t, "F23 mariadb power cut", f)
		const lazy = "--innodb-flush-log-at-trx-commit="
		if !long() {
			_, _, f = mariaPower(t, 1, 300*time.Millisecond, lazy+"2")
			caught(t, "F23 mariadb", lazy+"2, allowed", f)
			return
		}
		_, _, f = mariaPower(t, 50, 150*time.Millisecond, "--log-bin=log", "--sync-binlog=1")
		holds(t, "F23 mariadb power cut, with a binary log", f)
		_, _, f = mariaPower(t, 5, 150*time.Millisecond, "--log-bin=log", "--sync-binlog=0")
		caught(t, "F23 mariadb", "sync_binlog=0, allowed", f)
		const window = 3 * time.Second
		for _, value := range []string{"2", "0"} {
			l, ended, f := mariaPower(t, 10, window, lazy+value)
			caught(t, "F23 mariadb", lazy+value+", allowed", f)
			holds(t, "F23 mariadb power cut, "+lazy+value, oldLost(l, ended, window, f))
		}
	})
}
