package generations_test

// login has the steps of a login, which makes the first token of session i+1.
func (o *steps) login(i int) {
	switch l := o.from.logins[i]; l.phase {
	case idle:
		o.beginLogin(i)
	case begun:
		n := o.from
		r := n.record
		if !o.has(generationFromStore) {
			r = n.copied
		}
		n.logins[i].phase, n.logins[i].gen = prepared, r.gen
		o.add(n, "login %d reads generation %d", int8(i+1), r.gen)
	case prepared:
		gen := l.gen
		if l.noGen {
			gen = noGeneration
		}
		for _, offset := range o.issueOffsets() {
			n := o.from
			n.logins[i].phase = done
			n.tokens[i] = o.issue(int8(i+1), gen, n.now+offset)
			o.add(n, "login %d issues a token, generation %d, time of issue %d", int8(i+1), gen, n.now+offset)
		}
	}
}

func (o *steps) beginLogin(i int) {
	for _, old := range o.nodes() {
		for _, noGen := range o.kinds(old) {
			n := o.from
			n.logins[i] = login{phase: begun, old: old, noGen: noGen}
			for j, c := range n.calls {
				if c.phase == done {
					n.logins[i].after |= 1 << j
				}
			}
			o.add(n, "login %d begins", int8(i+1))
		}
	}
}

// kinds says whether a login's token has no generation: false, true, or either.
func (o *steps) kinds(old bool) []bool {
	switch {
	case old, o.tokens == withoutGeneration, o.upgrade && !o.from.upgraded && o.has(upgradeFirst):
		return []bool{true}
	case o.tokens == bothKinds:
		return []bool{false, true}
	}
	return []bool{false}
}

func (w world) issue(session, gen, iat int8) token {
	return token{exists: true, session: session, gen: gen, iat: iat, exp: iat + w.lifetime}
}

func (w world) expired(s state, t token) bool { return w.lifetime > 0 && s.now > t.exp }

// refresh has the steps of refresh i: it signs and then asks about the parent, or the
// other way round.
func (o *steps) refresh(i int) {
	r := o.from.refreshes[i]
	switch {
	case r.phase == idle:
		o.beginRefresh(i)
	case r.phase == prepared && r.asked:
		for _, offset := range o.issueOffsets() {
			n := o.from
			gen := o.generationOfChild(r.parent, r.old)
			n.handOut(i, o.issue(n.tokens[r.parent].session, gen, n.now+offset))
			o.add(n, "refresh %d signs generation %d, time of issue %d, and hands out", int8(i), gen, n.now+offset)
		}
	case r.phase == prepared && o.refused(o.from.tokens[r.parent], r.old):
		n := o.from
		n.refreshes[i] = refresh{phase: done}
		o.add(n, "refresh %d asks: its token is refused", int8(i))
	case r.phase == prepared:
		n := o.from
		n.handOut(i, o.issue(n.tokens[r.parent].session, r.gen, r.iat))
		o.add(n, "refresh %d asks: its token is good; hands out", int8(i))
	}
}

func (o *steps) beginRefresh(i int) {
	for p, t := range o.from.tokens[:maxLogins+i] {
		if !t.exists || o.expired(o.from, t) {
			continue
		}
		for _, old := range o.nodes() {
			o.takeToken(i, int8(p), old)
		}
	}
}

// takeToken is the first half of a refresh.
func (o *steps) takeToken(i int, parent int8, old bool) {
	t := o.from.tokens[parent]
	if o.asksFirst(t) {
		if !o.refused(t, old) {
			n := o.from
			n.refreshes[i] = refresh{phase: prepared, parent: parent, asked: true, old: old}
			o.add(n, "refresh %d asks about token %d: good", int8(i), parent)
		}
		return
	}
	for _, offset := range o.issueOffsets() {
		n := o.from
		gen := o.generationOfChild(parent, old)
		n.refreshes[i] = refresh{phase: prepared, parent: parent, gen: gen, iat: n.now + offset, old: old}
		o.add(n, "refresh %d of token %d signs generation %d, time of issue %d", int8(i), parent, gen, n.now+offset)
	}
}

func (w world) asksFirst(t token) bool {
	return !w.has(signThenAsk) || w.askFirst && t.gen != noGeneration
}

func (o *steps) generationOfChild(parent int8, old bool) int8 {
	switch gen := o.from.tokens[parent].gen; {
	case old:
		return noGeneration
	case gen == noGeneration || o.has(inheritGeneration):
		return gen
	}
	return o.from.record.gen
}

// refused asks the blocklist about the token that a new one is made from.
func (o *steps) refused(t token, old bool) bool {
	if old {
		t.gen = noGeneration // which old nodes do not read
	}
	if o.has(expiryAgain) && o.expired(o.from, t) {
		return true
	}
	if !o.has(askStore) {
		return o.copyRevokes(o.from, t)
	}
	return o.revokes(o.from.record, t)
}

func (s *state) handOut(i int, t token) {
	s.refreshes[i] = refresh{phase: done}
	s.tokens[maxLogins+i] = t
}
