package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// RingOptions has the options of a [Ring].
type RingOptions struct {
	// Lifetime is how long a key is kept after it was replaced: the longest lifetime of
	// any token that it signs, refresh tokens included, and the tolerance for clocks. It
	// must be positive.
	Lifetime time.Duration
	// Clock returns the time; nil is time.Now.
	Clock func() time.Time
}

// RingKey is a key and the time from which it signs.
type RingKey struct {
	Key *Key
	// From is when the key begins to sign. The zero time is before all others.
	From time.Time
}

// Phase is the state of a key in a [Ring].
type Phase string

const (
	// Pending keys are published and verify, and do not sign yet.
	Pending Phase = "pending"
	// Active is the one key that signs.
	Active Phase = "active"
	// Retiring keys have signed before, and verify until their last token has expired.
	Retiring Phase = "retiring"
)

// RingStatus describes a key of a [Ring].
type RingStatus struct {
	RingKey
	Phase Phase
	// Until is when the key is dropped, or the zero time while nothing replaces it.
	Until time.Time
}

// A Ring is a [Source] whose keys follow one another by time. A key is pending first:
// it is published, so that all verifiers have it before it signs. It signs from its
// From until the From of the next key, and then verifies for [RingOptions.Lifetime].
// The changes need no goroutine and no restart.
//
// A Ring is safe for concurrent use. Requests read it without a lock; [Ring.Rotate]
// and [Ring.Replace] change its keys.
type Ring struct {
	lifetime time.Duration
	clock    func() time.Time
	ownClock bool       // clock is not time.Now
	change   sync.Mutex // held by who swaps
	keys     atomic.Pointer[[]ringKey]
}

var _ Source = (*Ring)(nil)

// ringKey is a key in the order of From, and the time at which it is dropped.
type ringKey struct {
	RingKey
	replaced bool
	until    time.Time // zero unless replaced
}

func (k *ringKey) gone(now time.Time) bool { return k.replaced && !now.Before(k.until) }

// NewRing returns a ring of the keys. They get key IDs as in [NewSet]. No two keys may
// have the same From, or the same key ID and algorithm. A ring cannot have both
// secrets and public keys. A ring of keys that only verify only verifies.
func NewRing(o RingOptions, list ...RingKey) (*Ring, error) {
	if o.Lifetime <= 0 {
		return nil, errors.New("keys: RingOptions.Lifetime must be positive: the longest lifetime of a token, refresh tokens included")
	}
	r := &Ring{lifetime: o.Lifetime, clock: o.Clock, ownClock: o.Clock != nil}
	if !r.ownClock {
		r.clock = time.Now
	}
	return r, r.Replace(list...)
}

// Lifetime returns RingOptions.Lifetime.
func (r *Ring) Lifetime() time.Duration { return r.lifetime }

// Replace replaces all keys. After an error the ring is unchanged. Use it for keys
// that were read again, and to drop a key that was stolen: its tokens are then refused
// at once. For a ring in a file call Replace of keyfile.File, which changes the file too.
func (r *Ring) Replace(list ...RingKey) error {
	r.change.Lock()
	defer r.change.Unlock()
	return r.replace(list)
}

func (r *Ring) replace(list []RingKey) error {
	ring, err := r.arrange(list)
	if err != nil {
		return err
	}
	r.keys.Store(&ring)
	return nil
}

// arrange checks the keys, sorts them, and computes when each is dropped.
func (r *Ring) arrange(list []RingKey) ([]ringKey, error) {
	var all []*Key
	for _, k := range list {
		all = append(all, k.Key)
	}
	set, err := NewSet(nil, all...)
	if err != nil {
		return nil, err
	}
	if set.mixed() {
		return nil, errors.New("keys: the ring holds secrets and public keys; keep them apart")
	}
	ring := make([]ringKey, len(list))
	for i, k := range list {
		// The set has given key IDs to keys without one.
		ring[i] = ringKey{RingKey: RingKey{set.keys[i], k.From}}
	}
	slices.SortFunc(ring, func(a, b ringKey) int { return a.From.Compare(b.From) })
	for i := range ring[1:] {
		if ring[i].From.Equal(ring[i+1].From) {
			return nil, fmt.Errorf("keys: the keys %q and %q of the ring begin at the same time", ring[i].Key.id, ring[i+1].Key.id)
		}
		ring[i].replaced, ring[i].until = true, ring[i+1].From.Add(r.lifetime)
	}
	return ring, nil
}

