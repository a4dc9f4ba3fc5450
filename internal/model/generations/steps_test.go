package generations_test

import "github.com/jwtgate/gate/internal/model"

// steps collects the steps out of one state.
type steps struct {
	world
	from state
	all  []model.Step[state]
}

func (w world) next(s state) []model.Step[state] {
	out := &steps{world: w, from: s}
	out.time()
	out.faults()
	for i := range w.calls {
		if i == 0 || s.calls[i-1].phase != idle {
			out.call(i)
		}
	}
	for i := range w.logins {
		if i == 0 || s.logins[i-1].phase != idle {
			out.login(i)
		}
	}
	for i := range w.refreshes {
		if i == 0 || s.refreshes[i-1].phase != idle {
			out.refresh(i)
		}
	}
	return out.all
}

func (o *steps) add(to state, what string, args ...int8) {
	step := model.Step[state]{To: o.normal(to), What: what}
	copy(step.Args[:], args)
	o.all = append(o.all, step)
}

// time moves the clock on, and the copy, which is never further behind than its lag.
func (o *steps) time() {
	s := o.from
	if s.now < start+o.ticks && (!o.copies || s.now+1-s.copiedAt <= o.lag) {
		n := s
		n.now++
		if n.copied == n.record {
			n.copiedAt = n.now
		}
		o.add(n, "a tick passes")
	}
	if o.copies && (s.copied != s.record || s.copiedAt != s.now) {
		n := s
		n.copied, n.copiedAt = s.record, s.now
		o.add(n, "the copy catches up")
	}
}

// faults are what happens to the store.
func (o *steps) faults() {
	s := o.from
	if o.failover != noFailover && !s.failedOver && s.losable {
		o.add(o.failed(s), "a failover loses the last write, of call %d", s.lastWrite/2)
	}
	if o.lifetime > 0 && s.record.present && s.now > s.record.writtenAt+o.keep() {
		n := s
		n.record = record{}
		o.add(n, "the record has outlived its use and is deleted")
	}
	if o.upgrade && !s.upgraded && !s.oldAtWork() {
		n := s
		n.upgraded = true
		o.add(n, "the last old node has gone")
	}
}

// keep is how long a record stays.
func (w world) keep() int8 {
	if w.has(keepRecord) {
		return w.lifetime
	}
	return 0
}

// failed returns s after the failover that loses the last write. A slow one takes
// longer than the clocks of the two servers differ.
func (w world) failed(s state) state {
	s.failedOver, s.record = true, s.previous
	if w.failover == slowFailover {
		s.now += 2
	}
	s.copied, s.copiedAt = s.record, s.now
	c := &s.calls[s.lastWrite/2]
	if s.lastWrite%2 == 0 {
		c.lost = true
	} else {
		c.lostStamp = true
	}
	return s
}

func (s state) oldAtWork() bool {
	for _, c := range s.calls {
		if c.old && c.phase != idle && c.phase != done {
			return true
		}
	}
	for _, l := range s.logins {
		if l.old && l.phase != idle && l.phase != done {
			return true
		}
	}
	for _, r := range s.refreshes {
		if r.old && r.phase != idle && r.phase != done {
			return true
		}
	}
	return false
}

// nodes are the kinds of node that may act: false new, true old.
func (o *steps) nodes() []bool {
	if o.upgrade && !o.from.upgraded {
		return []bool{false, true}
	}
	return []bool{false}
}
