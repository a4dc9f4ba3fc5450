package gate

import (
	"context"
	"net/http"
	"slices"
	"strings"
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
	// AnyLocation also answers tokens that did not come in a cookie with cookies.
	AnyLocation bool
}

// Renew returns middleware for a whole site that replaces the cookie of an access
// token close to its end by that of a new one for the same identity, which is not
// fresh and has no claims of the old one's but "sid", "auth_time" and those that
// Config.Prepare adds. It stands outside of Require, and acts before the header of the
// response is written. It does nothing when the handler itself has set or cleared the
// cookie, when the token was refused or is revoked by then (or nobody can tell), or
// when the new one cannot be made.
func (g *Gate) Renew(o RenewOptions) func(http.Handler) http.Handler {
	if o.Within == 0 && g.cfg.Create.AccessLifetime > 0 {
		o.Within = g.cfg.Create.AccessLifetime / 2
	}
	setDefault(&o.MaxSession, 24*time.Hour)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rw := &renewWriter{ResponseWriter: w, g: g, o: o}
			rw.ctx = context.WithValue(r.Context(), renewKey{g}, rw)
			next.ServeHTTP(rw, r.WithContext(rw.ctx))
			rw.renew()
		})
	}
}

// renewKey is the context key of the renewWriter of a gate: the token of another gate
// must not become one of this.
type renewKey struct{ g *Gate }

// noteForRenewal tells an outer Renew which token the request was let in with.
func (g *Gate) noteForRenewal(ctx context.Context, t *Token) {
	if rw, ok := ctx.Value(renewKey{g}).(*renewWriter); ok {
		rw.token = t
	}
}

// renewWriter adds cookies at the last moment at which a response takes them.
type renewWriter struct {
	http.ResponseWriter
	g     *Gate
	o     RenewOptions
	ctx   context.Context
	token *Token
	done  bool
}

func (w *renewWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.renew()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *renewWriter) Write(b []byte) (int, error) {
	w.renew()
	return w.ResponseWriter.Write(b)
}

// FlushError is what http.ResponseController calls; it writes the header.
func (w *renewWriter) FlushError() error {
	w.renew()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush implements http.Flusher.
func (w *renewWriter) Flush() { _ = w.FlushError() }

// Unwrap gives http.ResponseController the rest of the writer's abilities.
func (w *renewWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// renew sets the new cookies, once.
func (w *renewWriter) renew() {
	if w.done {
		return
	}
	w.done = true
	// The route may skip the blocklist, and the handler may have revoked the token.
	if !w.due() || w.touched() || w.g.checkBlocklist(w.ctx, w.token, Policy{}) != nil {
		return
	}
	o := TokenOptions{Claims: map[string]any{}}
	if w.token.SessionID != "" {
		o.Claims["sid"] = w.token.SessionID // what revokes the session revokes the new token
	}
	if w.o.MaxSession != NoExpiry {
		login := w.login()
		o.Claims["auth_time"] = login.Unix()
		left := login.Add(w.o.MaxSession).Sub(w.g.cfg.Clock())
		if lifetime := w.g.cfg.Create.AccessLifetime; lifetime < 0 || left < lifetime {
			o.ExpiresIn = left
		}
	}
	raw, err := w.g.CreateAccessToken(w.ctx, w.token.Identity(), o)
	if err != nil {
		return
	}
	if cookies, err := w.g.AccessCookies(w.ctx, raw, CookieOptions{}); err == nil {
		SetCookies(w, cookies)
	}
}

// due reports whether the request's token is close to its end and may be replaced.
func (w *renewWriter) due() bool {
	t := w.token
	if t == nil || t.Type == Refresh || t.Expiry.IsZero() || !w.o.AnyLocation && t.location != "cookie" {
		return false
	}
	now := w.g.cfg.Clock()
	return t.Expiry.Before(now.Add(w.o.Within)) &&
		(w.o.MaxSession == NoExpiry || now.Before(w.login().Add(w.o.MaxSession)))
}

// login is when the session began: auth_time, or for its first token iat.
func (w *renewWriter) login() time.Time {
	var claims struct {
		AuthTime int64 `json:"auth_time"`
	}
	switch err := w.token.Claims(&claims); {
	case err != nil:
		return time.Time{} // unreadable: long over
	case claims.AuthTime > 0:
		return time.Unix(claims.AuthTime, 0)
	}
	return w.token.IssuedAt
}

// touched reports whether the handler has set or cleared the access cookie itself.
func (w *renewWriter) touched() bool {
	prefix := w.g.cfg.Cookies.Access.Name + "="
	return slices.ContainsFunc(w.Header()["Set-Cookie"], func(s string) bool { return strings.HasPrefix(s, prefix) })
}
