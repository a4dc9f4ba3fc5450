package gate_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// cached is a gate with a key of its own that can be broken, so that signatures hold
// no more: what it still accepts then comes from the cache.
type cached struct {
	*gate.Gate
	key *keys.Key
}

func newCached(t *testing.T, cfg gate.Config) cached {
	t.Helper()
	key := must(keys.Generate(keys.EdDSA))
	if cfg.Keys == nil {
		cfg.Keys = key
	}
	return cached{newGate(t, cfg), key}
}

func (c cached) mint(edits ...string) string { return mint(c.key, payload(edits...)) }

func (c cached) breakKey() {
	for i := range c.key.Public().(ed25519.PublicKey) {
		c.key.Public().(ed25519.PublicKey)[i] ^= 0xff
	}
}

func (c cached) check(t *testing.T, raw, want string) *gate.Token {
	t.Helper()
	tok, err := c.CheckToken(t.Context(), raw, gate.Policy{})
	checkVerdict(t, err, want)
	return tok
}

func TestCacheSparesTheSignature(t *testing.T) {
	c := newCached(t, gate.Config{})
	raw, unseen := c.mint(), c.mint("jti", `"id-9"`)
	c.check(t, raw, "ok")
	c.breakKey()
	c.check(t, raw, "ok")
	c.check(t, unseen, "signature")
}

func TestCacheOff(t *testing.T) {
	c := newCached(t, gate.Config{Accept: gate.Accept{Limits: gate.Limits{CacheEntries: -1}}})
	raw := c.mint()
	c.check(t, raw, "ok")
	c.breakKey()
	c.check(t, raw, "signature")
}

// Tokens of a secret are cheaper to verify than to look up: whatever was accepted is
// asked again, here of a source that has another secret by then.
func TestCacheNotForSecrets(t *testing.T) {
	s := &source{keys: []*keys.Key{hs256}}
	g := newGate(t, gate.Config{Keys: s})
	_, err := g.CheckToken(t.Context(), token(), gate.Policy{})
	checkVerdict(t, err, "ok")
	s.keys = []*keys.Key{must(keys.Generate(keys.HS256))}
	_, err = g.CheckToken(t.Context(), token(), gate.Policy{})
	checkVerdict(t, err, "signature")
}

func TestCacheHitEqualsMiss(t *testing.T) {
	c := newCached(t, gate.Config{
		Accept:   gate.Accept{Audiences: []string{"b"}},
		LoadUser: func(_ context.Context, t *gate.Token) (any, error) { return t.Subject + "'s account", nil },
	})
	raw := c.mint("aud", `["a","b"]`, "x", `{"y":1}`, "fresh", at(5), "sid", `"s"`, "iss", `"i"`)
	miss := c.check(t, raw, "ok")
	c.breakKey()
	hit := c.check(t, raw, "ok")
	if hit == miss || !reflect.DeepEqual(hit, miss) {
		t.Errorf("hit = %#v, miss = %#v; want equal copies", hit, miss)
	}
	var claims, header map[string]any
	if err := errors.Join(hit.Claims(&claims), hit.Header(&header)); err != nil || len(claims) != 12 || header["alg"] != "EdDSA" {
		t.Errorf("claims of the hit = %v, header = %v, %v", claims, header, err)
	}
}

// What a handler does to its token does not reach the next request.
func TestCacheKeepsItsOwn(t *testing.T) {
	c := newCached(t, gate.Config{Accept: gate.Accept{Audiences: []string{"b"}}})
	raw := c.mint("aud", `["a","b"]`)
	for range 3 {
		tok := c.check(t, raw, "ok")
		if tok == nil || tok.Subject != "alice" || tok.Audience[0] != "a" {
			t.Fatalf("token = %v for %v, want alice for a", tok, tok.Audience)
		}
		tok.Subject, tok.Type, tok.Fresh = "root", gate.Refresh, true
		tok.Audience[0], tok.Audience[1] = "x", "x"
	}
}

func TestCacheOnlyTheWholeToken(t *testing.T) {
	c := newCached(t, gate.Config{})
	raw := c.mint()
	c.check(t, raw, "ok")
	c.breakKey()
	part := strings.Split(raw, ".")
	for name, forged := range map[string]string{
		"claims":             part[0] + "." + encode(payload("sub", `"root"`)) + "." + part[2],
		"signature":          raw[:len(raw)-4] + "AAAA",
		"no signature":       part[0] + "." + part[1] + ".",
		"longer":             raw + "A",
		"header of the same": encode(`{"typ":"JWT","alg":"EdDSA"}`) + "." + part[1] + "." + part[2],
	} {
		if _, err := c.CheckToken(t.Context(), forged, gate.Policy{}); err == nil {
			t.Errorf("%s changed: accepted", name)
		}
	}
	c.check(t, raw, "ok")
}

