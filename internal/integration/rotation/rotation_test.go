package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/keyfile"
)

// The times of the two services. Those of real ones are minutes and days.
const (
	tokenLifetime = 4 * time.Second
	keepLifetime  = tokenLifetime + time.Second // with the tolerance for clocks
	refresh       = time.Second                 // of the verifier's copy
	cooldown      = 100 * time.Millisecond      // between two fetches
	lead          = 1500 * time.Millisecond     // from the publishing of a key to its use
	workers       = 16
)

func requests() int64 {
	if testing.Short() {
		return 10_000
	}
	return 100_000
}

func serve(t *testing.T, h http.Handler, err error) *httptest.Server {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// TestRotation changes the keys of one service again and again, through all their
// phases, while clients take its tokens to another one. No request is refused.
func TestRotation(t *testing.T) {
	file, err := keyfile.Create(filepath.Join(t.TempDir(), "keys.json"), keys.ES256, keyfile.Options{Lifetime: keepLifetime})
	if err != nil {
		t.Fatal(err)
	}
	done := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	h, err := newIssuer(file)
	issuer := serve(t, h, err)
	h, err = newVerifier(t.Context(), issuer.URL+"/.well-known/jwks.json", done)
	verifier := serve(t, h, err)
	var sent, refused, dropped atomic.Int64
	var seen sync.Map // the key IDs of tokens that were accepted
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range workers {
		clients.Go(func() {
			c := &client{token: issuer.URL + "/token", resource: verifier.URL, http: http.Client{Transport: &http.Transport{}}}
			// A fast machine goes on until a key has been through all its phases.
			for sent.Add(1) <= requests() || dropped.Load() == 0 {
				kid, err := c.call(t.Context())
				if err != nil {
					if refused.Add(1) < 5 {
						t.Error(err)
					}
					continue
				}
				seen.Store(kid, true)
			}
		})
	}
	var rotating sync.WaitGroup
	rotating.Go(func() { rotate(t, file, &dropped, stop) })
	clients.Wait()
	close(stop)
	rotating.Wait()
	used := 0
	seen.Range(func(any, any) bool { used++; return true })
	fmt.Printf("rotation: %d requests, %d refused, tokens of %d keys accepted, %d keys dropped\n", sent.Load()-workers, refused.Load(), used, dropped.Load())
	if used < 3 {
		t.Errorf("tokens of %d keys", used)
	}
}

// rotate makes a new key whenever the last one has begun to sign, and counts those that
// have gone.
func rotate(t *testing.T, file *keyfile.File, dropped *atomic.Int64, stop <-chan struct{}) {
	all := map[string]bool{}
	for {
		if err := newKey(file); err != nil {
			t.Error(err)
		}
		for _, k := range file.Ring().Keys() {
			all[k.ID()] = true
		}
		dropped.Store(int64(len(all) - len(file.Ring().Keys())))
		select {
		case <-stop:
			return
		case <-time.After(lead + 500*time.Millisecond):
		}
	}
}

// client takes a token from one service to the other, and a new one before it expires.
type client struct {
	token, resource string
	http            http.Client
	raw             string
	until           time.Time
}

func (c *client) call(ctx context.Context) (kid string, err error) {
	if time.Now().After(c.until) {
		c.until = time.Now().Add(tokenLifetime / 4) // long before: a loaded machine stalls requests
		if c.raw, err = c.send(ctx, "POST", c.token, http.StatusOK); err != nil {
			return "", err
		}
	}
	if _, err := c.send(ctx, "GET", c.resource, http.StatusNoContent); err != nil {
		return "", err
	}
	u, err := keys.ParseUnverified(c.raw, 1<<12)
	return u.KeyID(), err
}

func (c *client) send(ctx context.Context, method, url string, want int) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return "", err
	}
	if method == "GET" {
		req.Header.Set("Authorization", "Bearer "+c.raw)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if res.StatusCode != want {
		err = errors.Join(err, fmt.Errorf("%s: status %d: %s", url, res.StatusCode, body))
	}
	return string(body), err
}
