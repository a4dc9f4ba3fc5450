//go:build unix

package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// long reports whether the long form is asked for.
func long() bool { return os.Getenv("FAULTS") == "long" }

// pick is the number for the short form, or for the long one.
func pick(short, ifLong int) int {
	if long() {
		return ifLong
	}
	return short
}

// A finding is what one run of a fault came to.
type finding struct {
	bad, of int
	closed  int    // of those of, refused because the store took itself for wiped
	what    string // that of is a number of, and bad broke: "acknowledged revocations lost"
	more    string // other figures
}

func (f *finding) add(o finding) {
	f.bad, f.of, f.closed, f.what = f.bad+o.bad, f.of+o.of, f.closed+o.closed, o.what
}

// open makes closed stores a broken promise, where nothing was wiped.
func (f finding) open() finding {
	f.bad += f.closed
	return f
}

// holds prints what was found and fails the test where a promise was broken, or
// nothing was looked at.
func holds(t *testing.T, name string, f finding) {
	t.Helper()
	fmt.Printf("%s: %d of %d %s%s\n", name, f.bad, f.of, f.what, f.more)
	if f.bad != 0 || f.of == 0 {
		t.Errorf("%s: %d of %d %s, want 0 of many", name, f.bad, f.of, f.what)
	}
}

// caught prints what was found of a planted bug, and fails the test where nothing was.
func caught(t *testing.T, name, bug string, f finding) {
	t.Helper()
	verdict := "caught"
	if f.bad == 0 {
		verdict = "NOT caught"
	}
	fmt.Printf("%s, planted %s: %d of %d %s: %s\n", name, bug, f.bad, f.of, f.what, verdict)
	if f.bad == 0 {
		t.Errorf("%s: the planted bug (%s) was not caught in %d", name, bug, f.of)
	}
}

// revoker is what a planted store has to offer.
type revoker interface {
	gate.Blocklist
	RevokeToken(ctx context.Context, t *gate.Token, n stores.Note) error
}

// bestOf runs again what a busy machine may spoil, and returns the first run of three in
// which nothing was broken. A fault of the store breaks it each time.
func bestOf(run func() finding) (f finding) {
	for range 3 {
		if f = run(); f.bad == 0 {
			return f
		}
	}
	return f
}

var serial atomic.Int64

// newToken returns an access token nobody has seen, with a session and one of a
// thousand subjects.
func newToken() *gate.Token {
	n := serial.Add(1)
	now := time.Now().Truncate(time.Second)
	return &gate.Token{
		ID: fmt.Sprintf("token-%d", n), SessionID: fmt.Sprintf("session-%d", n), Subject: fmt.Sprintf("subject-%d", n%1000),
		IssuedAt: now, Expiry: now.Add(time.Hour), Type: gate.Access,
	}
}

// callLimit bounds one call of the harness where a test sets no time.
const callLimit = 2 * time.Second

// connect returns a client as gateredis advises: it gives up on dead connections.
func connect(t *testing.T, o rueidis.ClientOption) rueidis.Client {
	t.Helper()
	o.ConnWriteTimeout, o.Dialer.Timeout = time.Second, time.Second
	o.ClientTrackingOptions = gateredis.Tracking("")
	if o.Sentinel.MasterSet != "" {
		o.Sentinel.TopologyRefreshInterval = 5 * time.Second
	}
	client, err := rueidis.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func alone(addr string) rueidis.ClientOption {
	return rueidis.ClientOption{InitAddress: []string{addr}, ForceSingleClient: true}
}

// newStore returns a node's store, ready, which trusts tokens from before it.
func newStore(t *testing.T, client rueidis.Client, o gateredis.Options) *gateredis.Store {
	t.Helper()
	o.TrustOlderTokens = true
	return newStrictStore(t, client, o)
}

func newStrictStore(t *testing.T, client rueidis.Client, o gateredis.Options) *gateredis.Store {
	t.Helper()
	s, err := gateredis.New(client, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// nodes returns stores of so many nodes on one server.
func nodes(t *testing.T, n int, co rueidis.ClientOption, o gateredis.Options) []*gateredis.Store {
	t.Helper()
	list := make([]*gateredis.Store, n)
	for i := range list {
		list[i] = newStore(t, connect(t, co), o)
	}
	return list
}

// A ledger is what was acknowledged as revoked.
type ledger struct {
	mu     sync.Mutex
	tokens []*gate.Token
	acked  []time.Time // when, of those that write has added
	errors int
	lost   []int // which of tokens audit has found lost
}

func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.tokens)
}

// write revokes new tokens by so many writers until ctx ends.
func (l *ledger) write(ctx context.Context, store revoker, writers int) {
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for ctx.Err() == nil {
				tok := newToken()
				call, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
				err := store.RevokeToken(call, tok, stores.Note{})
				cancel()
				l.mu.Lock()
				if err == nil {
					l.tokens, l.acked = append(l.tokens, tok), append(l.acked, time.Now())
				} else {
					l.errors++
				}
				l.mu.Unlock()
				if err != nil {
					nap(ctx, time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
}

// audit asks a store for every token of the ledger, and again where it has no answer,
// and counts those that it would let in. Those it has no answer for in all that time
// count as lost too; those that a wiped store refuses to judge are not let in.
func (l *ledger) audit(ctx context.Context, list gate.Blocklist) finding {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second+time.Duration(len(l.tokens))*time.Millisecond)
	defer cancel()
	var closed atomic.Int64
	l.lost = nil
	var wg sync.WaitGroup
	for part := range 16 {
		wg.Go(func() {
			for i := part; i < len(l.tokens); i += 16 {
				blocked, err := persist(ctx, list, l.tokens[i])
				switch {
				case closedForGood(err):
					closed.Add(1)
				case err != nil || !blocked:
					l.mu.Lock()
					l.lost = append(l.lost, i)
					l.mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return finding{bad: len(l.lost), of: len(l.tokens), closed: int(closed.Load()), what: "acknowledged revocations lost"}
}

// persist asks until there is an answer.
func persist(ctx context.Context, list gate.Blocklist, tok *gate.Token) (blocked bool, err error) {
	for {
		call, cancel := context.WithTimeout(ctx, callLimit)
		blocked, err = list.Blocked(call, tok)
		cancel()
		if err == nil || closedForGood(err) || !nap(ctx, 5*time.Millisecond) {
			return blocked, err
		}
	}
}

// nap waits; false when ctx has ended.
func nap(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// between is a random time.
func between(low, high time.Duration) time.Duration {
	return low + rand.N(high-low)
}
