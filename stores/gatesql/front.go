package gatesql

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Front keeps a copy of all entries in the memory of the process while [Store.Run]
// runs, so that a check asks no database. It needs 40 to 80 bytes for an entry.
//
// What this process revokes its own checks see at once. What another one revokes they
// see after a poll: usually within Poll, never later than MaxStale, because a copy that
// is older is not believed and the database is asked.
type Front struct {
	// MaxStale is how old a copy may be: 2 seconds.
	MaxStale time.Duration
	// Poll is how often the database is asked for changes: a quarter of MaxStale. It
	// must be less than MaxStale.
	Poll time.Duration
	// Listen, if set, calls changed when others may have written, so that the copy need
	// not wait for a poll; polls go on all the same. It returns when ctx ends, or an
	// error, and is then called again after Poll. With PostgreSQL it listens on channel
	// (LISTEN), which every write notifies; database/sql cannot, but its drivers can.
	Listen func(ctx context.Context, channel string, changed func()) error
	// OnError is told of polls and of Listen that failed. The copy grows old meanwhile.
	OnError func(error)
}

// front is the copy.
type front struct {
	Front
	clock   func() time.Time
	running atomic.Bool

	mu       sync.RWMutex
	fresh    time.Time // the copy has all that was committed before; zero: unusable
	seq      int64     // of the last change that came by a poll
	entries  map[frontKey]frontEntry
	subjects map[frontKey]storekit.SubjectRecord // of those entries that are of subjects
}

// frontKey is 128 bits of an entry's hash.
type frontKey [16]byte

// frontEntry is kept when its row was restored too, as dead, so that a poll that began
// before does not bring it back to life.
type frontEntry struct {
	until int64 // negative: restored, and forgotten in that second
	seq   int64
}

func newFront(o Front, clock func() time.Time) (*front, error) {
	if o.MaxStale == 0 {
		o.MaxStale = 2 * time.Second
	}
	if o.Poll == 0 {
		o.Poll = o.MaxStale / 4
	}
	if o.Poll <= 0 || o.MaxStale <= o.Poll || o.MaxStale >= undoneFor {
		return nil, fmt.Errorf("gatesql: Front.Poll %v must be less than Front.MaxStale %v, and that less than %v", o.Poll, o.MaxStale, undoneFor)
	}
	f := &front{Front: o, clock: clock}
	f.reset()
	return f, nil
}

// key is the key of a hash.
func key(id string) (k frontKey) {
	var b [24]byte
	_, _ = base64.RawURLEncoding.Decode(b[:], []byte(id)) // made by HashID
	copy(k[:], b[:])
	return k
}

// Fresh reports whether checks are answered by the copy in front, and not by the
// database: that Run runs, and that its last poll is not older than MaxStale.
func (s *Store) Fresh() bool {
	if s.front == nil {
		return false
	}
	s.front.mu.RLock()
	defer s.front.mu.RUnlock()
	return s.front.believable()
}

// believable is called with the lock held.
func (f *front) believable() bool { return !f.fresh.IsZero() && time.Since(f.fresh) <= f.MaxStale }

// blocked is the verdict of the copy; not ok when it is too old to have one.
func (f *front) blocked(t *gate.Token, ids identifiers, now time.Time) (blocked, ok bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.believable() {
		return false, false
	}
	return f.live(ids.token, now) || f.live(ids.session, now) ||
		f.live(ids.subject, now) && f.subjects[key(ids.subject)].Covers(t, ids.session), true
}

func (f *front) live(id string, now time.Time) bool {
	return id != "" && f.entries[key(id)].until > now.Unix()
}

// apply takes in a row, unless it is older than what is known of its id.
func (f *front) apply(r row) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.applyLocked(r)
}

func (f *front) applyLocked(r row) {
	k := key(r.id)
	if old, ok := f.entries[k]; ok && old.seq >= r.seq {
		return
	}
	e := frontEntry{r.until, r.seq}
	if r.undone {
		e.until = -r.until
	}
	f.entries[k] = e
	if r.kind == stores.Subject {
		f.subjects[k] = r.record
	}
	f.sweep()
}