// A key that is no longer accepted takes its tokens with it; a key that was loaded
// again is another, and is asked once.
func TestCacheKeyRemoved(t *testing.T) {
	old, next := must(keys.Generate(keys.EdDSA)), must(keys.Generate(keys.EdDSA))
	s := &source{keys: []*keys.Key{old}}
	g := newGate(t, gate.Config{Keys: s})
	raw := mint(old, payload())
	check := func(want string) {
		t.Helper()
		_, err := g.CheckToken(t.Context(), raw, gate.Policy{})
		checkVerdict(t, err, want)
	}
	check("ok")
	s.keys = []*keys.Key{next}
	check("signature")
	s.keys = nil
	check("kid_missing")
	s.err = errors.New("down")
	check("failure")
	again := must(keys.FromPublic(keys.EdDSA, old.Public()))
	s.keys, s.err = []*keys.Key{next, again}, nil
	check("ok")
	again.Public().(ed25519.PublicKey)[0] ^= 0xff
	check("ok")
}

func TestCacheChecksAllElse(t *testing.T) {
	clock, blocked, rejected, nobody := newClock(), false, false, false
	c := newCached(t, gate.Config{
		Clock:     clock.now,
		Blocklist: gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) { return blocked, nil }),
		Verify: func(context.Context, *gate.Token) error {
			if rejected {
				return errors.New("no")
			}
			return nil
		},
		LoadUser: func(context.Context, *gate.Token) (any, error) {
			if nobody {
				return nil, nil
			}
			return "alice", nil
		},
	})
	raw := c.mint()
	c.check(t, raw, "ok")
	c.breakKey()
	for _, step := range []struct {
		flag *bool
		want string
	}{{&blocked, "revoked"}, {&rejected, "rejected"}, {&nobody, "no_user"}} {
		*step.flag = true
		c.check(t, raw, step.want)
		*step.flag = false
		c.check(t, raw, "ok")
	}
	if _, err := c.CheckToken(t.Context(), raw, gate.Policy{Type: gate.Refresh}); verdict(t, err) != "refresh_wanted" {
		t.Errorf("as a refresh token: %v", err)
	}
	_, err := c.Check(request("POST", "/", "Cookie: access_token_cookie="+raw, "X-CSRF-TOKEN: x"),
		gate.Policy{Locations: []gate.Location{gate.FromCookies()}})
	checkVerdict(t, err, "csrf_mismatch")
	clock.add(15 * time.Minute)
	c.check(t, raw, "expired")
	clock.add(-18 * time.Minute)
	c.check(t, raw, "iat_future")
}

// However many tokens come, the cache keeps to its bounds, and keeps the newest.
func TestCacheBounds(t *testing.T) {
	const tokens = 500
	jti := func(i int) string { return fmt.Sprintf(`"token %03d"`, i) }
	size := 2*len(mint(ed, payload("jti", jti(0)))) + 512 // of an entry
	for _, tt := range []struct {
		name   string
		limits gate.Limits
		min    int
		max    int
	}{
		{"entries", gate.Limits{CacheEntries: 128}, 32, 128},
		{"less entries than there can be", gate.Limits{CacheEntries: 1}, 16, 32},
		{"bytes", gate.Limits{CacheBytes: 64 << 10}, 16, 64},
		{"bytes for no token at all", gate.Limits{CacheBytes: 1}, 0, 0},
		{"bytes just not for a token", gate.Limits{CacheBytes: 32 * (size - 1)}, 0, 0},
		{"bytes for a token", gate.Limits{CacheBytes: 32 * size}, 16, 32},
		{"bytes for two", gate.Limits{CacheBytes: 64 * size}, 33, 64},
		{"default", gate.Limits{}, tokens, tokens},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCached(t, gate.Config{Accept: gate.Accept{Limits: tt.limits}})
			list := make([]string, tokens)
			for i := range list {
				list[i] = c.mint("jti", jti(i))
				c.check(t, list[i], "ok")
			}
			c.breakKey()
			kept := 0
			for _, raw := range list {
				if _, err := c.CheckToken(t.Context(), raw, gate.Policy{}); err == nil {
					kept++
				}
			}
			if kept < tt.min || kept > tt.max {
				t.Errorf("%d tokens kept, want %d to %d", kept, tt.min, tt.max)
			}
			_, err := c.CheckToken(t.Context(), list[tokens-1], gate.Policy{})
			if newest := err == nil; newest != (tt.max > 0) {
				t.Errorf("newest token kept: %v", newest)
			}
		})
	}
}
