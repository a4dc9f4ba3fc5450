package gateredis

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores/storekit"
)

// memory holds verdicts on tokens. With a verdict, the next check of the token needs no
// hashing and reads only the mark from the client's cache. Every change rewrites the mark.
// A verdict is valid as long as the cache holds the same copy of the mark that it held
// before the verdict. A change, a lost connection, or half of CacheFor puts another copy
// there. It is half, because the values behind the verdict may have been in the cache for
// the other half.
//
// This is correct because the server reports the entry and the mark of its group on one
// connection, in the order in which they were written.
//
// Tokens are identified by hashes with a random seed, which nobody outside of the process
// can predict. A verdict is stored in the map itself, so that a check reads little memory.
type memory struct {
	place, proof maphash.Seed
	recalled     atomic.Uint64
	shards       [64]shard
}

func (m *memory) len() (n int) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.RLock()
		n += len(s.verdicts)
		s.mu.RUnlock()
	}
	return n
}

type shard struct {
	mu       sync.RWMutex
	verdicts map[uint64]verdict // by the hash of the token's ID
}

// shardEntries is the size of a shard. A full shard is emptied: each lost verdict costs
// one round trip, and most of them have expired.
const shardEntries = 1 << 10

func newMemory() *memory {
	m := &memory{place: maphash.MakeSeed(), proof: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].verdicts = make(map[uint64]verdict)
	}
	return m
}

// A verdict is what was found for a token.
type verdict struct {
	blocked bool
	passing bool  // it depends on a clock that may be put back, so it is not kept
	until   int64 // if blocked: when the entry expires

	token  uint64 // hash of everything that identifies the token, with another seed
	issued int64
	made   time.Time
	groups [3]group
}

// A group is a mark that was fetched before the verdict: the group's tag, and the address
// of the mark in memory. A mark that is fetched later has another address, even if it is
// equal, because this pointer keeps the old one alive.
type group struct {
	tag  int32 // the index in Store.tags plus 1; 0: none
	mark *byte
}

// holds reports whether the verdict is still true at now.
func (v *verdict) holds(now time.Time) bool { return !v.blocked || storekit.Live(v.until, now) }

// hash returns the hash of everything that identifies a token. It includes the length of
// each part, so that different parts never give the same bytes.
func (m *memory) hash(t *gate.Token) uint64 {
	h := maphash.String(m.proof, t.RevocationID())
	gen, known := t.Generation()
	if !known {
		gen = -1
	}
	h = h*31 + uint64(gen)
	for _, part := range [...]string{t.SessionID, storekit.SubjectOf(t), t.VerifiedIssuer()} {
		h = h*31 + maphash.String(m.proof, part) + uint64(len(part))
	}
	return h
}

func (m *memory) get(id string) (verdict, bool) {
	place := maphash.String(m.place, id)
	s := &m.shards[place%uint64(len(m.shards))]
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.verdicts[place]
	return v, ok
}

