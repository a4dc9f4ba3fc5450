package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// Logout ends the session of a request's token and returns the cookies that clear both
// tokens. It uses the refresh token, from the place where a refresh takes it. Without a
// valid one it uses the access token, from the locations of the gate. The token may have
// expired, but its signature is checked, and a token from a cookie needs the CSRF value.
// Logout goes on when ctx is canceled, until Options.Timeout.
//
// After an error, do not clear the cookies. Either the request had no good token
// ([gate.ErrMissing] and others), or the store failed and the user can try again.
func (m *Manager) Logout(ctx context.Context, r gate.Request) ([]*http.Cookie, error) {
	ctx, cancel := m.detached(ctx)
	defer cancel()
	t, err := m.departing(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := m.endOf(ctx, t); err != nil {
		return nil, err
	}
	return m.gate.ClearCookies(t.CookieOptions()), nil
}

// departing returns the token whose session a logout ends.
func (m *Manager) departing(ctx context.Context, r gate.Request) (*gate.Token, error) {
	expired := gate.DecodeOptions{AllowExpired: true}
	t, err := m.gate.DecodeRequest(ctx, r, gate.Policy{Type: gate.Refresh, Locations: m.locations}, expired)
	if err == nil {
		return t, nil
	}
	t, other := m.gate.DecodeRequest(ctx, r, gate.Policy{}, expired)
	switch {
	case other == nil:
		return t, nil
	case errors.Is(other, gate.ErrMissing):
		return nil, err
	}
	return nil, other
}

// endOf ends the session of a token that was verified, and may have expired.
func (m *Manager) endOf(ctx context.Context, t *gate.Token) error {
	note := stores.Note{By: t.Subject, Why: "logout"}
	subject, err := t.SubjectKey()
	switch {
	case t.VerifiedIssuer() != "":
		return fmt.Errorf("session: logout: the token is of another issuer, and so is its session: %w", gate.ErrWrongType)
	case t.SessionID == "" || err != nil: // it has no session: revoke the token alone
		return m.store.RevokeToken(ctx, t, note)
	}
	return m.finishNew(ctx, subject, t.SessionID, note.Why)
}
