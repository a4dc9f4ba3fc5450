package rotation_test

import (
	"fmt"

	"github.com/jwtgate/gate/internal/model"
)

// lastToken is the last of the chain that a search follows.
const lastToken = 5

// What the store answers instead of a token.
const (
	refused  int8 = -1
	endOfRun int8 = -2 // the chain is longer than the search follows
)

// A record is what the store keeps of the session: its live token, by its place in the
// chain, when it came, and when the grace period of its parent ends.
type record struct{ live, since, graceEnd int8 }

// A request is one refresh by a tab.
type request struct {
	phase  int8
	token  int8
	answer int8
	saw    record // what was read, where reading and writing are apart
}

const (
	idle int8 = iota
	sent
	read
	answered
)

// Who presents a token.
const (
	nobody int8 = iota
	user
	thief
)

// A state is the store with what a failover can lose, the user and the thief.
type state struct {
	now        int8
	record     record
	previous   [2]record
	losable    int8
	failedOver bool
	ended      bool

	jar     int8 // the token that the user's tabs share
	tabs    [2]request
	stolen  uint8 // the tokens that the thief has, as bits
	theft   bool
	last    int8 // who presented last
	changes int8 // how often that changed

	userMissed, thiefMissed bool // has not got the live token in the last grace period
	graceOpen               bool
	fault                   fault
}

// A fault is a promise that a step has broken.
type fault int8

const (
	none fault = iota
	honestUserOut
	parentAfterGrace
	missedUserIn
	missedThiefIn
	tokenAfterEnd
)

var faults = [...]string{
	none:             "",
	honestUserOut:    "the only user, who refreshes in time, is logged out",
	parentAfterGrace: "the parent is taken after its grace period",
	missedUserIn:     "a user who missed a grace period is let in",
	missedThiefIn:    "a thief who missed a grace period is let in",
	tokenAfterEnd:    "a token is made after the absolute end",
}

func show(s state) string {
	return fmt.Sprintf("time %d, live token %d, grace period until %d", s.now, s.record.live, s.record.graceEnd)
}

// A world is a scenario under a set of rules.
type world struct {
	scenario
	rules model.Rules
}

func (w world) has(r model.Rule) bool { return w.rules.Has(r) }

// clocks are the readings of the clock that judges grace periods.
func (w world) clocks(now int8) (readings []int8) {
	if w.has(storesClock) {
		return []int8{now}
	}
	for o := -w.clockError; o <= w.clockError; o++ {
		readings = append(readings, now+o)
	}
	return readings
}

func (s state) has(token int8) bool { return s.stolen>>token&1 == 1 }

// normal returns s without what does not matter in w, so that equal states are one.
func (w world) normal(s state) state {
	if w.losses == 0 || s.failedOver {
		s.previous, s.losable = [2]record{}, 0
	}
	if !w.onlyOutside {
		s.last, s.changes = nobody, 0
	}
	return s
}
