package bench_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A body is one thing that is measured. Its name is group/algorithm/who; the body
// of a group and algorithm whose who is "floor" is what the others are divided by.
type body struct {
	group, alg, who string
	run             func(n int) error // n times
	bare            string            // of middleware: the handler without it
	bytes           bool              // also report the bytes that a run allocates

	batch int       // runs in one batch of about two milliseconds
	ns    []float64 // per run, by round
}

func (b *body) name() string { return b.group + "/" + b.alg + "/" + b.who }

// bodies are all of them, in the order in which they are reported.
var bodies []*body

func add(group, alg, who string, run func() error) *body {
	b := &body{group: group, alg: alg, who: who, run: func(n int) error {
		for range n {
			if err := run(); err != nil {
				return err
			}
		}
		return nil
	}}
	bodies = append(bodies, b)
	return b
}

const batchTime = 2 * time.Millisecond

// TestBench compares with other libraries, if ROUNDS says how often. All bodies run
// in one process on one core, in short batches and in a fresh random order each
// round, so that slow phases of the machine hit all of them alike; what counts is
// the median of the ratios of a round. The clock is the processor time of the
// process, garbage collection and all. ONLY picks the bodies whose name contains it.
func TestBench(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("ROUNDS"))
	if rounds <= 0 {
		t.Skip("a benchmark is not a test; set ROUNDS to run it")
	}
	addAll(t)
	picked := pick(os.Getenv("ONLY"))
	if len(picked) == 0 {
		t.Fatal("ONLY picks no body")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, b := range picked {
		b.calibrate(t)
	}
	for range rounds {
		for _, i := range rand.Perm(len(picked)) {
			picked[i].measure(t)
		}
	}
	report(picked)
	for _, b := range picked {
		b.reportMemory()
	}
}

// pick takes the bodies whose name contains only, each with the floor of its group.
func pick(only string) []*body {
	only = strings.ToLower(only)
	wanted := map[string]bool{}
	for _, b := range bodies {
		if strings.Contains(b.name(), only) {
			wanted[b.group+"/"+b.alg] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(bodies), func(b *body) bool {
		needed := b.who == "floor" || b.isBare()
		return !strings.Contains(b.name(), only) && !(needed && wanted[b.group+"/"+b.alg])
	})
}

func (b *body) isBare() bool { return b.group == "middleware" && b.bare == "" }

// calibrate warms up and finds how many runs make a batch.
func (b *body) calibrate(t *testing.T) {
	if err := b.run(50); err != nil {
		t.Fatalf("%s: %v", b.name(), err)
	}
	for range 3 {
		n := 1
		for {
			start := cpuTime()
			if err := b.run(n); err != nil {
				t.Fatalf("%s: %v", b.name(), err)
			}
			if d := cpuTime() - start; d > batchTime*3/4 || n > 1<<20 {
				break
			}
			n *= 2
		}
		b.batch = max(b.batch, n)
	}
}

func (b *body) measure(t *testing.T) {
	start := cpuTime()
	err := b.run(b.batch)
	d := cpuTime() - start
	if err != nil {
		t.Fatalf("%s: %v", b.name(), err)
	}
	b.ns = append(b.ns, float64(d.Nanoseconds())/float64(b.batch))
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// ratio is the median of a/b over the rounds.
func ratio(a, b *body) float64 {
	q := make([]float64, len(a.ns))
	for i := range q {
		q[i] = a.ns[i] / b.ns[i]
	}
	return median(q)
}

func find(list []*body, b *body, who string) *body {
	i := slices.IndexFunc(list, func(o *body) bool { return o.group == b.group && o.alg == b.alg && o.who == who })
	if i < 0 {
		return nil
	}
	return list[i]
}

// report prints a line per body: median nanoseconds, ratio to the floor. Then how
// many times faster than each other library the gate is, and what a middleware
// adds to its bare handler, in what the floor's adds.
func report(list []*body) {
	for _, b := range list {
		r, digits := ratio(b, find(list, b, "floor")), 2
		if r < 0.1 {
			digits = 4
		}
		fmt.Printf("bench %s %.0f x%.*f\n", b.name(), median(b.ns), digits, r)
	}
	for _, b := range list {
		if gate := find(list, b, "gate"); gate != nil && b.isPeer() {
			fmt.Printf("faster %s/%s/gate than %s x%.1f\n", b.group, b.alg, b.who, ratio(b, gate))
		}
	}
	for _, b := range list {
		if b.bare == "" {
			continue
		}
		fmt.Printf("adds %s x%.2f\n", b.name(), added(list, b))
	}
}

// isPeer tells other libraries from the gate, the floor and bare handlers.
func (b *body) isPeer() bool {
	return !b.isBare() && !strings.HasPrefix(b.who, "gate") && !strings.HasPrefix(b.who, "floor")
}

func added(list []*body, b *body) float64 {
	floor := find(list, b, "floor")
	bare, floorBare := find(list, b, b.bare), find(list, b, floor.bare)
	q := make([]float64, len(b.ns))
	for i := range q {
		q[i] = (b.ns[i] - bare.ns[i]) / (floor.ns[i] - floorBare.ns[i])
	}
	return median(q)
}

// reportMemory prints what a run allocates. The count is the smallest of several,
// since a garbage collection that falls between empties pools.
func (b *body) reportMemory() {
	const runs = 20
	allocs, bytes := uint64(1<<62), uint64(1<<62)
	var before, after runtime.MemStats
	for range 5 {
		runtime.ReadMemStats(&before)
		_ = b.run(runs) // has run without error before
		runtime.ReadMemStats(&after)
		allocs = min(allocs, (after.Mallocs-before.Mallocs)/runs)
		bytes = min(bytes, (after.TotalAlloc-before.TotalAlloc)/runs)
	}
	fmt.Printf("allocs %s %d\n", b.name(), allocs)
	if b.bytes {
		fmt.Printf("bytes %s %d\n", b.name(), bytes)
	}
}
