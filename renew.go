package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate/internal/respwriter"
)

// RenewOptions set implicit refresh ([Gate.Renew]).
type RenewOptions struct {
	// Within is how close to its end a token is replaced. Default: half of the token's
	// own lifetime.
	Within time.Duration
	// MaxSession is how long after the login a token is still replaced. The login is
	// kept in the claim "auth_time". Default: 24 hours. NoExpiry: for ever.
	MaxSession time.Duration
	// AnyLocation also answers tokens that did not come in a cookie with cookies. Not
	// for a site with FromQuery: a link with somebody's token would become a login.
	AnyLocation bool
	// Successor sees the old token and what the new one is made with, before it is made.
	// It may change o; From, freshness and a longer lifetime it cannot set. An error
	// leaves the old token as it is.
	Successor func(ctx context.Context, old *Token, o *TokenOptions) error
}

// Renew returns middleware for a whole site that replaces the cookie of an access
// token close to its end by that of a new one. The new token is of the same login: it
// has the identity, session, CSRF value, audience and the application's claims of the
// old one (Config.Prepare and RenewOptions.Successor may change the claims), and its
// cookies have the scope that was chosen at login ([TokenOptions].Cookies). It is not
// fresh, and lives no longer than the old one did.
//
// It belongs outside of Require, and acts before the header of the response is written,
// which then says Cache-Control: no-store, whatever the handler has said ([SetCookies]).
// It does nothing when the handler itself has set or cleared the cookie, or has taken
// over the connection, and for tokens that are not access tokens of this gate's own.
// Where it cannot make the new token the old one stays, and Config.OnEvent is told
// ([RenewalFailed]): that is so when the blocklist says no or cannot answer as for a
// route with Policy.Type Refresh, and for a token without "sid" where there is a
// blocklist, since no logout of the old token would end the new one.
func (g *Gate) Renew(o RenewOptions) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rn := &renewal{g: g, o: o, w: w}
			rn.ctx = context.WithValue(r.Context(), renewKey{g}, rn)
			serveWith(rn.ctx, next, respwriter.Wrap(w, rn), r)
			rn.BeforeHeader()
		})
	}
}

// RenewCookies returns the cookies by which [Gate.Renew] replaces t, for adapters of
// frameworks that do not let it wrap the response; nil where t is not to be replaced.
// Call it once for a request that was let in with t, after its handler and before the
// header is sent, unless the handler has set or cleared the cookie. A failure is an
// event as well.
func (g *Gate) RenewCookies(ctx context.Context, t *Token, o RenewOptions) ([]*http.Cookie, error) {
	now := g.cfg.Clock()
	if !o.due(t, g.lifetime(t), now) || !g.made(t) {
		return nil, nil
	}
	next, cookies, err := g.renewCookies(ctx, t, o, now)
	if err != nil {
		g.Emit(ctx, Event{Name: RenewalFailed, Token: t, Err: err})
		return nil, err
	}
	g.Emit(ctx, Event{Name: TokenRenewed, Token: next})
	return cookies, nil
}

func (g *Gate) renewCookies(ctx context.Context, t *Token, o RenewOptions, now time.Time) (*Token, []*http.Cookie, error) {
	if g.cfg.Blocklist != nil && t.SessionID == "" && !g.compat.NewRenewal {
		return nil, nil, errors.New(`gate: renewal: the token has no "sid", so no logout of it would end the new one; create it without Create.OmitSession`)
	}
	next := TokenOptions{
		From: t, SessionID: t.SessionID, ExpiresIn: o.left(t, g.lifetime(t), now),
		renewal: !g.compat.NewRenewal, anew: g.compat.NewRenewal,
	}
	if g.compat.NewRenewal && o.MaxSession != NoExpiry {
		next.Claims = map[string]any{"auth_time": login(t).Unix()}
	}
	if o.Successor != nil {
		if err := o.Successor(ctx, t, &next); err != nil {
			return nil, nil, fmt.Errorf("gate: renewal: Successor: %w", err)
		}
		next.From, next.Fresh, next.FreshFor = t, false, 0
	}
	raw, made, err := g.Issue(ctx, Access, t.Identity(), next)
	if err != nil {
		return nil, nil, err
	}
	if made.Fresh || !made.FreshUntil.IsZero() || made.Expiry.IsZero() || made.Expiry.Sub(made.IssuedAt) > g.lifetime(t) {
		return nil, nil, errors.New("gate: renewal: the new token would be fresh, or live longer than the old one; Config.Prepare or RenewOptions.Successor says so")
	}
	cookies, err := g.cookiesOf(made, raw, Access, CookieOptions{})
	return made, cookies, err
}

