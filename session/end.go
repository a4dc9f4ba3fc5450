package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// ErrNoSession means that the user has no session with this ID.
var ErrNoSession = errors.New("session: the user has no such session")

// Info describes an open session.
type Info struct {
	ID       string
	Device   Device
	Created  time.Time
	Seen     time.Time // the last refresh
	Expires  time.Time // unless there is another refresh
	End      time.Time // the absolute end; zero means none
	Remember bool
}

// List returns the open sessions of a user, the newest first. subject is the result of
// [gate.Token.SubjectKey].
func (m *Manager) List(ctx context.Context, subject string) ([]Info, error) {
	records, err := m.store.Sessions(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("session: listing: %w", err)
	}
	now := m.clock().Add(-m.leeway)
	list := make([]Info, 0, len(records))
	for _, s := range records {
		if !s.Ended.IsZero() { // by a process that may have died before it was finished
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

// End ends one session of a user. Its access tokens and its refresh token are refused at
// once. End returns [ErrNoSession] if the session does not belong to subject, so no user
// can end a session of another user. End goes on when ctx is canceled, until
// Options.Timeout.
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

// EndOthers ends all sessions of a user except sessionID: "log out my other devices". An
// empty sessionID is an error; use [Manager.EndAll] to end all sessions.
func (m *Manager) EndOthers(ctx context.Context, subject, sessionID string) error {
	if sessionID == "" {
		return errors.New("session: ending the others: no session to keep; use EndAll to end all")
	}
	return m.endAll(ctx, subject, sessionID)
}

// EndAll ends all sessions of a user, and revokes all other tokens that were issued to the
// user, such as those of [OneTime]. Use it when a password changes, when a user is
// disabled, and for "log out everywhere". A login that begins after EndAll has returned is
// valid, also in the same second.
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

// finishNew calls finish for a session that this call ends, and emits the event.
func (m *Manager) finishNew(ctx context.Context, subject, sessionID, why string) error {
	err := m.finish(ctx, subject, sessionID, why)
	if err == nil {
		m.emit(ctx, SessionEnded, &gate.Token{Subject: subject, SessionID: sessionID}, nil)
	}
	return err
}

// finish revokes a session and then removes its record. If it fails between the two, the
// session is still listed.
func (m *Manager) finish(ctx context.Context, subject, sessionID, why string) error {
	if err := m.store.RevokeSession(ctx, sessionID, stores.Note{By: subject, Why: why}); err != nil {
		return fmt.Errorf("session: ending: %w", err)
	}
	if _, err := m.store.RemoveSession(ctx, subject, sessionID); err != nil {
		return fmt.Errorf("session: ending: %w", err)
	}
	return nil
}
