//go:build unix

package faults_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// TestSoak runs random faults of F4 and F5 for as long as SOAK says, on nodes with and
// without a cache, and expects right answers in time, nodes that come back, and no
// growth.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil {
		t.Skip("a soak takes its time; set SOAK, for example to 10m")
	}
	server := servers.StartRedis(t, servers.Durable...)
	s := soak{t: t, server: server, wire: newProxy(t, server.Addr)}
	direct := newStore(t, connect(t, alone(server.Addr)), gateredis.Options{})
	s.jury = newJury(t, 200, direct)
	for _, cacheFor := range []time.Duration{0, 0, time.Second} {
		store := newStore(t, connect(t, alone(s.wire.Listen)), gateredis.Options{CacheFor: cacheFor})
		s.nodes = append(s.nodes, guard(store))
	}
	for range 3 { // the first faults allocate what later ones use again
		s.round()
	}
	goroutines, heap := s.quiet()
	var total finding
	var slowest, back time.Duration
	rounds, lateAnswers := 0, int64(0)
	for end := time.Now().Add(length); time.Now().Before(end); rounds++ {
		f, slow, b := s.round()
		total.add(f)
		lateAnswers += s.late
		slowest, back = max(slowest, slow), max(back, b)
	}
	nowGoroutines, nowHeap := s.quiet()
	total.more = fmt.Sprintf(" (%d faults, slowest %v, back after at most %v, goroutines %d to %d, heap %d to %d KiB)",
		rounds, slowest, back, goroutines, nowGoroutines, heap>>10, nowHeap>>10)
	if late := int(lateAnswers); late > 0 && !long() && late <= total.of/100_000 {
		total.bad -= late // a goroutine has waited for a core of a busy machine
		total.more += fmt.Sprintf(" (%d late)", late)
	}
	holds(t, "F18 soak of "+length.String(), total)
	// A client has up to four connections, each with up to four goroutines.
	if most := 16 * len(s.nodes); nowGoroutines > most || nowHeap > heap+heap/2+4<<20 {
		t.Errorf("growth: goroutines %d to %d (want <= %d), heap %d to %d KiB", goroutines, nowGoroutines, most, heap>>10, nowHeap>>10)
	}
	if back > recovery+500*time.Millisecond {
		t.Errorf("a node was back only %v after the server, want <= %v", back, recovery)
	}
}

type soak struct {
	t      *testing.T
	server *servers.Redis
	wire   *toxiproxy.Proxy
	nodes  []*stores.Breaker
	jury   *jury
	late   int64 // answers of the last round
}

// round has one fault among good times.
func (s *soak) round() (f finding, slowest, back time.Duration) {
	s.hear(between(50*time.Millisecond, 300*time.Millisecond))
	length := between(200*time.Millisecond, 1500*time.Millisecond)
	if i := rand.N(len(toxics) + 2); i < len(toxics) {
		mend := tamper(s.t, s.wire, toxics[i].toxic)
		s.hear(length)
		mend()
	} else {
		s.server.Freeze()
		s.hear(length)
		s.server.Thaw()
	}
	for _, n := range s.nodes {
		back = max(back, s.jury.back(s.t, n))
	}
	s.late = s.jury.late.Load()
	f, times := s.jury.reset()
	return f, quantile(times, 1), back
}

func (s *soak) hear(d time.Duration) {
	var wg sync.WaitGroup
	for _, n := range s.nodes {
		wg.Go(func() { s.jury.hear(gate.Blocklist(n), 4, d) })
	}
	wg.Wait()
}

// quiet returns how many goroutines there are, and how much memory is held, at rest.
func (s *soak) quiet() (goroutines int, heap uint64) {
	s.hear(300 * time.Millisecond)
	s.jury.reset()
	nap(s.t.Context(), 3*time.Second) // given up calls return
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return ours(), m.HeapAlloc
}

// ours counts the goroutines of the stores and their clients. The proxy leaves some of
// its own behind where a toxic is taken away from a connection that hangs.
func ours() (n int) {
	var text strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&text, 1)
	for _, group := range strings.Split(text.String(), "\n\n") {
		var count int
		if _, err := fmt.Sscanf(group, "%d @", &count); err == nil && (strings.Contains(group, "rueidis") || strings.Contains(group, "jwtgate/gate/stores")) {
			n += count
		}
	}
	return n
}
