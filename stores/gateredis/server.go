package gateredis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

const (
	recheckRole = time.Second     // of a server that was found good
	recheck     = time.Minute     // of its settings, and of all marks
	retry       = time.Second / 5 // of a store that is closed
)

// state is what the store knows about the server.
type state struct {
	known
	err  error     // why the store is closed
	next time.Time // when to look again
	full time.Time // when to look at settings and marks again
}

func (st *state) fresh(now time.Time) bool { return st != nil && now.Before(st.next) }

// ready returns the store's epoch. The first call looks at the server. Later, one call
// looks at it from time to time, and the others do not wait for that.
func (s *Store) ready(ctx context.Context, now time.Time) (known, error) {
	st := s.state.Load()
	if st.fresh(now) {
		return st.known, st.err
	}
	if st != nil && st.epoch != nil && st.err == nil {
		select {
		case s.busy <- struct{}{}:
		default:
			return st.known, nil
		}
	} else if err := s.lock(ctx); err != nil {
		return known{}, err
	}
	defer s.unlock()
	if st = s.state.Load(); !st.fresh(time.Now()) {
		st = s.look(ctx, st)
	}
	return st.known, st.err
}

func (s *Store) lock(ctx context.Context) error {
	select {
	case s.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("gateredis: %w", ctx.Err())
	}
}

func (s *Store) unlock() { <-s.busy }

// look examines the server and keeps the result. If the server does not answer, nothing
// changes, because the caller's own commands will fail too.
func (s *Store) look(ctx context.Context, old *state) *state {
	next := new(state)
	if old != nil {
		next.known, next.full = old.known, old.full
	}
	due := old == nil || old.err != nil || !time.Now().Before(old.full)
	if next.err = s.examine(ctx, due); next.err == nil && due {
		next.known, next.err = s.findKnown(ctx, next.known)
	}
	switch {
	case next.err == nil:
		next.next = time.Now().Add(recheckRole)
		if due {
			next.full = time.Now().Add(recheck)
		}
	case closesStore(next.err):
		next.next = time.Now().Add(retry)
	case next.epoch == nil:
		return next // not kept: the next caller looks again
	default:
		next.err, next.next = nil, time.Now().Add(retry)
	}
	s.tell(ctx, old, next)
	s.state.Store(next)
	return next
}

// closesStore reports whether an error is the server's role or settings, and not a server
// that does not answer.
func closesStore(err error) bool {
	return errors.Is(err, stores.ErrUnsafe) || errors.Is(err, stores.ErrReadOnly) || errors.Is(err, stores.ErrWiped)
}

// tell sends an event if the server's settings or role are refused, or accepted again.
func (s *Store) tell(ctx context.Context, old, next *state) {
	bad := func(st *state) bool {
		return st != nil && (errors.Is(st.err, stores.ErrUnsafe) || errors.Is(st.err, stores.ErrReadOnly))
	}
	switch {
	case bad(next) && !bad(old):
		s.emit(ctx, stores.StoreUnsafe, next.err)
	case bad(old) && !bad(next):
		s.emit(ctx, stores.StoreSafe, nil)
	}
}

func (s *Store) emit(ctx context.Context, name string, err error) {
	if s.o.OnEvent != nil {
		s.o.OnEvent(ctx, gate.Event{Name: name, Err: err})
	}
}

// findKnown finds the epoch for a process that does not know one. For other processes it
// compares all marks with the known epoch.
func (s *Store) findKnown(ctx context.Context, k known) (known, error) {
	if k.epoch == nil {
		e, err := s.findEpoch(ctx)
		if err != nil {
			return known{}, err
		}
		return known{e, e.mark()}, nil
	}
	marks, err := s.readFresh(ctx, s.allMarks())
	if err != nil {
		return k, s.epochError(ctx, err)
	}
	if found, first := survey(marks); found != len(marks) {
		return k, s.wiped(ctx, "marks are missing, or not of one epoch: a part of the data is gone")
	} else if first == k.mark {
		return k, nil
	}
	e, err := s.sameEpoch(ctx, k, marks[:1])
	if err != nil {
		return k, err
	}
	s.reopened(ctx)
	return known{e, e.mark()}, nil
}

// Check checks the server's role and settings, tries a write, and reads the marks of the
// epoch. It returns what is wrong: [stores.ErrReadOnly], [stores.ErrUnsafe],
// [stores.ErrWiped], [stores.ErrFull], [ErrDisk], [ErrReplicas], or the server's own
// error. Call it at start-up and from a health check.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.check(ctx)
	return err
}

func (s *Store) check(ctx context.Context) (known, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	if st := s.state.Load(); st != nil {
		s.state.CompareAndSwap(st, &state{known: st.known, err: st.err}) // due
	}
	if err := s.examine(ctx, true); err != nil {
		return known{}, err
	}
	k, err := s.ready(ctx, time.Now())
	if err != nil {
		return k, err
	}
	if k, err = s.findKnown(ctx, k); err != nil {
		return k, err
	}
	return k, s.tryWrite(ctx)
}

// Ready does what [Store.Check] does. It also returns an error if the store would forget
// revocations while the gate still accepts their tokens, or if the epoch is so young that
// tokens made now would count as older ones.
func (s *Store) Ready(ctx context.Context, n gate.Needs) error {
	if err := s.keep.Fits(n); err != nil {
		return fmt.Errorf("gateredis: %w", err)
	}
	k, err := s.check(ctx)
	if err != nil {
		return err
	}
	return s.young(k.epoch)
}
