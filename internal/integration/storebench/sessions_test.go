//go:build unix

package storebench_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

// chains is how many sessions are refreshed in turn, so that the grace period of one is
// over when it comes again.
const chains = 512

// turns hands out the sessions in turn, each to one goroutine at a time.
type turns struct {
	next atomic.Int64
	busy [chains]sync.Mutex
}

// take calls f with the number of a session.
func (q *turns) take(f func(k int) error) error {
	k := int(q.next.Add(1) % chains)
	q.busy[k].Lock()
	defer q.busy[k].Unlock()
	return f(k)
}

// refreshing refreshes sessions of a manager.
func refreshing(t *testing.T, store stores.Sessions) func(int) error {
	t.Helper()
	g, err := gate.New(gate.Config{Keys: must(keys.Generate(keys.HS256)), Blocklist: store})
	if err != nil {
		t.Fatal(err)
	}
	m := must(session.New(g, store, session.Options{Grace: time.Millisecond}))
	var raw [chains]string
	for k := range raw {
		raw[k] = must(m.Start(t.Context(), fmt.Sprint("user-", k), session.Login{})).Refresh()
	}
	q := new(turns)
	return func(int) error {
		return q.take(func(k int) error {
			p, err := m.Refresh(context.Background(), raw[k], nil)
			if err == nil {
				raw[k] = p.Refresh()
			}
			return err
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// plainSessions makes a table with the columns of the sessions' and a row for each
// session, and returns the statements of a refresh by the driver alone: the check of the
// blocklist, the record by its key, and the change of the record.
func plainSessions(t *testing.T, d database) func(int) error {
	t.Helper()
	hash, text := `VARCHAR(32) COLLATE "C"`, "VARCHAR(256)"
	switch d.dialect {
	case gatesql.SQLite:
		hash = "VARCHAR(32)"
	case gatesql.MySQL:
		hash = "VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin"
	}
	const table = "plain_sessions"
	_, err := d.db.Exec("CREATE TABLE " + table + " (subject " + hash + " NOT NULL, sid " + hash + " NOT NULL, live " + hash + " NOT NULL, gen BIGINT NOT NULL, " +
		"issued BIGINT NOT NULL, expires BIGINT NOT NULL, seen BIGINT NOT NULL, grace BIGINT NOT NULL, ended BIGINT NOT NULL, device " + text + " NOT NULL, " +
		"until_at BIGINT NOT NULL, PRIMARY KEY (subject, sid))")
	if err == nil {
		_, err = d.db.Exec("CREATE INDEX " + table + "_until ON " + table + " (until_at)")
	}
	if err != nil {
		t.Fatal(err)
	}
	insert := d.prepare(t, "INSERT INTO "+table+" VALUES (?, ?, ?, 0, 0, 0, 0, 0, 0, '', 0)")
	check := d.prepare(t, "SELECT kind FROM gate_revoked WHERE id IN (?, ?, ?, ?)")
	find := d.prepare(t, "SELECT live, gen, issued, expires, seen, grace, ended, device FROM "+table+" WHERE subject = ? AND sid = ?")
	change := d.prepare(t, "UPDATE "+table+" SET live = ?, issued = ?, expires = ?, seen = ?, grace = ?, until_at = ? WHERE subject = ? AND sid = ? AND live = ?")
	var ids [chains]string
	for k := range ids {
		ids[k] = storekit.HashID(stores.Session, "", fmt.Sprint(k))
		if _, err := insert.Exec(ids[k], ids[k], ids[k]); err != nil {
			t.Fatal(err)
		}
	}
	q := new(turns)
	return func(int) error {
		return q.take(func(k int) error { return rotatePlain(check, find, change, ids[k]) })
	}
}

func rotatePlain(check, find, change *sql.Stmt, key string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	rows, err := check.QueryContext(ctx, key, key, key, key)
	if err != nil {
		return err
	}
	if err := rows.Close(); err != nil {
		return err
	}
	var live, device string
	var gen, issued, expires, seen, grace, ended int64
	if err := find.QueryRowContext(ctx, key, key).Scan(&live, &gen, &issued, &expires, &seen, &grace, &ended, &device); err != nil {
		return err
	}
	now := time.Now().UnixMicro()
	_, err = change.ExecContext(ctx, storekit.Successor(key, live), now, now, now, now, now, key, key, live)
	return err
}

// plainHashes returns the commands of a refresh by the client alone: the keys of a check,
// the record in its hash, and the change of the record.
func plainHashes(client rueidis.Client) func(int) error {
	q := new(turns)
	return func(int) error {
		return q.take(func(k int) error {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			key := storekit.HashID(stores.Session, "", fmt.Sprint(k))
			if err := client.Do(ctx, client.B().Mget().Key("t"+key, "s"+key, "u"+key).Build()).Error(); err != nil {
				return err
			}
			if err := client.Do(ctx, client.B().Hget().Key(key).Field("sid").Build()).Error(); err != nil && !rueidis.IsRedisNil(err) {
				return err
			}
			return client.Do(ctx, client.B().Hset().Key(key).FieldValue().FieldValue("sid", strings.Repeat("x", 200)).Build()).Error()
		})
	}
}

// TestRefreshes compares refreshes per second, which check and sign tokens too, with the
// statements of one through the driver alone.
func TestRefreshes(t *testing.T) {
	n := min(rounds(t), 30) // commits are slow
	var bodies []*body
	memory := refreshing(t, must(gatemem.New(gatemem.Options{})))
	for _, goroutines := range []int{1, 16} {
		bodies = append(bodies, &body{store: "gatemem-refresh", who: "gatemem", goroutines: goroutines, check: memory})
	}
	compare(t, n, bodies, "gatemem")
	bodies = nil
	server := servers.StartRedis(t, servers.Everysec...)
	client := connect(t, server.Addr, nil)
	ours, plain := refreshing(t, newStore(t, client, 0)), plainHashes(client)
	for _, goroutines := range []int{1, 16} {
		bodies = append(bodies,
			&body{store: "redis-refresh", who: "driver", goroutines: goroutines, check: plain},
			&body{store: "redis-refresh", who: "gateredis", goroutines: goroutines, check: ours})
	}
	for _, d := range databases(t) {
		ours := refreshing(t, d.store(t))
		plain := plainSessions(t, d)
		for _, goroutines := range []int{1, 16} {
			bodies = append(bodies,
				&body{store: d.name + "-refresh", who: "driver", goroutines: goroutines, check: plain, slow: true},
				&body{store: d.name + "-refresh", who: "gatesql", goroutines: goroutines, check: ours, slow: true})
		}
	}
	compare(t, n, bodies, "driver")
}

// TestSessionBytes prints how many bytes a session takes, of SESSIONS sessions.
func TestSessionBytes(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("SESSIONS"))
	if n <= 0 {
		t.Skip("a benchmark is not a test; set SESSIONS to run it")
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	memory := must(gatemem.New(gatemem.Options{}))
	addSessions(t, memory, n)
	runtime.GC()
	runtime.ReadMemStats(&after)
	fmt.Printf("bench session-bytes/gatemem %d of %d\n", (after.HeapAlloc-before.HeapAlloc)/uint64(n), n)
	runtime.KeepAlive(memory)
	server := servers.StartRedis(t, servers.Everysec...)
	client := connect(t, server.Addr, nil)
	addSessions(t, newStore(t, client, 0), n)
	fmt.Printf("bench session-bytes/redis %d of %d\n", usedMemory(t, client)/int64(n), n)
	size := map[gatesql.Dialect]string{
		gatesql.SQLite:   "SELECT SUM(pgsize) FROM dbstat WHERE name LIKE '%sessions%'",
		gatesql.Postgres: "SELECT pg_total_relation_size('gate_revoked_sessions')",
		gatesql.MySQL:    "SELECT data_length + index_length FROM information_schema.tables WHERE table_name = 'gate_revoked_sessions'",
	}
	for _, d := range databases(t) {
		addSessions(t, d.store(t), n)
		if d.dialect == gatesql.MySQL {
			if _, err := d.db.Exec("ANALYZE TABLE gate_revoked_sessions"); err != nil {
				t.Fatal(err)
			}
		}
		var bytes int64
		if err := d.db.QueryRow(size[d.dialect]).Scan(&bytes); err != nil {
			t.Errorf("%s: %v", d.name, err)
			continue
		}
		fmt.Printf("bench session-bytes/%s %d of %d\n", d.name, bytes/int64(n), n)
	}
}

// addSessions adds sessions of so many users, as a browser starts them.
func addSessions(t *testing.T, store stores.Sessions, n int) {
	t.Helper()
	now := time.Now()
	for i := range n {
		_, err := store.AddSession(t.Context(), stores.SessionRecord{
			ID: fmt.Sprintf("session-id-of-26-chars-%04d", i), Live: fmt.Sprintf("%036d", i), Subject: fmt.Sprint(i), Issued: now, Expires: now.Add(time.Hour),
			Idle: time.Hour, End: now.Add(2 * time.Hour), Device: stores.Device{UserAgent: agent},
		}, stores.SessionLimit{Max: 100, Evict: true})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// usedMemory is what the keys of sessions take, by MEMORY USAGE of each.
func usedMemory(t *testing.T, client rueidis.Client) (sum int64) {
	t.Helper()
	keys, err := client.Do(t.Context(), client.B().Keys().Pattern("*sessions:*").Build()).AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		n, err := client.Do(t.Context(), client.B().MemoryUsage().Key(key).Build()).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}