// renewKey is the context key of the renewal of a gate: the token of another gate
// must not become one of this.
type renewKey struct{ g *Gate }

// noteForRenewal tells an outer Renew which token the request was let in with.
func (g *Gate) noteForRenewal(ctx context.Context, t *Token) {
	if rn, ok := ctx.Value(renewKey{g}).(*renewal); ok {
		rn.token.Store(t)
	}
}

// renewal is the renewal of the token of one request.
type renewal struct {
	g     *Gate
	o     RenewOptions
	w     http.ResponseWriter
	ctx   context.Context
	token atomic.Pointer[Token] // inside an http.TimeoutHandler it may come late
	done  bool
}

// BeforeHijack leaves the response without new cookies.
func (n *renewal) BeforeHijack() { n.done = true }

// BeforeHeader sets the new cookies, once.
func (n *renewal) BeforeHeader() {
	if n.done {
		return
	}
	n.done = true
	t := n.token.Load()
	if t == nil || n.touched() {
		return
	}
	if cookies, err := n.g.RenewCookies(n.ctx, t, n.o); err == nil {
		SetCookies(n.w, cookies)
	}
}

// due reports whether t is an access token close to its end that may be replaced, and
// the new one would not end earlier.
func (o *RenewOptions) due(t *Token, lifetime time.Duration, now time.Time) bool {
	if t.Type != Access || t.Expiry.IsZero() || t.IssuedAt.IsZero() || !o.AnyLocation && t.Location() != "cookie" {
		return false
	}
	within := o.Within
	if within == 0 {
		within = lifetime / 2
	}
	in := o.left(t, lifetime, now)
	return t.Expiry.Before(now.Add(within)) && in >= time.Second && now.Add(in).Unix() >= t.Expiry.Unix()
}

// left is how long the token that replaces t may live: a lifetime, but not longer than
// the session.
func (o *RenewOptions) left(t *Token, lifetime time.Duration, now time.Time) time.Duration {
	session := cmp.Or(o.MaxSession, 24*time.Hour)
	if session == NoExpiry {
		return lifetime
	}
	return min(lifetime, login(t).Add(session).Sub(now))
}

// lifetime is how long a token that replaces t lives: as long as t does, from its
// creation to its end.
func (g *Gate) lifetime(t *Token) time.Duration {
	if g.compat.NewRenewal && g.cfg.Create.AccessLifetime != NoExpiry {
		return g.cfg.Create.AccessLifetime
	}
	return t.Expiry.Sub(t.IssuedAt)
}

// made reports whether t was created by this gate, and not by an issuer that it accepts.
func (g *Gate) made(t *Token) bool {
	return t.VerifiedIssuer() == "" && t.Issuer == g.cfg.Create.Issuer
}

// login is when the session began: auth_time, or for its first token iat.
func login(t *Token) time.Time {
	var claims struct {
		AuthTime int64 `json:"auth_time"`
	}
	switch err := t.Claims(&claims); {
	case err != nil:
		return time.Time{} // unreadable: long over
	case claims.AuthTime > 0:
		return time.Unix(claims.AuthTime, 0)
	}
	return t.IssuedAt
}

// touched reports whether the handler has set or cleared the access cookie itself.
func (n *renewal) touched() bool {
	prefix := n.g.cfg.Cookies.Access.Name + "="
	return slices.ContainsFunc(n.w.Header()["Set-Cookie"], func(s string) bool { return strings.HasPrefix(s, prefix) })
}
