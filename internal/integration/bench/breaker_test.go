package bench_test

import (
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// addBreaker measures a check with a store in memory, and the same through a circuit
// breaker. The floor of the group is the check without a breaker.
func (f *fixture) addBreaker(t *testing.T) {
	store, err := gatemem.New(gatemem.Options{MaxLifetime: gate.NoExpiry})
	if err != nil {
		t.Fatal(err)
	}
	key := must(keys.HMAC(keys.HS256, secret))
	withList := func(list gate.Blocklist) *gate.Gate { return must(gate.New(gate.Config{Keys: key, Blocklist: list})) }
	add("breaker", f.alg, "floor", checkGate(withList(store), f.tok))
	add("breaker", f.alg, "gatemem", checkGate(withList(stores.NewBreaker(store, stores.FailurePolicy{})), f.tok))
}
