package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/judged"
	"github.com/jwtgate/gate/stores"
)

// These are errors of a refresh: errors.Is(err, session.ErrReused). The error is then a
// [*gate.Error] of the kind [gate.ErrRevoked], with the reason "refresh_reused" or
// "session_ended", and is answered with 401.
var (
	// ErrReused means that the refresh token was used before, and that its grace period is
	// over. Somebody else may have the token, so the session was ended.
	ErrReused = errors.New("session: the refresh token was used before; its session is ended")
	// ErrEnded means that the session was ended, has expired, or has reached its absolute
	// end.
	ErrEnded = errors.New("session: the session is over")
)

func reused(t *gate.Token) error {
	return &gate.Error{Kind: gate.ErrRevoked, Reason: "refresh_reused", Token: t, Err: ErrReused}
}

func ended(t *gate.Token) error {
	return &gate.Error{Kind: gate.ErrRevoked, Reason: "session_ended", Token: t, Err: ErrEnded}
}

// Refresh takes a refresh token and returns new tokens of its session. First the gate
// checks the token, with all hooks: if LoadUser does not find the user, the refresh is
// refused. device replaces the stored description of the device; nil keeps it.
//
// A token can be used once. Within Options.Grace after its first use it can be sent again,
// by another tab or by a client that did not get the answer. The result then has the same
// refresh token as the first time. A later use returns [ErrReused] and ends the session.
// The other errors are [ErrEnded] and those of [gate.Gate.CheckToken]. If an error is not
// a refusal (a store failed, for example), the client can try again with the same token,
// within the grace period.
//
// Concurrent refreshes of one token in one process share one call of the store. A refresh
// that has begun goes on when ctx is canceled, until Options.Timeout.
func (m *Manager) Refresh(ctx context.Context, raw string, device *Device) (*Pair, error) {
	t, err := m.gate.CheckToken(ctx, raw, gate.Policy{Type: gate.Refresh})
	if err != nil {
		return nil, err
	}
	return m.refresh(ctx, t, device)
}

// RefreshRequest calls [Manager.Refresh] with the refresh token of a request. It takes the
// token only from the place that Options.Delivery says. If that is a cookie, the gate
// checks the CSRF value.
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
		return nil, ended(t) // the token has no session
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
			return nil, ended(t) // this node's clock is ahead of the store's
		}
		pair, err := m.pair(ctx, t, r.Session)
		if err == nil {
			m.emit(ctx, rotated[r.Outcome], pair.refreshToken, nil)
		}
		return pair, err
	case stores.SessionReused:
		err := reused(t)
		m.emit(ctx, RefreshReused, t, err)
		return nil, cmp.Or(m.finishNew(ctx, r.Session.Subject, r.Session.ID, "reuse of a refresh token"), err)
	case stores.SessionEnded: // by a process that may have died before it was finished
		return nil, cmp.Or(m.finish(ctx, r.Session.Subject, r.Session.ID, "ended before"), ended(t))
	}
	return nil, ended(t)
}

// pair makes the tokens after a rotation. All nodes and all repetitions make the same
// refresh token. Only the signature differs, if its algorithm is not deterministic.
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

// issue makes a token from t. Rotate has checked t against the blocklist.
func (m *Manager) issue(ctx context.Context, typ gate.TokenType, t *gate.Token, claims map[string]any) (string, *gate.Token, error) {
	o := gate.TokenOptions{From: t}
	if claims != nil {
		o.Claims = claims
	}
	judged.Mark(&o)
	return m.gate.Issue(ctx, typ, t.Identity(), o)
}
