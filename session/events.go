package session

import (
	"context"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// The names of the events of sessions, which [gate.Config].OnEvent gets. They do not
// change once released. Event.Token is the refresh token that the event is about; for
// SessionEnded and AllEnded it has a Subject, and a SessionID where there is one, and may
// have nothing else.
const (
	SessionStarted  = "session.started"
	SessionEnded    = "session.ended"             // by logout, End, eviction or reuse
	AllEnded        = "session.all_ended"         // those of a subject; SessionID is the one that goes on
	RefreshRotated  = "refresh.rotated"           // Token is the new one
	RefreshReplayed = "refresh.replayed_in_grace" // the old token again, soon after its rotation; Token is the new one
	RefreshRepeated = "refresh.repeated"          // the new token already, soon after its rotation: it stays
	RefreshAdopted  = "refresh.adopted"           // the store had lost rotations; Token is taken again
	RefreshReused   = "refresh.reuse_detected"    // an old token: somebody else may have it; the session is ended
	RefreshRefused  = "refresh.refused"           // Err is why: the session is over
	RefreshFailed   = "refresh.failed"            // Err is why: the store or the key source
)

// rotated are the events of the outcomes by which a session goes on.
var rotated = map[stores.Outcome]string{
	stores.SessionRotated: RefreshRotated, stores.SessionReplayed: RefreshReplayed,
	stores.SessionUnchanged: RefreshRepeated, stores.SessionAdopted: RefreshAdopted,
}

func (m *Manager) emit(ctx context.Context, name string, t *gate.Token, err error) {
	m.gate.Emit(ctx, gate.Event{Name: name, Token: t, Err: err})
}
