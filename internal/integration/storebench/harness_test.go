//go:build unix

package storebench_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A body is one way to ask one store, by so many goroutines at once.
type body struct {
	store, who string
	goroutines int
	// check asks once, for the token of that number.
	check func(i int) error
	slow  bool // waits for the disk

	each int       // checks of one goroutine in a batch of about batchTime
	rate []float64 // checks per second, by round
}

func (b *body) name() string { return fmt.Sprintf("revocation/%s-%d/%s", b.store, b.goroutines, b.who) }

const batchTime = 40 * time.Millisecond

// rounds is how often to measure, or a skipped test.
func rounds(t *testing.T) int {
	n, _ := strconv.Atoi(os.Getenv("ROUNDS"))
	if n <= 0 {
		t.Skip("a benchmark is not a test; set ROUNDS to run it")
	}
	return n
}

// run makes a batch and returns checks per second.
func (b *body) run(t *testing.T, each int) float64 {
	t.Helper()
	var wg sync.WaitGroup
	errs := make(chan error, b.goroutines)
	start := time.Now()
	for g := range b.goroutines {
		wg.Go(func() {
			for i := range each {
				if err := b.check(g*7919 + i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	d := time.Since(start)
	select {
	case err := <-errs:
		t.Fatalf("%s: %v", b.name(), err)
	default:
	}
	return float64(each*b.goroutines) / d.Seconds()
}

// calibrate warms up and finds how many checks make a batch.
func (b *body) calibrate(t *testing.T) {
	warm, first := 2*tokens, 1000
	if b.slow {
		warm, first = 200, 200
	}
	b.run(t, warm/b.goroutines+1)
	rate := b.run(t, first/b.goroutines+1)
	b.each = int(rate*batchTime.Seconds())/b.goroutines + 1
	b.each = int(b.run(t, b.each)*batchTime.Seconds())/b.goroutines + 1
}

// compare measures bodies in short batches, in a fresh random order each round, so
// that slow phases of the machine hit all alike, and prints a line for each: the
// median rate, and the median of its ratios to the body of that store and number of
// goroutines which is named floor. ONLY picks the bodies whose name contains it.
func compare(t *testing.T, n int, bodies []*body, floor string) {
	only := os.Getenv("ONLY")
	bodies = slices.DeleteFunc(bodies, func(b *body) bool { return b.who != floor && !strings.Contains(b.name(), only) })
	for _, b := range bodies {
		b.calibrate(t)
	}
	for range n {
		for _, i := range rand.Perm(len(bodies)) {
			runtime.GC() // each pays for its own garbage
			bodies[i].rate = append(bodies[i].rate, bodies[i].run(t, bodies[i].each))
		}
	}
	for _, b := range bodies {
		at := slices.IndexFunc(bodies, func(o *body) bool {
			return o.store == b.store && o.goroutines == b.goroutines && o.who == floor
		})
		ratio := make([]float64, n)
		for i := range ratio {
			ratio[i] = b.rate[i] / bodies[at].rate[i]
		}
		fmt.Printf("bench %s %.0f/s x%.2f\n", b.name(), median(b.rate), median(ratio))
	}
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
