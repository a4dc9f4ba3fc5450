package gatesql

import (
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

func cachedRow(kind stores.Kind, id string, undone bool) row {
	return row{id: storekit.HashID(kind, "", id), kind: kind, until: time.Now().Add(time.Hour).Unix(), undone: undone}
}

// TestCacheOwnWrites: what this process writes is asked of the database until a poll that
// began after the write is done, and not until one that was under way.
func TestCacheOwnWrites(t *testing.T) {
	c := newCache(Options{CacheFor: time.Hour})
	tok := &gate.Token{ID: "a", Type: gate.Access}
	h := ids{token: storekit.HashID(stores.Token, "", "a")}
	want := func(when string, blocked, known bool) {
		t.Helper()
		if b, k := c.blocked(tok, h, time.Now()); b != blocked || k != known {
			t.Errorf("%s: blocked %v, known %v; want %v, %v", when, b, k, blocked, known)
		}
	}
	want("before the first poll", false, false)
	first, _ := c.begin()
	c.replace(nil)
	c.done(first, time.Now(), position{server: "s"})
	want("after it", false, true)
	second, at := c.begin()
	if at.server != "s" {
		t.Errorf("the second poll begins at %+v, want where the first ended", at)
	}
	c.written([]string{h.token})
	want("written while the second poll reads", false, false)
	c.done(second, time.Now(), at)
	want("after the poll that missed it", false, false)
	third, _ := c.begin()
	c.apply([]row{cachedRow(stores.Token, "a", false)}, time.Now())
	c.done(third, time.Now(), at)
	want("after a poll that began later", true, true)
	fourth, _ := c.begin()
	c.apply([]row{cachedRow(stores.Token, "a", true)}, time.Now())
	c.done(fourth, time.Now(), at)
	want("restored", false, true)
	c.done(fourth, time.Now().Add(-2*time.Hour), at)
	want("too old", false, false)
	c.written([]string{h.token})
	c.drop()
	if len(c.own) != 1 {
		t.Error("a copy that begins anew has forgotten what was just written")
	}
}

// TestCacheSubjects: a record judges by generation, and asks where the token's is above.
func TestCacheSubjects(t *testing.T) {
	c := newCache(Options{CacheFor: time.Hour})
	r := cachedRow(stores.Subject, "alice", false)
	r.record = storekit.SubjectRecord{Generation: 5, AllGeneration: 5, Before: 100, AllBefore: 100}
	n, _ := c.begin()
	c.replace([]row{r})
	c.done(n, time.Now(), position{})
	for _, tt := range []struct {
		iat            int64
		blocked, known bool
	}{{100, true, true}, {101, false, true}} {
		tok := &gate.Token{Subject: "alice", IssuedAt: time.Unix(tt.iat, 0)}
		if b, k := c.blocked(tok, ids{subject: r.id}, time.Now()); b != tt.blocked || k != tt.known {
			t.Errorf("issued at %d: blocked %v, known %v; want %v, %v", tt.iat, b, k, tt.blocked, tt.known)
		}
	}
}

// TestCacheSweep: what is past its time goes while changes come in.
func TestCacheSweep(t *testing.T) {
	c, now := newCache(Options{CacheFor: time.Hour}), time.Now()
	var old []row
	for i := range 100 {
		r := cachedRow(stores.Token, string(rune('A'+i)), false)
		r.until = now.Unix()
		old = append(old, r)
	}
	c.replace(old)
	for range 50 {
		c.apply([]row{cachedRow(stores.Token, "live", false)}, now.Add(time.Second))
	}
	if n, _ := c.state(); n != 1 {
		t.Errorf("%d entries are left, want the one that lives", n)
	}
}
