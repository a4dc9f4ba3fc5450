//go:build unix

package faults_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate/keys"
)

// eager is the remote set of many a tutorial, and the planted bug of F15 to F17: it
// fetches for each unknown kid, and forgets its keys when that fails. With a refresh it
// fetches by the clock alone.
type eager struct {
	url     string
	clock   *skewed
	refresh time.Duration

	mu      sync.Mutex
	set     *keys.Set
	fetched time.Time
}

func (e *eager) SigningKey(context.Context, any) (*keys.Key, error) { return nil, keys.ErrCannotSign }

func (e *eager) VerificationKeys(ctx context.Context, u keys.Unverified) ([]*keys.Key, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.set != nil {
		found, err := e.set.VerificationKeys(ctx, u)
		if e.refresh > 0 && e.clock.now().Sub(e.fetched) < e.refresh || e.refresh == 0 && len(found) > 0 {
			return found, err
		}
	}
	e.set = nil
	res, err := http.Get(e.url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if e.set, err = keys.ParsePublicSet(text); err != nil {
		return nil, err
	}
	if e.refresh > 0 {
		e.fetched = e.clock.now()
	}
	return e.set.VerificationKeys(ctx, u)
}

// attack is an answer that no issuer should give.
type attack struct {
	name    string
	handler http.Handler
}

// hostile are the answers of F16. None of them allocates by itself while it answers.
func hostile(t *testing.T) []attack {
	t.Helper()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	part := make([]byte, 1<<20)
	for range 64 {
		if _, err := z.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	many := []byte(`{"keys":[` + strings.Repeat(`{"kty":"RSA"},`, 10_000) + `{}]}`)
	space := bytes.Repeat([]byte(" "), 32<<10)
	return []attack{
		{"1 B/s", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write(space[:1])
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(time.Second):
				}
			}
		})},
		{"1 GiB", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 15 {
				if _, err := w.Write(space); err != nil {
					return
				}
			}
		})},
		{"gzip bomb", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		})},
		{"10,000 keys", answer(many)},
		{"HTML", answer([]byte("<!DOCTYPE html><title>Log in</title>"))},
		{"empty set", answer([]byte(`{"keys":[]}`))},
		{"nothing", answer(nil)},
		{"status 500", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) })},
		{"redirect to another host", http.RedirectHandler("http://127.0.0.2/", http.StatusFound)},
		{"redirect to the metadata of a cloud", http.RedirectHandler("http://169.254.169.254/latest/meta-data/", http.StatusFound)},
		{"redirect to itself", http.RedirectHandler("/", http.StatusFound)},
		{"connection cut", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })},
		{"another's keys as secrets", answer([]byte(fmt.Sprintf(`{"keys":[{"kty":"oct","alg":"HS256","kid":"first","k":%q}]}`, strings.Repeat("AAEC", 16))))},
	}
}

func answer(text []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) })
}
