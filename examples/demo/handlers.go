package main

import (
	"errors"
	"net/http"
	"regexp"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// credentials are what sign-up and login ask for.
type credentials struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

var validName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)

const (
	minPassword = 12
	maxPassword = 200
	maxDevice   = 40
)

// badPassword says what is wrong with a new password, or "".
func badPassword(password string) string {
	if n := len(password); n < minPassword || n > maxPassword {
		return "The password must have 12 to 200 bytes"
	}
	return ""
}

func (s *service) signUp(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if !readJSON(w, r, &c) {
		return
	}
	if !validName.MatchString(c.Name) {
		refuse(w, http.StatusBadRequest, "The name must have 1 to 40 letters, digits, dots, dashes or underscores")
		return
	}
	if msg := badPassword(c.Password); msg != "" {
		refuse(w, http.StatusBadRequest, msg)
		return
	}
	hash, err := s.hasher.hash(r.Context(), c.Password)
	if err == nil {
		err = s.accounts.add(r.Context(), c.Name, hash)
	}
	switch {
	case errors.Is(err, errTaken):
		refuse(w, http.StatusConflict, "The name is taken; choose another")
	case err != nil:
		fail(w, err)
	default:
		writeJSON(w, http.StatusCreated, message{"Signed up as " + c.Name})
	}
}

// logIn answers with tokens, or with cookies where ?mode= asks for them.
func (s *service) logIn(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if !readJSON(w, r, &c) {
		return
	}
	m := s.manager(r.URL.Query().Get("mode"))
	var a *account
	var pair *session.Pair
	generation, err := s.generation(r.Context(), c.Name)
	if err == nil {
		a, err = s.authenticate(r.Context(), c)
	}
	if err == nil {
		pair, err = m.Start(r.Context(), a.ID, session.Login{Generation: generation, Device: device(r), Claims: wishes(r)})
	}
	switch {
	case errors.Is(err, errNoAccount), errors.Is(err, gate.ErrRevoked): // the password was changed meanwhile
		refuse(w, http.StatusUnauthorized, "Wrong name or password")
	case err != nil:
		fail(w, err)
	default:
		m.Write(w, r, pair)
	}
}

// manager returns the manager for how the tokens of a login travel.
func (s *service) manager(mode string) *session.Manager {
	switch mode {
	case "cookie":
		return s.browsers
	case "split":
		return s.split
	}
	return s.sessions
}

// device describes the device of a login, for the list of them.
func device(r *http.Request) session.Device {
	d := session.DeviceOf(gate.HTTPRequest(r))
	if name := r.URL.Query().Get("device"); len(name) <= maxDevice {
		d.Name = name
	}
	return d
}

func (s *service) open(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, message{"Everybody may read this"})
}

func (s *service) hello(w http.ResponseWriter, r *http.Request) {
	name := "stranger"
	if a, ok := gate.User[*account](r.Context()); ok {
		name = a.Name
	}
	writeJSON(w, http.StatusOK, message{"Hello, " + name})
}

func (s *service) me(w http.ResponseWriter, r *http.Request) {
	a, _ := gate.User[*account](r.Context()) // the gate let nobody else in
	writeJSON(w, http.StatusOK, a)
}

func (s *service) secrets(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, message{"You typed your password a short time ago, so here is a secret"})
}

func (s *service) reports(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, message{"Your token has the scope reports:read"})
}

func (s *service) admin(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, message{"You are an admin"})
}

// changePassword also logs out everybody else who used the old password.
func (s *service) changePassword(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Password string `json:"password"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	if msg := badPassword(body.Password); msg != "" {
		refuse(w, http.StatusBadRequest, msg)
		return
	}
	t, _ := gate.FromContext(r.Context())
	a, _ := gate.User[*account](r.Context())
	hash, err := s.hasher.hash(r.Context(), body.Password)
	if err == nil {
		err = s.accounts.setPassword(r.Context(), a.ID, hash)
	}
	if err == nil {
		err = s.sessions.EndOthers(r.Context(), t.Subject, t.SessionID)
	}
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, message{"The password is changed, and other sessions are logged out"})
}
