package gateredis

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// AcceptWipe opens a store that is closed by [stores.ErrWiped], for all processes that
// use it with this prefix and scope, whichever calls it and whenever they were started:
// an operator has seen that it lost what was revoked, and decided. Tokens issued until
// notBefore and Options.Skew after it are revoked from now on, so time.Now() lets
// everybody log in again; with the zero time they are accepted, those that had been
// revoked as well. It also begins the epoch that Options.Epoch names.
func (s *Store) AcceptWipe(ctx context.Context, notBefore time.Time) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	e, err := s.nextEpoch(ctx, notBefore)
	if err != nil {
		return err
	}
	if err := s.setAll(ctx, s.allMarks(), e.mark(), true); err != nil {
		return err
	}
	if err := s.dropElected(ctx); err != nil {
		return err
	}
	s.state.Store(&state{known: known{e, e.mark()}}) // due: the next call looks at the server
	s.closed.Store(true)
	s.reopened(ctx)
	return nil
}

// nextEpoch is one that begins now, and later than any that is known.
func (s *Store) nextEpoch(ctx context.Context, notBefore time.Time) (*epoch, error) {
	now, err := s.serverTime(ctx)
	if err != nil {
		return nil, err
	}
	e := &epoch{name: s.o.Epoch, begun: now.UnixMicro(), how: byName}
	if e.name == "" {
		e.name, e.how = rand.Text(), byOperator
	}
	if !notBefore.IsZero() {
		s.startAt(e, notBefore, now)
	}
	if st := s.state.Load(); st != nil && st.known.epoch != nil {
		e.begun = max(e.begun, st.known.epoch.begun+1)
	}
	for _, r := range s.client.DoMulti(ctx, s.gets(s.allMarks())...) {
		mark, _ := r.ToString() // what is no mark does not count
		if old, ok := parseEpoch(mark); ok {
			e.begun = max(e.begun, old.begun+1)
		}
	}
	return e, nil
}

// Epoch returns the name of the epoch that the store is in, and when it began. A store
// that is new, or was wiped while no process used it, began just now: tokens from
// before are refused, unless Options.TrustOlderTokens is set.
func (s *Store) Epoch(ctx context.Context) (name string, begun time.Time, err error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	k, err := s.ready(ctx, time.Now())
	if err != nil {
		return "", time.Time{}, err
	}
	return k.epoch.name, time.UnixMicro(k.epoch.begun), nil
}

// young returns an error while tokens that are made now would be refused, because they
// could be from before the epoch.
func (s *Store) young(e *epoch) error {
	if s.o.TrustOlderTokens || s.now().Unix() > e.before {
		return nil
	}
	return fmt.Errorf("gateredis: %w: at %v; tokens without a generation from before %v are refused", stores.ErrYoung, time.UnixMicro(e.begun).UTC(), storekit.UnixTime(e.before+1))
}
