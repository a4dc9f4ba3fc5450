package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jwtgate/gate"
)

// Handler returns a handler for the routes below. Their paths begin with prefix, such as
// "/auth/". Do not put it inside [gate.Gate.Require]: each route checks its request
// itself, including CSRF.
//
//	POST   refresh          answers with new tokens
//	POST   logout           ends the session of the request's token, which may have expired
//	POST   logout/all       ends all sessions of the user
//	POST   logout/others    ends all sessions except that of the request
//	GET    sessions         lists the user's sessions
//	DELETE sessions/{id}    ends one of them
//	GET    csrf             answers with the CSRF value of the refresh cookie
//
// The route refresh takes the token from the place that Options.Delivery says, and answers
// as [Manager.Write] does. The list is {"sessions": [...]}. Each session has "id",
// "current" (true for the session of the request), "name", "user_agent", "address",
// "created", "seen", "expires" and "remember". The routes that end sessions answer with
// 204.
//
// All routes except refresh, logout and csrf need an access token in one of the gate's
// locations. A failed refresh clears no cookies, because another request may have just set
// new ones. [gate.Gate.WriteError] answers errors. Handler panics if prefix does not begin
// and end with a slash.
//
// For other frameworks there is a method for each route: [Manager.RefreshRequest],
// [Manager.Logout], [Manager.EndAll], [Manager.EndOthers], [Manager.List], [Manager.End]
// and [Manager.CSRF].
func (m *Manager) Handler(prefix string) http.Handler {
	if !strings.HasPrefix(prefix, "/") || !strings.HasSuffix(prefix, "/") {
		panic(fmt.Sprintf("session: the prefix %q of Handler must begin and end with a slash, as in \"/auth/\"", prefix))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+prefix+"refresh", m.serveRefresh)
	mux.HandleFunc("POST "+prefix+"logout", m.serveLogout)
	mux.HandleFunc("GET "+prefix+"csrf", m.serveCSRF)
	guard := m.gate.Require(gate.Policy{})
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request, *gate.Token, string) error{
		"POST " + prefix + "logout/all":      m.serveEndAll,
		"POST " + prefix + "logout/others":   m.serveEndOthers,
		"GET " + prefix + "sessions":         m.serveList,
		"DELETE " + prefix + "sessions/{id}": m.serveEnd,
	} {
		mux.Handle(pattern, guard(m.ofSession(serve)))
	}
	return mux
}

// ofSession calls serve with the subject of the request's token. It refuses tokens of
// other issuers.
func (m *Manager) ofSession(serve func(w http.ResponseWriter, r *http.Request, t *gate.Token, subject string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := m.gate.FromContext(r.Context())
		subject, err := t.SubjectKey()
		if err != nil || t.VerifiedIssuer() != "" {
			err = gate.ErrWrongType // another issuer can have another user with the same subject
		}
		if err == nil {
			err = serve(w, r, t, subject)
		}
		switch {
		case errors.Is(err, ErrNoSession):
			writeJSON(w, http.StatusNotFound, map[string]string{"msg": "No such session"})
		case err != nil:
			m.gate.WriteError(w, r, err)
		}
	})
}

func (m *Manager) serveRefresh(w http.ResponseWriter, r *http.Request) {
	pair, err := m.RefreshRequest(r.Context(), gate.HTTPRequest(r))
	if err != nil {
		m.gate.WriteError(w, r, err)
		return
	}
	m.Write(w, r, pair)
}

func (m *Manager) serveLogout(w http.ResponseWriter, r *http.Request) {
	cookies, err := m.Logout(r.Context(), gate.HTTPRequest(r))
	if err != nil {
		m.gate.WriteError(w, r, err)
		return
	}
	m.bye(w, cookies)
}

// bye answers a request that has ended its own session.
func (m *Manager) bye(w http.ResponseWriter, cookies []*http.Cookie) {
	if m.o.Delivery != JSON {
		gate.SetCookies(w, cookies)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (m *Manager) serveEndAll(w http.ResponseWriter, r *http.Request, t *gate.Token, subject string) error {
	err := m.EndAll(r.Context(), subject)
	if err == nil {
		m.bye(w, m.gate.ClearCookies(t.CookieOptions()))
	}
	return err
}

func (m *Manager) serveEndOthers(w http.ResponseWriter, r *http.Request, t *gate.Token, subject string) error {
	if t.SessionID == "" {
		return ErrNoSession
	}
	err := m.EndOthers(r.Context(), subject, t.SessionID)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (m *Manager) serveEnd(w http.ResponseWriter, r *http.Request, t *gate.Token, subject string) error {
	id := r.PathValue("id")
	err := m.End(r.Context(), subject, id)
	if err == nil && id == t.SessionID {
		m.bye(w, m.gate.ClearCookies(t.CookieOptions()))
	} else if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// listed is a session in the answer to GET sessions.
type listed struct {
	ID        string    `json:"id"`
	Current   bool      `json:"current"` // it is the session of the request
	Name      string    `json:"name,omitzero"`
	UserAgent string    `json:"user_agent,omitzero"`
	Address   string    `json:"address,omitzero"`
	Created   time.Time `json:"created"`
	Seen      time.Time `json:"seen"`
	Expires   time.Time `json:"expires"`
	Remember  bool      `json:"remember"`
}

func (m *Manager) serveList(w http.ResponseWriter, r *http.Request, t *gate.Token, subject string) error {
	sessions, err := m.List(r.Context(), subject)
	if err != nil {
		return err
	}
	list := make([]listed, 0, len(sessions))
	for _, s := range sessions {
		list = append(list, listed{
			s.ID, s.ID == t.SessionID, s.Device.Name, s.Device.UserAgent, s.Device.Address,
			s.Created.UTC(), s.Seen.UTC(), s.Expires.UTC(), s.Remember,
		})
	}
	writeJSON(w, http.StatusOK, map[string][]listed{"sessions": list})
	return nil
}

// CSRF returns the CSRF value of a request's refresh cookie. A page on another origin
// needs it after a reload, since it cannot read the CSRF cookie. Write it only in the
// answer to a GET request. A page of another origin can read that answer only if your CORS
// rules allow it.
func (m *Manager) CSRF(ctx context.Context, r gate.Request) (string, error) {
	p := gate.Policy{Type: gate.Refresh, Locations: []gate.Location{gate.FromCookies(gate.Refresh)}, SkipCSRF: true}
	t, err := m.gate.DecodeRequest(ctx, r, p, gate.DecodeOptions{})
	if err != nil {
		return "", err
	}
	return t.CSRF(), nil
}

func (m *Manager) serveCSRF(w http.ResponseWriter, r *http.Request) {
	value, err := m.CSRF(r.Context(), gate.HTTPRequest(r))
	if err != nil {
		m.gate.WriteError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"csrf_token": value})
}
