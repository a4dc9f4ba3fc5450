package jwks_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

const address = "https://issuer.example/jwks.json"

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newKey(id string) *keys.Key { return must(keys.Generate(keys.ES256)).WithID(id) }

func token(header string) keys.Unverified {
	return must(keys.ParseUnverified(base64.RawURLEncoding.EncodeToString([]byte(header))+".e30.", 1<<12))
}

// of is a token that names the key.
func of(id string) keys.Unverified { return token(`{"alg":"ES256","kid":"` + id + `"}`) }

// issuer is a server in memory, whose answers can be changed.
type issuer struct {
	mu      sync.Mutex
	handler http.HandlerFunc
	fetches atomic.Int64
}

func newIssuer(all ...*keys.Key) *issuer {
	i := new(issuer)
	i.publish(all...)
	return i
}

// serve changes what the issuer answers.
func (i *issuer) serve(h http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.handler = h
}

func (i *issuer) publish(all ...*keys.Key) {
	text := must(must(keys.NewSet(nil, all...)).MarshalJSON())
	i.serve(func(w http.ResponseWriter, _ *http.Request) { w.Write(text) })
}

func (i *issuer) fail() {
	i.serve(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusBadGateway) })
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.fetches.Add(1)
	i.mu.Lock()
	h := i.handler
	i.mu.Unlock()
	w := httptest.NewRecorder()
	h(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// remote is a Remote of the issuer's set.
func (i *issuer) remote(t *testing.T, o jwks.Options) *jwks.Remote {
	t.Helper()
	o.Client = &http.Client{Transport: i}
	r, err := jwks.New(address, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantKeys checks which keys a token finds, by ALG/kid.
func wantKeys(t *testing.T, r *jwks.Remote, u keys.Unverified, want ...string) {
	t.Helper()
	found, err := r.VerificationKeys(t.Context(), u)
	if err != nil {
		t.Fatalf("kid %q: %v", u.KeyID(), err)
	}
	var got []string
	for _, k := range found {
		got = append(got, string(k.Algorithm())+"/"+k.ID())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("kid %q: keys = %v, want %v", u.KeyID(), got, want)
	}
}

// wantError checks that a token is answered with an error, and not refused.
func wantError(t *testing.T, r *jwks.Remote, u keys.Unverified, want string) {
	t.Helper()
	found, err := r.VerificationKeys(context.Background(), u)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("kid %q: keys = %v, %v, want an error with %q", u.KeyID(), found, err, want)
	}
}

func (i *issuer) wantFetches(t *testing.T, want int64) {
	t.Helper()
	if got := i.fetches.Load(); got != want {
		t.Errorf("%d fetches, want %d", got, want)
	}
}
