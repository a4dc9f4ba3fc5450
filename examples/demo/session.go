package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// tokens are what a login or a refresh hands out.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token,omitzero"`
}

// authenticate returns the account with these credentials, or errNoAccount. It takes
// as long for a name that nobody has.
func (s *service) authenticate(ctx context.Context, c credentials) (*account, error) {
	if len(c.Password) > maxPassword {
		return nil, errNoAccount
	}
	stored := ""
	a, err := s.accounts.byName(ctx, c.Name)
	switch {
	case err == nil:
		stored = a.password
	case !errors.Is(err, errNoAccount):
		return nil, err
	}
	ok, err := s.hasher.matches(ctx, c.Password, stored)
	if err == nil && !ok {
		err = errNoAccount
	}
	return a, err
}

// startSession makes the two tokens of a login. They share a session ID, so that a
// logout with one ends both. It returns errNoAccount where the password that a logged in
// with is no longer the one: hashing takes a while, and who changes a password wants
// nobody in who knows the old one.
func (s *service) startSession(ctx context.Context, a *account) (t tokens, err error) {
	access, first, err := s.gate.Issue(ctx, gate.Access, a.ID, gate.TokenOptions{Fresh: true})
	if err != nil {
		return tokens{}, err
	}
	t.Access = access
	if t.Refresh, err = s.gate.CreateRefreshToken(ctx, a.ID, gate.TokenOptions{SessionID: first.SessionID}); err != nil {
		return tokens{}, err
	}
	// Looked up last: a change that comes after this revokes the new tokens too.
	now, err := s.accounts.byID(ctx, a.ID)
	if err == nil && now.password != a.password {
		err = errNoAccount
	}
	if err != nil {
		return tokens{}, err
	}
	return t, nil
}

// endSession revokes the session of t.
func (s *service) endSession(ctx context.Context, t *gate.Token) error {
	return s.revoked.RevokeSession(ctx, t.SessionID, stores.Note{By: t.Subject, Why: "logout"})
}

// endOtherSessions revokes all sessions of t's account but its own.
func (s *service) endOtherSessions(ctx context.Context, t *gate.Token) error {
	return s.revoked.RevokeSubject(ctx, t.Subject,
		stores.SubjectOptions{ExceptSession: t.SessionID}, stores.Note{By: t.Subject, Why: "new password"})
}

// handOut answers with tokens in JSON, or in cookies.
func (s *service) handOut(w http.ResponseWriter, r *http.Request, t tokens, cookies bool) {
	if !cookies {
		writeJSON(w, http.StatusOK, t)
		return
	}
	if err := s.setCookies(w, r, t); err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, message{"The tokens are in your cookies"})
}

func (s *service) setCookies(w http.ResponseWriter, r *http.Request, t tokens) error {
	list, err := s.gate.AccessCookies(r.Context(), t.Access, gate.CookieOptions{})
	if err != nil {
		return err
	}
	if t.Refresh != "" {
		more, err := s.gate.RefreshCookies(r.Context(), t.Refresh, gate.CookieOptions{})
		if err != nil {
			return err
		}
		list = append(list, more...)
	}
	gate.SetCookies(w, list)
	return nil
}
