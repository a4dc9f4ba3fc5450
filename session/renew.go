package session

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/respwriter"
)

// Renew returns middleware for a site with pages, which have no script to refresh tokens
// (Options.Delivery is [Cookies]). A request whose access cookie has expired, is invalid or is gone,
// and that has a refresh cookie, is refreshed on its way: it goes on with the new access
// token, as if the browser had sent it, and the answer has the new cookies. Two such
// requests at once get the same refresh token. Forms that are open stay valid, since the
// CSRF value stays the same, and remembered logins stay remembered.
//
// It belongs outside of [gate.Gate.Require], which still checks everything, and the refresh
// cookie needs a path that covers the site. A request whose refresh token is refused goes
// on as it came, and no cookie is cleared; where the store cannot answer it is answered
// with 503. A request to switch protocols goes on as it came too, since its answer may
// have no cookies.
//
// The new cookies are sent with the header of the answer: a handler that takes longer
// than Options.Grace to send it leaves the browser with a refresh token that counts as
// stolen when another request brings it meanwhile. A handler that sets or clears the
// refresh cookie itself has the last word. It panics where Options.Delivery is another
// one.
func (m *Manager) Renew(next http.Handler) http.Handler {
	if m.o.Delivery != Cookies {
		panic("session: Renew is for sites with Options.Delivery: session.Cookies")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !m.stale(r) {
			next.ServeHTTP(w, r)
			return
		}
		pair, cookies, err := m.renew(r)
		var refused *gate.Error
		switch {
		case err == nil:
			m.serveRenewed(w, r, next, pair, cookies)
		case errors.As(err, &refused) || errors.Is(err, gate.ErrRevoked):
			next.ServeHTTP(w, r)
		default:
			m.gate.WriteError(w, r, err)
		}
	})
}

// stale reports whether a request has a refresh cookie, and no access cookie that could be
// good. Whether its session was ended is for the guard to ask.
func (m *Manager) stale(r *http.Request) bool {
	if len(r.CookiesNamed(m.names.Refresh.Name)) == 0 || r.Header.Get("Upgrade") != "" || r.Method == http.MethodConnect {
		return false
	}
	p := gate.Policy{Locations: []gate.Location{gate.FromCookies(gate.Access)}, SkipCSRF: true}
	_, err := m.gate.DecodeRequest(r.Context(), gate.HTTPRequest(r), p, gate.DecodeOptions{})
	var refused *gate.Error
	return errors.As(err, &refused)
}

// renew refreshes without a CSRF check: a page of another site gains nothing by a refresh
// whose answer it cannot read, and the request itself is still checked by its guard.
func (m *Manager) renew(r *http.Request) (*Pair, []*http.Cookie, error) {
	p := gate.Policy{Type: gate.Refresh, Locations: []gate.Location{gate.FromCookies(gate.Refresh)}, SkipCSRF: true}
	pair, err := m.refreshRequest(r.Context(), gate.HTTPRequest(r), p)
	if err != nil {
		return nil, nil, err
	}
	cookies, err := m.Cookies(r.Context(), pair)
	return pair, cookies, err
}

// serveRenewed calls next with a copy of r that has the new tokens, and hands back what
// handlers put on the copy that net/http and outer middleware look for on r.
func (m *Manager) serveRenewed(w http.ResponseWriter, r *http.Request, next http.Handler, pair *Pair, cookies []*http.Cookie) {
	inner := r.WithContext(r.Context())
	inner.Header = r.Header.Clone()
	inner.Header.Set("Cookie", m.newCookies(r, pair))
	defer func() { r.MultipartForm, r.Pattern = inner.MultipartForm, inner.Pattern }()
	n := &renewed{w: w, cookies: cookies, name: m.names.Refresh.Name + "="}
	next.ServeHTTP(respwriter.Wrap(w, n), inner)
	n.BeforeHeader()
}

// newCookies is the Cookie header of a request that brings the new tokens.
func (m *Manager) newCookies(r *http.Request, pair *Pair) string {
	list := []string{m.names.Access.Name + "=" + pair.access, m.names.Refresh.Name + "=" + pair.refresh}
	for _, c := range r.Cookies() {
		if c.Name != m.names.Access.Name && c.Name != m.names.Refresh.Name {
			list = append(list, c.String())
		}
	}
	return strings.Join(list, "; ")
}

// renewed adds the new cookies to a response.
type renewed struct {
	w       http.ResponseWriter
	cookies []*http.Cookie
	name    string // of the refresh cookie, with "="
	done    bool
}

// BeforeHijack leaves the response to who takes the connection.
func (n *renewed) BeforeHijack() { n.done = true }

// BeforeHeader sets the cookies, once.
func (n *renewed) BeforeHeader() {
	if n.done {
		return
	}
	n.done = true
	own := func(s string) bool { return strings.HasPrefix(s, n.name) }
	if !slices.ContainsFunc(n.w.Header()["Set-Cookie"], own) {
		gate.SetCookies(n.w, n.cookies)
	}
}
