package session

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// Login says what belongs to a new session. The zero value is a login that the browser
// forgets when it is closed.
type Login struct {
	// Device describes the device, for [Manager.List]: see [DeviceOf].
	Device Device
	// Remember keeps the cookies as long as their tokens live ("remember me"). Without it
	// they go when the browser is closed.
	Remember bool
	// Claims are added to both tokens, and to all that are made from them: see
	// [gate.TokenOptions].
	Claims any
	// Generation is what [gate.Gate.Generation] has returned before the password was looked
	// up: a login that has checked the old password then does not outlive its change.
	// Default: it is read now.
	Generation gate.Generation
}

// DeviceOf describes the device of a request by its User-Agent. The address and the name
// are for the application to add: behind a proxy the address is in a header that others
// may forge.
func DeviceOf(r gate.Request) Device {
	if v := r.Header("User-Agent"); len(v) > 0 {
		return Device{UserAgent: v[0]}
	}
	return Device{}
}

// Start begins a session of a user who has just logged in, and returns its tokens, of which
// the access token is fresh. Call it when the credentials were checked. identity is as for
// [gate.Gate.Issue].
//
// The errors are those of Issue and of the store; [stores.ErrTooManySessions] where
// Options.RefuseNew is set; and [gate.ErrRevoked] where all sessions of the user were ended
// while the login was under way. Nothing of the session is left then.
func (m *Manager) Start(ctx context.Context, identity any, l Login) (*Pair, error) {
	now := m.clock()
	record := stores.SessionRecord{Generation: stores.NoGeneration, Idle: m.o.Idle, Remember: l.Remember, Device: l.Device}
	o := gate.TokenOptions{SessionID: rand.Text(), ExpiresIn: m.o.Idle, Claims: l.Claims, Generation: l.Generation}
	if m.o.Absolute != gate.NoExpiry {
		record.End = time.Unix(now.Add(m.o.Absolute).Unix(), 0).UTC()
		o.ExpiresIn = min(m.o.Idle, m.o.Absolute)
	}
	if l.Remember {
		o.Cookies.MaxAge = gate.UntilExpiry
	}
	raw, t, err := m.gate.Issue(ctx, gate.Refresh, identity, o)
	if err != nil {
		return nil, err
	}
	if record.Subject, err = t.SubjectKey(); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	record.ID, record.Live, record.Issued, record.Expires = t.SessionID, t.ID, t.IssuedAt, t.Expiry
	if gen, ok := t.Generation(); ok {
		record.Generation = gen
	}
	return m.begin(ctx, raw, t, record)
}

// begin writes the record, and asks the store about the session's own token after that:
// whoever ends all sessions of the user either sees the record, or is seen here.
func (m *Manager) begin(ctx context.Context, raw string, t *gate.Token, record stores.SessionRecord) (*Pair, error) {
	ended, err := m.store.AddSession(ctx, record, m.limit)
	if err != nil {
		return nil, fmt.Errorf("session: starting: %w", err)
	}
	for _, id := range ended {
		if err = m.finishNew(ctx, record.Subject, id, "too many sessions"); err != nil {
			break
		}
	}
	pair := tokens{refresh: raw, refreshToken: t}
	if err == nil {
		pair.access, pair.accessToken, err = m.gate.Issue(ctx, gate.Access, t.Identity(), gate.TokenOptions{From: t, Fresh: true, Claims: m.untilEnd(record.End)})
	}
	if err != nil {
		m.abandon(ctx, record)
		return nil, err
	}
	m.emit(ctx, SessionStarted, t, nil)
	return newPair(pair), nil
}

// abandon takes the record of a session away that nobody got a token of.
func (m *Manager) abandon(ctx context.Context, record stores.SessionRecord) {
	ctx, cancel := m.detached(ctx)
	defer cancel()
	_, _ = m.store.RemoveSession(ctx, record.Subject, record.ID) // the error that led here is returned
}

// untilEnd are the claims of an access token that would outlive its session; nil for
// others.
func (m *Manager) untilEnd(end time.Time) map[string]any {
	if end.IsZero() || m.clock().Add(m.access).Before(end) {
		return nil
	}
	return map[string]any{"exp": end}
}

// detached returns a context that goes on when the client has left, for a bounded time.
func (m *Manager) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), m.o.Timeout)
}
