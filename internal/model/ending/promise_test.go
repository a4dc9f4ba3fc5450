package ending_test

import "fmt"

// violation returns the promise that s breaks, or "".
func (w world) violation(s state) string {
	for _, t := range s.tokens {
		if !t.exists {
			continue
		}
		if v := w.judge(s, t); v != "" {
			return fmt.Sprintf("session %d (token of generation %d): %s", t.session, t.gen, v)
		}
	}
	for _, r := range s.refreshes {
		if r.phase == refused && (s.logins[r.session].after || !w.ends(r.session)) {
			return fmt.Sprintf("session %d: it is good, and cannot refresh", r.session)
		}
	}
	return w.deadRecord(s)
}

// ended reports whether the call, which has returned, covers a session: its login had
// returned when the call began.
func (w world) ended(s state, session int8) bool {
	return s.call == returned && w.ends(session) && s.finished&(1<<session) != 0
}

// judge looks at a token that somebody has.
func (w world) judge(s state, t token) string {
	l := s.logins[t.session]
	good := l.after || l.phase == done && !w.ends(t.session)
	blocked := s.blocked(t.session, t.gen)
	switch {
	case w.ended(s, t.session) && !blocked:
		return "it was ended, and its token is good"
	case w.ended(s, t.session) && t.after:
		return "it was ended, and a later refresh succeeds"
	case good && blocked:
		return "it is good, and its token is refused"
	case !blocked && !s.records[t.session].present:
		return "its token is good, and it is not listed, so nobody can end it"
	}
	return ""
}

// deadRecord looks for sessions that are listed though they have been ended.
func (w world) deadRecord(s state) string {
	if s.call != returned || w.ending == revokeSubject {
		return ""
	}
	for i, r := range s.records {
		if l := s.logins[i]; r.present && l.phase == done && s.blocked(int8(i), r.gen) {
			return fmt.Sprintf("session %d: it was ended, and is still listed", i)
		}
	}
	return ""
}
