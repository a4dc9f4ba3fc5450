// Package ending_test holds a model of ending sessions, as docs/generations.md
// describes it: logins, refreshes and one call that ends sessions, step by step.
package ending_test

import (
	"testing"

	"github.com/jwtgate/gate/internal/model"
)

// The rules of the protocol. Each can be left out of the model.
const (
	entryFirst model.Rule = iota
	entryAtAll
	rotationMakesNoRecord
	generationInStep
	exceptionInStep
	startAsksItself
	onlyOlderRecords
	ruleCount
)

// rules has the name of each rule in docs/generations.md, and the ending that has a
// counterexample without it.
var rules = [ruleCount]struct {
	name   string
	ending ending
}{
	entryFirst:            {"the entry first", endOne},
	entryAtAll:            {"an entry in the blocklist", endOne},
	rotationMakesNoRecord: {"a rotation makes no record", endOne},
	generationInStep:      {"the generation in the same step", revokeSubject},
	exceptionInStep:       {"the exception in the same step", endOthers},
	startAsksItself:       {"a login asks about itself", endAll},
	onlyOlderRecords:      {"only older records are removed", endAll},
}

// An ending is what the one call of a search does.
type ending int8

const (
	endAll        ending = iota
	endOthers            // all but session 0
	endOne               // session 0
	revokeSubject        // the blocklist alone, without the records of sessions
)

var endings = [...]string{endAll: "end all", endOthers: "end others", endOne: "end one", revokeSubject: "revoke subject"}

// limit is the number of states at which a search gives up.
const limit = 3_000_000

func (e ending) search(rules model.Rules) model.Result {
	w := world{ending: e, rules: rules}
	return model.System[state]{Next: w.next, Violation: w.violation}.Search(limit)
}

func TestNothingIsViolated(t *testing.T) {
	for e, name := range endings {
		t.Run(name, func(t *testing.T) {
			model.MustHold(t, ending(e).search(model.All(int(ruleCount))))
		})
	}
}

func TestEachRuleIsNeeded(t *testing.T) {
	for rule, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			model.MustBreak(t, r.ending.search(model.All(int(ruleCount)).Without(model.Rule(rule))))
		})
	}
}

func TestRulesAreDescribed(t *testing.T) {
	var names []string
	for _, r := range rules {
		names = append(names, r.name)
	}
	model.MustDescribe(t, "../../../docs/generations.md", names)
}