// sweep forgets some of what is past its time.
func (f *front) sweep() {
	n, now := 8, f.clock().Unix()
	for k, e := range f.entries {
		if n--; n < 0 {
			return
		}
		if max(e.until, -e.until) <= now {
			delete(f.entries, k)
			delete(f.subjects, k)
		}
	}
}

func (f *front) reset() {
	f.fresh, f.seq = time.Time{}, 0
	f.entries, f.subjects = map[frontKey]frontEntry{}, map[frontKey]storekit.SubjectRecord{}
}

// Run keeps the copy in front up to date until ctx ends, and returns its error; or
// [stores.ErrWiped], at once, when the tables are not those that were opened. Until the
// first poll is done, and when Run has returned, checks ask the database. It is an
// error without Options.Front, or while it runs already. Its goroutines end before it.
func (s *Store) Run(ctx context.Context) error {
	f := s.front
	if f == nil {
		return errors.New("gatesql: Run needs Options.Front")
	}
	if !f.running.CompareAndSwap(false, true) {
		return errors.New("gatesql: Run is running already")
	}
	defer f.running.Store(false)
	ctx, cancel := context.WithCancel(ctx)
	var listening sync.WaitGroup
	defer func() {
		cancel()
		listening.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.reset()
	}()
	wake := make(chan struct{}, 1)
	if f.Listen != nil {
		listening.Go(func() { s.listen(ctx, wake) })
	}
	for {
		err := s.catchUp(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, stores.ErrWiped) || errors.Is(err, errClosed) {
			return fmt.Errorf("gatesql: %w", err)
		}
		f.report(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-time.After(f.Poll):
		}
	}
}

func (f *front) report(err error) {
	if err != nil && f.OnError != nil {
		f.OnError(fmt.Errorf("gatesql: front: %w", err))
	}
}

// listen wakes the poll when the caller's listener says so.
func (s *Store) listen(ctx context.Context, wake chan<- struct{}) {
	for ctx.Err() == nil {
		err := s.front.Listen(ctx, s.o.Table, func() {
			select {
			case wake <- struct{}{}:
			default: // one is waiting to be seen
			}
		})
		if ctx.Err() != nil {
			return
		}
		s.front.report(err)
		select {
		case <-ctx.Done():
		case <-time.After(s.front.Poll):
		}
	}
}

// changesAtOnce is how many rows a poll reads in one go.
const changesAtOnce = 5000

// catchUp reads all changes since the last poll.
func (s *Store) catchUp(ctx context.Context) error {
	f := s.front
	ctx, cancel := context.WithTimeout(ctx, max(f.MaxStale, 10*time.Second))
	defer cancel()
	began := time.Now()
	st, err := s.prepare(ctx, s.q.version)
	if err != nil {
		return err
	}
	var m meta
	if err := scanMeta(st.QueryRowContext(ctx), &m); err != nil {
		return err
	}
	if m.epoch != s.tables.epoch {
		return stores.ErrWiped
	}
	f.mu.Lock()
	// Restored rows are deleted in time, and a database may have been put back: then the
	// copy begins anew.
	if m.seq < f.seq || !f.fresh.IsZero() && began.Sub(f.fresh) > undoneFor/2 {
		f.reset()
	}
	seq := f.seq
	f.mu.Unlock()
	for seq < m.seq {
		n, last, err := s.readChanges(ctx, seq)
		if err != nil {
			return err
		}
		if n < changesAtOnce {
			break
		}
		seq = last
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fresh = began
	f.seq = max(f.seq, m.seq)
	return nil
}

// readChanges takes in the changes behind seq, and returns how many, and the last.
func (s *Store) readChanges(ctx context.Context, seq int64) (n int, last int64, err error) {
	st, err := s.prepare(ctx, s.q.changes)
	if err != nil {
		return 0, 0, err
	}
	rows, err := st.QueryContext(ctx, seq, changesAtOnce)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	changes := make([]row, 0, 64)
	for rows.Next() {
		var r row
		if err := rows.Scan(r.fields()...); err != nil {
			return 0, 0, err
		}
		changes = append(changes, r)
	}
	if err := rows.Err(); err != nil || len(changes) == 0 {
		return 0, seq, err
	}
	f := s.front
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range changes {
		f.applyLocked(r)
	}
	last = changes[len(changes)-1].seq
	f.seq = max(f.seq, last)
	return len(changes), last, nil
}
