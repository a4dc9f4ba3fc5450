// Package generations_test holds a model of "log out everywhere": stores.Store's
// RevokeSubject with generations, as docs/generations.md describes it.
package generations_test

import "github.com/jwtgate/gate/internal/model"

// The rules of the protocol. Each can be left out of the model.
const (
	orderNotEquality model.Rule = iota
	aboveOld
	atomicWrite
	storesClock
	uniqueGenerations
	sameExceptionKeepsAll
	otherExceptionSetsAll
	generationFromStore
	inheritGeneration
	signThenAsk
	askStore
	expiryAgain
	timeRuleAboveRecord
	copyAsksAboveRecord
	copyNoTimeRule
	stampAgain
	stampAhead
	stampKeepsException
	repeatLostWrite
	lostIsUncovered
	keepRecord
	upgradeFirst
	ruleCount
)

// rules has the name of each rule in docs/generations.md, and the scenario that has a
// counterexample without it.
var rules = [ruleCount]struct{ name, scenario string }{
	orderNotEquality:      {"order, not equality", "copies"},
	aboveOld:              {"above the old one", "copies"},
	atomicWrite:           {"one atomic write", "exceptions"},
	storesClock:           {"the store's clock", "failover"},
	uniqueGenerations:     {"no generation twice", "fast failover"},
	sameExceptionKeepsAll: {"the same exception keeps all", "exceptions"},
	otherExceptionSetsAll: {"another exception sets all", "exceptions"},
	generationFromStore:   {"read from the store", "copies"},
	inheritGeneration:     {"inherit", "ask first"},
	signThenAsk:           {"sign, then ask", "without generation"},
	askStore:              {"ask the store itself", "without generation, copies"},
	expiryAgain:           {"look at the expiry again", "records end"},
	timeRuleAboveRecord:   {"time rule above the record", "fast failover"},
	copyAsksAboveRecord:   {"a copy asks the store", "fast failover, copies"},
	copyNoTimeRule:        {"a copy has no time rule", "copies, one tick"},
	stampAgain:            {"a second instant", "without generation"},
	stampAhead:            {"ahead by the skew", "without generation"},
	stampKeepsException:   {"the second instant keeps the exception", "both kinds"},
	repeatLostWrite:       {"a lost write is made again", "failover"},
	lostIsUncovered:       {"lost is what is not covered", "failover"},
	keepRecord:            {"records outlive tokens", "records end"},
	upgradeFirst:          {"no generation during an upgrade", "upgrade"},
}
