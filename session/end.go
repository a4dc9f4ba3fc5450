package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// ErrNoSession: the user has no session of this ID.
var ErrNoSession = errors.New("session: the user has no such session")

// Info describes a session that is open.
type Info struct {
	ID       string
	Device   Device
	Created  time.Time
	Seen     time.Time // the last refresh
	Expires  time.Time // unless there is another refresh
	End      time.Time // at the latest; zero: no bound
	Remember bool
}

// List returns the open sessions of a subject ([gate.Token.SubjectKey]), the newest first.
func (m *Manager) List(ctx context.Context, subject string) ([]Info, error) {
	records, err := m.store.Sessions(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("session: listing: %w", err)
	}
	now := m.clock().Add(-m.leeway)
	list := make([]Info, 0, len(records))
	for _, s := range records {
		if !s.Ended.IsZero() { // by a process that may have died before it was done
			if err := m.finish(ctx, subject, s.ID, "ended before"); err != nil {
				return nil, err
			}
			continue
		}
		if !now.Before(s.Expires) {
			continue // idle for too long: the store keeps it a little longer
		}
		list = append(list, Info{s.ID, s.Device, s.Created, s.Seen, s.Expires, s.End, s.Remember})
	}
	return list, nil
}

// End ends one session of a subject: its access tokens are refused at once, and its refresh
// token too. It returns [ErrNoSession] where the session is not one of the subject's, so
// that nobody ends a session of somebody else. It is finished when ctx ends.
func (m *Manager) End(ctx context.Context, subject, sessionID string) error {
	ctx, cancel := m.detached(ctx)
	defer cancel()
	records, err := m.store.Sessions(ctx, subject)
	if err != nil {
		return fmt.Errorf("session: ending: %w", err)
	}
	for _, s := range records {
		if s.ID == sessionID {
			return m.finishNew(ctx, subject, sessionID, "ended by the user")
		}
	}
	return ErrNoSession
}

// EndOthers ends all sessions of a subject but one: "log out my other devices". An empty
// sessionID is an error, since that would be [Manager.EndAll].
func (m *Manager) EndOthers(ctx context.Context, subject, sessionID string) error {
	if sessionID == "" {
		return errors.New("session: ending the others: no session to keep; use EndAll to end all")
	}
	return m.endAll(ctx, subject, sessionID)
}

// EndAll ends all sessions of a subject, and refuses all other tokens that were issued to
// it, such as those of [OneTime]: for a new password, a disabled user, "log out everywhere".
// A login that begins after the return is good, in the same second too.
func (m *Manager) EndAll(ctx context.Context, subject string) error {
	return m.endAll(ctx, subject, "")
}

func (m *Manager) endAll(ctx context.Context, subject, except string) error {
	ctx, cancel := m.detached(ctx)
	defer cancel()
	note := stores.Note{By: subject, Why: "all sessions ended"}
	if err := m.store.RevokeSubject(ctx, subject, stores.SubjectOptions{ExceptSession: except}, note); err != nil {
		return fmt.Errorf("session: ending all: %w", err)
	}
	m.emit(ctx, AllEnded, &gate.Token{Subject: subject, SessionID: except}, nil)
	if err := m.store.RemoveRevoked(ctx, subject); err != nil {
		return fmt.Errorf("session: ending all: %w", err)
	}
	return nil
}

// finishNew is finish for a session that this call has ended: the event comes once.
func (m *Manager) finishNew(ctx context.Context, subject, sessionID, why string) error {
	err := m.finish(ctx, subject, sessionID, why)
	if err == nil {
		m.emit(ctx, SessionEnded, &gate.Token{Subject: subject, SessionID: sessionID}, nil)
	}
	return err
}

// finish revokes a session and removes its record after that, so that a session whose
// end was not finished is still listed.
func (m *Manager) finish(ctx context.Context, subject, sessionID, why string) error {
	if err := m.store.RevokeSession(ctx, sessionID, stores.Note{By: subject, Why: why}); err != nil {
		return fmt.Errorf("session: ending: %w", err)
	}
	if _, err := m.store.RemoveSession(ctx, subject, sessionID); err != nil {
		return fmt.Errorf("session: ending: %w", err)
	}
	return nil
}
