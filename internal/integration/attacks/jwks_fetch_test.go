package attacks_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate/keys/jwks"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func hugeBody(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.CopyN(w, zeros{}, 4<<20)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func gzipBomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.CopyN(z, zeros{}, 4<<20)
	_ = z.Close()
	_, _ = w.Write(b.Bytes())
}

// redirects checks that a redirect to the place is not followed. own is the URL of the
// set itself.
func redirects(to func(own string) string, want string) func(*testing.T) {
	return func(t *testing.T) {
		var own string
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, to(own), http.StatusFound)
		}))
		defer srv.Close()
		own = srv.URL + "/jwks"
		err := must(jwks.New(own, jwks.Options{InsecureLoopback: true})).Ready(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one with %q", err, want)
		}
	}
}

func forged(kid string) string {
	return b64([]byte(`{"alg":"ES256","kid":"`+kid+`"}`)) + "." + b64([]byte(`{"sub":"root"}`)) + "." + b64(make([]byte, 64))
}

// jwksScenarios are those of fetches, over a clock that stands still while others work.
var jwksScenarios = map[string]func(*testing.T){
	"unknown-kid-flood": func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := ecKey("a")
			p, good := newProvider(publish(a)), signed(a)
			p.want(t, good, "")
			time.Sleep(time.Minute)
			var wg sync.WaitGroup
			for sender := range 64 {
				wg.Go(func() {
					for n := range 1563 {
						p.want(t, forged(fmt.Sprint(sender, "-", n)), "key_unknown")
						p.want(t, good, "")
						time.Sleep(6 * time.Millisecond)
					}
				})
			}
			wg.Wait()
			if n := p.fetches.Load(); n > 2 {
				t.Errorf("%d fetches", n)
			}
		})
	},
	"unknown-kid-then-rotation": func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, b := ecKey("a"), ecKey("b")
			p, good := newProvider(publish(a)), signed(b)
			p.want(t, signed(a), "")
			time.Sleep(time.Minute)
			for n := range 350 {
				p.want(t, forged(fmt.Sprint(n)), "key_unknown")
				time.Sleep(100 * time.Millisecond)
				if n == 50 {
					p.handler = publish(a, b)
				}
			}
			p.want(t, good, "")
		})
	},
	"single-flight": func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := ecKey("a")
			answer, good := publish(a), signed(a)
			p := newProvider(func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Second); answer(w, r) })
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() { p.want(t, good, "") })
			}
			wg.Wait()
			if n := p.fetches.Load(); n != 1 {
				t.Errorf("%d fetches", n)
			}
		})
	},
	"endpoint-down-cold": func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := ecKey("a")
			p, good := newProvider(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }), signed(a)
			for range 600 {
				p.want(t, good, "503")
				time.Sleep(100 * time.Millisecond)
			}
			if n := p.fetches.Load(); n > 7 {
				t.Errorf("%d fetches in a minute", n)
			}
			p.handler = publish(a)
			time.Sleep(time.Minute)
			p.want(t, good, "")
		})
	},
	"slow": func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := ecKey("a")
			p, good := newProvider(publish(a)), signed(a)
			p.want(t, good, "")
			time.Sleep(time.Minute)
			p.handler = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
			start := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() { p.want(t, forged("b"), "503") })
			synctest.Wait()
			p.want(t, good, "")
			if time.Since(start) != 0 {
				t.Error("a token with a known kid has waited")
			}
			wg.Wait()
			if d := time.Since(start); d != 5*time.Second {
				t.Errorf("the fetch was cut after %s", d)
			}
		})
	},
	"removed-key": func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, b := ecKey("a"), ecKey("b")
			p, good := newProvider(publish(a, b)), signed(a)
			p.want(t, good, "")
			p.handler = publish(b)
			time.Sleep(15 * time.Minute)
			p.want(t, good, "key_unknown")
		})
	},
	"cache-control-max-age": clamped("max-age=31536000", 15*time.Minute),
	"cache-control-zero":    both(clamped("max-age=0", 5*time.Minute), clamped("no-store", 5*time.Minute)),
	// No negative cache is kept: the set that was fetched last is it.
	"kid-cache-growth": func(t *testing.T) {
		a := ecKey("a")
		p := newProvider(publish(a))
		p.want(t, signed(a), "")
		p.want(t, forged("b"), "key_unknown")
		if n := testing.AllocsPerRun(1000, func() { p.check(forged("b")) }); n > 200 {
			t.Errorf("%.0f allocations for an unknown kid", n)
		}
		if n := p.fetches.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	},
	"rotation-window": func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, b := ecKey("a"), ecKey("b")
			p, older, newer := newProvider(publish(a)), signed(a), signed(b)
			p.want(t, older, "")
			p.handler = publish(b, a)
			time.Sleep(time.Minute)
			p.want(t, newer, "")
			p.want(t, older, "")
			p.handler = publish(b)
			time.Sleep(15 * time.Minute)
			p.want(t, newer, "")
			p.want(t, older, "key_unknown")
		})
	},
}

// clamped checks for how long a set is kept that says something else.
func clamped(cacheControl string, want time.Duration) func(*testing.T) {
	return func(t *testing.T) {
		answer := publish(ecKey("a"))
		p := newProvider(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", cacheControl)
			answer(w, r)
		})
		if err := p.remote.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h := p.remote.Health(); h.Due.Sub(h.Fetched) != want {
			t.Errorf("kept for %s, want %s", h.Due.Sub(h.Fetched), want)
		}
	}
}
