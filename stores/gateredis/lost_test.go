//go:build unix

package gateredis_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// between runs a function after the next commands, before their caller hears of it.
type between struct {
	rueidis.Client
	last string // of the last command, or "" for any
	next atomic.Pointer[func()]
}

func (b *between) DoMulti(ctx context.Context, commands ...rueidis.Completed) []rueidis.RedisResult {
	last := strings.Join(commands[len(commands)-1].Commands(), " ")
	results := b.Client.DoMulti(ctx, commands...)
	if !strings.HasSuffix(last, b.last) {
		return results
	}
	if f := b.next.Swap(nil); f != nil {
		(*f)()
	}
	return results
}

// TestLostWrite: the write of a call is lost in a failover, and another call, which
// spares a session, has the greater generation by then. The first call writes again: a
// greater generation does not say that the record covers what it has written.
func TestLostWrite(t *testing.T) {
	_, client := single(t, servers.Durable...)
	hooked := &between{Client: client}
	o := gateredis.Options{TrustOlderTokens: true}
	store, err := gateredis.New(hooked, o)
	if err != nil {
		t.Fatal(err)
	}
	other, err := gateredis.New(client, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, now := t.Context(), time.Now()
	token := func(session string) (blocked bool) {
		blocked, err := store.Blocked(ctx, gatetest.VerifiedToken(t, "", map[string]any{"sub": "alice", "sid": session, "gen": 0, "iat": now.Add(-time.Hour), "exp": now.Add(time.Hour)}))
		if err != nil {
			t.Fatal(err)
		}
		return blocked
	}
	if token("phone") || token("laptop") {
		t.Fatal("revoked before anything was")
	}
	lose := func() {
		if err := other.RestoreSubject(ctx, "alice"); err != nil {
			t.Error(err)
		}
		if err := other.RevokeSubject(ctx, "alice", stores.SubjectOptions{ExceptSession: "phone"}, stores.Note{}); err != nil {
			t.Error(err)
		}
	}
	hooked.next.Store(&lose)
	if err := store.RevokeSubject(ctx, "alice", stores.SubjectOptions{}, stores.Note{}); err != nil {
		t.Fatal(err)
	}
	if hooked.next.Load() != nil {
		t.Fatal("the write was not lost: the test looks at the wrong command")
	}
	if !token("laptop") || !token("phone") {
		t.Error("the session that the other call spares survived the call that spares none")
	}
}

// stale gives the next cached read the marks from before a function, and the entries from
// after it, as a read does that has found the marks in the cache.
type stale struct {
	rueidis.Client
	next atomic.Pointer[func()]
}

func (c *stale) DoMultiCache(ctx context.Context, commands ...rueidis.CacheableTTL) []rueidis.RedisResult {
	f := c.next.Swap(nil)
	if f == nil {
		return c.Client.DoMultiCache(ctx, commands...)
	}
	marks := c.Client.DoMultiCache(ctx, commands[len(commands)-1:]...)
	(*f)()
	return append(c.Client.DoMultiCache(ctx, commands[:len(commands)-1]...), marks...)
}

// TestWipedInRead: a store with a cache that is emptied in the middle of a check does not
// take the missing entry for "not revoked".
func TestWipedInRead(t *testing.T) {
	server, client := single(t, servers.Durable...)
	cached := &stale{Client: client}
	o := gateredis.Options{TrustOlderTokens: true, CacheFor: time.Minute}
	store, err := gateredis.New(cached, o)
	if err != nil {
		t.Fatal(err)
	}
	revoked, other := &gate.Token{ID: "revoked", Expiry: time.Now().Add(time.Hour)}, &gate.Token{ID: "other", Expiry: time.Now().Add(time.Hour)}
	if err := store.RevokeToken(t.Context(), revoked, stores.Note{}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Blocked(t.Context(), other); err != nil { // the mark is in the cache
		t.Fatal(err)
	}
	wipe := func() { server.CLI("FLUSHALL") }
	cached.next.Store(&wipe)
	if blocked, err := store.Blocked(t.Context(), revoked); err == nil && !blocked {
		t.Error("a check in a wipe lets in what was revoked")
	}
	if cached.next.Load() != nil {
		t.Fatal("the server was not wiped: the test looks at the wrong command")
	}
}
