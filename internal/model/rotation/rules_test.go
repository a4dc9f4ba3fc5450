// Package rotation_test holds a model of the rotation of refresh tokens, as
// docs/generations.md describes it: one session, a user with two tabs, and a thief.
package rotation_test

import "github.com/jwtgate/gate/internal/model"

// The rules of the protocol. Each can be left out of the model.
const (
	atomicStep model.Rule = iota
	parentInGrace
	graceIsFixed
	oneRotationInGrace
	storesClock
	adoptDescendants
	adoptedIsNotRotated
	adoptedHasGrace
	reuseEnds
	absoluteEnd
	ruleCount
)

// rules has the name of each rule in docs/generations.md, and the scenario that has a
// counterexample without it.
var rules = [ruleCount]struct{ name, scenario string }{
	atomicStep:          {"one atomic step", "honest"},
	parentInGrace:       {"the parent gets the successor", "honest"},
	graceIsFixed:        {"the grace period is fixed", "thief"},
	oneRotationInGrace:  {"one rotation in a grace period", "honest"},
	storesClock:         {"grace by the store's clock", "clocks"},
	adoptDescendants:    {"descendants are adopted", "failover loses two"},
	adoptedIsNotRotated: {"an adopted token is not rotated", "failover loses one"},
	adoptedHasGrace:     {"an adopted token has a grace period", "failover loses two"},
	reuseEnds:           {"reuse ends the session", "outside of grace periods"},
	absoluteEnd:         {"the absolute end", "absolute end"},
}
