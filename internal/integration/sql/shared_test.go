//go:build unix

package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

func exec(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func count(t testing.TB, db *sql.DB, table string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// fill writes n tokens that live long into a table, faster than a store would.
func fill(t testing.TB, db *sql.DB, table string, n int) {
	t.Helper()
	for i := 0; i < n; {
		var rows []string
		for ; i < n && len(rows) < 500; i++ {
			rows = append(rows, fmt.Sprintf("('%s', 'token', 0, 9000000000, 0, %d, 0, 0, '', '', '')", storekit.HashID(stores.Token, "", fmt.Sprint(i)), i+1))
		}
		exec(t, db, "INSERT INTO "+table+" (id, kind, revoked_at, until_at, undone, seq, before_at, all_before_at, except_id, revoked_by, why) VALUES "+strings.Join(rows, ", "))
	}
}

// text is the answer to a query, a row a line.
func text(t testing.TB, db *sql.DB, query string) (s string) {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		fields := make([]sql.NullString, len(names))
		to := make([]any, len(names))
		for i := range fields {
			to[i] = &fields[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			s += f.String + " "
		}
		s += "\n"
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

// eventually waits until ok, and fails where that takes longer than limit.
func eventually(t testing.TB, limit time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > limit {
			t.Fatalf("%s: not within %v", what, limit)
		}
		time.Sleep(time.Millisecond) // between two looks at a real server
	}
	return time.Since(start)
}

// TestShared: what one process revokes another sees with its next check, and of
// changes made at once by both none is lost.
func TestShared(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c := gatetest.NewClock()
		o := gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: c.Now, TrustOlderTokens: true}
		a, b := open(t, d.open(t), o), open(t, d.open(t), o)
		for i := range 20 {
			tok := gatetest.NewToken(c, fmt.Sprint(i))
			revoke(t, a, tok)
			wantBlocked(t, b, tok, true)
			if err := b.RestoreToken(t.Context(), tok.ID); err != nil {
				t.Fatal(err)
			}
			wantBlocked(t, a, tok, false)
		}
		var wg sync.WaitGroup
		for i, s := range []*gatesql.Store{a, b, a, b} {
			wg.Go(func() {
				for range 10 {
					o := stores.SubjectOptions{ExceptSession: fmt.Sprint("s", i)}
					if err := s.RevokeSubject(t.Context(), "bob", o, stores.Note{}); err != nil {
						t.Errorf("RevokeSubject at once: %v", err)
					}
				}
			})
		}
		wg.Wait()
		tok := gatetest.NewToken(c, "x")
		tok.Subject, tok.SessionID = "bob", "other"
		wantBlocked(t, b, tok, true)
		tok.SessionID = "s0" // spared by one call, and not by the others
		wantBlocked(t, a, tok, true)
	})
}

// TestCache: a copy hears of what others do, changes and undoing alike, in time.
func TestCache(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		const poll, stale = 20 * time.Millisecond, 10 * time.Second
		c := gatetest.NewClock()
		o := gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: c.Now, TrustOlderTokens: true}
		writer := open(t, d.open(t), o)
		before := gatetest.NewToken(c, "before")
		revoke(t, writer, before)
		o.CacheFor, o.Poll, o.OnEvent = stale, poll, func(_ context.Context, e gate.Event) { t.Errorf("event %s: %v", e.Name, e.Err) }
		reader := open(t, d.open(t), o)
		wantBlocked(t, reader, before, true) // not running yet: asks the database
		run(t, reader)
		eventually(t, 10*time.Second, "the copy", reader.Fresh)
		wantBlocked(t, reader, before, true)
		tok := gatetest.NewToken(c, "x")
		blocked := func() bool {
			got, err := reader.Blocked(t.Context(), tok)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		for range 5 {
			revoke(t, writer, tok)
			took := eventually(t, stale, "a revocation by another", blocked)
			if err := writer.RestoreToken(t.Context(), tok.ID); err != nil {
				t.Fatal(err)
			}
			took = max(took, eventually(t, stale, "its undoing", func() bool { return !blocked() }))
			if took > stale/2 {
				t.Errorf("the copy was %v behind with a poll each %v", took, poll)
			}
		}
		subject := gatetest.NewToken(c, "y")
		subject.Subject = "bob"
		if err := writer.RevokeSubject(t.Context(), "bob", stores.SubjectOptions{ExceptSession: "mine"}, stores.Note{}); err != nil {
			t.Fatal(err)
		}
		tok = subject
		eventually(t, stale, "a subject revoked by another", blocked)
		mine := *subject
		mine.SessionID = "mine"
		wantBlocked(t, reader, &mine, false)
		if err := reader.Run(t.Context()); err == nil {
			t.Error("a second Run: no error")
		}
		if st := reader.Stats(); st.CacheHits == 0 || st.CacheEntries < 2 || st.CacheAge < 0 {
			t.Errorf("Stats = %+v, want hits, two entries and an age", st)
		}
	})
}

