package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// loginClaims are in all tokens of a login.
type loginClaims struct {
	Scope   string `json:"scope,omitempty"`
	Seconds int64  `json:"access_seconds,omitempty"` // how long access tokens live
}

// wishes returns the claims that a login asks for, as far as it may have them.
func wishes(r *http.Request) (c loginClaims) {
	q := r.URL.Query()
	if q.Get("scope") == "reports:read" {
		c.Scope = "reports:read"
	}
	if n, err := strconv.ParseInt(q.Get("access_seconds"), 10, 64); err == nil && n >= 10 && n <= 900 {
		c.Seconds = n
	}
	return c
}

// prepare is called before a token is signed. It shortens access tokens where the login
// asked for it, so that one can watch them expire.
func prepare(_ context.Context, d *gate.Draft) error {
	if d.Type != gate.Access || d.From == nil {
		return nil
	}
	var login loginClaims
	if err := d.From.Claims(&login); err != nil {
		return err
	}
	if login.Seconds > 0 {
		d.Claims["exp"] = time.Now().Add(time.Duration(login.Seconds) * time.Second)
	}
	return nil
}

// claims shows the owner what is in a token. A page needs it for tokens in cookies, which
// no script can read.
func (s *service) claims(w http.ResponseWriter, r *http.Request) {
	t, _ := gate.FromContext(r.Context())
	var answer struct {
		Header map[string]any `json:"header"`
		Claims map[string]any `json:"claims"`
	}
	if err := errors.Join(t.Header(&answer.Header), t.Claims(&answer.Claims)); err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// freshFor is how long a confirmed password counts.
const freshFor = 30 * time.Second

// confirm checks the password once more, and answers with a token that is fresh for a while.
func (s *service) confirm(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Password string `json:"password"`
		Token    string `json:"access_token"` // the gate has read it
	}
	if !readJSON(w, r, &body) {
		return
	}
	t, _ := gate.FromContext(r.Context())
	a, _ := gate.User[*account](r.Context())
	var raw string
	var fresh *gate.Token
	_, err := s.authenticate(r.Context(), credentials{a.Name, body.Password})
	if err == nil {
		raw, fresh, err = s.gate.Issue(r.Context(), gate.Access, a.ID, gate.TokenOptions{From: t, FreshFor: freshFor})
	}
	switch {
	case errors.Is(err, errNoAccount):
		refuse(w, http.StatusForbidden, "Wrong password")
	case err != nil:
		s.gate.WriteError(w, r, err)
	default:
		s.giveAccess(w, r, raw, session.Body{ExpiresIn: int64(time.Until(fresh.Expiry).Seconds()), CSRFToken: t.CSRF()})
	}
}

// giveAccess gives the client a new access token in the place of the old one.
func (s *service) giveAccess(w http.ResponseWriter, r *http.Request, raw string, body session.Body) {
	if t, _ := gate.FromContext(r.Context()); t.Location() != "cookie" {
		body.AccessToken, body.TokenType = raw, "Bearer"
		writeJSON(w, http.StatusOK, body)
		return
	}
	cookies, err := s.gate.AccessCookies(r.Context(), raw, gate.CookieOptions{})
	if err != nil {
		s.gate.WriteError(w, r, err)
		return
	}
	gate.SetCookies(w, cookies)
	writeJSON(w, http.StatusOK, body)
}

// setRole makes the user an admin, or no longer one. In a demo everybody may.
func (s *service) setRole(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Admin bool   `json:"admin"`
		Token string `json:"access_token"` // the gate has read it
	}
	if !readJSON(w, r, &body) {
		return
	}
	a, _ := gate.User[*account](r.Context())
	if err := s.accounts.setAdmin(r.Context(), a.ID, body.Admin); err != nil {
		fail(w, err)
		return
	}
	a.Admin = body.Admin
	writeJSON(w, http.StatusOK, a)
}
