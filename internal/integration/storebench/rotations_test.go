//go:build unix

package storebench_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatesql"
	"github.com/jwtgate/gate/stores/storekit"
)

// rotating rotates sessions of users of a store.
func rotating(t *testing.T, store stores.Sessions, users string) func(int) error {
	t.Helper()
	var live [chains]*gate.Token
	now := time.Now().Truncate(time.Second)
	for k := range live {
		live[k] = &gate.Token{
			ID: fmt.Sprint("token-of-22-characters", k), SessionID: fmt.Sprint("session-of-26-characters-", k), Subject: fmt.Sprint(users, k),
			IssuedAt: now, Expiry: now.Add(time.Hour), Type: gate.Refresh,
		}
		_, err := store.AddSession(t.Context(), stores.SessionRecord{
			ID: live[k].SessionID, Live: live[k].ID, Subject: live[k].Subject, Generation: stores.NoGeneration,
			Issued: now, Expires: live[k].Expiry, Idle: time.Hour, End: now.Add(24 * time.Hour), Device: stores.Device{UserAgent: agent},
		}, stores.SessionLimit{})
		if err != nil {
			t.Fatal(err)
		}
	}
	q := new(turns)
	return func(int) error {
		return q.take(func(k int) error {
			out, err := store.Rotate(context.Background(), stores.Rotation{Token: live[k], Grace: time.Microsecond})
			if err == nil && out.Outcome != stores.SessionRotated {
				err = errVerdict
			}
			next := *live[k]
			next.ID, next.IssuedAt, next.Expiry = out.Session.Live, out.Session.Issued, out.Session.Expires
			live[k] = &next
			return err
		})
	}
}

// plainRotations makes a table with the columns and indexes of the sessions', and returns
// the statements of a rotation by the driver alone: the record by its key, with all of
// its columns, and the change of the columns that a rotation changes.
func plainRotations(t *testing.T, d database) func(int) error {
	t.Helper()
	const table = "plain_rotations"
	create := "CREATE TABLE " + table + " (LIKE gate_revoked_sessions INCLUDING ALL)"
	switch d.dialect {
	case gatesql.MySQL:
		create = "CREATE TABLE " + table + " LIKE gate_revoked_sessions"
	case gatesql.SQLite:
		if err := d.db.QueryRow("SELECT sql FROM sqlite_master WHERE name = 'gate_revoked_sessions'").Scan(&create); err != nil {
			t.Fatal(err)
		}
		create = strings.Replace(create, "gate_revoked_sessions", table, 1)
	}
	_, err := d.db.Exec(create)
	if err == nil && d.dialect == gatesql.SQLite {
		_, err = d.db.Exec("CREATE INDEX " + table + "_until ON " + table + " (until_at)")
	}
	if err != nil {
		t.Fatal(err)
	}
	insert := d.prepare(t, "INSERT INTO "+table+" (subject, sid, live, gen, issued, expires, idle, end_at, created, seen, grace, ended, remember, device, agent, address, until_at)"+
		" VALUES (?, ?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', ?, '', 0)")
	find := d.prepare(t, "SELECT live, gen, issued, expires, idle, end_at, created, seen, grace, ended, remember, device, agent, address FROM "+table+" WHERE subject = ? AND sid = ?")
	change := d.prepare(t, "UPDATE "+table+" SET live = ?, issued = ?, expires = ?, seen = ?, grace = ?, until_at = ? WHERE subject = ? AND sid = ? AND live = ?")
	var ids [chains]string
	for k := range ids {
		ids[k] = storekit.HashID(stores.Session, "", fmt.Sprint(k))
		if _, err := insert.Exec(ids[k], ids[k], ids[k], agent); err != nil {
			t.Fatal(err)
		}
	}
	q := new(turns)
	return func(int) error {
		return q.take(func(k int) error { return rotateRow(find, change, ids[k]) })
	}
}

func rotateRow(find, change *sql.Stmt, key string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var live, device, agent, address string
	var n [10]int64
	err := find.QueryRowContext(ctx, key, key).Scan(&live, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7], &n[8], &n[9], &device, &agent, &address)
	if err != nil {
		return err
	}
	now := time.Now()
	_, err = change.ExecContext(ctx, storekit.Successor(key, live), now.Unix(), now.Unix()+3600, now.UnixMicro(), now.UnixMicro(), now.Unix()+7200, key, key, live)
	return err
}

// recorder is a client that keeps the last commands that were sent together.
type recorder struct {
	rueidis.Client
	last [][]string
}

func (r *recorder) DoMulti(ctx context.Context, multi ...rueidis.Completed) []rueidis.RedisResult {
	r.last = nil
	for _, c := range multi {
		r.last = append(r.last, slices.Clone(c.Commands()))
	}
	return r.Client.DoMulti(ctx, multi...)
}

// plainHashRotations returns the commands of a rotation by the client alone: the script
// of gateredis with its arguments, sent by its hash, and the read of the mark.
func plainHashRotations(t *testing.T, client rueidis.Client) func(int) error {
	t.Helper()
	const sid, token, successor = 5, 6, 7 // of EVALSHA hash 2 key key sid token successor
	r := &recorder{Client: client}
	one := rotating(t, newStore(t, r, 0), "driver-")
	var commands [chains][][]string
	for range chains {
		if err := one(0); err != nil {
			t.Fatal(err)
		}
		k, err := strconv.Atoi(r.last[0][sid][len("session-of-26-characters-"):])
		if err != nil {
			t.Fatal(err)
		}
		commands[k] = r.last
	}
	q := new(turns)
	return func(int) error {
		return q.take(func(k int) error {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			args := commands[k][0]
			args[token], args[successor] = args[successor], storekit.Successor(args[sid], args[successor])
			parts, err := client.DoMulti(ctx, client.B().Arbitrary(args...).Build(), client.B().Arbitrary(commands[k][1]...).Build())[0].AsStrSlice()
			if err == nil && len(parts) != 2 {
				err = errVerdict
			}
			return err
		})
	}
}

// TestRotations compares calls of Rotate per second with the same reads and writes through
// the driver alone.
func TestRotations(t *testing.T) {
	n := min(rounds(t), 30) // commits are slow
	var bodies []*body
	add := func(store, who string, slow bool, ours, plain func(int) error) {
		for _, goroutines := range []int{1, 16} {
			bodies = append(bodies,
				&body{store: store + "-rotate", who: "driver", goroutines: goroutines, check: plain, slow: slow},
				&body{store: store + "-rotate", who: who, goroutines: goroutines, check: ours, slow: slow})
		}
	}
	server := servers.StartRedis(t, servers.Everysec...)
	client := connect(t, server.Addr, nil)
	add("redis", "gateredis", false, rotating(t, newStore(t, client, 0), "user-"), plainHashRotations(t, client))
	for _, d := range databases(t) {
		add(d.name, "gatesql", true, rotating(t, d.store(t), "user-"), plainRotations(t, d))
	}
	compare(t, n, bodies, "driver")
}

// agent is what a browser says of itself.
const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
