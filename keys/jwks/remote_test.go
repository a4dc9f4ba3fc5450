package jwks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate/internal/keyhook"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

func TestRemote(t *testing.T) {
	i := newIssuer(newKey("a"), newKey("b"))
	r := i.remote(t, jwks.Options{})
	i.wantFetches(t, 0)
	wantKeys(t, r, of("a"), "ES256/a")
	wantKeys(t, r, of("b"), "ES256/b")
	wantKeys(t, r, token(`{"alg":"ES256"}`))
	wantKeys(t, r, of("c"))
	i.wantFetches(t, 1)
	plain := newKey("")
	i.serve(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[%s]}`, must(plain.MarshalJSON()))
	})
	wantKeys(t, i.remote(t, jwks.Options{}), token(`{"alg":"ES256"}`), "ES256/"+plain.Thumbprint())
	if _, err := r.SigningKey(t.Context(), nil); !errors.Is(err, keys.ErrCannotSign) {
		t.Errorf("SigningKey = %v", err)
	}
	if keyhook.ByHeader(r) == nil || r.Ready(t.Context()) != nil {
		t.Error("no shortcut, or not ready")
	}
}

// TestTryWithoutKeyID: a token without "kid" is tried with all keys, and fetches nothing.
func TestTryWithoutKeyID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(newKey("a"), newKey("b"))
		strict, r := i.remote(t, jwks.Options{}), i.remote(t, jwks.Options{TryWithoutKeyID: true})
		wantKeys(t, strict, token(`{"alg":"ES256"}`))
		wantKeys(t, r, token(`{"alg":"ES256"}`), "ES256/a", "ES256/b")
		wantKeys(t, r, of("b"), "ES256/b")
		i.wantFetches(t, 2)
		time.Sleep(time.Minute) // after the cooldown
		wantKeys(t, r, token(`{"alg":"ES256"}`), "ES256/a", "ES256/b")
		i.wantFetches(t, 2)
	})
}

func TestRemoteForHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey("a")
		i := newIssuer(k)
		r := i.remote(t, jwks.Options{})
		if r.ForHeader(k.Header()) != nil {
			t.Error("a key before the first fetch")
		}
		wantKeys(t, r, of("a"), "ES256/a")
		if got := r.ForHeader(k.Header()); got == nil || got.ID() != "a" || r.ForHeader(newKey("b").Header()) != nil {
			t.Errorf("ForHeader = %v", got)
		}
		time.Sleep(15 * time.Minute)
		if r.ForHeader(k.Header()) != nil {
			t.Error("the set is due, and no request would fetch it")
		}
		i.fail()
		wantKeys(t, r, of("a"), "ES256/a")
		time.Sleep(24 * time.Hour)
		if r.ForHeader(k.Header()) != nil {
			t.Error("a key after MaxStale")
		}
	})
}

// TestRemoteStrips: private members that an issuer publishes are not used, and not
// passed over in silence.
func TestRemoteStrips(t *testing.T) {
	private := `{"kty":"EC","crv":"P-256","kid":"a","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}`
	i := newIssuer(newKey("a"))
	i.serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"keys":[%s]}`, private) })
	var names []string
	r := i.remote(t, jwks.Options{OnEvent: func(_ context.Context, e jwks.Event) {
		if names = append(names, e.Name); e.Name == jwks.Exposed && !errors.Is(e.Err, keys.ErrExposed) {
			t.Errorf("event = %+v", e)
		}
	}})
	found, err := r.VerificationKeys(t.Context(), of("a"))
	if err != nil || len(found) != 1 || found[0].CanSign() {
		t.Errorf("keys = %v, %v", found, err)
	}
	if fmt.Sprint(names) != "[keys.refreshed keys.exposed]" {
		t.Errorf("events = %v", names)
	}
}

func TestRemoteAlgorithms(t *testing.T) {
	rsa := must(keys.Generate(keys.RS256)).WithID("r")
	var jwk map[string]any
	if err := json.Unmarshal(must(json.Marshal(rsa)), &jwk); err != nil {
		t.Fatal(err)
	}
	delete(jwk, "alg")
	text := must(json.Marshal(map[string]any{"keys": []any{jwk, map[string]string{"kty": "EC", "use": "enc", "kid": "e"}}}))
	i := newIssuer(rsa)
	i.serve(func(w http.ResponseWriter, _ *http.Request) { w.Write(text) })
	r := i.remote(t, jwks.Options{Algorithms: []keys.Algorithm{keys.RS256}})
	wantKeys(t, r, token(`{"alg":"RS256","kid":"r"}`), "RS256/r")
	h := r.Health()
	if h.Keys != 1 || len(h.Skipped) != 1 || h.Skipped[0].ID != "e" || h.Err != nil || h.Failures != 0 {
		t.Errorf("health = %+v", h)
	}
	wantError(t, i.remote(t, jwks.Options{}), of("r"), "does not name its algorithm")
}

// TestRemoteSingleFlight: a thousand requests at a cold cache make one fetch, and all
// are answered.
func TestRemoteSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(newKey("a"))
		good := i.handler
		i.serve(func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Second); good(w, r) })
		r := i.remote(t, jwks.Options{})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { wantKeys(t, r, of("a"), "ES256/a") })
		}
		wg.Wait()
		i.wantFetches(t, 1)
	})
}

// TestRemoteUnknownKid: forged tokens make one fetch in a cooldown and do not wait; a
// new key is accepted a cooldown after it was published.
func TestRemoteUnknownKid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(newKey("a"))
		r := i.remote(t, jwks.Options{})
		wantKeys(t, r, of("a"), "ES256/a")
		start := time.Now()
		for n := range 10_000 {
			wantKeys(t, r, of(fmt.Sprint(n)))
		}
		i.wantFetches(t, 1)
		i.publish(newKey("a"), newKey("b"))
		wantKeys(t, r, of("b"))
		if time.Since(start) != 0 {
			t.Error("a token has waited")
		}
		time.Sleep(30 * time.Second)
		wantKeys(t, r, of("b"), "ES256/b")
		i.wantFetches(t, 2)
	})
}

// TestRemoteUnknownKidWaits: tokens of a new key wait for the fetch that brings it, a
// bounded number of them, and as long as their request lives.
func TestRemoteUnknownKidWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(newKey("a"))
		r := i.remote(t, jwks.Options{})
		wantKeys(t, r, of("a"), "ES256/a")
		i.publish(newKey("b"))
		good := i.handler
		i.serve(func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Second); good(w, r) })
		time.Sleep(time.Minute)
		start := time.Now()
		var wg sync.WaitGroup
		for range 65 {
			wg.Go(func() { wantKeys(t, r, of("b"), "ES256/b") })
		}
		synctest.Wait()
		wantError(t, r, of("b"), "too many requests wait")
		wantKeys(t, r, of("a"), "ES256/a")
		if time.Since(start) != 0 {
			t.Error("a good token has waited")
		}
		wg.Wait()
		i.wantFetches(t, 2)
	})
}

func TestRemoteRequestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(newKey("a"))
		good := i.handler
		i.serve(func(w http.ResponseWriter, r *http.Request) { time.Sleep(3 * time.Second); good(w, r) })
		r := i.remote(t, jwks.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		// The first fetches for all, also when its own request has ended.
		wg.Go(func() { r.VerificationKeys(ctx, of("a")) })
		synctest.Wait()
		if _, err := r.VerificationKeys(ctx, of("a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want that of the request", err)
		}
		wantKeys(t, r, of("a"), "ES256/a")
		wg.Wait()
		i.wantFetches(t, 1)
	})
}

func TestRemotePanics(t *testing.T) {
	i := newIssuer(newKey("a"))
	good := i.handler
	i.serve(func(http.ResponseWriter, *http.Request) { panic("client") })
	r := i.remote(t, jwks.Options{Cooldown: time.Nanosecond})
	func() {
		defer func() { _ = recover() }()
		r.VerificationKeys(t.Context(), of("a"))
	}()
	i.serve(good)
	wantKeys(t, r, of("a"), "ES256/a")
}

func TestRemoteEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []jwks.Event
		i := newIssuer(newKey("a"), newKey("b"))
		r := i.remote(t, jwks.Options{OnEvent: func(_ context.Context, e jwks.Event) { events = append(events, e) }})
		wantKeys(t, r, of("a"), "ES256/a")
		i.fail()
		time.Sleep(time.Minute)
		wantError(t, r, of("c"), "502")
		if len(events) != 2 || events[0] != (jwks.Event{Name: jwks.Refreshed, URL: address, Keys: 2}) ||
			events[1].Name != jwks.Failed || events[1].Keys != 2 || !strings.Contains(events[1].Err.Error(), "502") {
			t.Errorf("events = %+v", events)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, url string
		o         jwks.Options
		want      string
	}{
		{"empty", "", jwks.Options{}, "not an absolute URL"},
		{"path", "/jwks.json", jwks.Options{}, "not an absolute URL"},
		{"malformed", "https://issuer.example:x/", jwks.Options{}, "not an absolute URL"},
		{"http", "http://issuer.example/jwks.json", jwks.Options{}, `"http"; use https`},
		{"http that pretends", "http://localhost.issuer.example/", jwks.Options{InsecureLoopback: true}, `"http"; use https`},
		{"http to this machine, not named", "http://127.0.0.1/", jwks.Options{}, `"http"; use https`},
		{"file", "file://localhost/etc/passwd", jwks.Options{}, `scheme "file"`},
		{"data", "data:application/json,{}", jwks.Options{}, "not an absolute URL"},
		{"another scheme for a client", "ftp://issuer.example/", jwks.Options{Client: http.DefaultClient}, `scheme "ftp"`},
		{"password", "https://user:secret@issuer.example/", jwks.Options{}, "holds a password"},
		{"negative", address, jwks.Options{Timeout: -1}, "negative"},
		{"cooldown over refresh", address, jwks.Options{Cooldown: time.Hour}, "Cooldown <= Refresh <= MaxStale"},
		{"refresh over the limit", address, jwks.Options{Refresh: 48 * time.Hour}, "Cooldown <= Refresh <= MaxStale"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := jwks.New(tt.url, tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}
