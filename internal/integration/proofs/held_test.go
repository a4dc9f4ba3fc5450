package proofs_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// TestHeld has attacks that never succeeded, so that they never do.
func TestHeld(t *testing.T) {
	run(t, []proof{
		{"a session that has ended gets a cookie", cookieAfterEnd},
		{"a client that leaves fails the checks of others", inOrder(leavingClient)},
	})
}

func cookieAfterEnd(a *attack) {
	ctx, store := context.Background(), must(gatemem.New(gatemem.Options{}))
	g := newGate(gate.Config{Locations: fromCookies, Blocklist: store})
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond)
		fmt.Fprint(w, "ok")
	})
	h := g.Renew(gate.RenewOptions{Within: 14*time.Minute + 59*time.Second})(g.Require(gate.Policy{})(app))
	if a.planted { // does not ask the blocklist either
		h = g.Require(gate.Policy{SkipBlocklist: true})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: cookie, Value: "renewed"})
			app.ServeHTTP(w, r)
		}))
	}
	var clients sync.WaitGroup
	var mu sync.Mutex
	for i := range 6 {
		clients.Go(func() {
			for j := range a.rounds(10) {
				sid := fmt.Sprint("session-", i, "-", j)
				raw := access(g, "alice", gate.TokenOptions{ExpiresIn: 10 * time.Minute, SessionID: sid})
				under := make(chan struct{})
				go func() { visit(h, raw); close(under) }()
				err := store.RevokeSession(ctx, sid, stores.Note{})
				_, late := visit(h, raw)
				<-under
				mu.Lock()
				if err != nil || late != "" {
					a.gain("%s: %q, %v", sid, late, err)
				}
				mu.Unlock()
			}
		})
	}
	clients.Wait()
}

// together answers checks that come at the same time by the first one's, as a careless
// cache does.
type together struct {
	gate.Blocklist
	mu      sync.Mutex
	running *answer
}

type answer struct {
	done    chan struct{}
	blocked bool
	err     error
}

func (b *together) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	b.mu.Lock()
	if running := b.running; running != nil {
		b.mu.Unlock()
		<-running.done
		return running.blocked, running.err
	}
	mine := &answer{done: make(chan struct{})}
	b.running = mine
	b.mu.Unlock()
	mine.blocked, mine.err = b.Blocklist.Blocked(ctx, t)
	b.mu.Lock()
	b.running = nil
	b.mu.Unlock()
	close(mine.done)
	return mine.blocked, mine.err
}

// inOrder runs an attack on the planted fault by a clock of its own, so that the timers of
// the attack go off in their order on a loaded machine too.
func inOrder(attempt func(*attack)) func(*attack) {
	return func(a *attack) {
		if !a.planted {
			attempt(a)
			return
		}
		synctest.Test(a.TB.(*testing.T), func(*testing.T) {
			attempt(a)
			time.Sleep(time.Minute) // by that clock: the last calls of the store return
		})
	}
}

func leavingClient(a *attack) {
	slow := gate.BlocklistFunc(func(ctx context.Context, t *gate.Token) (bool, error) {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(500 * time.Microsecond):
			return false, nil
		}
	})
	list := gate.Blocklist(stores.NewBreaker(slow, stores.FailurePolicy{}))
	if a.planted {
		list = &together{Blocklist: list}
	}
	g := newGate(gate.Config{Blocklist: list})
	bad, good := access(g, "mallory", gate.TokenOptions{}), access(g, "alice", gate.TokenOptions{})
	stop := make(chan struct{})
	var attackers sync.WaitGroup
	for range 4 {
		attackers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ctx, leave := context.WithTimeout(context.Background(), 100*time.Microsecond)
				_, _ = g.CheckToken(ctx, bad, gate.Policy{})
				leave()
			}
		})
	}
	for range a.rounds(100) {
		time.Sleep(50 * time.Microsecond) // the others come first
		if _, err := check(g, good); err != nil {
			a.gain("alice's check: %v", err)
		}
	}
	close(stop)
	attackers.Wait()
}
