// Package sessiontest holds package session, on any store, to a model of it. It is used by
// tests only and is no part of the library.
package sessiontest

import "time"

// login is what a session should be, said as simply as possible: the property test holds
// the manager to it.
type login struct {
	expires  []time.Time // of each refresh token there was; the last one is live
	graceEnd time.Time
	end      time.Time
	over     bool
}

// model is what the sessions of one user should be.
type model struct {
	logins    []*login
	idle, abs time.Duration
	max       int
}

func (m *model) start(now time.Time) {
	open := m.open(now, Leeway) // the store counts a session until nothing of it can be taken
	for len(open) >= m.max {
		open[0].over, open = true, open[1:]
	}
	end := now.Add(m.abs).Truncate(time.Second)
	m.logins = append(m.logins, &login{expires: []time.Time{now.Add(min(m.idle, m.abs)).Truncate(time.Second)}, end: end})
}

// refresh says which refresh token comes back for the one with number i; -1 for none.
func (m *model) refresh(l *login, i int, now time.Time) int {
	live := len(l.expires) - 1
	switch inGrace := now.Before(l.graceEnd); {
	case l.over || !now.Before(l.expires[i]) || !now.Before(l.end):
		return -1
	case i == live && !inGrace:
		e := now.Truncate(time.Second).Add(m.idle)
		if l.end.Before(e) {
			e = l.end
		}
		l.expires, l.graceEnd = append(l.expires, e), now.Add(grace)
		return live + 1
	case inGrace && i >= live-1:
		return live
	}
	l.over = true
	return -1
}

// open are the sessions that a list shows, the oldest first.
func (m *model) open(now time.Time, leeway time.Duration) (list []*login) {
	for _, l := range m.logins {
		if !l.over && now.Before(l.end) && now.Before(l.expires[len(l.expires)-1].Add(leeway)) {
			list = append(list, l)
		}
	}
	return list
}
