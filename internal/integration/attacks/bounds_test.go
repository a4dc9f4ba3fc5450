package attacks_test

import (
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bounds are the limits on one call that a case names.
type bounds struct {
	millis, bytes int64 // -1: no limit
}

// readBounds takes the limits out of mustNot and returns the rest.
func readBounds(t *testing.T, mustNot []string) (b bounds, rest []string) {
	t.Helper()
	b = bounds{-1, -1}
	for _, m := range mustNot {
		name, number, _ := strings.Cut(m, ":")
		n, err := strconv.ParseInt(number, 10, 64)
		switch {
		case name == "maxMillis" && err == nil:
			b.millis = n
		case name == "maxAllocBytes" && err == nil:
			b.bytes = n
		default:
			rest = append(rest, m)
		}
	}
	return b, rest
}

// check measures f, the best of several calls: what a busy machine adds is not
// f's. prepare makes what a call consumes, and is not counted.
func (b bounds) check(t *testing.T, prepare func() func()) {
	t.Helper()
	if b.millis < 0 && b.bytes < 0 {
		return
	}
	best, least := time.Duration(1<<62), uint64(1<<62)
	var before, after runtime.MemStats
	for range 7 {
		f := prepare()
		runtime.ReadMemStats(&before)
		start := time.Now()
		f()
		best = min(best, time.Since(start))
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if b.millis >= 0 && best > time.Duration(b.millis)*time.Millisecond {
		t.Errorf("best of 7 calls took %v, want at most %d ms", best, b.millis)
	}
	if b.bytes >= 0 && least > uint64(b.bytes) {
		t.Errorf("a call allocated %d bytes, want at most %d", least, b.bytes)
	}
}

// TestBoundsAreChecked: a measure that cannot fail measures nothing.
func TestBoundsAreChecked(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    bounds
		f    func()
	}{
		{"allocations", bounds{-1, 4096}, func() { sink = make([]byte, 8192) }},
		{"time", bounds{1, -1}, func() {
			for start := time.Now(); time.Since(start) < 3*time.Millisecond; {
			}
		}},
	} {
		probe := &testing.T{}
		tt.b.check(probe, func() func() { return tt.f })
		if !probe.Failed() {
			t.Errorf("%s over the limit were not noticed", tt.name)
		}
	}
}

var sink []byte

// outward fails a case that reaches for the network through net/http.
type outward struct{ t *testing.T }

func (o outward) RoundTrip(r *http.Request) (*http.Response, error) {
	o.t.Errorf("request to %s", r.URL)
	return nil, io.ErrUnexpectedEOF
}

// offline lets no request of net/http's default client leave while f runs.
func offline(t *testing.T, f func()) {
	old := http.DefaultTransport
	http.DefaultTransport = outward{t}
	defer func() { http.DefaultTransport = old }()
	f()
}
