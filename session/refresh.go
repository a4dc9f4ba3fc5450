package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/judged"
	"github.com/jwtgate/gate/stores"
)

// Errors of a refresh. Both are [gate.ErrRevoked] as well, and answered with 401.
var (
	// ErrReused: the refresh token was used before, and its grace period is over. Somebody
	// else may have it, so the session was ended.
	ErrReused = fmt.Errorf("session: the refresh token was used before; its session is ended: %w", gate.ErrRevoked)
	// ErrEnded: the session was ended or is past its absolute end.
	ErrEnded = fmt.Errorf("session: the session is over: %w", gate.ErrRevoked)
)

// Refresh takes a refresh token and returns the next pair of its session. The gate checks
// the token first, with all its hooks: a user whom LoadUser does not find gets no further.
// device replaces what is known of the device; nil keeps it.
//
// The token counts once. Within Options.Grace of its first use it may be sent again, by
// another tab or by a client that did not get the answer, and gets the same refresh token.
// Later it is [ErrReused], and the session is ended. The other errors are those of
// [gate.Gate.CheckToken], and [ErrEnded]. After any other error than a refusal the client
// may try again with the same token, within the grace period.
//
// Refreshes of one token that meet in one process are done once. What was begun is
// finished when ctx ends.
func (m *Manager) Refresh(ctx context.Context, raw string, device *Device) (*Pair, error) {
	t, err := m.gate.CheckToken(ctx, raw, gate.Policy{Type: gate.Refresh})
	if err != nil {
		return nil, err
	}
	return m.refresh(ctx, t, device)
}

// RefreshRequest is [Manager.Refresh] with the refresh token of a request: from the one
// place that Options.Delivery says, with the gate's CSRF check if that is a cookie. It
// takes no token from anywhere else.
func (m *Manager) RefreshRequest(ctx context.Context, r gate.Request) (*Pair, error) {
	return m.refreshRequest(ctx, r, gate.Policy{Type: gate.Refresh, Locations: m.locations})
}

func (m *Manager) refreshRequest(ctx context.Context, r gate.Request, p gate.Policy) (*Pair, error) {
	t, err := m.gate.CheckRequest(ctx, r, p)
	if err != nil {
		return nil, err
	}
	var device *Device
	if m.o.Device != nil {
		d := m.o.Device(r)
		device = &d
	}
	return m.refresh(ctx, t, device)
}

func (m *Manager) refresh(ctx context.Context, t *gate.Token, device *Device) (*Pair, error) {
	if t == nil || t.SessionID == "" {
		return nil, ErrEnded // it has no session, so there is none to go on with
	}
	return m.once(ctx, t.SessionID+"\x00"+t.ID, func(ctx context.Context) (*Pair, error) {
		pair, err := m.rotate(ctx, t, device)
		switch {
		case err == nil || errors.Is(err, ErrReused):
		case errors.Is(err, gate.ErrRevoked):
			m.emit(ctx, RefreshRefused, t, err)
		default:
			m.emit(ctx, RefreshFailed, t, err)
		}
		return pair, err
	})
}

func (m *Manager) rotate(ctx context.Context, t *gate.Token, device *Device) (*Pair, error) {
	r, err := m.store.Rotate(ctx, stores.Rotation{Token: t, Grace: m.o.Grace, Device: device})
	if err != nil {
		return nil, fmt.Errorf("session: refreshing: %w", err)
	}
	switch r.Outcome {
	case stores.SessionRotated, stores.SessionReplayed, stores.SessionUnchanged, stores.SessionAdopted:
		if end := r.Session.End; !end.IsZero() && !m.clock().Before(end) {
			return nil, ErrEnded // by this node's clock, which is ahead of the store's
		}
		pair, err := m.pair(ctx, t, r.Session)
		if err == nil {
			m.emit(ctx, rotated[r.Outcome], pair.refreshToken, nil)
		}
		return pair, err
	case stores.SessionReused:
		m.emit(ctx, RefreshReused, t, ErrReused)
		return nil, errOr(m.finishNew(ctx, r.Session.Subject, r.Session.ID, "reuse of a refresh token"), ErrReused)
	case stores.SessionEnded: // by a process that may have died before it was done
		return nil, errOr(m.finish(ctx, r.Session.Subject, r.Session.ID, "ended before"), ErrEnded)
	}
	return nil, ErrEnded
}

// errOr returns err, or else otherwise.
func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// pair makes the tokens of a rotation: the refresh token is the same on all nodes and in
// every repetition, but for the bytes of a signature that is not deterministic.
func (m *Manager) pair(ctx context.Context, t *gate.Token, s stores.SessionRecord) (*Pair, error) {
	exact := map[string]any{"jti": s.Live, "iat": s.Issued, "exp": s.Expires}
	if !t.NotBefore.IsZero() {
		exact["nbf"] = s.Issued
	}
	var p tokens
	var err error
	if p.refresh, p.refreshToken, err = m.issue(ctx, gate.Refresh, t, exact); err != nil {
		return nil, err
	}
	if p.access, p.accessToken, err = m.issue(ctx, gate.Access, t, m.untilEnd(s.End)); err != nil {
		return nil, err
	}
	return newPair(p), nil
}

// issue makes a token from t, which Rotate has judged.
func (m *Manager) issue(ctx context.Context, typ gate.TokenType, t *gate.Token, claims map[string]any) (string, *gate.Token, error) {
	o := gate.TokenOptions{From: t}
	if claims != nil {
		o.Claims = claims
	}
	judged.Mark(&o)
	return m.gate.Issue(ctx, typ, t.Identity(), o)
}
