package rotation_test

import "github.com/jwtgate/gate/internal/model"

// steps collects the steps out of one state.
type steps struct {
	world
	from state
	all  []model.Step[state]
}

func (w world) next(s state) []model.Step[state] {
	if s.ended || s.fault != none {
		return nil
	}
	out := &steps{world: w, from: s}
	out.tick()
	out.failover()
	out.thief()
	for i := range w.tabs {
		if i == 0 || s.tabs[i-1].phase != idle {
			out.tab(i)
		}
	}
	return out.all
}

func (o *steps) add(to state, what string, args ...int8) {
	step := model.Step[state]{To: o.normal(to), What: what}
	copy(step.Args[:], args)
	o.all = append(o.all, step)
}

// tick lets time pass, unless a user who refreshes in time would have acted before.
func (o *steps) tick() {
	s := o.from
	if s.now == o.ticks || o.inTime && s.now+1 == s.record.graceEnd && s.behind() {
		return
	}
	n := s
	n.now++
	if o.thiefActs && s.graceOpen && n.now >= s.record.graceEnd {
		n.graceOpen = false
		n.userMissed = s.jar < s.record.live
		n.thiefMissed = s.theft && s.stolen>>s.record.live == 0
	}
	o.add(n, "a tick passes")
}

// behind reports whether the user, or anything on its way, has an older token than
// the live one.
func (s state) behind() bool {
	for _, q := range s.tabs {
		if (q.phase == sent || q.phase == read) && q.token < s.record.live || q.phase == answered && q.answer < s.record.live {
			return true
		}
	}
	return s.jar < s.record.live
}

// failover loses the last writes.
func (o *steps) failover() {
	s := o.from
	if o.losses == 0 || s.failedOver || s.losable < o.losses {
		return
	}
	n := s
	n.failedOver, n.record = true, s.previous[o.losses-1]
	n.graceOpen, n.userMissed, n.thiefMissed = false, false, false
	o.add(n, "a failover loses %d", o.losses)
}

// tab has the steps of one of the user's tabs.
func (o *steps) tab(i int) {
	s := o.from
	if o.onlyOutside && s.theft && s.now < s.record.graceEnd {
		return
	}
	switch q := s.tabs[i]; q.phase {
	case idle:
		n := s
		n.tabs[i] = request{phase: sent, token: s.jar}
		o.add(n, "tab %d sends token %d", int8(i), s.jar)
	case sent:
		o.arrive(i, q)
		o.lose(i, "the request of tab %d is lost")
	case read:
		for _, now := range o.clocks(s.now) {
			o.judge(i, q, q.saw, now)
		}
	case answered:
		n := s
		n.jar, n.tabs[i] = q.answer, request{}
		n.userMissed = n.userMissed && n.jar < n.record.live
		o.add(n, "tab %d keeps token %d", int8(i), q.answer)
		o.lose(i, "the answer to tab %d is lost")
	}
}

func (o *steps) lose(i int, what string) {
	if o.lossy {
		n := o.from
		n.tabs[i] = request{}
		o.add(n, what, int8(i))
	}
}

// arrive hands a request to the store.
func (o *steps) arrive(i int, q request) {
	if !o.has(atomicStep) {
		n := o.from
		n.tabs[i].phase, n.tabs[i].saw = read, n.record
		o.add(n, "for tab %d the record is read", int8(i))
		return
	}
	for _, now := range o.clocks(o.from.now) {
		o.judge(i, q, o.from.record, now)
	}
}

// judge is the store's step for a tab.
func (o *steps) judge(i int, q request, r record, now int8) {
	n := o.from
	n.present(user)
	answer := o.world.present(&n, r, q.token, now)
	if answer == endOfRun {
		return
	}
	n.fault = o.faultOf(n, r, q.token, answer, now)
	switch {
	case n.fault != none:
	case n.ended && !o.thiefActs:
		n.fault = honestUserOut
	case o.from.userMissed && q.token == o.from.jar && answer >= 0 && q.token < r.live && o.from.now >= r.graceEnd:
		n.fault = missedUserIn
	}
	n.tabs[i] = request{phase: answered, answer: answer}
	if answer == refused {
		n.tabs[i] = request{}
	}
	o.add(n, "the store judges token %d of tab %d by a clock at %d: %d", q.token, int8(i), now, answer)
}

// faultOf judges an answer by what holds for everybody.
func (o *steps) faultOf(n state, r record, token, answer, now int8) fault {
	switch {
	case answer >= 0 && o.end > 0 && now >= o.end:
		return tokenAfterEnd
	case answer >= 0 && token == r.live-1 && o.from.now >= r.since+o.grace+o.clockSlack():
		return parentAfterGrace
	}
	return n.fault
}

// clockSlack is how much later a node may still see a grace period open.
func (w world) clockSlack() int8 {
	if w.has(storesClock) {
		return 0
	}
	return w.clockError
}

// present notes who presents a token.
func (s *state) present(who int8) {
	if s.theft && s.last != who {
		if s.last != nobody {
			s.changes++
		}
		s.last = who
	}
}

// thief copies the user's token once, and presents what it has.
func (o *steps) thief() {
	s := o.from
	if !o.thiefActs {
		return
	}
	if !s.theft {
		n := s
		n.theft, n.stolen = true, 1<<s.jar
		o.add(n, "a thief copies token %d", s.jar)
		return
	}
	if o.onlyOutside && s.now < s.record.graceEnd {
		return
	}
	for token := range int8(lastToken + 1) {
		if s.has(token) {
			o.presentStolen(token)
		}
	}
}

func (o *steps) presentStolen(token int8) {
	s := o.from
	n := s
	n.present(thief)
	answer := o.world.present(&n, s.record, token, s.now)
	if answer == endOfRun {
		return
	}
	n.fault = o.faultOf(n, s.record, token, answer, s.now)
	if answer >= 0 {
		n.stolen |= 1 << answer
		if s.thiefMissed && s.now >= s.record.graceEnd {
			n.fault = missedThiefIn
		}
	}
	o.add(n, "the thief presents token %d: %d", token, answer)
}
