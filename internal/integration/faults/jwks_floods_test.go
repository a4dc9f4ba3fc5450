package faults_test

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

// TestForgedKeyIDs sends forged tokens with random key IDs.
func TestForgedKeyIDs(t *testing.T) {
	const n = 100_000
	p, clock, count := newProvider(t), new(skewed), new(marked)
	good := p.token(t, p.ring[0])
	r := remote(t, p, jwks.Options{Clock: clock.now, Client: &http.Client{Transport: count}})
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The cooldown of the first fetch is over when the flood begins.
	clock.forward(time.Minute)
	g := verifier(t, r)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	bad, of := 0, 0
	slower := bestOf(func() finding {
		var usual, flooded []time.Duration
		// In turn, so that slow moments of the machine hit both alike.
		for range 10 {
			took, _ := flood(t, g, good, n/20, 500*time.Millisecond, known)
			usual = append(usual, took...)
			took, refused := flood(t, g, good, n/10, time.Second, random)
			flooded, bad, of = append(flooded, took...), bad+refused, of+len(took)
		}
		good99, usual99 := p99(flooded), p99(usual)
		ratio := float64(good99) / float64(usual99)
		return finding{bad: over(ratio, 1.25), of: 1, what: "p99 of good tokens beyond 1.25x of a flood with a known kid",
			more: fmt.Sprintf("; %s and %s, %.2fx", good99, usual99, ratio)}
	})
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)) / (1 << 20)
	fetches := int(p.fetches.Load())
	holds(t, "F15 random kids", finding{bad: max(fetches-2, 0), of: n, what: "made a fetch too many", more: fmt.Sprintf("; %d fetches in all", fetches)})
	holds(t, "F15 random kids", finding{bad: bad + int(count.fetches.Load()), of: of, what: "good tokens refused, or in a fetch"})
	holds(t, "F15 random kids", slower)
	holds(t, "F15 random kids", finding{bad: over(grown, 2), of: 1, what: "heap grown beyond 2 MiB", more: fmt.Sprintf("; %.2f MiB", grown)})

	fetches = int(p.fetches.Load())
	flood(t, verifier(t, &eager{url: p.URL}), good, 1000, time.Second, random)
	caught(t, "F15", "a fetch for each unknown kid", finding{bad: int(p.fetches.Load()) - fetches - 2, of: 1000, what: "made a fetch too many"})
}

func over(got, limit float64) int {
	if got > limit {
		return 1
	}
	return 0
}

// TestIssuerFails lets the issuer fail in many ways, and then be down for an hour and a day.
func TestIssuerFails(t *testing.T) {
	for _, h := range hostile(t) {
		f, allocated := survives(t, h.handler, func(p *provider, clock *skewed) keys.Source {
			return remote(t, p, jwks.Options{Clock: clock.now, Timeout: 200 * time.Millisecond})
		})
		holds(t, "F16 "+h.name, f)
		holds(t, "F16 "+h.name, finding{bad: over(allocated, 2), of: 1, what: "more than 2 MiB allocated", more: fmt.Sprintf("; %.2f MiB", allocated)})
	}
	f, _ := survives(t, http.NotFoundHandler(), func(p *provider, clock *skewed) keys.Source {
		return &eager{url: p.URL, clock: clock, refresh: time.Minute}
	})
	caught(t, "F16", "keys dropped on an error", f)
	outage(t)
}

// survives checks good tokens for an hour of the fake clock, while the issuer answers
// with h. It returns the MiB that a fetch has allocated, server included.
func survives(t *testing.T, h http.Handler, source func(*provider, *skewed) keys.Source) (finding, float64) {
	t.Helper()
	p, clock := newProvider(t), new(skewed)
	good := p.token(t, p.ring[0])
	g := verifier(t, source(p, clock))
	f := finding{what: "good tokens refused"}
	check := func() {
		f.of++
		if _, err := g.CheckToken(t.Context(), good, gate.Policy{}); err != nil {
			f.bad++
		}
	}
	check()
	p.serve(h)
	clock.forward(20 * time.Minute)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	check()
	runtime.ReadMemStats(&after)
	for range 20 {
		clock.forward(2 * time.Minute)
		check()
	}
	if p.fetches.Load() < 3 {
		t.Errorf("the issuer was asked %d times", p.fetches.Load())
	}
	return f, float64(after.TotalAlloc-before.TotalAlloc) / (1 << 20)
}

