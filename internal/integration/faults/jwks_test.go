//go:build unix

package faults_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

// skewed is a clock that can be set forward.
type skewed struct{ ahead atomic.Int64 }

func (c *skewed) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *skewed) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// provider is an issuer with a real server for its keys, which can turn hostile.
type provider struct {
	*httptest.Server
	mu      sync.Mutex
	handler http.Handler
	fetches atomic.Int64
	ring    []*keys.Key
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := new(provider)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fetches.Add(1)
		p.mu.Lock()
		h := p.handler
		p.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	p.publish(t, signingKey(t, "first"))
	return p
}

func signingKey(t *testing.T, id string) *keys.Key {
	t.Helper()
	k, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return k.WithID(id)
}

func (p *provider) serve(h http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = h
}

// publish puts these keys in the place of all others. The first signs.
func (p *provider) publish(t *testing.T, all ...*keys.Key) {
	t.Helper()
	set, err := keys.NewSet(nil, all...)
	if err != nil {
		t.Fatal(err)
	}
	p.ring = all
	p.serve(jwks.Handler(set, time.Hour))
}

// token is a token of the provider's that outlives the test.
func (p *provider) token(t *testing.T, k *keys.Key) string {
	t.Helper()
	g, err := gate.New(gate.Config{Keys: k, Create: gate.Create{AccessLifetime: 100 * 24 * time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := g.CreateAccessToken(t.Context(), "user", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// forged is a token with a key ID of somebody's choice.
func forged(kid string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"ES256","kid":"`+kid+`","typ":"JWT"}`)) + "." + enc([]byte(`{"sub":"root"}`)) + "." + enc(make([]byte, 64))
}

// goodToken marks the context of a good token's request.
type goodToken struct{}

// marked counts the fetches that good tokens have entered.
type marked struct{ fetches atomic.Int64 }

func (m *marked) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Context().Value(goodToken{}) != nil {
		m.fetches.Add(1)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// verifier is a gate that verifies with the source.
func verifier(t *testing.T, source keys.Source) *gate.Gate {
	t.Helper()
	g, err := gate.New(gate.Config{Keys: source})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func remote(t *testing.T, p *provider, o jwks.Options) *jwks.Remote {
	t.Helper()
	o.InsecureLoopback = true
	r, err := jwks.New(p.URL, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// flood checks n forged tokens from 64 goroutines, evenly over the time, and a good one
// each millisecond beside them. It returns the times of the good one, and how many good
// ones were refused.
func flood(t *testing.T, g *gate.Gate, good string, n int, over time.Duration, kid func() string) (took []time.Duration, refused int) {
	t.Helper()
	const senders = 64
	ctx, cancel := context.WithTimeout(t.Context(), over)
	defer cancel()
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			tick := time.NewTicker(over * senders / time.Duration(n+senders))
			defer tick.Stop()
			for range n / senders {
				if _, err := g.CheckToken(t.Context(), forged(kid()), gate.Policy{}); !errors.Is(err, gate.ErrInvalid) {
					t.Errorf("a forged token: %v", err)
				}
				<-tick.C
			}
		})
	}
	marked := context.WithValue(context.Background(), goodToken{}, true)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ; ctx.Err() == nil; <-tick.C {
		start := time.Now()
		if _, err := g.CheckToken(marked, good, gate.Policy{}); err != nil {
			refused++
		}
		took = append(took, time.Since(start))
	}
	wg.Wait()
	return took, refused
}

func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*99/100]
}

func known() string  { return "first" }
func random() string { return fmt.Sprint(rand.Uint64()) }
