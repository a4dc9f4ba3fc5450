//go:build unix

package faults_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

const (
	guardTimeout = 250 * time.Millisecond
	recovery     = time.Second
)

// grace is what an answer may take beyond the timeout. The short form runs beside
// other tests on small machines, where a goroutine may wait for a core.
func grace() time.Duration {
	if long() {
		return 50 * time.Millisecond
	}
	return 200 * time.Millisecond
}

func guard(list gate.Blocklist) *stores.Breaker {
	return stores.NewBreaker(list, stores.FailurePolicy{Timeout: guardTimeout})
}

// newProxy returns a wire to upstream that can be tampered with.
func newProxy(t *testing.T, upstream string) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "wire", "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// tamper adds toxics, given as JSON, and returns how to take them away.
func tamper(t *testing.T, p *toxiproxy.Proxy, toxics ...string) (mend func()) {
	t.Helper()
	for _, toxic := range toxics {
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatalf("%s: %v", toxic, err)
		}
	}
	return func() { p.Toxics.ResetToxics(context.Background()) }
}

// A jury knows the verdicts: of its tokens every other one is revoked.
type jury struct {
	tokens []*gate.Token

	asked, wrong, answered, failed atomic.Int64
	mu                             sync.Mutex
	times                          []time.Duration
	starved                        time.Duration // the longest that goroutines waited for a core
}

