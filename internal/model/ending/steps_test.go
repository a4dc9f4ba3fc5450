package ending_test

import "github.com/jwtgate/gate/internal/model"

// steps collects the steps out of one state.
type steps struct {
	world
	from state
	all  []model.Step[state]
}

func (w world) next(s state) []model.Step[state] {
	out := &steps{world: w, from: s}
	out.call()
	for i := range s.logins {
		if i == 0 || s.logins[i-1].phase != idle {
			out.login(int8(i))
		}
	}
	for i := range s.refreshes {
		if i == 0 || s.refreshes[i-1].phase != idle {
			out.refresh(int8(i))
		}
	}
	return out.all
}

func (o *steps) add(to state, what string, args ...int8) {
	step := model.Step[state]{To: to, What: what}
	copy(step.Args[:], args)
	o.all = append(o.all, step)
}

// call ends sessions. Those that name a session are made by its owner.
func (o *steps) call() {
	n := o.from
	if (o.ending == endOthers || o.ending == endOne) && n.logins[kept].phase != done {
		return
	}
	switch n.call {
	case notCalled:
		for i, l := range n.logins {
			if l.phase == done {
				n.finished |= 1 << i
			}
		}
		n.call = called
		o.add(n, "the call begins")
	case called:
		n.call = halfDone
		if o.has(entryFirst) {
			o.revoke(n)
		} else {
			o.removeRecords(n)
		}
	case halfDone:
		n.call = returned
		if o.has(entryFirst) {
			o.removeRecords(n)
		} else {
			o.revoke(n)
		}
		n.call = broken
		o.add(n, "the node that makes the call dies")
	}
}

// revoke writes the blocklist.
func (o *steps) revoke(n state) {
	switch {
	case o.ending == endOne:
		n.entry = o.has(entryAtAll)
	default:
		n.gen, n.spared = n.gen+1, o.ending == endOthers
	}
	o.add(n, "the call writes the blocklist")
}

func (o *steps) removeRecords(n state) {
	for i, r := range n.records {
		newer := o.has(onlyOlderRecords) && o.ending != endOne && r.gen >= n.gen
		if o.ends(int8(i)) && o.ending != revokeSubject && !newer {
			n.records[i] = record{}
		}
	}
	o.add(n, "the call removes the records")
}

// login has the steps of Start for session i.
func (o *steps) login(i int8) {
	n := o.from
	l := &n.logins[i]
	switch l.phase {
	case idle:
		*l = login{phase: begun, after: n.call == returned}
		o.add(n, "login %d begins", i)
	case begun:
		l.phase, l.gen = prepared, n.gen
		o.add(n, "login %d reads generation %d", i, l.gen)
	case prepared:
		l.phase, n.records[i] = written, record{true, l.gen}
		o.add(n, "login %d writes its record", i)
	case written:
		if o.has(startAsksItself) && n.blocked(i, l.gen) {
			l.phase, n.records[i] = refused, record{}
			o.add(n, "login %d asks about itself: refused; it removes its record", i)
			return
		}
		l.phase, n.tokens[i] = done, token{exists: true, session: i, gen: l.gen}
		o.add(n, "login %d returns tokens of generation %d", i, l.gen)
	}
}

// refresh has the steps of refresh i.
func (o *steps) refresh(i int8) {
	n := o.from
	r := &n.refreshes[i]
	switch r.phase {
	case idle:
		for _, t := range o.from.tokens {
			if t.exists {
				*r = refresh{phase: begun, session: t.session, gen: t.gen, after: n.call == returned}
				o.add(n, "refresh %d of session %d begins", i, t.session)
			}
		}
	case begun:
		o.rotate(n, i)
	case written:
		r.phase = done
		n.tokens[maxSessions+i] = token{exists: true, session: r.session, gen: r.gen, after: r.after}
		o.add(n, "refresh %d returns tokens of generation %d", i, r.gen)
	}
}

// rotate is the one atomic step in the store.
func (o *steps) rotate(n state, i int8) {
	r := &n.refreshes[i]
	if !o.mayRotate(n, *r) {
		r.phase = refused
		o.add(n, "refresh %d: the store refuses to rotate", i)
		return
	}
	r.phase = written
	n.records[r.session] = record{true, r.gen}
	o.add(n, "refresh %d rotates", i)
}

func (o *steps) mayRotate(s state, r refresh) bool {
	if o.has(rotationMakesNoRecord) && !s.records[r.session].present {
		return false
	}
	if !o.has(generationInStep) || r.gen >= s.gen {
		return true
	}
	return o.has(exceptionInStep) && s.spared && r.session == kept
}
