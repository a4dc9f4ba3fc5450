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

// Stats has counts since the store was opened, and the state of the store.
type Stats struct {
	Checks      uint64        // checks that asked the database
	CacheHits   uint64        // checks that were answered from memory
	Writes      uint64        // writes that were acknowledged
	WriteErrors uint64        // writes that returned an error
	WriteTime   time.Duration // the time of all acknowledged writes together
	LastError   error         // the last error of a check, a write or the copy in memory; nil: none yet
	LastErrorAt time.Time
	// LastWriteError is the error of the last write. It is nil after a write that was
	// acknowledged. While it is not nil, revocations probably fail.
	LastWriteError error
	CacheEntries   int           // entries in memory
	CacheAge       time.Duration // the age of the copy in memory; negative: there is no usable copy
}

// counts holds the numbers that Stats returns.
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

// writeEvents is the shortest time between two events for failing writes.
const writeEvents = 10 * time.Second

// wrote counts a write. It does not count one that failed because its caller gave up.
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

// classify wraps an error of the server with the error that all stores use for it. It
// compares texts, because drivers have no common type for errors.
func classify(err error) error {
	if err == nil {
		return nil
	}
	text, state := err.Error(), stateOf(err)
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

// stateOf returns the SQLSTATE of an error of PostgreSQL, or "".
func stateOf(err error) string {
	var coded interface{ SQLState() string }
	if !errors.As(err, &coded) {
		return ""
	}
	return coded.SQLState()
}

// rolledBack reports whether the database has rolled back a transaction so that another
// one can go on: a deadlock, or a conflict at the level SERIALIZABLE or REPEATABLE READ.
func rolledBack(err error) bool {
	if err == nil {
		return false
	}
	state, text := stateOf(err), err.Error()
	return state == "40001" || state == "40P01" || strings.Contains(text, "Error 1213") || strings.Contains(text, "Error 1020")
}

// outOfRange reports whether MySQL has refused the lane of another epoch.
func outOfRange(err error) bool { return strings.Contains(err.Error(), "Error 1690") }
