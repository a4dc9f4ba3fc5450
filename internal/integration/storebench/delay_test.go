//go:build unix

package storebench_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// TestDelay measures the time from an acknowledged revocation until another node
// refuses the token, and prints p50 and p99. 0 is: at the first check.
func TestDelay(t *testing.T) {
	n := 50 * rounds(t)
	server := servers.StartRedis(t, servers.Everysec...)
	writer := newStore(t, connect(t, server.Addr, nil), 0)
	for _, reader := range []struct {
		who string
		*gateredis.Store
	}{
		{"gateredis", newStore(t, connect(t, server.Addr, nil), 0)},
		{"gateredis-cached", newStore(t, connect(t, server.Addr, gateredis.Tracking("")), time.Second)},
	} {
		var delays []time.Duration
		for i := range n {
			now := time.Now()
			tok := &gate.Token{ID: fmt.Sprint(reader.who, i), IssuedAt: now, Expiry: now.Add(time.Hour), Type: gate.Access}
			if blocked, err := reader.Blocked(t.Context(), tok); blocked || err != nil {
				t.Fatalf("Blocked = %v, %v", blocked, err)
			}
			if err := writer.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
				t.Fatal(err)
			}
			delays = append(delays, untilRefused(t, reader.Store, tok))
		}
		slices.Sort(delays)
		fmt.Printf("bench revocation/redis-delay/%s p50 %v p99 %v max %v of %d\n", reader.who, delays[n/2], delays[n*99/100], delays[n-1], n)
	}
}

// untilRefused is the start of the first check that refuses, since the call.
func untilRefused(t *testing.T, s *gateredis.Store, tok *gate.Token) time.Duration {
	t.Helper()
	acknowledged := time.Now()
	for first := true; ; first = false {
		begun := time.Since(acknowledged)
		blocked, err := s.Blocked(t.Context(), tok)
		switch {
		case err != nil:
			t.Fatal(err)
		case blocked && first:
			return 0
		case blocked:
			return begun
		case begun > 10*time.Second:
			t.Fatal("a revoked token is never refused")
		}
	}
}

// TestSize measures what an entry takes of the server's memory.
func TestSize(t *testing.T) {
	rounds(t)
	server := servers.StartRedis(t, servers.Everysec...)
	s := newStore(t, connect(t, server.Addr, nil), 0)
	const n = 100_000
	now := time.Now()
	note := stores.Note{By: "admin@example.com", Why: "reported stolen"}
	for _, entry := range []struct {
		name   string
		revoke func(i int) error
	}{
		{"token", func(i int) error {
			tok := &gate.Token{ID: fmt.Sprintf("6f1c3d1e-8f0a-4a53-9d57-%012d", i), IssuedAt: now, Expiry: now.Add(time.Hour)}
			return s.RevokeToken(t.Context(), tok, stores.Note{})
		}},
		{"token-with-note", func(i int) error {
			tok := &gate.Token{ID: fmt.Sprintf("noted-%012d", i), IssuedAt: now, Expiry: now.Add(time.Hour)}
			return s.RevokeToken(t.Context(), tok, note)
		}},
		{"session", func(i int) error { return s.RevokeSession(t.Context(), fmt.Sprint("sid-", i), stores.Note{}) }},
		{"subject", func(i int) error {
			return s.RevokeSubject(t.Context(), fmt.Sprint("user-", i), stores.SubjectOptions{}, stores.Note{})
		}},
	} {
		before, start := memory(t, server), time.Now()
		work := make(chan int)
		done := make(chan error)
		for range 64 {
			go func() {
				for i := range work {
					if err := entry.revoke(i); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for i := range n {
			work <- i
		}
		close(work)
		for range 64 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		rate := float64(n) / time.Since(start).Seconds()
		fmt.Printf("size revocation/redis/%s %.0f B an entry, written at %.0f/s\n", entry.name, float64(memory(t, server)-before)/n, rate)
	}
}

// memory is what the server has allocated.
func memory(t *testing.T, r *servers.Redis) (bytes int) {
	t.Helper()
	for line := range strings.Lines(r.CLI("INFO", "memory")) {
		if n, err := fmt.Sscanf(line, "used_memory:%d", &bytes); n == 1 && err == nil {
			return bytes
		}
	}
	t.Fatal("the server does not say what it has allocated")
	return 0
}
