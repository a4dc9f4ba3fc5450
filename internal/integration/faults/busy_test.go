//go:build unix

package faults_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// TestBusyProcess has 256 clients that need so much CPU that each waits 400 ms for a core,
// and a store that is healthy: at most one request in a thousand may be refused, and the
// circuit stays closed.
func TestBusyProcess(t *testing.T) {
	server := servers.StartRedis(t, servers.Durable...)
	store := newStore(t, connect(t, alone(server.Addr)), gateredis.Options{})
	f := bestOf(func() finding { // the server too may wait for a core, for longer than is healthy
		breaker := stores.NewBreaker(store, stores.FailurePolicy{})
		f := busy(t, breaker)
		s := breaker.Stats()
		f.more = fmt.Sprintf(" (%d refused; circuit opened %d times; the last failure: %v)", f.bad, s.Opened, s.LastError)
		if f.bad <= f.of/1000 && s.Opened == 0 {
			f.bad = 0
		}
		return f
	})
	holds(t, "F24 busy process, 256 clients", f)
	caught(t, "F24", "a timeout that counts the wait for a core", busy(t, impatient{store}))
}

// impatient gives up by the clock on the wall.
type impatient struct{ gate.Blocklist }

func (i impatient) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 250*time.Millisecond)
	defer cancel()
	return i.Blocklist.Blocked(ctx, t)
}

// busy counts refused requests.
func busy(t *testing.T, list gate.Blocklist) finding {
	var refused, all atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(pick(4, 30))*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	const clients = 256
	work := 400 * time.Millisecond * time.Duration(runtime.GOMAXPROCS(0)) / clients
	for range clients {
		tok := newToken()
		wg.Go(func() {
			for ctx.Err() == nil {
				for begun := time.Now(); time.Since(begun) < work; {
				}
				all.Add(1)
				if blocked, err := list.Blocked(context.Background(), tok); blocked || err != nil {
					refused.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return finding{bad: int(refused.Load()), of: int(all.Load()), what: "requests refused while the store was healthy"}
}
