// Package gatetest helps to test code that uses a gate. It creates tokens, good and bad,
// has a clock that tests set, and gives handlers a context with a token and a user. It
// also has the suites that stores and adapters of frameworks must pass. The guide is
// docs/testing.md.
package gatetest

import (
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Clock is a clock that tests set. Its method Now is for [gate.Config.Clock] and the
// Clock option of stores. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows noon of 2 January 2030, UTC.
func NewClock() *Clock {
	return &Clock{now: time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)}
}

// ClockAt returns a clock that shows now. ClockAt(time.Now()) is right for the tokens
// of [Token].
func ClockAt(now time.Time) *Clock { return &Clock{now: now} }

// Token is the function [Token] with the time of this clock.
func (c *Clock) Token(tb testing.TB, key *keys.Key, claims map[string]any) string {
	tb.Helper()
	return minting{key: key, claims: claims, now: c.Now()}.token(tb)
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set sets the time, which may be earlier.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// Advance moves the clock forward by d, or back if d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// NewToken returns an access token as a store gets it from a gate: with this ID, the
// subject "alice" and the session "sid-"+id, issued now by the clock, and expiring in
// 15 minutes. Change the fields as the test needs. It has no claims and no signature.
func NewToken(c *Clock, id string) *gate.Token {
	now := c.Now().Truncate(time.Second)
	return &gate.Token{
		ID: id, Subject: "alice", SessionID: "sid-" + id,
		IssuedAt: now, NotBefore: now, Expiry: now.Add(15 * time.Minute), Type: gate.Access,
	}
}
