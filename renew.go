package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate/internal/respwriter"
)

// RenewOptions has the options of implicit refresh ([Gate.Renew]).
type RenewOptions struct {
	// Within is how long before its expiry a token is replaced. Default: half of the
	// token's lifetime.
	Within time.Duration
	// MaxSession is how long after the login tokens are replaced. The time of the login is
	// in the claim "auth_time". Default: 24 hours. NoExpiry: without end.
	MaxSession time.Duration
	// AnyLocation also replaces tokens that did not come in a cookie, and sets cookies.
	// Do not use it with FromQuery or FromPath: a link with a token would become a login.
	AnyLocation bool
	// Successor is called before the new token is created and may change o, except From,
	// Fresh, FreshFor, and a longer lifetime. After an error the old token stays.
	Successor func(ctx context.Context, old *Token, o *TokenOptions) error
}

// Renew returns middleware for a whole site. When an access token in a cookie is about to
// expire, it sets a new one in the response. The new token belongs to the same login: it
// has the same identity, session, CSRF value, audience and application claims
// (Config.Prepare and RenewOptions.Successor may change the claims), and its cookies have
// the scope chosen at login ([TokenOptions].Cookies). It is not fresh, and its lifetime is
// not longer than that of the old token.
//
// Put Renew outside of Require. It acts before the header of the response is written and
// then sets Cache-Control: no-store ([SetCookies]). It does nothing if the handler has set
// or cleared the cookie or has taken over the connection, and nothing for refresh tokens
// and for tokens of other issuers.
//
// If no new token can be created, the old one stays and Config.OnEvent gets
// [RenewalFailed]. That is so where the blocklist has the token or cannot answer. The store
// itself is asked, not a cache. It is also so for a token without "sid" where there is a
// blocklist, because a logout with the old token would not end the new one.
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

// RenewCookies returns the cookies that [Gate.Renew] would set for t, or nil if t is nil or
// does not have to be replaced. It is for adapters of frameworks in which Renew cannot wrap the
// response. Call it once for a request that was accepted with t, after the handler and
// before the header is sent. sent lists the values of Set-Cookie in the response: if the
// handler has set or cleared the cookie, t is not replaced. An error is also reported to
// Config.OnEvent.
func (g *Gate) RenewCookies(ctx context.Context, t *Token, sent []string, o RenewOptions) ([]*http.Cookie, error) {
	now := g.cfg.Clock()
	if t == nil || setsCookie(sent, g.cfg.Cookies.Access.Name) || !o.due(t, g.lifetime(t), now) || !g.made(t) {
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

// renewKey is the context key of the renewal of one gate, which must not replace the
// token of another gate.
type renewKey struct{ g *Gate }

// noteForRenewal tells an outer Renew which token was accepted.
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
	token atomic.Pointer[Token] // an http.TimeoutHandler may set it in another goroutine
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
	if t == nil {
		return
	}
	if cookies, err := n.g.RenewCookies(n.ctx, t, n.w.Header()["Set-Cookie"], n.o); err == nil {
		SetCookies(n.w, cookies)
	}
}

// due reports whether t is an access token about to expire that may be replaced, and
// whether the new one would not expire earlier.
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

// left returns the lifetime of the token that replaces t, limited by MaxSession.
func (o *RenewOptions) left(t *Token, lifetime time.Duration, now time.Time) time.Duration {
	session := cmp.Or(o.MaxSession, 24*time.Hour)
	if session == NoExpiry {
		return lifetime
	}
	return min(lifetime, login(t).Add(session).Sub(now))
}

// lifetime returns the lifetime of a token that replaces t: that of t.
func (g *Gate) lifetime(t *Token) time.Duration {
	if g.compat.NewRenewal && g.cfg.Create.AccessLifetime != NoExpiry {
		return g.cfg.Create.AccessLifetime
	}
	return t.Expiry.Sub(t.IssuedAt)
}

// made reports whether t was created by this gate.
func (g *Gate) made(t *Token) bool {
	return t.VerifiedIssuer() == "" && t.Issuer == g.cfg.Create.Issuer
}

// login returns the time of the login: auth_time, or iat for its first token.
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
