package session

import (
	"context"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// These are the names of the events that package session passes to [gate.Config].OnEvent.
// A released name does not change. Event.Token is the refresh token that the event is
// about. For SessionEnded and AllEnded it has only the Subject and, if there is one, the
// SessionID.
const (
	SessionStarted  = "session.started"
	SessionEnded    = "session.ended"             // by logout, End, eviction or reuse
	AllEnded        = "session.all_ended"         // all sessions of a subject, except SessionID if that is set
	RefreshRotated  = "refresh.rotated"           // Token is the new one
	RefreshReplayed = "refresh.replayed_in_grace" // the old token was used again within Grace; Token is the new one
	RefreshRepeated = "refresh.repeated"          // the new token was used within Grace; it was not rotated
	RefreshAdopted  = "refresh.adopted"           // the store had lost rotations; Token was accepted
	RefreshReused   = "refresh.reuse_detected"    // an old token was used, and not within Grace; the session was ended
	RefreshRefused  = "refresh.refused"           // Err says why the session is over
	RefreshFailed   = "refresh.failed"            // Err is the failure of a store, key source or hook
)

// rotated has the event for each outcome of a successful refresh.
var rotated = map[stores.Outcome]string{
	stores.SessionRotated: RefreshRotated, stores.SessionReplayed: RefreshReplayed,
	stores.SessionUnchanged: RefreshRepeated, stores.SessionAdopted: RefreshAdopted,
}

func (m *Manager) emit(ctx context.Context, name string, t *gate.Token, err error) {
	m.gate.Emit(ctx, gate.Event{Name: name, Token: t, Err: err})
}
