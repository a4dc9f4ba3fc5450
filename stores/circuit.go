package stores

import (
	"sync"
	"time"
)

// circuit stops asking a store that has failed limit times in a row, and lets one
// caller through each pause to see whether it is back.
type circuit struct {
	limit int
	pause time.Duration

	mu       sync.Mutex
	failures int // in a row, while closed
	open     bool
	probing  bool // one caller is in the store for an open circuit
	next     time.Time
	opened   uint64
}

// enter reports whether the store may be asked, and whether this call is the probe.
func (c *circuit) enter(now time.Time) (probe, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return false, true
	}
	if c.probing || now.Before(c.next) {
		return false, false
	}
	c.probing = true
	return true, true
}

// succeeded reports whether the circuit closed. A call that began before it opened
// does not close it.
func (c *circuit) succeeded(probe bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if probe {
		c.open, c.probing = false, false
	}
	if !c.open {
		c.failures = 0
	}
	return probe
}

// failed reports whether the circuit opened.
func (c *circuit) failed(probe bool, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if probe {
		c.probing, c.next = false, now.Add(c.pause)
		return false
	}
	c.failures++
	if c.open || c.failures < c.limit {
		return false
	}
	c.open, c.failures, c.next = true, 0, now.Add(c.pause)
	c.opened++
	return true
}

// undecided is for a call that ended with its caller: the next one may probe at once.
func (c *circuit) undecided(probe bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if probe {
		c.probing = false
	}
}

func (c *circuit) state() (opened uint64, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened, c.open
}
