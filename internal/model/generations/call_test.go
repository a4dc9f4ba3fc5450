package generations_test

// call has the steps of RevokeSubject number i.
func (o *steps) call(i int) {
	switch c := o.from.calls[i]; {
	case c.phase == idle:
		o.beginCall(i)
	case c.phase == begun && c.old:
		n := o.from
		n.take(i, n.record.writeOld(c, n.now))
		n.calls[i].phase = done
		o.add(n, "call %d, on an old node, writes and returns", int8(i))
	case c.phase == begun && !o.has(atomicWrite):
		n := o.from
		n.calls[i].phase, n.calls[i].saw = prepared, n.record
		o.add(n, "call %d reads the record", int8(i))
	case c.phase == begun:
		o.writeCall(i, o.from.record)
	case c.phase == prepared:
		o.writeCall(i, c.saw)
	case c.phase == written && !o.holds(o.from.record, c) && o.has(repeatLostWrite):
		n := o.from
		n.calls[i].phase, n.calls[i].again = begun, true
		o.add(n, "call %d finds its write lost", int8(i))
	case c.phase == written:
		o.endCall(i)
	}
}

func (o *steps) beginCall(i int) {
	for _, except := range o.exceptions {
		for _, offset := range o.issueOffsets() {
			for _, old := range o.nodes() {
				n := o.from
				n.calls[i] = call{phase: begun, except: except, old: old, stamp: n.now + offset + o.ahead(old)}
				o.add(n, "call %d begins, except session %d, instant %d", int8(i), except, n.calls[i].stamp)
			}
		}
	}
}

// ahead is what a call adds to its instants.
func (w world) ahead(old bool) int8 {
	if old || !w.has(stampAhead) {
		return 0
	}
	return 2 * w.clockError
}

// writeCall puts the generation of call i into the store, which held old.
func (o *steps) writeCall(i int, old record) {
	for _, now := range o.generationClocks() {
		n := o.from
		r := o.write(old, i, n.calls[i], now)
		n.take(i, r)
		n.calls[i].phase, n.calls[i].gen, n.calls[i].saw = written, r.gen, record{}
		o.add(n, "call %d writes generation %d, by a clock at %d", int8(i), r.gen, now)
	}
}

// generationClocks are the readings of the clock that generations are taken from. The
// first server's is ahead of that which a failover leads to.
func (o *steps) generationClocks() (readings []int8) {
	s := o.from
	switch {
	case !o.has(storesClock):
		for _, offset := range offsets(o.writerError) {
			readings = append(readings, s.now+offset)
		}
		return readings
	case o.failover != noFailover && !s.failedOver:
		return []int8{s.now + 1}
	}
	return []int8{s.now}
}

// take makes r the record: call i takes effect.
func (s *state) take(i int, r record) {
	r.writtenAt = s.now
	s.previous, s.record = s.record, r
	s.losable, s.lastWrite = true, int8(2*i)
	s.calls[i].lost = false
	for j := range s.logins {
		if s.logins[j].phase == done {
			s.logins[j].before |= 1 << i
		}
	}
}

// endCall returns, after the second instant where there is one.
func (o *steps) endCall(i int) {
	if !o.timed() || !o.has(stampAgain) {
		o.add(o.from.returned(i), "call %d returns", int8(i))
		return
	}
	for _, offset := range offsets(o.clockError) {
		n := o.from.returned(i)
		instant := n.now + offset + o.ahead(false)
		r := o.stampAgain(n.record, n.calls[i], instant)
		r.writtenAt = max(r.writtenAt, n.record.writtenAt)
		n.previous, n.record = n.record, r
		n.losable, n.lastWrite = true, int8(2*i+1)
		o.add(n, "call %d writes the instant %d and returns", int8(i), instant)
	}
}

func (s state) returned(i int) state {
	c := &s.calls[i]
	c.phase, c.returnedAt, c.lost, c.lostStamp = done, s.now, false, false
	return s
}
