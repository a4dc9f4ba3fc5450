package attacks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/attacks"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

// TestJWKS runs the scenarios of class jwks of the corpus, all of them.
func TestJWKS(t *testing.T) {
	c, err := attacks.Load(corpusFile())
	if err != nil {
		t.Fatal(err)
	}
	runs := maps.Clone(jwksScenarios)
	maps.Copy(runs, jwksSets())
	found, passed := 0, 0
	for _, e := range c.Entries {
		if !strings.HasPrefix(e.ID, "jwks/") {
			continue
		}
		found++
		name := strings.TrimPrefix(e.ID, "jwks/")
		if t.Run(name, func(t *testing.T) {
			if runs[name] == nil {
				t.Fatal("nothing here runs this scenario")
			}
			runs[name](t)
		}) {
			passed++
		}
	}
	fmt.Printf("jwks: %d scenarios, %d passed\n", found, passed)
	if found == 0 {
		t.Error("the file has no scenario of class jwks")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// provider is an issuer in memory, and the gate that trusts it.
type provider struct {
	handler http.HandlerFunc
	fetches atomic.Int64
	remote  *jwks.Remote
	gate    *gate.Gate
}

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	p.fetches.Add(1)
	w := httptest.NewRecorder()
	p.handler(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func newProvider(h http.HandlerFunc) *provider {
	p := &provider{handler: h}
	p.remote = must(jwks.New("https://issuer.example/jwks", jwks.Options{
		Client: &http.Client{Transport: p}, Algorithms: []keys.Algorithm{keys.RS256, keys.ES256},
	}))
	p.gate = must(gate.New(gate.Config{Keys: p.remote}))
	return p
}

// check returns what the gate says of a token: "" for accepted, a reason, or 503.
func (p *provider) check(raw string) string {
	_, err := p.gate.CheckToken(context.Background(), raw, gate.Policy{})
	var e *gate.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Reason
	}
	return "503"
}

func (p *provider) want(t *testing.T, raw, want string) {
	t.Helper()
	if got := p.check(raw); got != want {
		t.Errorf("the gate says %q, want %q", got, want)
	}
}

func ecKey(id string) *keys.Key { return must(keys.Generate(keys.ES256)).WithID(id) }

// signed is a token of the key that lives longer than any test.
func signed(k *keys.Key) string {
	g := must(gate.New(gate.Config{Keys: k, Create: gate.Create{AccessLifetime: 100 * 24 * time.Hour}}))
	return must(g.CreateAccessToken(context.Background(), "user", gate.TokenOptions{}))
}

type members map[string]any

// jwk is the public JWK of a key with some members changed, and those that are nil gone.
func jwk(k *keys.Key, change members) members {
	var m members
	if err := json.Unmarshal(must(k.MarshalJSON()), &m); err != nil {
		panic(err)
	}
	maps.Copy(m, change)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

func set(all ...any) http.HandlerFunc {
	text := must(json.Marshal(members{"keys": append([]any{}, all...)}))
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) }
}

func publish(all ...*keys.Key) http.HandlerFunc {
	var list []any
	for _, k := range all {
		list = append(list, k)
	}
	return set(list...)
}

// once checks one token against one set.
func once(h http.HandlerFunc, raw, want string) func(*testing.T) {
	return func(t *testing.T) { newProvider(h).want(t, raw, want) }
}

// both runs several.
func both(all ...func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		for _, f := range all {
			f(t)
		}
	}
}

