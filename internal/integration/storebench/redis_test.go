//go:build unix

package storebench_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
	"github.com/jwtgate/gate/stores/gateredis"
)

// tokens is how many are in use; every tenth is revoked.
const tokens = 10_000

var errVerdict = errors.New("a wrong verdict")

// fixtures are tokens with an ID alone, and with a session and a subject too.
func fixtures() (bare, full []*gate.Token) {
	now := time.Now().Truncate(time.Second)
	for i := range tokens {
		t := gate.Token{ID: fmt.Sprintf("6f1c3d1e-8f0a-4a53-9d57-%012d", i), IssuedAt: now, Expiry: now.Add(time.Hour), Type: gate.Access}
		bare = append(bare, &t)
		u := t
		u.ID += "-full"
		u.SessionID, u.Subject = fmt.Sprintf("sid-%020d", i), fmt.Sprintf("user-%d", i)
		full = append(full, &u)
	}
	return bare, full
}

func revoked(i int) bool { return i%10 == 0 }

// asking returns a check of a blocklist.
func asking(b gate.Blocklist, list []*gate.Token) func(int) error {
	ctx := context.Background()
	return func(i int) error {
		i %= tokens
		blocked, err := b.Blocked(ctx, list[i])
		if err == nil && blocked != revoked(i) {
			err = errVerdict
		}
		return err
	}
}

func connect(t *testing.T, addr string, tracking []string) rueidis.Client {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{addr}, ForceSingleClient: true, ClientTrackingOptions: tracking,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func newStore(t *testing.T, client rueidis.Client, cacheFor time.Duration) *gateredis.Store {
	t.Helper()
	s, err := gateredis.New(client, gateredis.Options{CacheFor: cacheFor, Timeout: 10 * time.Second, TrustOlderTokens: true, Insecure: gateredis.Insecure{AllowEverysec: true}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// check is one way to ask.
type check struct {
	who string
	ask func(i int) error
}

// TestRedis compares checks per second with those of the clients alone, which read
// one key each, and checks that ask the server with a read of as many keys.
func TestRedis(t *testing.T) {
	n := rounds(t)
	server := servers.StartRedis(t, servers.Everysec...)
	bare, full := fixtures()
	plain := newStore(t, connect(t, server.Addr, nil), 0)
	cached := newStore(t, connect(t, server.Addr, gateredis.Tracking("")), day)
	for i := range tokens {
		if !revoked(i) {
			continue
		}
		for _, tok := range []*gate.Token{bare[i], full[i]} {
			if err := plain.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
				t.Fatal(err)
			}
		}
		server.CLI("SET", key(i), "1")
	}
	checks := append(peers(t, server.Addr),
		check{"rueidis-same-keys", sameKeys(t, connect(t, server.Addr, nil), full)},
		check{"gateredis", asking(plain, full)},
		check{"gateredis-id-alone", asking(plain, bare)},
		check{"gateredis-cached", asking(cached, full)},
		check{"gateredis-cached-id-alone", asking(cached, bare)},
		check{"gateredis-cached-guarded", asking(stores.NewBreaker(cached, stores.FailurePolicy{Timeout: 10 * time.Second}), full)})
	var bodies, asked []*body
	for _, goroutines := range []int{1, 16, 64} {
		for _, c := range checks {
			bodies = append(bodies, &body{store: "redis", who: c.who, goroutines: goroutines, check: c.ask})
			if c.who == "rueidis-same-keys" || c.who == "gateredis" {
				asked = append(asked, &body{store: "redis-asked", who: c.who, goroutines: goroutines, check: c.ask})
			}
		}
	}
	compare(t, n, bodies, "rueidis-docache")
	compare(t, n, asked, "rueidis-same-keys")
}

// TestMemory compares checks of full tokens per second in gatemem with those of tokens
// that have an ID alone.
func TestMemory(t *testing.T) {
	n := rounds(t)
	bare, full := fixtures()
	store := must(gatemem.New(gatemem.Options{}))
	for i := range tokens {
		if !revoked(i) {
			continue
		}
		for _, tok := range []*gate.Token{bare[i], full[i]} {
			if err := store.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var bodies []*body
	for _, goroutines := range []int{1, 16} {
		bodies = append(bodies,
			&body{store: "gatemem", who: "id-alone", goroutines: goroutines, check: asking(store, bare)},
			&body{store: "gatemem", who: "gatemem", goroutines: goroutines, check: asking(store, full)})
	}
	compare(t, n, bodies, "id-alone")
}

// day is so long that nothing cached ends in a run.
const day = 24 * time.Hour

// peers are the clients alone.
func peers(t *testing.T, addr string) []check {
	t.Helper()
	client := connect(t, addr, []string{"PREFIX", "bare:", "BCAST"})
	peer := goredis.NewClient(&goredis.Options{Addr: addr, PoolSize: 64})
	t.Cleanup(func() { _ = peer.Close() })
	ctx := context.Background()
	found := func(i int, ok bool, err error) error {
		if err == nil && ok != revoked(i) {
			err = errVerdict
		}
		return err
	}
	return []check{
		{"rueidis-docache", func(i int) error {
			i %= tokens
			_, err := client.DoCache(ctx, client.B().Get().Key(key(i)).Cache(), day).ToString()
			if rueidis.IsRedisNil(err) {
				return found(i, false, nil)
			}
			return found(i, true, err)
		}},
		{"rueidis-do", func(i int) error {
			i %= tokens
			n, err := client.Do(ctx, client.B().Exists().Key(key(i)).Build()).AsInt64()
			return found(i, n == 1, err)
		}},
		{"go-redis", func(i int) error {
			i %= tokens
			n, err := peer.Exists(ctx, key(i)).Result()
			return found(i, n == 1, err)
		}},
	}
}

// sameKeys reads by the client alone the keys that a check of each token reads, with a
// deadline as a check has.
func sameKeys(t *testing.T, client rueidis.Client, tokens []*gate.Token) func(int) error {
	t.Helper()
	r := &recorder{Client: client}
	store := newStore(t, r, 0)
	var keys [][]string
	for _, tok := range tokens {
		if _, err := store.Blocked(t.Context(), tok); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, command := range r.last {
			all = append(all, command[1])
		}
		keys = append(keys, all)
	}
	return func(i int) error {
		i %= len(keys)
		gets := make([]rueidis.Completed, len(keys[i]))
		for k, key := range keys[i] {
			gets[k] = client.B().Get().Key(key).Build()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		blocked := false
		for k, r := range client.DoMulti(ctx, gets...) {
			_, err := r.ToString()
			if err != nil && !rueidis.IsRedisNil(err) {
				return err
			}
			blocked = blocked || err == nil && k < len(gets)-1 // the last one is the mark
		}
		if blocked != revoked(i) {
			return errVerdict
		}
		return nil
	}
}

// bareKeys are made before, as the tokens are.
var bareKeys = func() (list []string) {
	for i := range tokens {
		list = append(list, fmt.Sprintf("bare:6f1c3d1e-8f0a-4a53-9d57-%012d", i))
	}
	return list
}()

func key(i int) string { return bareKeys[i] }
