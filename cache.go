package gate

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"github.com/jwtgate/gate/keys"
)

// tokenCache keeps tokens whose asymmetric signature was checked, so that it is not
// checked again while the same key is still accepted. Everything else is checked on
// every request, revocation too.
//
// Each shard has two generations: when the young one is full it becomes the old
// one, and the old one is dropped. That bounds entries and bytes without a
// goroutine or a sorted list.
type tokenCache struct {
	shards [16]cacheShard
	seed   maphash.Seed
}

// A cacheShard fills one cache line.
type cacheShard struct {
	mu             sync.RWMutex
	young, old     map[string]*Token
	bytes          int // of young
	entries, limit int // allowed in one generation
}

// entryOverhead is what an entry costs beside the token's own text, about.
const entryOverhead = 512

func newTokenCache(entries, bytes int) *tokenCache {
	c := &tokenCache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		s := &c.shards[i]
		s.entries = max(1, entries/(2*len(c.shards)))
		s.limit = max(1, bytes/(2*len(c.shards)))
	}
	return c
}

func (c *tokenCache) shard(raw string) *cacheShard {
	return &c.shards[maphash.String(c.seed, raw)%uint64(len(c.shards))]
}

// get returns a copy of the verified token, if one of the candidates verified it as a
// token of that issuer.
func (c *tokenCache) get(raw string, from *issuer, candidates []*keys.Key) *Token {
	if c == nil || candidates[0].Public() == nil {
		return nil
	}
	t := c.kept(raw)
	if t == nil || t.from != from || !slices.Contains(candidates, t.key) {
		return nil
	}
	return t.clone()
}

// kept returns the token that is kept, not to be changed, or nil.
func (c *tokenCache) kept(raw string) *Token {
	s := c.shard(raw)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.young[raw]; t != nil {
		return t
	}
	return s.old[raw]
}

// issuer returns whose token this is, if it is kept: the same text has the same "iss".
func (c *tokenCache) issuer(raw string) *issuer {
	if c == nil {
		return nil
	}
	if t := c.kept(raw); t != nil {
		return t.from
	}
	return nil
}

// put keeps a copy of t.
func (c *tokenCache) put(raw string, t *Token) {
	if c == nil {
		return
	}
	// The payload is about three quarters of the token; both are kept.
	size := 2*len(raw) + 16*len(t.Audience) + entryOverhead
	s := c.shard(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > s.limit {
		return
	}
	if s.young == nil || len(s.young) >= s.entries || s.bytes+size > s.limit {
		s.old, s.young, s.bytes = s.young, make(map[string]*Token), 0
	}
	if _, again := s.young[raw]; !again {
		s.bytes += size
	}
	raw = strings.Clone(raw) // the caller's may be memory of a request
	s.young[raw] = t.clone()
}
