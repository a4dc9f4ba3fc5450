package gate

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// RenewOptions set implicit refresh ([Gate.Renew]).
type RenewOptions struct {
	// Within is how close to its end a token is replaced. Default: half the lifetime
	// of an access token.
	Within time.Duration
	// MaxSession is how long after the login a token is still replaced. The login is
	// kept in the claim "auth_time". Default: 24 hours. NoExpiry: for ever.
	MaxSession time.Duration
	// AnyLocation also answers tokens that did not come in a cookie with cookies. Not
	// for a site with FromQuery: a link with somebody's token would become a login.
	AnyLocation bool
}

// Renew returns middleware for a whole site that replaces the cookie of an access
// token close to its end by that of a new one for the same identity, which is not
// fresh and has no claims of the old one's but "sid", "auth_time" and those that
// Config.Prepare adds. A claim that restricts a token has to be added there, or the new
// one is without the restriction.
//
// It stands outside of Require, and acts before the header of the response is written,
// which then says Cache-Control: no-store, whatever the handler has said: a cache that is
// shared must not hand out the cookies of one to another. It does nothing when the
// handler itself has set or cleared the cookie, when the token was refused or is revoked
// by then (or nobody can tell), or when the new one cannot be made. The blocklist is
// asked as for a route with Policy.Type Refresh, since the answer outlives the request.
func (g *Gate) Renew(o RenewOptions) func(http.Handler) http.Handler {
	if o.Within == 0 && g.cfg.Create.AccessLifetime > 0 {
		o.Within = g.cfg.Create.AccessLifetime / 2
	}
	setDefault(&o.MaxSession, 24*time.Hour)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rn := &renewal{g: g, o: o}
			rn.ctx = context.WithValue(r.Context(), renewKey{g}, rn)
			rw := &renewWriter{ResponseWriter: w, renewal: rn}
			serveWith(rn.ctx, next, rw.withAbilities(), r)
			rn.finish(w)
		})
	}
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
	ctx   context.Context
	token atomic.Pointer[Token] // inside an http.TimeoutHandler it may come late
	done  bool
}

// abandon leaves the response without new cookies.
func (n *renewal) abandon() { n.done = true }

// finish sets the new cookies, once.
func (n *renewal) finish(w http.ResponseWriter) {
	if n.done {
		return
	}
	n.done = true
	t, now := n.token.Load(), n.g.cfg.Clock()
	if t == nil || !n.due(t, now) || n.touched(w) {
		return
	}
	raw, err := n.g.CreateAccessToken(n.ctx, t.Identity(), n.successor(t, now))
	// In this order: whoever revokes all that was issued to the subject until now, and is
	// too late for this question, finds the new token issued by then.
	if err != nil || n.revoked(t) {
		return
	}
	if cookies, err := n.g.AccessCookies(n.ctx, raw, CookieOptions{}); err == nil {
		SetCookies(w, cookies)
		w.Header().Set("Cache-Control", "no-store")
	}
}

// due reports whether the request's token is close to its end and may be replaced.
func (n *renewal) due(t *Token, now time.Time) bool {
	if t.Type == Refresh || t.Expiry.IsZero() || !n.o.AnyLocation && t.location != "cookie" {
		return false
	}
	return t.Expiry.Before(now.Add(n.o.Within)) &&
		(n.o.MaxSession == NoExpiry || now.Before(login(t).Add(n.o.MaxSession)))
}

// revoked asks the blocklist, which the route may have skipped, or the handler written
// to. A blocklist that lets access tokens in while it knows nothing must not do so
// here: the new token would be good when the blocklist knows again.
func (n *renewal) revoked(t *Token) bool {
	t = t.clone()
	t.demands = demands{typ: Refresh}
	return n.g.checkBlocklist(n.ctx, t, Policy{}) != nil
}

// successor is what the new token has of t.
func (n *renewal) successor(t *Token, now time.Time) TokenOptions {
	claims := map[string]any{}
	o := TokenOptions{SessionID: t.SessionID, Claims: claims} // what revokes the session revokes the new token
	if n.o.MaxSession != NoExpiry {
		since := login(t)
		claims["auth_time"] = since.Unix()
		left := since.Add(n.o.MaxSession).Sub(now) // more than nothing: it is due
		if lifetime := n.g.cfg.Create.AccessLifetime; lifetime < 0 || left < lifetime {
			o.ExpiresIn = left
		}
	}
	return o
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
func (n *renewal) touched(w http.ResponseWriter) bool {
	prefix := n.g.cfg.Cookies.Access.Name + "="
	return slices.ContainsFunc(w.Header()["Set-Cookie"], func(s string) bool { return strings.HasPrefix(s, prefix) })
}