// outage takes the issuer's server away: good tokens go on for a day, and no longer.
func outage(t *testing.T) {
	t.Helper()
	p, clock := newProvider(t), new(skewed)
	good := p.token(t, p.ring[0])
	g := verifier(t, remote(t, p, jwks.Options{Clock: clock.now}))
	hour, late := finding{what: "good tokens refused in an hour without the issuer"}, finding{what: "tokens accepted after MaxStale"}
	check := func() error {
		_, err := g.CheckToken(t.Context(), good, gate.Policy{})
		return err
	}
	if err := check(); err != nil {
		t.Fatal(err)
	}
	p.Close()
	for range 3600 {
		clock.forward(time.Second)
		hour.of++
		if check() != nil {
			hour.bad++
		}
	}
	holds(t, "F16 down", hour)
	clock.forward(23 * time.Hour)
	for range 60 {
		clock.forward(time.Minute)
		late.of++
		err := check()
		if err == nil || errors.Is(err, gate.ErrInvalid) {
			late.bad++
		}
	}
	holds(t, "F16 down for a day", late)
}

// TestIssuerRotatesKeys rotates the issuer's key, and takes the old one away.
func TestIssuerRotatesKeys(t *testing.T) {
	promise := jwks.Options{Cooldown: 30 * time.Second, Refresh: 15 * time.Minute}
	p, clock := newProvider(t), new(skewed)
	promise.Clock = clock.now
	overlap, added, removed := rotate(t, p, clock, remote(t, p, promise))
	holds(t, "F17 rotation", overlap)
	holds(t, "F17 rotation", finding{bad: over(added.Seconds(), 30), of: 1, what: "new key accepted later than 30s", more: fmt.Sprintf("; %s", added)})
	holds(t, "F17 rotation", finding{bad: over(removed.Minutes(), 15), of: 1, what: "removed key refused later than 15m", more: fmt.Sprintf("; %s", removed)})

	p = newProvider(t)
	_, _, removed = rotate(t, p, clock, &eager{url: p.URL, clock: clock, refresh: 24 * time.Hour})
	caught(t, "F17", "keys kept for a day", finding{bad: over(removed.Minutes(), 15), of: 1, what: "removed key refused later than 15m"})
}

// rotate adds a key and checks tokens of both each second, then removes the old one.
func rotate(t *testing.T, p *provider, clock *skewed, source keys.Source) (overlap finding, added, removed time.Duration) {
	t.Helper()
	g := verifier(t, source)
	oldKey, newKey := p.ring[0], signingKey(t, "second")
	oldToken, newToken := p.token(t, oldKey), p.token(t, newKey)
	accepts := func(raw string) bool {
		_, err := g.CheckToken(t.Context(), raw, gate.Policy{})
		return err == nil
	}
	overlap.what = "good tokens refused meanwhile"
	tick := func() {
		clock.forward(time.Second)
		overlap.of++
		if !accepts(oldToken) {
			overlap.bad++
		}
	}
	tick()
	// The new key is used before it is published, too: that must not delay it.
	for range 10 {
		tick()
		accepts(newToken)
	}
	p.publish(t, newKey, oldKey)
	for ; !accepts(newToken) && added < time.Hour; added += time.Second {
		tick()
	}
	for range 60 {
		tick()
	}
	p.publish(t, newKey)
	for ; accepts(oldToken) && removed < time.Hour; removed += time.Second {
		clock.forward(time.Second)
		overlap.of++
		if !accepts(newToken) {
			overlap.bad++
		}
	}
	return overlap, added, removed
}
