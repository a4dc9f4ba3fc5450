//go:build unix

package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

// firstVersion is a program of the first version of gatesql, as far as it touches the
// tables: one transaction for a write, which counts up the row of meta, and a copy that
// follows that number.
type firstVersion struct {
	t     *testing.T
	db    *sql.DB
	d     gatesql.Dialect
	table string
	epoch string
	seq   int64
	seen  map[string]bool
}

// numbered gives PostgreSQL its parameters.
func (f *firstVersion) numbered(query string) string {
	for i := 1; f.d == gatesql.Postgres && strings.Contains(query, "?"); i++ {
		query = strings.Replace(query, "?", fmt.Sprint("$", i), 1)
	}
	return strings.ReplaceAll(query, "TABLE", f.table)
}

// startFirstVersion starts the program, which refuses tables of a newer version.
func startFirstVersion(t *testing.T, d *database, table string) (*firstVersion, error) {
	f := &firstVersion{t: t, db: d.open(t), d: d.dialect, table: table, seen: map[string]bool{}}
	var version int
	err := f.db.QueryRow(f.numbered("SELECT version, epoch FROM TABLE_meta WHERE id = 1")).Scan(&version, &f.epoch)
	if err == nil && version > 1 {
		err = errors.New("the tables are of a newer version")
	}
	return f, err
}

// revoke writes a row of a token or subject.
func (f *firstVersion) revoke(kind stores.Kind, id string, before int64) error {
	tx, err := f.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(f.numbered("UPDATE TABLE_meta SET seq = seq + 1 WHERE id = 1")); err != nil {
		return err
	}
	var seq, n int64
	if err := tx.QueryRow(f.numbered("SELECT seq FROM TABLE_meta WHERE id = 1")).Scan(&seq); err != nil {
		return err
	}
	hash := storekit.HashID(kind, "", id)
	if err := tx.QueryRow(f.numbered("SELECT COUNT(*) FROM TABLE WHERE id = ?"), hash).Scan(&n); err != nil {
		return err
	}
	query := "UPDATE TABLE SET kind = ?, revoked_at = 0, until_at = 9000000000, undone = 0, seq = ?, before_at = ?, all_before_at = ?, except_id = '', revoked_by = '', why = '' WHERE id = ?"
	if n == 0 {
		query = "INSERT INTO TABLE (kind, revoked_at, until_at, undone, seq, before_at, all_before_at, except_id, revoked_by, why, id) VALUES (?, 0, 9000000000, 0, ?, ?, ?, '', '', '', ?)"
	}
	if _, err := tx.Exec(f.numbered(query), string(kind), seq, before, before, hash); err != nil {
		return err
	}
	return tx.Commit()
}

// blocked is its check of a token's ID.
func (f *firstVersion) blocked(id string) bool {
	var epoch string
	var kind sql.NullString
	err := f.db.QueryRow(f.numbered("SELECT m.epoch, r.kind FROM TABLE_meta m LEFT JOIN TABLE r ON r.id IN (?, '', '') AND r.until_at > 1000 AND r.undone = 0 WHERE m.id = 1"),
		storekit.HashID(stores.Token, "", id)).Scan(&epoch, &kind)
	if err != nil || epoch != f.epoch {
		f.t.Errorf("a program of the first version is closed: %q, %v", epoch, err)
	}
	return kind.Valid
}

// poll brings its copy up to date.
func (f *firstVersion) poll() {
	var end int64
	if err := f.db.QueryRow(f.numbered("SELECT seq FROM TABLE_meta WHERE id = 1")).Scan(&end); err != nil || end < f.seq {
		f.t.Errorf("a copy of the first version begins anew: at %d, was at %d, %v", end, f.seq, err)
	}
	if end == f.seq {
		return
	}
	rows, err := f.db.Query(f.numbered("SELECT id, seq FROM TABLE WHERE seq > ? ORDER BY seq"), f.seq)
	if err != nil {
		f.t.Error(err)
		return
	}
	defer rows.Close()
	f.seq = max(f.seq, end)
	for rows.Next() {
		var id string
		var seq int64
		if err := rows.Scan(&id, &seq); err != nil {
			f.t.Error(err)
		}
		f.seen[id], f.seq = true, max(f.seq, seq)
	}
}

// schema brings tables from one level to another by the exported statements.
func schema(t *testing.T, db *sql.DB, o gatesql.Options, from, to int) {
	t.Helper()
	text, err := gatesql.Schema(o, from, to)
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range strings.Split(strings.TrimSpace(text), ";\n") {
		exec(t, db, strings.TrimSuffix(query, ";"))
	}
}