// TestCacheMissesNothing: with many writers at once, whose transactions end in any
// order, a copy has each change after the poll that follows it.
func TestCacheMissesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c := gatetest.NewClock()
		o := gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: c.Now, TrustOlderTokens: true}
		writer := open(t, d.open(t), o)
		o.CacheFor, o.Poll = 20*time.Second, time.Millisecond
		reader := open(t, d.open(t), o)
		run(t, reader)
		eventually(t, 10*time.Second, "the copy", reader.Fresh)
		var wg sync.WaitGroup
		const writers, each = 8, 40
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					revoke(t, writer, gatetest.NewToken(c, fmt.Sprint(w, "/", i)))
				}
			})
		}
		wg.Wait()
		polls := reader.Stats().CacheEntries
		eventually(t, 30*time.Second, "all changes", func() bool { return reader.Stats().CacheEntries >= writers*each })
		for w := range writers {
			for i := range each {
				wantBlocked(t, reader, gatetest.NewToken(c, fmt.Sprint(w, "/", i)), true)
			}
		}
		t.Logf("%d of %d were there at once", polls, writers*each)
	})
}

// TestCacheLarge: a copy of many entries.
func TestCacheLarge(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		c, table := gatetest.NewClock(), newTable()
		o := gatesql.Options{Dialect: d.dialect, Table: table, Clock: c.Now, TrustOlderTokens: true}
		db := d.open(t)
		open(t, db, o)
		const n = 12_001
		fill(t, db, table, n)
		o.CacheFor, o.Poll = 25*time.Second, 20*time.Second
		s := open(t, d.open(t), o)
		run(t, s)
		eventually(t, 20*time.Second, "the copy", s.Fresh)
		exec(t, db, "DELETE FROM "+table) // what follows is the answer of the copy alone
		for i := range n {
			wantBlocked(t, s, gatetest.NewToken(c, fmt.Sprint(i)), true)
		}
		wantBlocked(t, s, gatetest.NewToken(c, "other"), false)
	})
}

// TestCacheStale: a copy that hears nothing is believed for CacheFor. Then the database
// is asked, which does not answer either: an error, and no verdict.
func TestCacheStale(t *testing.T) {
	d, c := postgres(t), gatetest.NewClock()
	o := gatesql.Options{Dialect: d.dialect, Table: newTable(), Clock: c.Now, CacheFor: 2 * time.Second, Poll: 20 * time.Millisecond, TrustOlderTokens: true}
	s, tok := open(t, d.open(t), o), gatetest.NewToken(c, "x")
	run(t, s)
	eventually(t, 10*time.Second, "the copy", s.Fresh)
	revoke(t, s, tok)
	eventually(t, 10*time.Second, "the revocation in the copy", func() bool { return s.Stats().CacheEntries == 1 })
	tx, err := d.open(t).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("LOCK TABLE " + o.Table + " IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	wantBlocked(t, s, tok, true)
	other := gatetest.NewToken(c, "y")
	wantBlocked(t, s, other, false)
	eventually(t, 30*time.Second, "the copy grows old", func() bool { return !s.Fresh() })
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if got, err := s.Blocked(ctx, other); err == nil {
			t.Errorf("Blocked with an old copy and a database that hangs = %v, nil; want an error", got)
		}
		cancel()
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	wantBlocked(t, s, tok, true)
	eventually(t, 30*time.Second, "the copy is fresh again", s.Fresh)
	wantBlocked(t, s, other, false)
}
