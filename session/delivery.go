package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/jwtgate/gate"
)

// Delivery says how clients get their tokens and how they send the refresh token.
type Delivery int

const (
	// JSON answers with both tokens in the body. It is for clients that are not browsers.
	// They send the refresh token as "refresh_token" in a JSON body, with Content-Type:
	// application/json, or as a Bearer token in the Authorization header.
	JSON Delivery = iota
	// Cookies puts both tokens in cookies. It is for pages that the server renders.
	Cookies
	// Split is for single-page applications. It answers with the access token in the body,
	// and the page keeps that in memory. The refresh token is in an HttpOnly cookie. Set the
	// path of this cookie (gate.Cookies.Refresh.Path) to that of the routes of
	// [Manager.Handler], such as "/auth/".
	Split
)

// refreshLocations returns the only locations from which a refresh takes its token.
func (d Delivery) refreshLocations() []gate.Location {
	if d == JSON {
		return []gate.Location{gate.FromJSON("", "refresh_token"), gate.FromHeader("Authorization", "Bearer")}
	}
	return []gate.Location{gate.FromCookies(gate.Refresh)}
}

func (d Delivery) check(cfg *gate.Config) error {
	inCookies := slices.ContainsFunc(cfg.Locations, func(l gate.Location) bool { return l.String() == "cookie" })
	switch {
	case d < JSON || d > Split:
		return fmt.Errorf("Options.Delivery is %d; use JSON, Cookies or Split", d)
	case d == Cookies && !inCookies:
		return errors.New("Options.Delivery is Cookies, and the gate takes no token from a cookie; add gate.FromCookies() to its Locations")
	case d != JSON && cfg.Cookies.MaxAge != 0:
		return errors.New("the gate's Cookies.MaxAge is set, so logins would be remembered that are not to be; leave it 0, and set Login.Remember where a login is")
	}
	return nil
}

// Write answers a login or a refresh with the tokens of p. As Options.Delivery says, it
// sets cookies, and it writes [Manager.Body] as JSON. It forbids caches to store the
// answer.
func (m *Manager) Write(w http.ResponseWriter, r *http.Request, p *Pair) {
	if m.setCookies(w, r, p) {
		writeJSON(w, http.StatusOK, m.Body(p))
	}
}

// Redirect answers a login of a page without a script: it sets the cookies of
// [Manager.Write] and redirects to url (303). For a URL that came in the request use
// [gate.LocalURL]. Redirect panics if Options.Delivery is JSON.
func (m *Manager) Redirect(w http.ResponseWriter, r *http.Request, p *Pair, url string) {
	if m.o.Delivery == JSON {
		panic("session: Redirect is for sites with Options.Delivery: session.Cookies or session.Split")
	}
	if m.setCookies(w, r, p) {
		http.Redirect(w, r, url, http.StatusSeeOther)
	}
}

// setCookies sets the cookies of p. If that fails, it answers with the error and returns
// false.
func (m *Manager) setCookies(w http.ResponseWriter, r *http.Request, p *Pair) bool {
	cookies, err := m.Cookies(r.Context(), p)
	if err != nil {
		m.gate.WriteError(w, r, err)
		return false
	}
	gate.SetCookies(w, cookies)
	return true
}

// Cookies returns the cookies with the tokens of p, for [gate.SetCookies]. Use it with
// other frameworks. It returns no cookies if Options.Delivery is JSON.
func (m *Manager) Cookies(ctx context.Context, p *Pair) ([]*http.Cookie, error) {
	if m.o.Delivery == JSON {
		return nil, nil
	}
	list, err := m.gate.RefreshCookies(ctx, p.refresh, gate.CookieOptions{})
	if err != nil || m.o.Delivery == Split {
		return list, err
	}
	access, err := m.gate.AccessCookies(ctx, p.access, gate.CookieOptions{})
	return append(access, list...), err
}

// Body is what [Manager.Write] writes as JSON. It has the tokens that are not in cookies,
// and what a client has to know about its tokens.
type Body struct {
	AccessToken  string `json:"access_token,omitempty"`
	TokenType    string `json:"token_type,omitempty"`
	ExpiresIn    int64  `json:"expires_in"` // of the access token, in seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	CSRFToken    string `json:"csrf_token,omitempty"` // repeat it in requests that send a cookie
}

// Body returns the body that [Manager.Write] writes, for other frameworks. Send it with
// Cache-Control: no-store.
func (m *Manager) Body(p *Pair) Body {
	b := Body{ExpiresIn: int64(p.accessToken.Expiry.Sub(p.accessToken.IssuedAt).Seconds())}
	if m.o.Delivery != Cookies {
		b.AccessToken, b.TokenType = p.access, "Bearer"
	}
	if m.o.Delivery == JSON {
		b.RefreshToken = p.refresh
	} else {
		b.CSRFToken = p.refreshToken.CSRF()
	}
	return b
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that left gets nothing
}