// TestUpgrade: programs of both versions use the tables at once, none misses what the
// other revokes, and the way back is open until it is closed, and again after that.
func TestUpgrade(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c, table, db := gatetest.NewClock(), newTable(), d.open(t)
		o := gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now, TrustOlderTokens: true}
		schema(t, db, o, 0, 1)
		old, err := startFirstVersion(t, d, table)
		if err != nil {
			t.Fatal(err)
		}
		if err := old.revoke(stores.Token, "before", 0); err != nil {
			t.Fatal(err)
		}
		o.Upgrading, o.CacheFor = true, time.Second
		fresh := open(t, d.open(t), o)
		wantBlocked(t, fresh, gatetest.NewToken(c, "before"), true)
		var wg sync.WaitGroup
		stop := make(chan struct{})
		wg.Go(func() {
			for !isClosed(stop) {
				old.poll()
			}
		})
		for w := range 4 {
			wg.Go(func() {
				for i := range 10 {
					id := fmt.Sprint(w, "/", i)
					if w%2 == 0 {
						if err := old.revoke(stores.Token, id, 0); err != nil {
							t.Error(err)
						}
					} else if err := fresh.RevokeToken(t.Context(), gatetest.NewToken(c, id), stores.Note{}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		time.AfterFunc(time.Second, func() { close(stop) })
		wg.Wait()
		old.poll()
		for w := range 4 {
			for i := range 10 {
				id := fmt.Sprint(w, "/", i)
				wantBlocked(t, fresh, gatetest.NewToken(c, id), true)
				if !old.blocked(id) || !old.seen[storekit.HashID(stores.Token, "", id)] {
					t.Errorf("the first version has missed %s", id)
				}
			}
		}
		judgedByIssue(t, c, old, fresh)
		if _, err := startFirstVersion(t, d, table); err != nil {
			t.Errorf("a program of the first version starts during the upgrade: %v", err)
		}
		o.Upgrading = false
		done := open(t, d.open(t), o)
		wantBlocked(t, done, gatetest.NewToken(c, "before"), true)
		revoke(t, done, gatetest.NewToken(c, "later"))
		if _, err := startFirstVersion(t, d, table); err == nil {
			t.Error("a program of the first version starts after the upgrade")
		}
		o.Upgrading = true
		wantBlocked(t, open(t, d.open(t), o), gatetest.NewToken(c, "later"), true) // the way back
		back, err := startFirstVersion(t, d, table)
		if err != nil {
			t.Fatal(err)
		}
		if back.poll(); !back.seen[storekit.HashID(stores.Token, "", "later")] || !back.blocked("later") {
			t.Error("the first version has missed what was revoked after the upgrade")
		}
	})
}

// judgedByIssue: what the first version revokes has no generation, so that generations
// count for nothing as long as it may write.
func judgedByIssue(t *testing.T, c *gatetest.Clock, old *firstVersion, fresh *gatesql.Store) {
	t.Helper()
	if err := fresh.RevokeSubject(t.Context(), "alice", stores.SubjectOptions{}, stores.Note{}); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Minute)
	tok := gatetest.NewToken(c, "of alice")
	tok.Subject = "alice"
	wantBlocked(t, fresh, tok, false)
	if err := old.revoke(stores.Subject, "alice", c.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	wantBlocked(t, fresh, tok, true)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestSchemaText: the exported statements make tables that a program with NoCreate
// opens, and without them it changes nothing, whatever the level.
func TestSchemaText(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c, table, db := gatetest.NewClock(), newTable(), d.open(t)
		o := gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now, NoCreate: true, TrustOlderTokens: true}
		for _, step := range []struct {
			from, to int
			opens    bool
		}{{0, 1, false}, {1, 2, true}, {2, 3, true}, {3, 2, true}, {2, 1, false}, {1, 3, true}} {
			if _, err := gatesql.Open(t.Context(), db, o); step.from < 2 && !errors.Is(err, gatesql.ErrNoSchema) {
				t.Errorf("level %d: Open = %v, want ErrNoSchema", step.from, err)
			}
			schema(t, db, o, step.from, step.to)
			s, err := gatesql.Open(t.Context(), db, o)
			if (err == nil) != step.opens {
				t.Fatalf("level %d: Open = %v; want it to open: %v", step.to, err, step.opens)
			}
			if err != nil {
				continue
			}
			tok := gatetest.NewToken(c, fmt.Sprint("level ", step.to))
			revoke(t, s, tok)
			wantBlocked(t, s, tok, true)
			if err := s.RevokeSubject(context.Background(), "alice", stores.SubjectOptions{}, stores.Note{}); err != nil {
				t.Error(err)
			}
		}
		for _, bad := range [][2]int{{0, 4}, {-1, 1}, {1, 0}} {
			if text, err := gatesql.Schema(o, bad[0], bad[1]); err == nil {
				t.Errorf("Schema from %d to %d = %q, want an error", bad[0], bad[1], text)
			}
		}
	})
}
