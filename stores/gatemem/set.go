package gatemem

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate/stores/storekit"
)

// shardBits is how many low bits of a hash choose its shard: there are 64 shards.
const shardBits = 6

// sweepEach is the number of places that a write searches for expired entries. About
// every second place has an entry, so at most an eighth of the entries of a store in use
// are expired.
const sweepEach = 16

// set is a set of hashes, each with the time when it expires. A shard has two arrays,
// with open addressing and linear probing. A Go map would need one and a half times the
// memory, and it never shrinks.
type set struct {
	n      atomic.Int64 // number of entries; an empty set is not searched
	shards [1 << shardBits]shard
}

// shard is a table whose size is a power of two. An entry is at the place of its
// hash or, with no gap between, after it.
type shard struct {
	mu    sync.RWMutex
	hash  []uint64 // 0: no entry
	until []uint32 // see compact
	n     int      // number of entries
	hand  int      // where the next sweep starts
	_     [40]byte // fills two cache lines, so that no two shards share one
}

func (s *set) shard(hash uint64) *shard { return &s.shards[hash&(1<<shardBits-1)] }

// compact returns until in 32 bits. Times after 2106 become 0, which is kept for ever.
func compact(until int64) uint32 {
	if until > math.MaxUint32 {
		return 0
	}
	return uint32(until)
}

// untilOf is the reverse of compact.
func untilOf(compact uint32) int64 {
	if compact == 0 {
		return storekit.Never
	}
	return int64(compact)
}

// has reports whether the set has an entry for id, hashed with key, that is live at now.
func (s *set) has(key *hashKey, id string, now time.Time) bool {
	if id == "" || s.n.Load() == 0 {
		return false
	}
	until, ok := s.until(key.hash(id))
	return ok && storekit.Live(until, now)
}

// until returns when the entry of a hash ends, and whether there is one.
func (s *set) until(hash uint64) (int64, bool) {
	h := s.shard(hash)
	h.mu.RLock()
	defer h.mu.RUnlock()
	i, ok := h.find(hash)
	if !ok {
		return 0, false
	}
	return untilOf(h.until[i]), true
}

// put adds an entry, or extends the life of the existing one, and removes some expired
// entries. It returns by how many entries the set has grown.
func (s *set) put(hash uint64, until int64, now time.Time) (grown int64) {
	_, grown = s.claim(hash, until, now)
	return grown
}

// claim does the same as put, and reports whether there was no live entry before.
func (s *set) claim(hash uint64, until int64, now time.Time) (first bool, grown int64) {
	h := s.shard(hash)
	h.mu.Lock()
	defer h.mu.Unlock()
	i, ok := h.find(hash)
	first = !ok || !storekit.Live(untilOf(h.until[i]), now)
	before := h.n
	h.put(hash, until, now)
	h.sweep(now)
	grown = int64(h.n - before)
	s.n.Add(grown)
	return first, grown
}

// extend extends the life of an entry, and reports whether there is one.
func (s *set) extend(hash uint64, until int64) bool {
	h := s.shard(hash)
	h.mu.Lock()
	defer h.mu.Unlock()
	i, ok := h.find(hash)
	if ok {
		h.until[i] = compact(max(untilOf(h.until[i]), until))
	}
	return ok
}

// remove removes the entry of a hash, and returns how many entries it removed.
func (s *set) remove(hash uint64) int64 {
	h := s.shard(hash)
	h.mu.Lock()
	defer h.mu.Unlock()
	i, ok := h.find(hash)
	if !ok {
		return 0
	}
	h.removeAt(i)
	s.n.Add(-1)
	return 1
}

// sweep removes all expired entries, one shard at a time, and returns their number.
func (s *set) sweep(now time.Time) (gone int64) {
	for i := range s.shards {
		h := &s.shards[i]
		h.mu.Lock()
		before := h.n
		h.rebuild(now)
		gone += int64(before - h.n)
		h.mu.Unlock()
	}
	s.n.Add(-gone)
	return gone
}

// home is the first place of a hash. The lowest bits are the shard's.
func (h *shard) home(hash uint64) int { return int(hash>>shardBits) & (len(h.hash) - 1) }

// find returns the place of a hash, or where it would be put.
func (h *shard) find(hash uint64) (i int, ok bool) {
	if len(h.hash) == 0 {
		return 0, false
	}
	mask := len(h.hash) - 1
	for i = h.home(hash); h.hash[i] != 0; i = (i + 1) & mask {
		if h.hash[i] == hash {
			return i, true
		}
	}
	return i, false
}

func (h *shard) put(hash uint64, until int64, now time.Time) {
	i, ok := h.find(hash)
	if ok {
		h.until[i] = compact(max(untilOf(h.until[i]), until))
		return
	}
	if (h.n+1)*4 > len(h.hash)*3 {
		h.rebuild(now)
		i, _ = h.find(hash)
	}
	h.hash[i], h.until[i] = hash, compact(until)
	h.n++
}

// rebuild copies the live entries to a new table, with two to four places for each.
func (h *shard) rebuild(now time.Time) {
	live := 0
	for i, hash := range h.hash {
		if hash != 0 && storekit.Live(untilOf(h.until[i]), now) {
			live++
		}
	}
	size := 8
	for size < 2*(live+1) {
		size *= 2
	}
	old := shard{hash: h.hash, until: h.until}
	h.hash, h.until, h.n, h.hand = make([]uint64, size), make([]uint32, size), 0, 0
	for i, hash := range old.hash {
		if hash != 0 && storekit.Live(untilOf(old.until[i]), now) {
			j, _ := h.find(hash)
			h.hash[j], h.until[j] = hash, old.until[i]
			h.n++
		}
	}
}

// removeAt removes an entry, and closes the gap by moving back later ones that belong there.
func (h *shard) removeAt(gap int) {
	mask := len(h.hash) - 1
	for i := (gap + 1) & mask; h.hash[i] != 0; i = (i + 1) & mask {
		if (i-h.home(h.hash[i]))&mask >= (i-gap)&mask { // its home is not after the gap
			h.hash[gap], h.until[gap] = h.hash[i], h.until[i]
			gap = i
		}
	}
	h.hash[gap] = 0
	h.n--
}

// sweep looks at the next few places, and makes a table that has become much too large
// anew.
func (h *shard) sweep(now time.Time) {
	mask := len(h.hash) - 1
	for range sweepEach {
		if h.hash[h.hand] != 0 && !storekit.Live(untilOf(h.until[h.hand]), now) {
			h.removeAt(h.hand) // which may have moved another entry to this place
		} else {
			h.hand = (h.hand + 1) & mask
		}
	}
	if len(h.hash) > 64 && h.n < len(h.hash)/8 {
		h.rebuild(now)
	}
}
