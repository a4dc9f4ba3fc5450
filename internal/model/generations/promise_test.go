package generations_test

import "fmt"

// violation returns the promise that s breaks, or "".
func (w world) violation(s state) string {
	for i, t := range s.tokens {
		if !t.exists || w.expired(s, t) {
			continue
		}
		if v := w.judge(s, t); v != "" {
			return fmt.Sprintf("token %d (session %d, generation %d, time of issue %d) %s", i, t.session, t.gen, t.iat, v)
		}
	}
	return ""
}

func (w world) judge(s state, t token) string {
	dead, deadInCopy := w.mustDie(s, t)
	switch {
	case dead && !w.revokes(s.record, t):
		return "is revoked, and the store lets it in"
	case deadInCopy && w.copies && !w.copyRevokes(s, t):
		return "is revoked, and a copy lets it in after its lag"
	case !w.mustLive(s, t):
		return ""
	case w.revokes(s.record, t):
		return "is of a later login, and the store refuses it"
	case w.copies && w.copyRevokes(s, t):
		return "is of a later login, and a copy refuses it"
	}
	return ""
}

// lostGeneration reports whether t has a generation that the store has lost.
func lostGeneration(s state, t token) bool { return t.gen > s.record.gen && s.failedOver }

// mustDie reports whether a call covers t: its login had finished before the call
// took effect. For tokens under the time rule that is promised from the return on.
func (w world) mustDie(s state, t token) (atStore, atCopy bool) {
	for i, c := range s.calls {
		if !c.inForce() || c.spares(t) || s.logins[t.session-1].before&(1<<i) == 0 {
			continue
		}
		byOrder := t.gen != noGeneration && !c.old && !lostGeneration(s, t)
		if !byOrder && (c.phase != done || c.lostStamp) {
			continue
		}
		atStore = true
		atCopy = atCopy || c.phase == done && s.now > c.returnedAt+w.lag
	}
	return atStore, atCopy
}

func (c call) inForce() bool { return (c.phase == written || c.phase == done) && !c.lost }

func (c call) spares(t token) bool { return c.except != 0 && c.except == t.session }

// mustLive reports whether no call covers t: each had returned when its login began,
// or spares its session. Only generations promise it.
func (w world) mustLive(s state, t token) bool {
	if t.gen == noGeneration || lostGeneration(s, t) {
		return false
	}
	for i, c := range s.calls {
		if c.inForce() && !c.spares(t) && s.logins[t.session-1].after&(1<<i) == 0 {
			return false
		}
	}
	return true
}