// jwksSets are the scenarios of what a set contains.
func jwksSets() map[string]func(*testing.T) {
	a, b := ecKey("a"), ecKey("b")
	plain := must(keys.Generate(keys.ES256))
	secret := members{"kty": "oct", "alg": "HS256", "kid": "m", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}
	mac := must(keys.ParseJWK("", must(json.Marshal(secret))))
	rs := must(rsa.GenerateKey(rand.Reader, 2048))
	rs256, ps256 := must(keys.FromSigner(keys.RS256, rs)).WithID("r"), must(keys.FromSigner(keys.PS256, rs)).WithID("r")
	weak := members{"kty": "RSA", "alg": "RS256", "kid": "w", "e": "AQAB", "n": strings.Repeat("_", 170) + "8"}
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	shown := must(keys.FromSigner(keys.ES256, private)).WithID("p")
	d := must(private.Bytes())
	return map[string]func(*testing.T){
		"oct-key": both(once(set(secret, a), signed(mac), "key_unknown"), once(set(secret, a), signed(a), ""), once(set(secret), signed(mac), "503")),
		"duplicate-kid": both(
			once(set(jwk(a, nil), jwk(b, members{"kid": "a"}), rs256), signed(a), "key_unknown"),
			once(set(jwk(a, nil), jwk(b, members{"kid": "a"}), rs256), signed(b.WithID("a")), "key_unknown"),
			once(set(jwk(a, nil), jwk(b, members{"kid": "a"}), rs256), signed(rs256), "")),
		"duplicate-kid-different-kty": both(
			once(set(a, jwk(rs256, members{"kid": "a"})), signed(a), ""),
			once(set(a, jwk(rs256, members{"kid": "a"})), signed(rs256.WithID("a")), "")),
		"no-kid-single":      once(set(plain), signed(plain), ""),
		"no-kid-many":        once(publish(a, b, ecKey("c")), signed(plain), "kid_missing"),
		"use-enc":            once(set(jwk(a, members{"use": "enc"}), b), signed(a), "key_unknown"),
		"alg-mismatch":       both(once(publish(rs256), signed(ps256), "alg_mismatch"), once(publish(rs256), signed(rs256), "")),
		"missing-alg":        both(once(set(jwk(rs256, members{"alg": nil})), signed(rs256), ""), once(set(jwk(rs256, members{"alg": nil})), signed(ps256), "alg_mismatch")),
		"private-key":        both(once(set(jwk(shown, members{"d": b64(d)})), signed(shown), ""), exposedIsTold(jwk(shown, members{"d": b64(d)}), b64(d))),
		"rsa-small":          both(once(set(weak, a), signed(a), ""), once(set(weak), signed(a), "503")),
		"one-bad-key":        both(once(set(1, members{"kty": "EC"}, jwk(b, members{"x": "!"}), a), signed(a), ""), badAreCounted(set(1, members{"kty": "EC"}, a), 2)),
		"kid-swap":           once(publish(a, b), signed(a.WithID("b")), "signature"),
		"http-url":           refusesURL("http://issuer.example/jwks"),
		"file-url":           both(refusesURL("file:///etc/jwks.json"), refusesURL("data:application/json,{}")),
		"redirect-http":      redirects(func(string) string { return "http://issuer.example/" }, "another origin"),
		"redirect-loop":      redirects(func(own string) string { return own }, "more than 3 redirects"),
		"huge":               keeps(hugeBody, "longer than 1 MiB"),
		"gzip-bomb":          keeps(gzipBomb, "not a JWK Set"),
		"html-200":           keeps(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<!DOCTYPE html>")) }, "HTML"),
		"empty-set":          keeps(set(), "no keys"),
		"endpoint-down-warm": keeps(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "502"),
		"ten-thousand-keys": keeps(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[` + strings.Repeat(`{"kty":"RSA"},`, 9_999) + `{}]}`))
		}, "more than 100 keys"),
		"redirect-internal": both(redirects(func(string) string { return "http://169.254.169.254/" }, "another origin"),
			redirects(func(string) string { return "http://127.0.0.1:1/" }, "another origin")),
	}
}

// exposedIsTold checks that a set with a private key is told of, without the key.
func exposedIsTold(key members, d string) func(*testing.T) {
	return func(t *testing.T) {
		told := false
		p := &provider{handler: set(key)}
		remote := must(jwks.New("https://issuer.example/jwks", jwks.Options{
			Client: &http.Client{Transport: p},
			OnEvent: func(_ context.Context, e jwks.Event) {
				told = told || e.Name == jwks.Exposed && errors.Is(e.Err, keys.ErrExposed)
				if strings.Contains(fmt.Sprintf("%+v", e), d) {
					t.Error("the event shows the key")
				}
			},
		}))
		if err := remote.Ready(t.Context()); err != nil || !told {
			t.Errorf("Ready = %v, told = %v", err, told)
		}
	}
}

func badAreCounted(h http.HandlerFunc, want int) func(*testing.T) {
	return func(t *testing.T) {
		p := newProvider(h)
		if err := p.remote.Ready(t.Context()); err != nil || len(p.remote.Health().Skipped) != want {
			t.Errorf("Ready = %v, skipped %v", err, p.remote.Health().Skipped)
		}
	}
}

func refusesURL(url string) func(*testing.T) {
	return func(t *testing.T) {
		if _, err := jwks.New(url, jwks.Options{}); err == nil {
			t.Errorf("%s was accepted", url)
		}
	}
}

// keeps checks that an answer after a good one changes nothing for a day, and is told of.
func keeps(h http.HandlerFunc, want string) func(*testing.T) {
	return func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := ecKey("a")
			p, good := newProvider(publish(a)), signed(a)
			p.want(t, good, "")
			p.handler = h
			for range 23 {
				time.Sleep(time.Hour)
				p.want(t, good, "")
			}
			if err := p.remote.Health().Err; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error = %v, want one with %q", err, want)
			}
			time.Sleep(2 * time.Hour)
			p.want(t, good, "503")
		})
	}
}
