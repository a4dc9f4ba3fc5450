//go:build unix

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
	"github.com/jwtgate/gate/stores/storekit"
)

// TestRevokedOnAllNodes has no fault: 64 verifiers on three nodes and one that revokes. No check that
// starts after the acknowledgement, and after CacheFor where there is a cache, lets
// the token in.
func TestRevokedOnAllNodes(t *testing.T) {
	run := func(stale, cacheFor time.Duration, plant func(gate.Blocklist) gate.Blocklist) finding {
		server := servers.StartRedis(t, servers.Durable...)
		all := nodes(t, 3, alone(server.Addr), gateredis.Options{CacheFor: cacheFor, Timeout: 5 * time.Second})
		w := newWatch(pick(2000, 200_000), stale)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(pick(3, 120))*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for i, s := range all {
			list := gate.Blocklist(s)
			if plant != nil {
				list = plant(s)
			}
			wg.Go(func() { w.verify(ctx, list, []int{22, 21, 21}[i]) })
		}
		wg.Go(func() { w.revoke(ctx, all[0], time.Millisecond) })
		wg.Wait()
		f := w.finding()
		f.more = fmt.Sprintf(" (%d revoked, %d errors)", w.acknowledged(), w.errors.Load())
		return f
	}
	holds(t, "F1 no fault, no cache, S=0", run(0, 0, nil))
	holds(t, "F1 no fault, cache, S=1s", run(time.Second, time.Second, nil))
	caught(t, "F1", "a cache that nobody tells", run(0, 0, func(b gate.Blocklist) gate.Blocklist {
		return &hoarder{Blocklist: b, keep: time.Minute, seen: map[string]time.Time{}}
	}))
}

// crashes kills a Redis server again and again while 8 writers write.
func crashes(t *testing.T, args []string, kills int, low time.Duration, open func(*servers.Redis) revoker) (*ledger, []time.Time, finding) {
	server := servers.StartRedis(t, args...)
	return crash(t, server.Kill, server.Start, kills, low, func() revoker { return open(server) })
}

// crash ends a server so many times while 8 writers write, for a time that is at least low
// before each end, and starts it again. It asks the node that wrote, and one that starts
// after.
func crash(t *testing.T, end, start func(), times int, low time.Duration, open func() revoker) (*ledger, []time.Time, finding) {
	store, l := open(), new(ledger)
	var ended []time.Time
	for range times {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { l.write(ctx, store, 8); close(done) }()
		nap(ctx, between(low, low+250*time.Millisecond))
		end()
		ended = append(ended, time.Now()) // nothing is acknowledged after this
		cancel()
		<-done
		start()
	}
	f := l.audit(t.Context(), store).open()
	f.add(l.audit(t.Context(), open()).open())
	f.more = fmt.Sprintf(" (%d times, asked on the node that wrote and on a new one)", times)
	return l, ended, f
}

// oldLost is what was lost of what had been acknowledged longer than the window before
// the end of the server.
func oldLost(l *ledger, ended []time.Time, window time.Duration, f finding) finding {
	f.bad, f.what = f.closed, "acknowledged revocations lost that were not of the last moments"
	for _, i := range l.lost {
		next := slices.IndexFunc(ended, func(k time.Time) bool { return k.After(l.acked[i]) })
		if next >= 0 && ended[next].Sub(l.acked[i]) > window {
			f.bad++
		}
	}
	f.more = fmt.Sprintf(" (%d younger ones lost; %d times)", len(l.lost)-f.bad, len(ended))
	return f
}

// TestRedisCrash kills the server in the middle of writes. With appendfsync always nothing is
// lost. With everysec Redis acknowledges before it has written where its disk is slow:
// while one fsync runs it holds writes back in the process, for two seconds at most, so
// that is what a crash may cost, and no more.
func TestRedisCrash(t *testing.T) {
	open := func(r *servers.Redis) revoker {
		return newStore(t, connect(t, alone(r.Addr)), gateredis.Options{Insecure: gateredis.Insecure{AllowEverysec: true}})
	}
	_, _, f := crashes(t, append(servers.Durable, "--appendfsync", "always"), pick(3, 100), 150*time.Millisecond, open)
	holds(t, "F2 redis kill -9, appendfsync always", f)

	const window = 3 * time.Second // two seconds, the event loop, and the end of the process
	l, killed, f := crashes(t, servers.Everysec, pick(1, 30), window, open)
	holds(t, "F2 redis kill -9, appendfsync everysec", oldLost(l, killed, window, f))

	_, _, f = crashes(t, servers.Forgetful, 1, 150*time.Millisecond, func(r *servers.Redis) revoker {
		return naive{connect(t, alone(r.Addr))}
	})
	caught(t, "F2", "a server without persistence, unchecked", f)
}

