package rotation_test

// present is the one step of the store: token is presented while its record is seen as
// r. It returns the answer: a token, or refused.
func (w world) present(s *state, r record, token, now int8) int8 {
	if s.ended || w.has(absoluteEnd) && w.end > 0 && now >= w.end {
		return refused
	}
	graceOpen := now < r.graceEnd
	switch ahead := token - r.live; {
	case ahead == 0 && graceOpen && w.has(oneRotationInGrace):
		return token
	case ahead == 0:
		return w.rotate(s, token, now)
	case ahead == -1 && graceOpen && w.has(parentInGrace):
		if !w.has(graceIsFixed) {
			s.record.graceEnd = now + w.grace
		}
		return r.live
	case ahead > 0 && w.has(adoptDescendants):
		return w.adopt(s, token, now)
	}
	s.ended = w.has(reuseEnds)
	return refused
}

func (w world) rotate(s *state, token, now int8) int8 {
	if token == lastToken {
		return endOfRun
	}
	s.write(record{token + 1, now, now + w.grace})
	return token + 1
}

// adopt makes a descendant of the live token, which a failover has lost, the live one.
func (w world) adopt(s *state, token, now int8) int8 {
	r := record{token, now, now + w.grace}
	if !w.has(adoptedHasGrace) {
		r.graceEnd = now
	}
	s.write(r)
	if !w.has(adoptedIsNotRotated) {
		return w.rotate(s, token, now)
	}
	return token
}

func (s *state) write(r record) {
	s.previous = [2]record{s.record, s.previous[0]}
	s.losable = min(s.losable+1, 2)
	s.record, s.graceOpen = r, true
}
