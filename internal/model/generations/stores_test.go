package generations_test

import (
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/internal/model"
	"github.com/jwtgate/gate/stores/storekit"
)

// hashes are the sessions of the model as stores name them.
var hashes = [maxLogins + 1]string{"", "session 1", "session 2", "session 3"}

// A pair is a record of the model with that of the stores.
type pair struct {
	ours   record
	theirs storekit.SubjectRecord
}

// TestRecordIsTheStores: whatever the order of writes, the record of the model covers
// what storekit.SubjectRecord covers. So what the search says is said of the stores.
func TestRecordIsTheStores(t *testing.T) {
	base := time.Now().Truncate(time.Second)
	w := world{rules: model.All(int(ruleCount))}
	tokens := sampleTokens(t, base)
	pairs := []pair{{}}
	for step := range int8(4) {
		var next []pair
		for _, p := range pairs {
			next = append(next, w.writes(p, step, base)...)
		}
		for _, p := range next {
			for ours, theirs := range tokens {
				if got, want := p.theirs.Covers(theirs, hashes[ours.session]), w.revokes(p.ours, ours); got != want {
					t.Fatalf("step %d, %v: the stores cover %+v: %v; the model: %v", step, p.ours, ours, got, want)
				}
			}
		}
		pairs = next
	}
	t.Logf("%d orders of writes, %d tokens", len(pairs), len(tokens))
}

// writes returns p after each write that can come next.
func (w world) writes(p pair, step int8, base time.Time) (after []pair) {
	now := start + step
	for except := range int8(3) {
		c := call{except: except, stamp: now}
		change := storekit.SubjectChange{Before: base.Unix() + int64(now), Except: hashes[except]}
		ours := w.write(p.ours, int(step%2), c, now)
		after = append(after, pair{ours, p.theirs.Revoke(change, int64(ours.gen))})
		if p.ours.present {
			after = append(after, pair{w.stampAgain(p.ours, c, now), p.theirs.Restamp(change)})
		}
	}
	return after
}

// sampleTokens are tokens of the model with those of the library.
func sampleTokens(t *testing.T, base time.Time) map[token]*gate.Token {
	all := make(map[token]*gate.Token)
	for session := int8(1); session <= maxLogins; session++ {
		for _, gen := range []int8{noGeneration, 0, 13, 14, 17, 18, 21, 22, 25, 26, 29, 30} {
			for iat := int8(start - 1); iat < start+5; iat++ {
				at := base.Add(time.Duration(iat) * time.Second)
				claims := map[string]any{"sub": "alice", "iat": at, "nbf": at, "exp": at.Add(time.Hour)}
				if gen != noGeneration {
					claims["gen"] = gen
				}
				all[token{exists: true, session: session, gen: gen, iat: iat}] = gatetest.VerifiedToken(t, "", claims)
			}
		}
	}
	return all
}
