package generations_test

import (
	"testing"

	"github.com/jwtgate/gate/internal/model"
)

// Which tokens logins make.
const (
	withGeneration = iota
	withoutGeneration
	bothKinds
)

// What a failover that loses the last write takes: nothing, or longer than the clocks
// of the two servers differ.
const (
	noFailover = iota
	fastFailover
	slowFailover
)

// start is the time at which all scenarios begin.
const start = 3

// limit is the number of states at which a search gives up.
const limit = 8_000_000

// A scenario bounds what can happen.
type scenario struct {
	name                     string
	calls, logins, refreshes int
	ticks                    int8
	clockError               int8 // of the nodes' clocks, either way
	writerError              int8 // the same, where a generation is taken from a node's clock
	exceptions               []int8
	tokens                   int
	failover                 int
	lifetime                 int8 // of tokens; 0: they never end
	copies                   bool
	lag                      int8
	askFirst                 bool
	upgrade                  bool
	large                    bool // for make faults
}

var (
	all     = []int8{0}
	either  = []int8{0, 1}
	anybody = []int8{0, 1, 2}
)

var scenarios = []scenario{
	{name: "plain", calls: 2, logins: 3, refreshes: 1, ticks: 1, exceptions: all},
	{name: "copies", calls: 2, logins: 1, refreshes: 1, ticks: 2, clockError: 1, exceptions: all, copies: true, lag: 1},
	{name: "copies, one tick", calls: 2, logins: 1, clockError: 1, exceptions: all, copies: true, lag: 1},
	{name: "exceptions", calls: 2, logins: 2, refreshes: 1, ticks: 1, exceptions: anybody},
	{name: "ask first", calls: 2, logins: 2, refreshes: 1, ticks: 1, exceptions: all, askFirst: true},
	{name: "failover", calls: 2, logins: 2, ticks: 1, writerError: 1, exceptions: either, failover: slowFailover},
	{name: "fast failover", calls: 2, logins: 1, refreshes: 1, ticks: 1, exceptions: all, failover: fastFailover},
	{name: "fast failover, copies", calls: 2, logins: 1, ticks: 3, exceptions: all, failover: fastFailover, copies: true, lag: 1},
	{name: "without generation", calls: 1, logins: 1, refreshes: 1, ticks: 2, clockError: 1, exceptions: all, tokens: withoutGeneration},
	{name: "without generation, copies", calls: 1, logins: 1, refreshes: 1, ticks: 3, exceptions: all, tokens: withoutGeneration, copies: true, lag: 1},
	{name: "both kinds", calls: 2, logins: 1, ticks: 1, exceptions: anybody, tokens: bothKinds},
	{name: "records end", calls: 1, logins: 1, refreshes: 2, ticks: 6, exceptions: all, lifetime: 2},
	{name: "upgrade", calls: 2, logins: 1, refreshes: 1, ticks: 1, exceptions: all, upgrade: true},

	{name: "large: plain", calls: 2, logins: 3, refreshes: 2, ticks: 1, exceptions: all, large: true},
	{name: "large: exceptions", calls: 2, logins: 2, refreshes: 2, ticks: 1, exceptions: anybody, large: true},
	{name: "large: failover", calls: 2, logins: 2, refreshes: 1, ticks: 1, exceptions: either, failover: slowFailover, large: true},
	{name: "large: fast failover", calls: 2, logins: 1, refreshes: 2, ticks: 1, clockError: 1, exceptions: all, failover: fastFailover, large: true},
	{name: "large: fast failover, copies", calls: 2, logins: 1, refreshes: 1, ticks: 3, exceptions: all, failover: fastFailover, copies: true, lag: 1, large: true},
	{name: "large: without generation", calls: 1, logins: 2, refreshes: 2, ticks: 2, clockError: 1, exceptions: all, tokens: withoutGeneration, large: true},
	{name: "large: both kinds", calls: 2, logins: 2, refreshes: 1, ticks: 1, exceptions: anybody, tokens: bothKinds, large: true},
	{name: "large: upgrade", calls: 2, logins: 2, refreshes: 1, ticks: 1, exceptions: all, upgrade: true, large: true},
}

func (sc scenario) search(rules model.Rules) model.Result {
	w := world{sc, rules}
	begin := w.normal(state{now: start, copiedAt: start})
	return model.System[state]{Start: begin, Next: w.next, Violation: w.violation, Show: show}.Search(limit)
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

// TestLimit: what docs/generations.md says is not promised.
func TestLimit(t *testing.T) {
	limits := scenario{calls: 2, logins: 2, ticks: 1, exceptions: either, failover: fastFailover}
	model.MustBreak(t, limits.search(model.All(int(ruleCount))))
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
