package gatemem

import (
	"context"
	"fmt"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Ready returns an error if the store would forget revocations while the gate still
// accepts their tokens.
func (s *Store) Ready(ctx context.Context, n gate.Needs) error {
	if err := s.done(ctx); err != nil {
		return err
	}
	if err := s.keep.Fits(n); err != nil {
		return fmt.Errorf("gatemem: %w", err)
	}
	return nil
}

// Entry implements [stores.Inspector]. The store does not keep notes or the time of a
// revocation.
func (s *Store) Entry(ctx context.Context, kind stores.Kind, id string) (stores.Entry, bool, error) {
	if err := s.done(ctx); err != nil {
		return stores.Entry{}, false, err
	}
	if id == "" {
		return stores.Entry{}, false, fmt.Errorf("gatemem: %w", stores.ErrNoID)
	}
	e := stores.Entry{Kind: kind, ID: storekit.HashID(kind, s.scope.Text(), id)}
	k, id := s.named(id)
	until, ok := int64(0), false
	switch kind {
	case stores.Token:
		until, ok = s.tokens.until(k.token.hash(id))
	case stores.Session:
		until, ok = s.sessions.until(k.session.hash(id))
	case stores.Subject:
		var r subject
		r, ok = s.subjects.get(k.subject.hash(id))
		until = r.until
		e.Generation, e.AllGeneration, e.ExceptSession = r.Generation, r.AllGeneration, r.Except
		e.Before, e.AllBefore = storekit.UnixTime(r.Before), storekit.UnixTime(r.AllBefore)
	default:
		return stores.Entry{}, false, fmt.Errorf("gatemem: there are no entries of the kind %q", kind)
	}
	if !ok || !storekit.Live(until, s.clock()) {
		return stores.Entry{}, false, nil
	}
	e.Until = storekit.UnixTime(until)
	return e, true, nil
}
