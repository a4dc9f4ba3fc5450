package gateredis

import (
	"sync"
	"sync/atomic"
	"time"
)

// Stats are counts of a [Store] since it was made.
type Stats struct {
	Writes    uint64        // calls that change something and were taken
	Waited    time.Duration // for those, in all
	Failed    uint64        // calls that change something and were not taken
	LastError error         // of the last one that failed
	FailedAt  time.Time     // when that was
	Recalled  uint64        // checks answered from memory
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

// failuresEach is how often failing writes are reported while they go on failing.
const failuresEach = time.Second

type writeStats struct {
	writes, failed atomic.Uint64
	waited         atomic.Int64

	mu       sync.Mutex
	last     error
	at       time.Time
	reported time.Time
}

// note takes down a write, and says whether to report its error: one a second.
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
