// Package gatetest helps to test code that uses a gate: it mints any token, good or
// bad, tells any time, and has the suites that stores and adapters pass.
package gatetest

import (
	"sync"
	"time"

	"github.com/jwtgate/gate"
)

// Clock tells a time that tests set. Its Now method fits gate.Config.Clock and the
// Clock option of stores. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock at noon of 2 January 2030, UTC.
func NewClock() *Clock {
	return &Clock{now: time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)}
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set sets the time, backwards too.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// Advance moves the time on by d, or back where d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// NewToken returns an access token as a gate would hand it to a store: its ID is id,
// its subject "alice", its session "sid-"+id; it was issued now by the clock, and
// expires in 15 minutes. Change the fields as the test needs. It has no claims and no
// signature.
func NewToken(c *Clock, id string) *gate.Token {
	now := c.Now().Truncate(time.Second)
	return &gate.Token{
		ID: id, Subject: "alice", SessionID: "sid-" + id,
		IssuedAt: now, NotBefore: now, Expiry: now.Add(15 * time.Minute), Type: gate.Access,
	}
}
