package ending_test

import "github.com/jwtgate/gate/internal/model"

const (
	maxSessions  = 3
	maxRefreshes = 2
)

// kept is the session that endOthers spares and endOne ends.
const kept = 0

// A record is that of one session.
type record struct {
	present bool
	gen     int8
}

// What a login or a refresh has done so far.
const (
	idle int8 = iota
	begun
	prepared // a login has read the generation
	written  // a login's record is there; a refresh has rotated
	done
	refused
)

// A login is Start: it makes a session.
type login struct {
	phase int8
	gen   int8
	after bool // began after the call had returned
}

// A refresh is one rotation.
type refresh struct {
	phase   int8
	session int8
	gen     int8
	after   bool
}

// A token is the pair that a login or a refresh returns.
type token struct {
	exists  bool
	session int8
	gen     int8
	after   bool // its refresh began after the call had returned
}

// What the call has done.
const (
	notCalled int8 = iota
	called
	halfDone
	returned
	broken // the node died half way
)

// A state is the store and all actors.
type state struct {
	gen       int8 // the subject's generation: tokens below it are revoked
	spared    bool // but for the session that is kept
	entry     bool // the blocklist has an entry for that session
	records   [maxSessions]record
	logins    [maxSessions]login
	refreshes [maxRefreshes]refresh
	tokens    [maxSessions + maxRefreshes]token
	call      int8
	finished  uint8 // sessions whose login had returned when the call began
}

// A world is an ending under a set of rules.
type world struct {
	ending ending
	rules  model.Rules
}

func (w world) has(r model.Rule) bool { return w.rules.Has(r) }

// ends reports whether the call is to end a session.
func (w world) ends(session int8) bool {
	switch w.ending {
	case endOthers:
		return session != kept
	case endOne:
		return session == kept
	}
	return true
}

// blocked is the blocklist's answer.
func (s state) blocked(session, gen int8) bool {
	if s.entry && session == kept {
		return true
	}
	return gen < s.gen && !(s.spared && session == kept)
}