// Rotate adds a key that signs from the given time on, which must be later than that
// of all other keys, and drops the keys that have ended. Verifiers that keep a copy of
// the published set must get the key before: from must be later than now by at least
// the time for which they keep the copy (Cache-Control of the published set).
func (r *Ring) Rotate(next *Key, from time.Time) error {
	r.change.Lock()
	defer r.change.Unlock()
	if next == nil || !next.CanSign() {
		return ErrCannotSign
	}
	list := []RingKey{{next, from}}
	for _, k := range r.live() {
		if !k.From.Before(from) {
			return fmt.Errorf("keys: the key %q of the ring begins at %s, which is not before the new one", k.Key.id, k.From.Format(time.RFC3339))
		}
		list = append(list, k.RingKey)
	}
	return r.replace(list)
}

// live returns the keys whose time is not over, the oldest first.
func (r *Ring) live() []ringKey {
	all := *r.keys.Load()
	if !all[0].replaced {
		return all
	}
	// The last key has none after it, and so stays.
	for now := r.clock(); all[0].gone(now); {
		all = all[1:]
	}
	return all
}

// active returns the index of the key that signs, or -1 where all are pending.
func (r *Ring) active(all []ringKey) int {
	i, now := len(all)-1, r.clock()
	for i >= 0 && all[i].From.After(now) {
		i--
	}
	return i
}

// Keys returns the keys to publish: pending, active and retiring.
func (r *Ring) Keys() []*Key {
	var all []*Key
	for _, k := range r.live() {
		all = append(all, k.Key)
	}
	return all
}

// Status returns the keys with their phases, the oldest first.
func (r *Ring) Status() []RingStatus {
	live := r.live()
	active := r.active(live)
	var all []RingStatus
	for i, k := range live {
		phase := Retiring
		switch {
		case i == active:
			phase = Active
		case i > active:
			phase = Pending
		}
		all = append(all, RingStatus{k.RingKey, phase, k.until})
	}
	return all
}

// MarshalJSON returns the JWK Set of the public keys, as [Set.MarshalJSON] does.
func (r *Ring) MarshalJSON() ([]byte, error) { return marshalSet(r.Keys()) }

// Ready returns an error if the ring cannot sign now. A ring of keys that only verify
// is ready.
func (r *Ring) Ready(context.Context) error {
	live := r.live()
	if r.active(live) < 0 {
		return errPending
	}
	return nil
}

var errPending = errors.New("keys: all keys of the ring are pending; none signs yet")

// SigningKey implements [Source]. It returns the active key for every identity.
func (r *Ring) SigningKey(context.Context, any) (*Key, error) {
	all := *r.keys.Load()
	i := r.active(all)
	switch {
	case i < 0:
		return nil, errPending
	case !all[i].Key.CanSign():
		return nil, ErrCannotSign
	}
	return all[i].Key, nil
}

// VerificationKeys implements [Source] as [Set.VerificationKeys] does.
func (r *Ring) VerificationKeys(_ context.Context, u Unverified) ([]*Key, error) {
	id := u.KeyID()
	var found []*Key
	all := *r.keys.Load()
	for i := range all {
		k := all[i].Key
		if id != "" && k.id != id || id == "" && !k.unnamed {
			continue
		}
		if k, _ = r.unlessGone(&all[i]); k != nil {
			found = append(found, k)
		}
	}
	return found, nil
}

// forHeader returns the key that writes exactly this encoded header segment, or nil. The
// time is that of time.Now, if it had to be asked.
func (r *Ring) forHeader(segment string) (k *Key, read time.Time) {
	all := *r.keys.Load()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Key.head == segment {
			return r.unlessGone(&all[i])
		}
	}
	return nil, read
}

// unlessGone returns the key, or nil if its time is over. The newest key needs no clock.
func (r *Ring) unlessGone(k *ringKey) (_ *Key, read time.Time) {
	if !k.replaced {
		return k.Key, read
	}
	now := r.clock()
	if !r.ownClock {
		read = now
	}
	if k.gone(now) {
		return nil, read
	}
	return k.Key, read
}
