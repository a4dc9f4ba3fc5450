//go:build unix

package faults_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
)

// counted is a store that counts its writes in one row, as many do: who has the row has
// the table.
type counted struct {
	*gatesql.Store
	db *sql.DB
}

func (c counted) RevokeToken(ctx context.Context, tok *gate.Token, n stores.Note) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `UPDATE gate_revoked_meta SET seq = seq + 1 WHERE id = 1`); err != nil {
		return err
	}
	time.Sleep(10 * time.Millisecond) // a round trip to a database that is far away
	if err := c.Store.RevokeToken(ctx, tok, n); err != nil {
		return err
	}
	return tx.Commit()
}

// frozenStore opens a store of a node; it is counted where that is planted.
func frozenStore(ctx context.Context, driver, dsn string, planted bool) (revoker, *gatesql.Store, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, nil, err
	}
	dialect := gatesql.Postgres
	if driver == "mysql" {
		dialect = gatesql.MySQL
	}
	s, err := gatesql.Open(ctx, db, gatesql.Options{Dialect: dialect, TrustOlderTokens: true, Timeout: time.Second})
	if err != nil || !planted {
		return s, s, err
	}
	return counted{s, db}, s, nil
}

// writeUntilKilled is the process that will be frozen: spec is driver, planted or sound,
// and DSN. Half of its writes are of one session, which others end too.
func writeUntilKilled(spec string) error {
	fields := strings.SplitN(spec, " ", 3)
	ctx := context.Background()
	s, own, err := frozenStore(ctx, fields[0], fields[2], fields[1] == "planted")
	if err != nil {
		return err
	}
	fmt.Println("writing")
	for i := 0; ; i++ {
		tok := newToken()
		tok.ID = fmt.Sprint("frozen ", i)
		if err := s.RevokeToken(ctx, tok, stores.Note{}); err != nil {
			continue
		}
		_ = own.RevokeSession(ctx, "shared", stores.Note{})
	}
}

// TestFrozenProcess freezes a process in the middle of its writes: others revoke as before, within
// the time-out, and nothing that was acknowledged is lost.
func TestFrozenProcess(t *testing.T) {
	t.Parallel()
	for _, start := range []func(*testing.T) sqlDatabase{postgresDatabase, mariaDatabase} {
		d := start(t)
		var late, lost finding
		rounds := pick(5, 50)
		for range rounds {
			l, k := freezeWriter(t, d, false)
			late.add(l)
			lost.add(k)
		}
		late.more = fmt.Sprintf(" (%d times)", rounds)
		holds(t, "F20 "+d.name+", a frozen writer", late)
		holds(t, "F20 "+d.name+", a frozen writer", lost)
		planted, _ := freezeWriter(t, d, true)
		for tries := 1; planted.bad == 0 && tries < 5; tries++ {
			planted, _ = freezeWriter(t, d, true)
		}
		caught(t, "F20 "+d.name, "one row that all writers lock", planted)
	}
}

// freezeWriter freezes a writer once.
func freezeWriter(t *testing.T, d sqlDatabase, planted bool) (late, lost finding) {
	t.Helper()
	s, own, err := frozenStore(t.Context(), d.driver, d.dsn, planted)
	if err != nil {
		t.Fatal(err)
	}
	kind := map[bool]string{true: "planted", false: "sound"}[planted]
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FROZEN_WRITER="+d.driver+" "+kind+" "+d.dsn)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	line := make([]byte, 200)
	if n, err := out.Read(line); err != nil || !strings.HasPrefix(string(line), "writing") {
		t.Fatalf("the writer says %q, %v", line[:max(n, 0)], err)
	}
	nap(t.Context(), between(20*time.Millisecond, 80*time.Millisecond))
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	late.what, lost.what = "revocations of others were later than the time-out", "acknowledged revocations lost"
	var l ledger
	for range 10 {
		tok := newToken()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		err := s.RevokeToken(ctx, tok, stores.Note{})
		if err == nil {
			l.tokens = append(l.tokens, tok)
			err = own.RevokeSession(ctx, "shared", stores.Note{})
		}
		cancel()
		if late.of++; err != nil || time.Since(began) > 2*time.Second {
			late.bad++
		}
		if planted && late.bad > 1 {
			break
		}
	}
	if _, there, err := own.Entry(t.Context(), stores.Session, "shared"); err != nil || !there && !planted {
		t.Errorf("the shared session: %v, %v", there, err)
	}
	return late, l.audit(t.Context(), own).open()
}

// TestReplicaInPlaceOfPrimary puts a replica, or a server that takes no writes, in the place of the primary,
// at the start and later: nothing that was revoked is let in.
func TestReplicaInPlaceOfPrimary(t *testing.T) {
	t.Parallel()
	replicaLater(t)
	readOnlyLater(t)
}
