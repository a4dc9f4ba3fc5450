package gatemem_test

import (
	"fmt"
	"hash/maphash"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// sizes are a million entries, and ten with GATE_BENCH_LARGE=1.
func sizes() []int {
	if os.Getenv("GATE_BENCH_LARGE") != "" {
		return []int{1_000_000, 10_000_000}
	}
	return []int{1_000_000}
}

// uuid makes identifiers as gates do; those of two series never meet.
func uuid(series byte, n int) string {
	const digits = "0123456789abcdef"
	b := []byte("00000000-0000-4000-8000-000000000000")
	x := uint64(n)*0x9e3779b97f4a7c15 + uint64(series)
	for i := 35; i > 18; i-- {
		if b[i] != '-' {
			b[i] = digits[x&15]
			x >>= 4
		}
	}
	b[0] = series
	return string(b)
}

// blocklist is what is compared: put a token in, and look one up.
type blocklist struct {
	name   string
	put    func(id string)
	has    func(tok *gate.Token) bool
	holder any // keeps it from the garbage collector
}

func gatememList(b *testing.B, c *gatetest.Clock) blocklist {
	s := newStore(b, gatemem.Options{Clock: c.Now, MaxTokens: 20_000_000})
	ctx, tok := b.Context(), gatetest.NewToken(c, "")
	return blocklist{"gatemem", func(id string) {
		tok.ID = id
		if err := s.RevokeToken(ctx, tok, stores.Note{}); err != nil {
			b.Fatal(err)
		}
	}, func(tok *gate.Token) bool {
		ok, err := s.Blocked(ctx, tok)
		return ok || err != nil
	}, s}
}

// flatList is the lower bound: one open-addressing table of seeded hashes and seconds,
// made at its final size, without kinds, snapshots or sweeping.
func flatList(n int, c *gatetest.Clock) blocklist {
	size := uint64(1)
	for size < uint64(n)*3/2 {
		size *= 2
	}
	var mu sync.RWMutex
	hashes, untils, seed := make([]uint64, size), make([]uint32, size), maphash.MakeSeed()
	find := func(id string) (uint64, uint64) {
		h := maphash.String(seed, id) | 1
		i := h >> 20 & (size - 1)
		for hashes[i] != 0 && hashes[i] != h {
			i = (i + 1) & (size - 1)
		}
		return i, h
	}
	until := uint32(c.Now().Add(time.Hour).Unix())
	return blocklist{"flat", func(id string) {
		mu.Lock()
		defer mu.Unlock()
		i, h := find(id)
		hashes[i], untils[i] = h, until
	}, func(tok *gate.Token) bool {
		mu.RLock()
		i, _ := find(tok.ID)
		u := untils[i]
		mu.RUnlock()
		return u != 0 && int64(u) > c.Now().Unix()
	}, &hashes}
}

func mapList(_ *testing.B, c *gatetest.Clock) blocklist {
	var mu sync.RWMutex
	m := map[string]int64{}
	until := c.Now().Add(time.Hour).Unix()
	return blocklist{"map", func(id string) {
		mu.Lock()
		defer mu.Unlock()
		m[id] = until
	}, func(tok *gate.Token) bool {
		mu.RLock()
		defer mu.RUnlock()
		return m[tok.ID] > c.Now().Unix()
	}, &m}
}

func syncMapList(_ *testing.B, c *gatetest.Clock) blocklist {
	var m sync.Map
	until := c.Now().Add(time.Hour).Unix()
	return blocklist{"sync.Map", func(id string) { m.Store(id, until) }, func(tok *gate.Token) bool {
		v, ok := m.Load(tok.ID)
		return ok && v.(int64) > c.Now().Unix()
	}, &m}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkBlocked compares checks of tokens that are revoked (hit) and that are not
// (miss). It reports the nanoseconds of the fastest of many short batches, made by
// turns, so that what else the machine does falls on none of them; the bytes of an
// entry; and the milliseconds of a full garbage collection.
func BenchmarkBlocked(b *testing.B) {
	c := gatetest.NewClock()
	const probes, batch = 1 << 16, 1 << 12
	for _, n := range sizes() {
		hits, misses := make([]string, probes), make([]string, probes)
		for i := range probes {
			hits[i], misses[i] = uuid('a', i*(n/probes)), uuid('b', i*(n/probes))
		}
		tok := gatetest.NewToken(c, "") // one token: a gate has just read it
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			lists := []blocklist{flatList(n, c), gatememList(b, c), mapList(b, c), syncMapList(b, c)}
			fastest := map[string]float64{}
			for i := range n {
				lists[0].put(uuid('a', i))
			}
			for _, l := range lists[1:] { // the first has its table already
				before := heap()
				for i := range n {
					l.put(uuid('a', i))
				}
				fastest[l.name+"-B/entry"] = float64(heap()-before) / float64(n)
			}
			for i := 0; b.Loop(); i++ {
				from := i * batch % probes
				for j := range lists { // each is the one that finds the identifiers cold, by turns
					l := lists[(i+j)%len(lists)]
					for kind, ids := range map[string][]string{"hit": hits, "miss": misses} {
						start := time.Now()
						for _, id := range ids[from : from+batch] {
							tok.ID = id
							if l.has(tok) != (kind == "hit") {
								b.Fatal("wrong verdict")
							}
						}
						took, name := float64(time.Since(start).Nanoseconds())/batch, l.name+"-"+kind+"-ns"
						if was, ok := fastest[name]; !ok || took < was {
							fastest[name] = took
						}
					}
				}
			}
			for name, value := range fastest {
				b.ReportMetric(value, name)
			}
			runtime.KeepAlive(lists)
		})
	}
}

// BenchmarkGC reports the time of a full garbage collection with a million entries.
func BenchmarkGC(b *testing.B) {
	c := gatetest.NewClock()
	for _, makeList := range []func(*testing.B, *gatetest.Clock) blocklist{gatememList, mapList, syncMapList} {
		l := makeList(b, c)
		for i := range 1_000_000 {
			l.put(uuid('a', i))
		}
		b.Run(l.name, func(b *testing.B) {
			for b.Loop() {
				runtime.GC()
			}
		})
		runtime.KeepAlive(l.holder)
	}
}

func BenchmarkRevokeToken(b *testing.B) {
	c := gatetest.NewClock()
	l := gatememList(b, c)
	i := 0
	for b.Loop() {
		l.put(uuid('a', i))
		i++
	}
}
