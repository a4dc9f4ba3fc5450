package gatemem

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate/stores"
)

// shardCount spreads writers and readers; it is a power of two.
const shardCount = 64

// sweepEach is how many entries a write looks at for ones past their time. With eight,
// at most about an eighth of a store in use is waste.
const sweepEach = 8

// set holds hashes, each with the second in which it goes. It holds no pointers, so
// that the garbage collector does not look into it.
type set struct {
	n      atomic.Int64 // entries; a set without any is not searched
	shards [shardCount]shard
}

type shard struct {
	mu   sync.RWMutex
	m    map[uint64]uint32 // 0: never goes
	peak int               // most entries since m was made
	_    [24]byte          // one shard, one cache line
}

func (s *set) init() {
	for i := range s.shards {
		s.shards[i].m = make(map[uint64]uint32)
	}
}

func (s *set) shard(hash uint64) *shard { return &s.shards[hash%shardCount] }

// compact is until in 32 bits. What is past 2106 never goes.
func compact(until int64) uint32 {
	if until > math.MaxUint32 {
		return 0
	}
	return uint32(until)
}

// has reports whether the set has a live entry for id, under a key.
func (s *set) has(key *hashKey, id string, now time.Time) bool {
	if id == "" || s.n.Load() == 0 {
		return false
	}
	hash := key.hash(id)
	h := s.shard(hash)
	h.mu.RLock()
	until, ok := h.m[hash]
	h.mu.RUnlock()
	return ok && stores.Live(int64(until), now)
}

// put adds an entry, or lengthens the life of the one there is, and sweeps a little.
// It returns by how many entries the set has grown.
func (s *set) put(hash uint64, until int64, now time.Time) (grown int64) {
	h := s.shard(hash)
	h.mu.Lock()
	defer h.mu.Unlock()
	old, ok := h.m[hash]
	if ok {
		until = stores.Later(int64(old), until)
	} else {
		grown = 1
	}
	h.m[hash] = compact(until)
	h.peak = max(h.peak, len(h.m))
	grown -= h.sweep(now, sweepEach)
	s.n.Add(grown)
	return grown
}

// extend lengthens the life of an entry, and reports whether there is one.
func (s *set) extend(hash uint64, until int64) bool {
	h := s.shard(hash)
	h.mu.Lock()
	defer h.mu.Unlock()
	old, ok := h.m[hash]
	if ok {
		h.m[hash] = compact(stores.Later(int64(old), until))
	}
	return ok
}

// remove returns how many entries have gone.
func (s *set) remove(hash uint64) int64 {
	h := s.shard(hash)
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.m[hash]; !ok {
		return 0
	}
	delete(h.m, hash)
	s.n.Add(-1)
	return 1
}

// sweep looks at all entries, one shard at a time.
func (s *set) sweep(now time.Time) (gone int64) {
	for i := range s.shards {
		h := &s.shards[i]
		h.mu.Lock()
		gone += h.sweep(now, len(h.m))
		h.mu.Unlock()
	}
	s.n.Add(-gone)
	return gone
}

// sweep looks at n entries of a shard. A map keeps its memory when entries go, so one
// that has become much too large is made anew.
func (h *shard) sweep(now time.Time, n int) int64 {
	gone := sweep(h.m, now, n, func(until uint32) int64 { return int64(until) })
	if gone > 0 && h.peak >= 1024 && len(h.m) < h.peak/4 {
		m := make(map[uint64]uint32, len(h.m))
		for hash, until := range h.m {
			m[hash] = until
		}
		h.m, h.peak = m, len(m)
	}
	return gone
}

// sweep removes those of n entries that are past their time. Go starts to range over
// a map at a random place, so that all have their turn.
func sweep[V any](m map[uint64]V, now time.Time, n int, until func(V) int64) (gone int64) {
	for hash, v := range m {
		if n--; n < 0 {
			break
		}
		if !stores.Live(until(v), now) {
			delete(m, hash)
			gone++
		}
	}
	return gone
}
