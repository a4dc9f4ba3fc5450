package gatesql

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jwtgate/gate/stores"
)

// position is how far a poll has read, on which server.
type position struct {
	server   string       // a name that changes with a failover, a restart or TRUNCATE
	snapshot string       // PostgreSQL: the snapshot of the poll
	xmin     int64        // PostgreSQL: all transactions with a lower number had ended
	xmax     int64        // PostgreSQL: no transaction with this or a higher number had begun
	seqs     [lanes]int64 // MySQL: the last number of each lane; SQLite uses the first only
}

func (p *position) known() bool { return p.server != "" }

// Fresh reports whether checks are answered from memory: Run is running, and its last
// poll is not older than Options.CacheFor.
func (s *Store) Fresh() bool {
	if s.cache == nil {
		return false
	}
	_, age := s.cache.state()
	return age >= 0
}

// Run keeps the copy in memory up to date (Options.CacheFor) and deletes expired rows
// (Options.Prune) until ctx ends. Then it returns the error of ctx. A failure is reported
// as an event, and Run tries again. Run returns an error if it is already running, or
// when the store is closed.
func (s *Store) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("gatesql: Run is running already")
	}
	defer s.running.Store(false)
	every, prune := s.o.Poll, s.o.Prune
	if s.cache == nil {
		every = time.Hour
	} else {
		defer s.cache.drop()
	}
	if prune < 0 {
		prune = 1 << 62
	}
	pruned := time.Now().Add(-rand.N(prune)) // so that not all processes prune at once
	var failed time.Time
	for {
		err := s.turn(ctx, &pruned, prune)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errClosed) {
			return err
		}
		if err != nil && time.Since(failed) >= writeEvents {
			failed = time.Now()
			s.counts.failed(err)
			s.event(ctx, stores.CacheFailed, fmt.Errorf("gatesql: %w", err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(every, max(prune/60, time.Second))):
		}
	}
}

// turn is one iteration of Run.
func (s *Store) turn(ctx context.Context, pruned *time.Time, prune time.Duration) error {
	var errs []error
	if s.cache != nil {
		errs = append(errs, s.poll(ctx))
	}
	if time.Since(*pruned) >= prune {
		*pruned = time.Now()
		_, err := s.Cleanup(ctx)
		errs = append(errs, err)
	}
	return errors.Join(append(errs, s.closed())...)
}

// poll brings the copy in memory up to date.
func (s *Store) poll(ctx context.Context) error {
	// A poll may take long while rows arrive: the timer is reset after each 1,000 rows.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	patience := max(s.o.CacheFor, 10*time.Second)
	timer := time.AfterFunc(patience, cancel)
	defer timer.Stop()
	p := &poller{s: s, ctx: ctx, progress: func() { timer.Reset(patience) }}

	began := time.Now()
	number, last := s.cache.begin()
	next, err := p.read(last)
	switch {
	case errors.Is(err, stores.ErrWiped):
		s.cache.drop()
		return err
	case err != nil:
		return err
	}
	if p.anew {
		s.cache.replace(p.rows)
	} else {
		s.cache.apply(p.rows, s.o.Clock())
	}
	s.cache.done(number, began, next)
	if p.anew && last.known() {
		s.event(ctx, stores.CacheRestarted, fmt.Errorf("gatesql: the copy in memory began anew: %s", p.why))
	}
	return nil
}
