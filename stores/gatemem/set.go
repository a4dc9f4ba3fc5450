package gatemem

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate/stores/storekit"
)

// shardBits spreads writers and readers over 64 shards, by the lowest bits of a hash.
const shardBits = 6

// sweepEach is at how many places a write looks for entries past their time. About one
// place in two has an entry, so that in a store in use an eighth at most is waste.
const sweepEach = 16

// set holds hashes, each with the second in which it goes: two arrays to a shard, with
// open addressing and linear probing. A Go map would do the same in one and a half
// times the memory, of which it gives none back.
type set struct {
	n      atomic.Int64 // entries; a set without any is not searched
	shards [1 << shardBits]shard
}

// shard is a table whose size is a power of two. An entry is at the place of its
// hash or, with no gap between, after it.
type shard struct {
	mu    sync.RWMutex
	hash  []uint64 // 0: no entry
	until []uint32 // as compact makes it
	n     int      // entries
	hand  int      // where the sweep goes on
	_     [40]byte // two cache lines each, shared with no other
}

func (s *set) shard(hash uint64) *shard { return &s.shards[hash&(1<<shardBits-1)] }

// compact is until in 32 bits. What ends after 2106 is kept for ever, as 0.
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

// has reports whether the set has an entry for id, under a key, that is live at now.
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

// put adds an entry, or lengthens the life of the one there is, and sweeps a little.
// It returns by how many entries the set has grown.
func (s *set) put(hash uint64, until int64, now time.Time) (grown int64) {
	_, grown = s.claim(hash, until, now)
	return grown
}

// claim is put, and reports whether there was no live entry before.
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

// extend lengthens the life of an entry, and reports whether there is one.
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

// remove returns how many entries have gone.
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

// sweep drops all that is past its time, one shard at a time, and returns how many.
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

// rebuild copies what lives to a table of its size: two to four places an entry.
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
			h.removeAt(h.hand) // another may be here now
		} else {
			h.hand = (h.hand + 1) & mask
		}
	}
	if len(h.hash) > 64 && h.n < len(h.hash)/8 {
		h.rebuild(now)
	}
}
