// Package gatetest helps to test code that uses a gate: it makes any token, good or
// bad, tells any time, gives handlers a context with a token and a user, and has the
// suites that stores and adapters of frameworks pass. The guide is docs/testing.md.
package gatetest

import (
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
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

// ClockAt returns a clock that tells now: ClockAt(time.Now()) fits the tokens of
// [Token], and a time within its life fits a token that was recorded long ago.
func ClockAt(now time.Time) *Clock { return &Clock{now: now} }

// Token is the function [Token], issued a minute ago by this clock.
func (c *Clock) Token(tb testing.TB, key *keys.Key, claims map[string]any) string {
	tb.Helper()
	return minting{key: key, claims: claims, now: c.Now()}.token(tb)
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
