package gateredis

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
	"unsafe"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// memory holds verdicts, so that the next check of a token needs no hashing and one
// look into the client's cache: for the mark, which every change writes again. A
// verdict is good as long as the cached mark is the very one that was there before the
// verdict: any change since, a lost connection, and the end of half of CacheFor have
// each put another there. Half, because what the verdict was made from may have been
// in the client's cache for as long before.
//
// The order holds because the entry and the mark of its group are reported on one
// connection, in the order in which they were written.
type memory struct {
	seed   maphash.Seed
	shards [64]shard
}

type shard struct {
	mu       sync.RWMutex
	verdicts map[string]*verdict // by token ID
}

// shardEntries bounds a shard. A full one is emptied: what it holds is worth one round
// trip each, and most of it has ended by then.
const shardEntries = 1 << 10

func newMemory() *memory {
	m := &memory{seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].verdicts = make(map[string]*verdict)
	}
	return m
}

func (m *memory) shard(id string) *shard {
	return &m.shards[maphash.String(m.seed, id)%uint64(len(m.shards))]
}

func (m *memory) get(id string) *verdict {
	s := m.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.verdicts[id]
}

func (m *memory) put(id string, v *verdict) {
	s := m.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.verdicts) >= shardEntries {
		clear(s.verdicts)
	}
	s.verdicts[id] = v
}

// A verdict is what was found for a token.
type verdict struct {
	blocked bool
	until   int64 // blocked: when that ends; 0 is never
	passing bool  // it hangs on a clock that may be put back, and is not kept

	session, subject string
	issued           int64
	tags, marks      []string // of the groups that were looked at
	made             time.Time
}

// holds reports whether there is a verdict that is good at now.
func (v *verdict) holds(now time.Time) bool {
	return v != nil && (!v.blocked || stores.Live(v.until, now))
}

// cached returns the client's copy of a mark, fetching it where there is none.
func (s *Store) cached(ctx context.Context, tag string) (string, error) {
	return text(s.client.DoCache(ctx, s.getMark[tag], s.o.CacheFor/2).ToString())
}

// sameFetch reports whether two strings are one in memory. Values that are equal but
// were fetched at different times are not: as both are held, neither can lie where
// the other did.
func sameFetch(a, b string) bool {
	return len(a) == len(b) && unsafe.StringData(a) == unsafe.StringData(b)
}

// recall returns the verdict on t that still stands, or nil.
func (s *Store) recall(ctx context.Context, t *gate.Token, now time.Time) *verdict {
	if s.o.CacheFor == 0 {
		return nil
	}
	v := s.memory.get(t.ID)
	if v == nil || v.session != t.SessionID || v.subject != t.Subject || v.issued != t.IssuedAt.Unix() || now.Sub(v.made) > s.o.CacheFor/2 {
		return nil
	}
	for i, tag := range v.tags {
		if mark, err := s.cached(ctx, tag); err != nil || !sameFetch(mark, v.marks[i]) {
			return nil
		}
	}
	return v
}

// remember keeps the verdict on t. The marks of the tags were fetched before it.
func (s *Store) remember(t *gate.Token, v verdict, tags, marks []string, now time.Time) {
	if s.o.CacheFor == 0 || t.ID == "" || v.passing {
		return
	}
	v.session, v.subject, v.issued = t.SessionID, t.Subject, t.IssuedAt.Unix()
	v.tags, v.marks, v.made = tags, marks, now
	s.memory.put(t.ID, &v)
}

// readCached reads keys from the client's cache, marks first, and from the server what
// is not there.
func (s *Store) readCached(ctx context.Context, keys []string) ([]string, error) {
	commands := make([]rueidis.CacheableTTL, len(keys))
	for i, k := range keys {
		commands[i] = rueidis.CT(s.client.B().Get().Key(k).Cache().ToStaticTTL(), s.o.CacheFor/2)
	}
	return texts(s.client.DoMultiCache(ctx, commands...))
}

// lateContext gives a call without a deadline one, and pays for its timer only where
// somebody waits: an answer from the cache does not.
type lateContext struct {
	context.Context
	deadline time.Time
	once     sync.Once
	own      context.Context
	cancel   context.CancelFunc
}

func (c *lateContext) Deadline() (time.Time, bool) { return c.deadline, true }

func (c *lateContext) start() {
	c.once.Do(func() { c.own, c.cancel = context.WithDeadline(c.Context, c.deadline) })
}

// Done starts the timer.
func (c *lateContext) Done() <-chan struct{} {
	c.start()
	return c.own.Done()
}

func (c *lateContext) Err() error {
	c.start()
	return c.own.Err()
}

// stop frees the timer, if there is one.
func (c *lateContext) stop() {
	c.once.Do(func() { c.own, c.cancel = c.Context, func() {} })
	c.cancel()
}

// A stepWatch notices that the machine's clock was put back. The client's cache ends
// its copies by that clock, so they would live longer by the step.
type stepWatch struct {
	start  time.Time
	mu     sync.Mutex
	offset time.Duration // of the wall clock to the monotonic one since start
	until  time.Duration // the cache is not to be used, by the monotonic clock
}

// trusted reports whether the cache may be used at now. life is that of a copy.
func (w *stepWatch) trusted(now time.Time, life time.Duration) bool {
	return w.trustedAt(now.Sub(w.start), now.Round(0).Sub(w.start.Round(0)), life)
}

// trustedAt is trusted for what the monotonic and the wall clock count since start.
func (w *stepWatch) trustedAt(mono, wall, life time.Duration) bool {
	const slack = 20 * time.Millisecond
	w.mu.Lock()
	defer w.mu.Unlock()
	if back := w.offset - (wall - mono); back > slack {
		w.until = mono + back + life
	}
	w.offset = wall - mono
	return mono >= w.until
}