func (m *memory) put(id string, v verdict) {
	place := maphash.String(m.place, id)
	s := &m.shards[place%uint64(len(m.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.verdicts) >= shardEntries {
		clear(s.verdicts)
	}
	s.verdicts[place] = v
}

// cached returns the client's copy of a mark. It fetches the mark if there is no copy.
func (s *Store) cached(ctx context.Context, tag int32) (string, error) {
	mark, err := text(s.client.DoCache(ctx, s.getMark[tag], s.o.CacheFor/2).ToString())
	for range retries {
		if !endedForAnother(ctx, err) {
			break
		}
		mark, err = text(s.client.DoCache(ctx, s.getMark[tag], s.o.CacheFor/2).ToString())
	}
	return mark, err
}

// retries is how often a read is repeated that failed with another caller's context.
const retries = 3

// endedForAnother reports whether a read failed because the context of another caller has
// ended. The client had joined both reads, so another try may succeed.
func endedForAnother(ctx context.Context, err error) bool {
	return (err == context.Canceled || err == context.DeadlineExceeded) && ctx.Err() == nil
}

// ended is an ended context, for reads that must not wait.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// Recall implements [stores.MemoryBlocklist]. It answers if memory has a verdict and
// nothing has changed since.
func (s *Store) Recall(t *gate.Token) (blocked, known bool) {
	started := time.Now()
	st := s.state.Load()
	if s.memory == nil || !st.fresh(started) || st.err != nil {
		return false, false
	}
	now := started
	if s.o.Clock != nil {
		now = s.o.Clock()
	}
	if s.keep.Check(t, now) != nil {
		return false, false // Blocked returns the error
	}
	v, ok := s.recall(ended, t, started)
	return v.blocked, ok && v.holds(now)
}

// recall returns the remembered verdict on t, if nothing has changed since.
func (s *Store) recall(ctx context.Context, t *gate.Token, now time.Time) (verdict, bool) {
	v, ok := s.memory.get(t.ID)
	if !ok || v.token != s.memory.hash(t) || v.issued != t.IssuedAt.Unix() || now.Sub(v.made) > s.o.CacheFor/2 {
		return verdict{}, false
	}
	for _, g := range v.groups {
		if g.tag == 0 {
			break
		}
		if mark, err := s.cached(ctx, g.tag-1); err != nil || unsafe.StringData(mark) != g.mark {
			return verdict{}, false
		}
	}
	s.memory.recalled.Add(1)
	return v, true
}

// remember keeps the verdict on t. The marks of the tags were fetched before it.
func (s *Store) remember(c check, v verdict, tags, marks []string) {
	if c.t.ID == "" || v.passing {
		return
	}
	v.token, v.issued, v.made = s.memory.hash(c.t), c.t.IssuedAt.Unix(), c.started
	for i, tag := range tags {
		v.groups[i] = group{int32(slices.Index(s.tags, tag) + 1), unsafe.StringData(marks[i])}
	}
	s.memory.put(c.t.ID, v)
}

// readCached reads keys from the client's cache, and the missing ones from the server. It
// reports whether there were missing ones.
func (s *Store) readCached(ctx context.Context, keys []string) (values []string, asked bool, err error) {
	values, asked, err = s.tryCached(ctx, keys)
	for range retries {
		if !endedForAnother(ctx, err) {
			break
		}
		values, asked, err = s.tryCached(ctx, keys)
	}
	return values, asked, err
}

func (s *Store) tryCached(ctx context.Context, keys []string) (values []string, asked bool, err error) {
	commands := make([]rueidis.CacheableTTL, len(keys))
	for i, k := range keys {
		commands[i] = rueidis.CT(s.client.B().Get().Key(k).Cache().ToStaticTTL(), s.o.CacheFor/2)
	}
	results := s.client.DoMultiCache(ctx, commands...)
	for i := range results {
		asked = asked || !results[i].IsCacheHit()
	}
	values, err = texts(results)
	return values, asked, err
}

// lateContext adds a deadline to a call without one. It starts a timer only if somebody
// waits; an answer from the cache needs no timer.
type lateContext struct {
	context.Context
	deadline time.Time
	timed    atomic.Pointer[timed]
}

type timed struct {
	context.Context
	cancel context.CancelFunc
}

func (c *lateContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done starts the timer.
func (c *lateContext) Done() <-chan struct{} { return c.start().Done() }

func (c *lateContext) Err() error { return c.start().Err() }

func (c *lateContext) start() *timed {
	if t := c.timed.Load(); t != nil {
		return t
	}
	ctx, cancel := context.WithDeadline(c.Context, c.deadline)
	t := &timed{ctx, cancel}
	if !c.timed.CompareAndSwap(nil, t) {
		cancel()
		return c.timed.Load()
	}
	return t
}

// stop frees the timer, if there is one.
func (c *lateContext) stop() {
	if t := c.timed.Load(); t != nil {
		t.cancel()
	}
}

// A stepWatch notices when the machine's clock is put back. The client's cache uses that
// clock to expire its copies, so they would live longer than allowed.
type stepWatch struct {
	start  time.Time
	mu     sync.Mutex
	offset time.Duration // wall clock minus monotonic clock, since start
	until  time.Duration // the cache must not be used until then (monotonic clock)
}

// trusted reports whether the cache may be used at now. life is how long a copy lives.
func (w *stepWatch) trusted(now time.Time, life time.Duration) bool {
	return w.trustedAt(now.Sub(w.start), now.Round(0).Sub(w.start.Round(0)), life)
}

// trustedAt is trusted with the times of the monotonic and the wall clock since start.
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