// TestRedisEmptied empties the server, and expects closed stores, at the first check, until an
// operator has decided.
func TestRedisEmptied(t *testing.T) {
	t.Parallel()
	empty := map[string]func(*servers.Redis){
		"FLUSHALL":      func(r *servers.Redis) { r.CLI("FLUSHALL") },
		"restart empty": func(r *servers.Redis) { r.Kill(); r.Start() },
	}
	for _, how := range []string{"FLUSHALL", "restart empty"} {
		server := servers.StartRedis(t, servers.Forgetful...)
		o := gateredis.Options{Insecure: gateredis.Insecure{AllowNoPersistence: true}}
		var all []*gateredis.Store
		for _, cacheFor := range []time.Duration{0, 0, 0, time.Second} {
			o.CacheFor = cacheFor
			all = append(all, newStrictStore(t, connect(t, alone(server.Addr)), o))
		}
		old := naive{connect(t, alone(server.Addr))}
		revoked := revokeSome(t, all[0], old, 1000)

		empty[how](server)
		first := 0
		for _, s := range all[:3] {
			if _, err := persist(t.Context(), s, revoked.tokens[0]); !errors.Is(err, stores.ErrWiped) {
				first++
			}
		}
		if first > 0 {
			t.Errorf("%s: %d nodes did not see it at the first check", how, first)
		}
		nap(t.Context(), time.Second) // CacheFor of the fourth
		var f finding
		for _, s := range all {
			f.add(revoked.audit(t.Context(), s))
		}
		holds(t, "F3 "+how+", running nodes closed", f)
		caught(t, "F3 "+how, "no epoch", revoked.audit(t.Context(), old))

		if how == "FLUSHALL" {
			checkNewProcess(t, server, revoked)
			continue
		}
		checkAccept(t, all, revoked)
	}
}

func revokeSome(t *testing.T, s, old revoker, n int) *ledger {
	t.Helper()
	l := new(ledger)
	for range n {
		tok := newToken()
		tok.IssuedAt = tok.IssuedAt.Add(-time.Minute)
		for _, store := range []revoker{s, old} {
			if err := store.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
				t.Fatal(err)
			}
		}
		l.tokens = append(l.tokens, tok)
	}
	return l
}

// checkNewProcess: a process that starts after the wipe knows nothing of it, and
// refuses what is older than its epoch.
func checkNewProcess(t *testing.T, server *servers.Redis, revoked *ledger) {
	t.Helper()
	o := gateredis.Options{Insecure: gateredis.Insecure{AllowNoPersistence: true}}
	s := newStrictStore(t, connect(t, alone(server.Addr)), o)
	holds(t, "F3 FLUSHALL, new process, older tokens", revoked.audit(t.Context(), s))
	if blocked, err := s.Blocked(t.Context(), later()); blocked || err != nil {
		t.Errorf("a new token in a new process: %v, %v; want false, nil", blocked, err)
	}
	o.Epoch = "named"
	named, err := gateredis.New(connect(t, alone(server.Addr)), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := named.Blocked(t.Context(), newToken()); !errors.Is(err, stores.ErrWiped) {
		t.Errorf("a new process with Options.Epoch: %v, want ErrWiped", err)
	}
}

// checkAccept: one call opens all nodes, and old tokens are out.
func checkAccept(t *testing.T, all []*gateredis.Store, revoked *ledger) {
	t.Helper()
	if err := all[0].AcceptWipe(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	nap(t.Context(), time.Second)
	for i, s := range all {
		fresh := later()
		if blocked, err := s.Blocked(t.Context(), fresh); blocked || err != nil {
			t.Errorf("node %d after AcceptWipe, new token: %v, %v; want false, nil", i, blocked, err)
		}
		if blocked, err := s.Blocked(t.Context(), revoked.tokens[i]); !blocked || err != nil {
			t.Errorf("node %d after AcceptWipe(now), old token: %v, %v; want true, nil", i, blocked, err)
		}
	}
}

// later is a token that was certainly issued after an epoch began.
func later() *gate.Token {
	tok := newToken()
	tok.IssuedAt = tok.IssuedAt.Add(storekit.DefaultSkew + 2*time.Second)
	return tok
}

// halfWriters are clients that stop in the middle of a write, until they are let go.
func halfWriters(t *testing.T, addr string) (let func()) {
	t.Helper()
	var conns []net.Conn
	for _, half := range []string{"MULTI\r\nSET gate:{0}epoch x\r\n", "WATCH gate:{0}epoch\r\nMULTI\r\n", "*3\r\n$3\r\nSET\r\n$5\r\ngate:"} {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conns = append(conns, conn)
			_, err = conn.Write([]byte(half))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}
}

// TestFrozenWriter halts a client in the middle of a write: others revoke as fast as
// before, and nothing is lost.
func TestFrozenWriter(t *testing.T) {
	t.Parallel()
	server := servers.StartRedis(t, servers.Durable...)
	store := newStore(t, connect(t, alone(server.Addr)), gateredis.Options{})
	defer halfWriters(t, server.Addr)()
	var l ledger
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(pick(1, 10))*time.Second)
	defer cancel()
	l.write(ctx, store, 8)
	late := finding{bad: l.errors, of: l.size() + l.errors, what: "revocations of others were too late"}
	holds(t, "F20 redis, frozen writers", late)
	holds(t, "F20 redis, frozen writers", l.audit(t.Context(), store).open())
}
