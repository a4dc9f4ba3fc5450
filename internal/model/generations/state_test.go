package generations_test

import (
	"fmt"

	"github.com/jwtgate/gate/internal/model"
)

// The most actors of each kind; a scenario may have fewer.
const (
	maxCalls     = 2
	maxLogins    = 3
	maxRefreshes = 2
)

// What actors have done so far. Each kind uses those that apply to it.
const (
	idle     int8 = iota
	begun         // a call has read its clock; a login has begun
	prepared      // a call or login has read the record; a refresh has signed, or asked
	written       // a call's generation is in the store
	done
)

// noGeneration is the generation of a token without the claim.
const noGeneration = -1

// A record is what the store keeps of the subject. Tokens below all are revoked, and
// those below gen unless they are of the session except. before and beforeAll are the
// same for tokens without a generation, by the time of issue, inclusive.
type record struct {
	present           bool
	gen, all          int8
	before, beforeAll int8
	except            int8 // 0: no session
	writtenAt         int8
}

// A call is one RevokeSubject.
type call struct {
	phase           int8
	except          int8
	gen             int8
	stamp           int8 // the instant for the time rule, read first
	returnedAt      int8
	old             bool   // on a node that knows no generations
	again           bool   // the write was lost and is made again
	lost, lostStamp bool   // a failover lost the write, or the second instant
	saw             record // what was read, where reading and writing are apart
}

// A login makes a new session: that of login i is number i+1.
type login struct {
	phase  int8
	gen    int8
	old    bool
	noGen  bool  // the token gets no generation
	before uint8 // calls that took effect after this login had finished
	after  uint8 // calls that had returned when this login began
}

// A refresh makes a token from a token.
type refresh struct {
	phase    int8
	parent   int8
	gen, iat int8
	asked    bool // asked before signing
	old      bool
}

// A token is a refresh token and the access tokens issued with it.
type token struct {
	exists  bool
	session int8
	gen     int8
	iat     int8
	exp     int8
}

// A state is the store, one copy of it, and all actors. previous is what a failover
// falls back to; the write that it loses is 2*call, or 2*call+1 for a second instant.
type state struct {
	now        int8
	record     record
	previous   record
	losable    bool
	lastWrite  int8
	copied     record
	copiedAt   int8
	calls      [maxCalls]call
	logins     [maxLogins]login
	refreshes  [maxRefreshes]refresh
	tokens     [maxLogins + maxRefreshes]token
	failedOver bool
	upgraded   bool
}

func (r record) String() string {
	if !r.present {
		return "no record"
	}
	return fmt.Sprintf("record: gen %d, all %d, before %d, before all %d, except %d", r.gen, r.all, r.before, r.beforeAll, r.except)
}

// show is what traces print after each step.
func show(s state) string { return fmt.Sprintf("time %d, %v", s.now, s.record) }

// A world is a scenario under a set of rules.
type world struct {
	scenario
	rules model.Rules
}

func (w world) has(r model.Rule) bool { return w.rules.Has(r) }

// offsets are the errors of a clock that is off by up to e.
func offsets(e int8) (all []int8) {
	for o := -e; o <= e; o++ {
		all = append(all, o)
	}
	return all
}

// issueOffsets are those errors where the time of issue matters.
func (w world) issueOffsets() []int8 {
	if !w.timed() {
		return []int8{0}
	}
	return offsets(w.clockError)
}

// timed reports whether the time rule can matter.
func (w world) timed() bool {
	return w.tokens != withGeneration || w.failover != noFailover || w.lifetime > 0 || w.upgrade || !w.has(copyNoTimeRule)
}

// normal returns s without what does not matter in w, so that equal states are one.
func (w world) normal(s state) state {
	if !w.timed() {
		for _, r := range []*record{&s.record, &s.previous, &s.copied} {
			r.before, r.beforeAll = 0, 0
		}
		for i := range s.calls {
			s.calls[i].stamp = 0
		}
		for i := range s.tokens {
			s.tokens[i].iat = 0
		}
		for i := range s.refreshes {
			s.refreshes[i].iat = 0
		}
	}
	if w.lifetime == 0 {
		s.record.writtenAt, s.previous.writtenAt, s.copied.writtenAt = 0, 0, 0
		for i := range s.tokens {
			s.tokens[i].exp = 0
		}
	}
	if !w.copies {
		s.copied, s.copiedAt = record{}, 0
		for i := range s.calls {
			s.calls[i].returnedAt = 0
		}
	}
	if w.failover == noFailover || s.failedOver {
		s.previous, s.losable, s.lastWrite = record{}, false, 0
	}
	return s
}
