package gateredis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// TestManySessions: a subject may have more sessions than a script can have arguments.
func TestManySessions(t *testing.T) {
	_, client := single(t, servers.Durable...)
	c := gatetest.NewClock()
	s := mustNew(t, client, gateredis.Options{TrustOlderTokens: true, Clock: c.Now, ServerClock: c.Now})
	add := func(id string) {
		t.Helper()
		now := c.Now().Truncate(time.Second)
		r := stores.SessionRecord{ID: id, Subject: "alice", Live: "first", Generation: stores.NoGeneration, Issued: now, Expires: now.Add(time.Hour)}
		if _, err := s.AddSession(t.Context(), r, stores.SessionLimit{}); err != nil {
			t.Fatal(err)
		}
	}
	do := func(cmd rueidis.Completed) rueidis.RedisResult { return client.Do(t.Context(), cmd) }
	key := ""
	multiply := func(id string) {
		t.Helper()
		keys, err := do(client.B().Keys().Pattern("*sessions:*").Build()).AsStrSlice()
		if err != nil || len(keys) != 1 {
			t.Fatalf("keys = %q, %v; want one", keys, err)
		}
		key = keys[0]
		value, err := do(client.B().Hget().Key(key).Field(id).Build()).ToString()
		if err != nil {
			t.Fatal(err)
		}
		copies := client.B().Hset().Key(key).FieldValue()
		for i := range 9000 {
			copies = copies.FieldValue(fmt.Sprint(id, i), value)
		}
		if err := do(copies.Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	left := func(want int64, when string) {
		t.Helper()
		if n, err := do(client.B().Hlen().Key(key).Build()).AsInt64(); err != nil || n != want {
			t.Errorf("%s: %d records, %v; want %d", when, n, err, want)
		}
	}
	add("expired")
	multiply("expired")
	c.Advance(2 * time.Hour)
	add("new")
	left(1, "a login after the others have expired")
	multiply("new")
	if err := s.RevokeSubject(t.Context(), "alice", stores.SubjectOptions{}, stores.Note{}); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveRevoked(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	left(0, "all are revoked")
}
