package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

// TestRemoteDue: without Run, one request fetches the set that is due, and the others go
// on with the keys that are there.
func TestRemoteDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(newKey("a"), newKey("b"))
		r := i.remote(t, jwks.Options{})
		wantKeys(t, r, of("a"), "ES256/a")
		i.publish(newKey("b"))
		good := i.handler
		i.serve(func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Second); good(w, r) })
		time.Sleep(15*time.Minute - 1)
		wantKeys(t, r, of("a"), "ES256/a")
		i.wantFetches(t, 1)
		time.Sleep(time.Nanosecond)
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { wantKeys(t, r, of("a")) })
		synctest.Wait()
		for range 100 {
			wantKeys(t, r, of("a"), "ES256/a")
		}
		if time.Since(start) != 0 {
			t.Error("a second request has waited")
		}
		wg.Wait()
		wantKeys(t, r, of("a"))
		i.wantFetches(t, 2)
	})
}

// TestRemoteRun: while Run runs, no token with a known key fetches or waits, and a key
// that was taken out is refused within Refresh.
func TestRemoteRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(newKey("a"), newKey("b"))
		r := i.remote(t, jwks.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := r.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
		})
		synctest.Wait()
		i.wantFetches(t, 1)
		i.publish(newKey("b"))
		good := i.handler
		i.serve(func(w http.ResponseWriter, r *http.Request) { time.Sleep(2 * time.Second); good(w, r) })
		accepted := 0
		for range 15 * 60 {
			before := time.Now()
			found, err := r.VerificationKeys(t.Context(), of("a"))
			if err != nil {
				t.Fatal(err)
			}
			// When the key has gone, a token of it is one with an unknown kid.
			if len(found) > 0 && time.Since(before) > 0 {
				t.Fatal("a good token has waited")
			}
			accepted += len(found)
			time.Sleep(time.Second)
		}
		wantKeys(t, r, of("a"))
		if accepted < 600 {
			t.Errorf("the key was accepted for %d s after it was taken out", accepted)
		}
		cancel()
		wg.Wait()
	})
}

// TestRemoteOutage: the keys serve while the issuer is down, up to MaxStale, then
// tokens are answered with an error, until it is back.
func TestRemoteOutage(t *testing.T) {
	for _, run := range []bool{false, true} {
		t.Run(fmt.Sprintf("Run %v", run), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newIssuer(newKey("a"))
				good := i.handler
				r := i.remote(t, jwks.Options{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if run {
					go r.Run(ctx)
					synctest.Wait()
				}
				wantKeys(t, r, of("a"), "ES256/a")
				i.fail()
				for range 24*60 - 1 {
					time.Sleep(time.Minute)
					wantKeys(t, r, of("a"), "ES256/a")
				}
				if n := i.fetches.Load(); n > 24*60*2+1 {
					t.Errorf("%d fetches in a day, and the cooldown is 30 s", n)
				}
				wantError(t, r, of("new"), "status 502")
				if h := r.Health(); h.Err == nil || h.Failures < 100 || h.Keys != 1 {
					t.Errorf("health = %+v", h)
				}
				time.Sleep(2 * time.Minute)
				wantError(t, r, of("a"), "status 502")
				if r.Ready(t.Context()) == nil {
					t.Error("ready, with keys too old to serve")
				}
				i.serve(good)
				time.Sleep(time.Minute)
				wantKeys(t, r, of("a"), "ES256/a")
				if h := r.Health(); h.Err != nil || h.Failures != 0 {
					t.Errorf("health = %+v", h)
				}
			})
		})
	}
}

// TestRemoteColdOutage: without a first set, tokens are answered with an error, and the
// issuer is asked less and less often.
func TestRemoteColdOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(newKey("a"))
		good := i.handler
		i.fail()
		r := i.remote(t, jwks.Options{})
		for range 600 {
			wantError(t, r, of("a"), "status 502")
			time.Sleep(100 * time.Millisecond)
		}
		if n := i.fetches.Load(); n < 5 || n > 7 {
			t.Errorf("%d fetches in the first minute", n)
		}
		i.serve(good)
		time.Sleep(36 * time.Second)
		wantKeys(t, r, of("a"), "ES256/a")
	})
}

// TestRemoteLive: the shortcut by header follows the set while Run runs, up to MaxStale.
func TestRemoteLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newKey("a"), newKey("b")
		i := newIssuer(a)
		r := i.remote(t, jwks.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { r.Run(ctx) })
		synctest.Wait()
		known := func(k *keys.Key) bool { return r.ForHeader(k.Header()) != nil }
		if !known(a) || known(b) {
			t.Error("after the first fetch")
		}
		i.publish(b)
		time.Sleep(time.Minute)
		wantKeys(t, r, of("b"), "ES256/b")
		if known(a) || !known(b) {
			t.Error("after a fetch for an unknown kid")
		}
		i.publish(a, b)
		time.Sleep(15 * time.Minute)
		if !known(a) || !known(b) {
			t.Error("after Run has fetched")
		}
		i.fail()
		closed := r.Health().Closed
		time.Sleep(time.Until(closed) - time.Second)
		if !known(a) {
			t.Error("before MaxStale is over")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if known(a) {
			t.Error("after MaxStale")
		}
		i.publish(a)
		time.Sleep(time.Minute)
		if !known(a) {
			t.Error("when the issuer is back")
		}
		cancel()
		wg.Wait()
		if !known(a) {
			t.Error("after Run, within Refresh")
		}
		time.Sleep(15 * time.Minute)
		if known(a) {
			t.Error("after Run, when the set is due")
		}
	})
}
