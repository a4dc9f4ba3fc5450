package gatesql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate/stores"
)

// Stats are counts since the store was opened, and its state.
type Stats struct {
	Checks      uint64        // asked of the database
	CacheHits   uint64        // answered from memory
	Writes      uint64        // acknowledged
	WriteErrors uint64        // writes that returned an error
	WriteTime   time.Duration // of all acknowledged writes together
	LastError   error         // of a check or write, or of the copy in memory; nil when there was none
	LastErrorAt time.Time
	// LastWriteError is the error of the last write, and nil after one that was
	// acknowledged: while it is not nil nothing may be revocable.
	LastWriteError error
	CacheEntries   int           // in memory
	CacheAge       time.Duration // of the copy in memory; negative: there is none to use
}

// counts are what Stats returns.
type counts struct {
	checks, hits, writes, writeErrors, writeTime atomic.Uint64

	mu       sync.Mutex
	err      error
	at       time.Time
	writeErr error
	reported time.Time
}

func (c *counts) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err, c.at = err, time.Now()
}

// writeEvents is how often at most a failing write is an event.
const writeEvents = 10 * time.Second

// wrote counts a write. What fails because its caller leaves says nothing.
func (s *Store) wrote(ctx context.Context, began time.Time, err error) {
	c := &s.counts
	if err == nil {
		c.writes.Add(1)
		c.writeTime.Add(uint64(time.Since(began)))
		c.mu.Lock()
		c.writeErr = nil
		c.mu.Unlock()
		return
	}
	c.writeErrors.Add(1)
	if errors.Is(err, context.Canceled) {
		return
	}
	c.failed(err)
	c.mu.Lock()
	c.writeErr = err
	report := time.Since(c.reported) >= writeEvents
	if report {
		c.reported = time.Now()
	}
	c.mu.Unlock()
	if report {
		s.event(ctx, stores.StoreFailing, err)
	}
}

// Stats returns the counts.
func (s *Store) Stats() Stats {
	c := &s.counts
	st := Stats{
		Checks: c.checks.Load(), CacheHits: c.hits.Load(), Writes: c.writes.Load(), WriteErrors: c.writeErrors.Load(),
		WriteTime: time.Duration(c.writeTime.Load()), CacheAge: -1,
	}
	c.mu.Lock()
	st.LastError, st.LastErrorAt, st.LastWriteError = c.err, c.at, c.writeErr
	c.mu.Unlock()
	if s.cache != nil {
		st.CacheEntries, st.CacheAge = s.cache.state()
	}
	return st
}

// classify gives errors of the server the error that all stores have for it. Drivers
// have no common type for them.
func classify(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	var state string
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		state = coded.SQLState()
	}
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	switch {
	case state == "42P01" || has("Error 1146", "no such table"):
		return fmt.Errorf("%w: %w; see AcceptWipe", stores.ErrWiped, err)
	case state == "25006" || has("Error 1290", "Error 1836", "Error 1792", "readonly database", "read-only database"):
		return fmt.Errorf("%w: %w", stores.ErrReadOnly, err)
	case state == "53100" || has("Error 1021", "Error 1114", "database or disk is full", "No space left"):
		return fmt.Errorf("%w: %w", stores.ErrFull, err)
	}
	return err
}

// outOfRange recognizes the error by which MySQL refuses the lane of another epoch.
func outOfRange(err error) bool { return strings.Contains(err.Error(), "Error 1690") }
