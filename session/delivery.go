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

// Delivery is a way in which clients get their tokens and bring back their refresh token.
type Delivery int

const (
	// JSON answers with both tokens in the body, for clients that are no browsers. The
	// refresh token comes back as "refresh_token" in a JSON body, with Content-Type:
	// application/json, or in the header Authorization behind "Bearer".
	JSON Delivery = iota
	// Cookies puts both tokens in cookies, for pages.
	Cookies
	// Split answers with the access token in the body, which a page keeps in memory, and
	// puts the refresh token in an HttpOnly cookie: for single-page applications. Give the
	// cookie the path of the refresh route (gate.Cookies.Refresh.Path).
	Split
)

// refreshLocations are the places, and the only ones, from which a refresh takes its token.
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

// Write answers a login or a refresh with the tokens of p, as Options.Delivery says: it
// sets cookies, and writes [Manager.Body] as JSON. The answer is not cached.
func (m *Manager) Write(w http.ResponseWriter, r *http.Request, p *Pair) {
	cookies, err := m.Cookies(r.Context(), p)
	if err != nil {
		m.gate.WriteError(w, r, err)
		return
	}
	gate.SetCookies(w, cookies)
	writeJSON(w, http.StatusOK, m.Body(p))
}

// Cookies returns the cookies by which p is delivered, for [gate.SetCookies]: for a page
// that goes on with a redirect, and for other frameworks. There are none with JSON.
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

// Body is what [Manager.Write] writes as JSON: what a client needs to know of its tokens,
// and those that are not in cookies.
type Body struct {
	AccessToken  string `json:"access_token,omitempty"`
	TokenType    string `json:"token_type,omitempty"`
	ExpiresIn    int64  `json:"expires_in"` // of the access token, in seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	CSRFToken    string `json:"csrf_token,omitempty"` // to repeat with requests that send a cookie
}

// Body returns the body of an answer with p, for other frameworks. Answer with
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