func newJury(t *testing.T, n int, to ...revoker) *jury {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	j := new(jury)
	for i := range n {
		tok := later()
		tok.Subject = fmt.Sprint("jury-", i)
		j.tokens = append(j.tokens, tok)
		for _, store := range to {
			if i%2 == 0 {
				if err := store.RevokeToken(ctx, tok, stores.Note{}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return j
}

// ask puts one question, and judges the answer and its time.
func (j *jury) ask(list gate.Blocklist) error {
	i := int(j.asked.Add(1)) % len(j.tokens)
	begun := time.Now()
	blocked, err := list.Blocked(context.Background(), j.tokens[i])
	took := time.Since(begun)
	switch {
	case err != nil:
		j.failed.Add(1)
	case blocked != (i%2 == 0):
		j.wrong.Add(1)
	default:
		j.answered.Add(1)
	}
	j.mu.Lock()
	j.times = append(j.times, took)
	j.mu.Unlock()
	return err
}

// hear puts questions by so many goroutines for a time. Beside them it measures how long
// a goroutine waits for a core, for which no store is to blame.
func (j *jury) hear(list gate.Blocklist, askers int, d time.Duration) {
	var all sync.WaitGroup
	done := make(chan struct{})
	all.Go(func() { j.measure(done) })
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for range askers {
		wg.Go(func() {
			for time.Now().Before(end) {
				if j.ask(list) != nil {
					nap(context.Background(), time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	close(done)
	all.Wait()
}

// measure takes the time of steps as long as those by which a breaker counts, and keeps by
// how much twenty in a row were longer than they should be.
func (j *jury) measure(done <-chan struct{}) {
	const step = guardTimeout / 10
	var late [20]time.Duration
	for i := 0; !closed(done); i++ {
		begun := time.Now()
		time.Sleep(step)
		late[i%len(late)] = time.Since(begun) - step
		sum := time.Duration(0)
		for _, l := range late {
			sum += l
		}
		j.mu.Lock()
		j.starved = max(j.starved, sum)
		j.mu.Unlock()
	}
}

// reset forgets the counts and returns them.
func (j *jury) reset() (f finding, times []time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f = finding{bad: int(j.wrong.Swap(0)), what: "answers wrong or late"}
	f.of = f.bad + int(j.answered.Swap(0)+j.failed.Swap(0))
	for _, took := range j.times {
		if took > guardTimeout+grace()+j.starved {
			f.bad++
		}
	}
	times, j.times, j.starved = j.times, nil, 0
	return f, times
}

// back is how long after a repair a node answers again.
func (j *jury) back(t *testing.T, list gate.Blocklist) time.Duration {
	t.Helper()
	done := make(chan struct{})
	defer close(done)
	go j.measure(done)
	start := time.Now()
	for j.ask(list) != nil {
		if time.Since(start) > 15*time.Second {
			t.Fatal("a node does not come back")
		}
		nap(t.Context(), 5*time.Millisecond)
	}
	return time.Since(start)
}

// settled waits until there are no more goroutines than before, give or take.
func settled(t *testing.T, before int) int {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before+5 && time.Now().Before(deadline) {
		nap(t.Context(), 10*time.Millisecond)
	}
	return runtime.NumGoroutine() - before
}

// TestRedisFrozen freezes the server: every answer comes in time and none is a guess; the
// circuit makes them quick, and the end of it is noticed.
func TestRedisFrozen(t *testing.T) {
	server := servers.StartRedis(t, servers.Durable...)
	all := nodes(t, 3, alone(server.Addr), gateredis.Options{})
	j := newJury(t, 200, all[0])
	lists := []*stores.Breaker{guard(all[0]), guard(all[1]), guard(all[2])}
	for _, l := range lists {
		j.hear(l, 16, 100*time.Millisecond)
	}
	for _, frozen := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
		if !long() && frozen > 2*time.Second {
			continue
		}
		j.reset()
		before := runtime.NumGoroutine()
		server.Freeze()
		var wg sync.WaitGroup
		for _, l := range lists {
			wg.Go(func() { j.hear(l, 16, frozen) })
		}
		wg.Wait()
		guesses := j.answered.Load()
		f, times := j.reset()
		server.Thaw()
		back := time.Duration(0)
		for _, l := range lists {
			back = max(back, j.back(t, l))
		}
		f.bad += int(guesses)
		more := settled(t, before)
		f.more = fmt.Sprintf(" (slowest %v, p99 %v, back after %v, goroutines %+d)", quantile(times, 1), quantile(times, 0.99), back, more)
		holds(t, fmt.Sprintf("F4 redis frozen for %v", frozen), f)
		if back > recovery || more > 5 || quantile(times, 0.99) > 5*time.Millisecond && long() {
			t.Errorf("F4: back after %v (want <= %v), %d more goroutines (want <= 5), p99 %v", back, recovery, more, quantile(times, 0.99))
		}
	}
	for bug, list := range map[string]gate.Blocklist{"an error taken for not revoked": trusting{all[0]}, "a call without timeout": patient{all[0]}} {
		j.reset()
		server.Freeze()
		thaw := time.AfterFunc(time.Second, server.Thaw)
		j.hear(list, 16, 500*time.Millisecond)
		f, _ := j.reset()
		caught(t, "F4", bug, f)
		nap(t.Context(), time.Second)
		thaw.Stop()
	}
}

var toxics = []struct{ name, toxic string }{
	{"latency 100 ms", `{"type":"latency","attributes":{"latency":100}}`},
	{"latency 500 ms, jitter", `{"type":"latency","attributes":{"latency":300,"jitter":200}}`},
	{"bandwidth 1 KB/s", `{"type":"bandwidth","attributes":{"rate":1}}`},
	{"slow close", `{"type":"slow_close","attributes":{"delay":500}}`},
	{"reset", `{"type":"reset_peer","attributes":{"timeout":50}}`},
	{"cut in mid reply", `{"type":"limit_data","attributes":{"bytes":777}}`},
	{"slicer", `{"type":"slicer","attributes":{"average_size":3,"size_variation":2,"delay":50}}`},
	{"black hole", `{"type":"timeout","attributes":{"timeout":0}}`},
}

// TestTamperedWire tampers with the wire: no answer is wrong or late, and none is another
// question's.
func TestTamperedWire(t *testing.T) {
	server := servers.StartRedis(t, servers.Durable...)
	direct := newStore(t, connect(t, alone(server.Addr)), gateredis.Options{})
	old := naive{connect(t, alone(server.Addr))}
	j := newJury(t, 200, direct, old)
	var f finding
	slowest, back := time.Duration(0), time.Duration(0)
	for _, tt := range toxics {
		wire := newProxy(t, server.Addr)
		list := guard(newStore(t, connect(t, alone(wire.Listen)), gateredis.Options{}))
		mend := tamper(t, wire, tt.toxic)
		j.hear(list, 16, time.Duration(pick(600, 60_000))*time.Millisecond)
		mend()
		b := j.back(t, list)
		one, times := j.reset()
		f.add(one)
		slowest, back = max(slowest, quantile(times, 1)), max(back, b)
		if one.bad > 0 || b > 2*recovery {
			t.Errorf("F5 %s: %d of %d wrong or late, back after %v", tt.name, one.bad, one.of, b)
		}
		wire.Stop()
	}
	f.more = fmt.Sprintf(" (%d toxics, slowest %v, back after at most %v)", len(toxics), slowest, back)
	holds(t, "F5 redis behind a bad wire", f)

	wire := newProxy(t, server.Addr)
	mend := tamper(t, wire, `{"type":"latency","attributes":{"latency":60,"jitter":60}}`)
	j.hear(&misreader{addr: wire.Listen}, 1, 2*time.Second)
	mend()
	f, _ = j.reset()
	caught(t, "F5", "a connection kept after a timeout", f)
}

// TestNodeCutOff cuts one node off while others revoke: it lets nothing in that was revoked
// longer than CacheFor ago.
func TestNodeCutOff(t *testing.T) {
	run := func(cacheFor, stale time.Duration, how string) finding {
		server := servers.StartRedis(t, servers.Durable...)
		writer := newStore(t, connect(t, alone(server.Addr)), gateredis.Options{})
		wire := newProxy(t, server.Addr)
		cut := newStore(t, connect(t, alone(wire.Listen)), gateredis.Options{CacheFor: cacheFor})
		w := newWatch(pick(500, 5000), stale)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(pick(4, 60))*time.Second)
		defer cancel()
		for i := range w.tokens { // the cut node knows them all as good
			w.ask(ctx, cut, i)
		}
		if how == "" {
			wire.Stop()
		} else {
			tamper(t, wire, how, strings.Replace(how, "{", `{"stream":"upstream","name":"up",`, 1))
		}
		var wg sync.WaitGroup
		wg.Go(func() { w.revoke(ctx, writer, time.Millisecond) })
		wg.Go(func() { w.verify(ctx, guard(cut), 8) })
		wg.Wait()
		f := w.finding()
		f.more = fmt.Sprintf(" (%d revoked meanwhile)", w.acknowledged())
		return f
	}
	hole := `{"type":"timeout","attributes":{"timeout":0}}`
	holds(t, "F14 one node behind a black hole, no cache, S=0", run(0, 0, hole))
	holds(t, "F14 one node behind a black hole, cache, S=1s", run(time.Second, time.Second, hole))
	holds(t, "F14 one node cut off, cache, S=1s", run(time.Second, time.Second, ""))
	caught(t, "F14", "a cache that lives longer than it says", run(10*time.Second, time.Second, hole))
}
