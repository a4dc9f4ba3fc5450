package session

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// Login describes a new session. With the zero value the browser deletes the cookies when
// it is closed.
type Login struct {
	// Device describes the device for [Manager.List]. See [DeviceOf].
	Device Device
	// Remember keeps the cookies as long as their tokens live ("remember me"). Without it the
	// browser deletes them when it is closed.
	Remember bool
	// Claims are added to all tokens of the session. See [gate.TokenOptions].
	Claims any
	// Generation is the result of [gate.Gate.Generation]. Call that before you look up the
	// password. Then [Manager.EndAll], called for a changed password, also ends a login that
	// has checked the old password. Default: Start reads the generation.
	Generation gate.Generation
}

// DeviceOf describes the device of a request by its User-Agent. It sets no name and no
// address. The application can add them: with a proxy the address is in a header, and
// clients can forge such headers.
func DeviceOf(r gate.Request) Device {
	if v := r.Header("User-Agent"); len(v) > 0 {
		return Device{UserAgent: v[0]}
	}
	return Device{}
}

// Start begins a session and returns its tokens. The access token is fresh. Call Start
// after the password, or another proof, was checked. identity is the same as in
// [gate.Gate.Issue].
//
// The errors are those of Issue and of the store. With Options.RefuseNew the error can be
// [stores.ErrTooManySessions]. It is [gate.ErrRevoked] if all sessions of the user were
// ended during the login. After an error nobody has a token of the session.
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

// begin writes the record first and then asks the store whether the new token is revoked.
// If all sessions of the user are ended meanwhile, either that call sees the record or
// begin sees the revocation.
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

// abandon removes the record of a session whose tokens were not given to anybody.
func (m *Manager) abandon(ctx context.Context, record stores.SessionRecord) {
	ctx, cancel := m.detached(ctx)
	defer cancel()
	_, _ = m.store.RemoveSession(ctx, record.Subject, record.ID) // the error that led here is returned
}

// untilEnd returns the claim that makes an access token expire with its session. It
// returns nil if the token expires earlier anyway.
func (m *Manager) untilEnd(end time.Time) map[string]any {
	if end.IsZero() || m.clock().Add(m.access).Before(end) {
		return nil
	}
	return map[string]any{"exp": end}
}

// detached returns a context that is not canceled when ctx is, but ends after
// Options.Timeout.
func (m *Manager) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), m.o.Timeout)
}
