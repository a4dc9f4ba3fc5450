package generations_test

// revokes reports whether record r covers a token, as the store itself judges.
func (w world) revokes(r record, t token) bool {
	if !r.present {
		return false
	}
	if !w.has(orderNotEquality) && t.gen != noGeneration {
		return t.gen != r.gen && !r.spares(t)
	}
	if t.gen == noGeneration || t.gen > r.gen && w.has(timeRuleAboveRecord) {
		return r.revokesByTime(t)
	}
	return t.gen < r.all || t.gen < r.gen && !r.spares(t)
}

func (r record) spares(t token) bool { return r.except != 0 && r.except == t.session }

func (r record) revokesByTime(t token) bool {
	return t.iat <= r.beforeAll || t.iat <= r.before && !r.spares(t)
}

// copyRevokes reports whether a copy refuses a token.
func (w world) copyRevokes(s state, t token) bool {
	switch {
	case !s.copied.present || t.gen <= s.copied.gen || !w.has(orderNotEquality):
		return w.revokes(s.copied, t)
	case !w.has(copyNoTimeRule):
		return s.copied.revokesByTime(t)
	case w.has(copyAsksAboveRecord):
		return w.revokes(s.record, t)
	}
	return false
}

// write returns the record after call number i wrote its generation into old, by a
// clock that says now.
func (w world) write(old record, i int, c call, now int8) record {
	r := old
	r.present = true
	r.gen = w.generation(old, i, c, now)
	switch {
	case c.except == 0:
		r.all, r.except = r.gen, 0
		r.before = max(r.before, c.stamp)
		r.beforeAll = r.before
		return r
	case c.except == old.except && w.has(sameExceptionKeepsAll):
	case c.except == old.except:
		r.all = old.gen
	case w.has(otherExceptionSetsAll):
		r.all, r.beforeAll = old.gen, max(old.beforeAll, old.before)
	}
	r.before, r.except = max(old.before, c.stamp), c.except
	return r
}

// generation returns the new generation: ticks in the upper bits, in the lower ones
// what no other write has.
func (w world) generation(old record, i int, c call, now int8) int8 {
	tick := now
	if w.has(aboveOld) {
		tick = max(old.gen/4+1, now)
	}
	switch {
	case !w.has(uniqueGenerations):
		return 4 * tick
	case c.again:
		return 4*tick + 3
	}
	return 4*tick + int8(i) + 1
}

// writeOld returns the record after a write by a node that knows no generations: it
// drops them, and takes the instant as it writes.
func (r record) writeOld(c call, now int8) record {
	n := record{present: true, before: max(r.before, now), except: c.except}
	switch c.except {
	case 0:
		n.beforeAll = n.before
	case r.except:
		n.beforeAll = r.beforeAll
	default:
		n.beforeAll = max(r.beforeAll, r.before)
	}
	return n
}

// stampAgain returns the record after the second instant of a call.
func (w world) stampAgain(r record, c call, now int8) record {
	if !r.present {
		r = record{present: true, except: c.except}
	}
	if !w.has(stampKeepsException) {
		if c.except != r.except && now >= r.before {
			r.beforeAll, r.except = max(r.beforeAll, r.before), c.except
		}
	} else if c.except == 0 || c.except != r.except {
		r.beforeAll = max(r.beforeAll, now)
	}
	r.before = max(r.before, now)
	return r
}

// holds reports whether r covers all that call c has written.
func (w world) holds(r record, c call) bool {
	if !w.has(lostIsUncovered) {
		return r.present && r.gen >= c.gen
	}
	return r.present && (r.all >= c.gen || r.gen >= c.gen && c.except != 0 && c.except == r.except)
}
