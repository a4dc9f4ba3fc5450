package gateredis

import (
	"sync"
	"sync/atomic"
	"time"
)

// Stats has counts of a [Store] since it was made.
type Stats struct {
	Writes    uint64        // writes that were acknowledged
	Waited    time.Duration // the time of all these writes together
	Failed    uint64        // writes that failed
	LastError error         // the error of the last write that failed
	FailedAt  time.Time     // the time of that error
	Recalled  uint64        // checks that were answered from memory
	Cached    int           // verdicts in memory
}

// Stats returns the counts.
func (s *Store) Stats() Stats {
	st := s.writes.read()
	if s.memory != nil {
		st.Recalled, st.Cached = s.memory.recalled.Load(), s.memory.len()
	}
	return st
}

// failuresEach is the shortest time between two events for failing writes.
const failuresEach = time.Second

type writeStats struct {
	writes, failed atomic.Uint64
	waited         atomic.Int64

	mu       sync.Mutex
	last     error
	at       time.Time
	reported time.Time
}

// note counts a write, and reports whether its error should be an event.
func (w *writeStats) note(err error, begun time.Time) bool {
	if err == nil {
		w.writes.Add(1)
		w.waited.Add(int64(time.Since(begun)))
		return false
	}
	w.failed.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last, w.at = err, time.Now()
	if w.at.Sub(w.reported) < failuresEach {
		return false
	}
	w.reported = w.at
	return true
}

func (w *writeStats) read() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Stats{
		Writes: w.writes.Load(), Waited: time.Duration(w.waited.Load()), Failed: w.failed.Load(),
		LastError: w.last, FailedAt: w.at,
	}
}
