package session

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/respwriter"
)

// Renew returns middleware that refreshes the tokens of pages without a script. It needs
// Options.Delivery to be [Cookies], and panics otherwise. It acts on a request with a
// refresh cookie whose access cookie is missing, invalid or expired. Renew refreshes the
// tokens, calls next as if the browser had sent the new cookies, and adds the new cookies
// to the answer. Concurrent requests of one browser get the same refresh token. The CSRF
// value stays the same, so open forms stay valid. Remembered logins stay remembered.
//
// Put it around [gate.Gate.Require], which still checks the request. The path of the
// refresh cookie must cover the site. If the refresh token is refused, Renew passes the
// request on unchanged and clears no cookie. If the store fails, the answer is 503.
// Requests to switch protocols are passed on unchanged, because their answers may not set
// cookies.
//
// The new cookies are sent with the header of the answer. If a handler takes longer than
// Options.Grace to send the header, the browser still has the old refresh token. Another
// request with that token then counts as theft, and the session ends. If a handler sets or
// clears the refresh cookie itself, Renew adds no cookies.
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

// stale reports whether a request has a refresh cookie and no valid access cookie. It does
// not ask the blocklist; the guard does that.
func (m *Manager) stale(r *http.Request) bool {
	if len(r.CookiesNamed(m.names.Refresh.Name)) == 0 || r.Header.Get("Upgrade") != "" || r.Method == http.MethodConnect {
		return false
	}
	p := gate.Policy{Locations: []gate.Location{gate.FromCookies(gate.Access)}, SkipCSRF: true}
	_, err := m.gate.DecodeRequest(r.Context(), gate.HTTPRequest(r), p, gate.DecodeOptions{})
	var refused *gate.Error
	return errors.As(err, &refused)
}

// renew refreshes without a CSRF check. A page of another site cannot read the answer, so
// the refresh is of no use to it. The guard still checks the CSRF value of the request.
func (m *Manager) renew(r *http.Request) (*Pair, []*http.Cookie, error) {
	p := gate.Policy{Type: gate.Refresh, Locations: []gate.Location{gate.FromCookies(gate.Refresh)}, SkipCSRF: true}
	pair, err := m.refreshRequest(r.Context(), gate.HTTPRequest(r), p)
	if err != nil {
		return nil, nil, err
	}
	cookies, err := m.Cookies(r.Context(), pair)
	return pair, cookies, err
}

// serveRenewed calls next with a copy of r that has the new tokens. Afterwards it copies
// the fields that net/http and outer middleware read from r back to r.
func (m *Manager) serveRenewed(w http.ResponseWriter, r *http.Request, next http.Handler, pair *Pair, cookies []*http.Cookie) {
	inner := r.WithContext(r.Context())
	inner.Header = r.Header.Clone()
	inner.Header.Set("Cookie", m.newCookies(r, pair))
	defer func() { r.MultipartForm, r.Pattern = inner.MultipartForm, inner.Pattern }()
	n := &renewed{w: w, cookies: cookies, name: m.names.Refresh.Name + "="}
	next.ServeHTTP(respwriter.Wrap(w, n), inner)
	n.BeforeHeader()
}

// newCookies returns the Cookie header of r with the new tokens.
func (m *Manager) newCookies(r *http.Request, pair *Pair) string {
	list := []string{m.names.Access.Name + "=" + pair.access, m.names.Refresh.Name + "=" + pair.refresh}
	for _, c := range r.Cookies() {
		if c.Name != m.names.Access.Name && c.Name != m.names.Refresh.Name {
			list = append(list, c.String())
		}
	}
	return strings.Join(list, "; ")
}

// renewed adds the new cookies to a response, just before its header is sent.
type renewed struct {
	w       http.ResponseWriter
	cookies []*http.Cookie
	name    string // of the refresh cookie, with "="
	done    bool
}

// BeforeHijack adds no cookies: the handler has taken over the connection.
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
