package gatesql

import (
	"encoding/base64"
	"sync"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// cache is a copy of all entries in memory. Only polls write to it.
type cache struct {
	keepFor time.Duration

	mu       sync.RWMutex
	fresh    time.Time // the copy has everything that was committed before; zero: unusable
	at       position  // where the last poll ended
	entries  map[cacheKey]int64
	subjects map[cacheKey]storekit.SubjectRecord // the records of the entries of subjects
	// own has the entries that this process has written, each with the number of polls
	// that had begun before. The database is asked about them until a later poll is done.
	own   map[cacheKey]uint64
	polls uint64
}

// cacheKey is the first 128 bits of an entry's hash.
type cacheKey [16]byte

func keyOf(id string) (k cacheKey) {
	var b [24]byte
	_, _ = base64.RawURLEncoding.Decode(b[:], []byte(id)) // made by storekit.HashID
	copy(k[:], b[:])
	return k
}

func newCache(o Options) *cache {
	c := &cache{keepFor: o.CacheFor}
	c.reset()
	return c
}

func (c *cache) reset() {
	c.fresh, c.at = time.Time{}, position{}
	c.entries, c.subjects, c.own = map[cacheKey]int64{}, map[cacheKey]storekit.SubjectRecord{}, map[cacheKey]uint64{}
}

// drop makes the copy unusable until everything was read again.
func (c *cache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.own
	c.reset()
	c.own = own
}

// usable reports whether the copy may answer. The caller holds the lock.
func (c *cache) usable() bool { return !c.fresh.IsZero() && time.Since(c.fresh) <= c.keepFor }

// state returns the number of entries, and the age of a usable copy.
func (c *cache) state() (entries int, age time.Duration) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.usable() {
		return len(c.entries), -1
	}
	return len(c.entries), time.Since(c.fresh)
}

// blocked returns the answer of the copy. known is false if the copy is too old, if this
// process has just written one of the entries, or if the token's generation is above the
// record's.
func (c *cache) blocked(t *gate.Token, h ids, now time.Time) (blocked, known bool) {
	token, session, subject := keyOf(h.token), keyOf(h.session), keyOf(h.subject)
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.usable() || len(c.own) > 0 && (c.mine(token) || c.mine(session) || c.mine(subject)) {
		return false, false
	}
	if c.live(h.token, token, now) || c.live(h.session, session, now) {
		return true, true
	}
	if !c.live(h.subject, subject, now) {
		return false, true
	}
	return c.subjects[subject].CoversCached(t, h.session)
}

func (c *cache) mine(k cacheKey) bool {
	_, ok := c.own[k]
	return ok
}

func (c *cache) live(id string, k cacheKey, now time.Time) bool {
	return id != "" && storekit.Live(c.entries[k], now)
}

// written makes checks ask the database about these entries until a later poll is done.
func (c *cache) written(hashes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range hashes {
		c.own[keyOf(id)] = c.polls
	}
}

// begin begins a poll, and returns where the last one ended.
func (c *cache) begin() (number uint64, at position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.polls++
	return c.polls, c.at
}

// replace replaces all entries with the rows of a poll that read everything.
func (c *cache) replace(rows []row) {
	entries, subjects := make(map[cacheKey]int64, len(rows)), map[cacheKey]storekit.SubjectRecord{}
	for i := range rows {
		put(entries, subjects, &rows[i])
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries, c.subjects = entries, subjects
}

// apply applies changes, and removes some expired entries.
func (c *cache) apply(rows []row, now time.Time) {
	const atOnce = 1000 // rows for each lock, so that readers do not wait long
	for len(rows) > 0 {
		n := min(len(rows), atOnce)
		c.mu.Lock()
		for i := range rows[:n] {
			put(c.entries, c.subjects, &rows[i])
		}
		c.sweep(8*n, now)
		c.mu.Unlock()
		rows = rows[n:]
	}
}

func put(entries map[cacheKey]int64, subjects map[cacheKey]storekit.SubjectRecord, r *row) {
	k := keyOf(r.id)
	if r.undone {
		delete(entries, k)
		delete(subjects, k)
		return
	}
	entries[k] = r.until
	if r.kind == stores.Subject {
		subjects[k] = r.record
	}
}

// sweep looks at n entries and removes the expired ones. The caller holds the lock. Go
// ranges over a map from a random place.
func (c *cache) sweep(n int, now time.Time) {
	for k, until := range c.entries {
		if n--; n < 0 {
			return
		}
		if !storekit.Live(until, now) {
			delete(c.entries, k)
			delete(c.subjects, k)
		}
	}
}

// done ends a poll.
func (c *cache) done(number uint64, began time.Time, at position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh, c.at = began, at
	for k, n := range c.own {
		if n < number {
			delete(c.own, k)
		}
	}
}
