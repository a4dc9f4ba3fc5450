package rotation_test

import (
	"testing"

	"github.com/jwtgate/gate/internal/model"
)

// limit is the number of states at which a search gives up.
const limit = 3_000_000

// A scenario bounds what can happen.
type scenario struct {
	name        string
	tabs        int
	ticks       int8
	grace       int8
	end         int8 // absolute end of the session; 0: none
	clockError  int8 // of the nodes' clocks, either way
	lossy       bool // requests and answers may be lost
	inTime      bool // when a grace period ends, nothing older than the live token is left
	losses      int8 // writes that a failover loses
	thiefActs   bool
	onlyOutside bool // user and thief refresh outside of grace periods only
	changes     int8 // that the session may then live through
	large       bool // for make faults
}

var scenarios = []scenario{
	{name: "honest", tabs: 2, ticks: 7, grace: 2, lossy: true, inTime: true},
	{name: "clocks", tabs: 2, ticks: 7, grace: 2, clockError: 1, lossy: true, inTime: true},
	{name: "failover loses one", tabs: 2, ticks: 6, grace: 2, lossy: true, inTime: true, losses: 1},
	{name: "failover loses two", tabs: 2, ticks: 6, grace: 2, lossy: true, inTime: true, losses: 2},
	{name: "thief", tabs: 2, ticks: 7, grace: 2, thiefActs: true},
	{name: "thief, lost answers", tabs: 1, ticks: 7, grace: 2, thiefActs: true, lossy: true},
	{name: "thief, failover", tabs: 1, ticks: 7, grace: 2, thiefActs: true, losses: 1},
	{name: "outside of grace periods", tabs: 1, ticks: 10, grace: 2, thiefActs: true, onlyOutside: true},
	{name: "outside of grace periods, failover", tabs: 1, ticks: 10, grace: 2, thiefActs: true, onlyOutside: true, losses: 2, changes: 2},
	{name: "absolute end", tabs: 2, ticks: 7, grace: 2, end: 4, lossy: true, inTime: true},

	{name: "large: honest", tabs: 2, ticks: 10, grace: 3, lossy: true, inTime: true, large: true},
	{name: "large: failover loses one", tabs: 2, ticks: 9, grace: 3, lossy: true, inTime: true, losses: 1, large: true},
	{name: "large: failover loses two", tabs: 2, ticks: 9, grace: 3, lossy: true, inTime: true, losses: 2, large: true},
	{name: "large: thief", tabs: 2, ticks: 8, grace: 3, thiefActs: true, lossy: true, large: true},
}

func (sc scenario) search(rules model.Rules) model.Result {
	w := world{sc, rules}
	return model.System[state]{Next: w.next, Violation: w.violation, Show: show}.Search(limit)
}

// violation returns the promise that s breaks, or "".
func (w world) violation(s state) string {
	switch {
	case s.fault != none:
		return faults[s.fault]
	case s.ended:
		return ""
	case w.onlyOutside && s.changes > w.changes:
		return "the session is still open after user and thief took turns"
	}
	return w.branches(s)
}

// branches looks for a second chain: outside of a grace period only the live token is
// taken, and every answer is the live token.
func (w world) branches(s state) string {
	for token := range int8(lastToken + 1) {
		if s.jar != token && !s.has(token) {
			continue
		}
		after := s
		answer := w.present(&after, s.record, token, s.now)
		if answer >= 0 && after.record.live != answer {
			return "the answer is not the live token"
		}
		if answer != refused && token != s.record.live && s.now >= s.record.graceEnd && !s.failedOver {
			return "a second token is taken outside of a grace period"
		}
	}
	return ""
}

func TestNothingIsViolated(t *testing.T) {
	for _, sc := range scenarios {
		if sc.large && !model.Large() {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			model.MustHold(t, sc.search(model.All(int(ruleCount))))
		})
	}
}

func TestEachRuleIsNeeded(t *testing.T) {
	for rule, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			model.MustBreak(t, byName(t, r.scenario).search(model.All(int(ruleCount)).Without(model.Rule(rule))))
		})
	}
}

// TestLimits: what docs/generations.md says is not promised.
func TestLimits(t *testing.T) {
	for _, sc := range []scenario{
		{name: "an answer that is not asked for again in time", tabs: 1, ticks: 7, grace: 2, lossy: true},
		{name: "a request longer on its way than the grace period", tabs: 2, ticks: 7, grace: 2},
	} {
		t.Run(sc.name, func(t *testing.T) {
			model.MustBreak(t, sc.search(model.All(int(ruleCount))))
		})
	}
}

func byName(t *testing.T, name string) scenario {
	t.Helper()
	for _, sc := range scenarios {
		if sc.name == name {
			return sc
		}
	}
	t.Fatalf("no scenario %q", name)
	return scenario{}
}

func TestRulesAreDescribed(t *testing.T) {
	var names []string
	for _, r := range rules {
		names = append(names, r.name)
	}
	model.MustDescribe(t, "../../../docs/generations.md", names)
}
