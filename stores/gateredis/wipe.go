package gateredis

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// AcceptWipe opens a store that every check answers with [stores.ErrWiped], for all
// processes that use it with this prefix and scope. One call by any of them is enough. An
// operator calls it after finding out why revocations were lost. Tokens issued before
// notBefore plus Options.Skew count as revoked from now on: with time.Now() everybody has
// to log in again. With the zero time all tokens are accepted, even those that had been
// revoked. AcceptWipe also begins the epoch that Options.Epoch names.
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
	s.state.Store(&state{known: known{e, e.mark()}}) // the next call looks at the server
	s.closed.Store(true)
	s.reopened(ctx)
	return nil
}

// nextEpoch returns an epoch that begins now, and after every epoch that a mark names.
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
		mark, _ := r.ToString() // a value that is no mark is ignored
		if old, ok := parseEpoch(mark); ok {
			e.begun = max(e.begun, old.begun+1)
		}
	}
	return e, nil
}

// Epoch returns the name of the store's epoch, and when the epoch began. A new store, or
// one that was wiped while no process used it, has an epoch that began just now. Tokens
// issued before it are refused, unless Options.TrustOlderTokens is set.
func (s *Store) Epoch(ctx context.Context) (name string, begun time.Time, err error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	k, err := s.ready(ctx, time.Now())
	if err != nil {
		return "", time.Time{}, err
	}
	return k.epoch.name, time.UnixMicro(k.epoch.begun), nil
}

// young returns an error while the epoch is so young that tokens made now would be
// refused: they could be older than the epoch.
func (s *Store) young(e *epoch) error {
	if s.o.TrustOlderTokens || s.now().Unix() > e.before {
		return nil
	}
	return fmt.Errorf("gateredis: %w: at %v; tokens without a generation from before %v are refused", stores.ErrYoung, time.UnixMicro(e.begun).UTC(), storekit.UnixTime(e.before+1))
}
