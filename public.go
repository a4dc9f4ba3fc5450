package gate

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/jwtgate/gate/internal/respwriter"
)

// passes reports whether p accepts a request whose check ended with err. A store that
// cannot answer is no refusal.
func (p *Policy) passes(err error) bool { return err != nil && p.Public && refusalOf(err) != nil }

// clearing removes the cookies of a refused token from the browser, before the header
// of the response is written.
type clearing struct {
	g    *Gate
	typ  TokenType
	err  *Error
	ctx  context.Context
	w    http.ResponseWriter
	done bool
}

// clearingOf returns the cookies to clear after a refusal, or nil.
func (g *Gate) clearingOf(r *http.Request, err error, p *Policy) *clearing {
	var e *Error
	if !errors.As(err, &e) || e.Location != "cookie" || !e.isFinal() {
		return nil
	}
	typ := p.want()
	if p.Type == AnyTokenType && len(httpRequest{r}.Cookies(g.cfg.Cookies.Access.Name)) == 0 {
		typ = Refresh
	}
	return &clearing{g: g, typ: typ, err: e, ctx: r.Context()}
}

// isFinal reports whether the token will never be accepted. That is not so for a time in
// the future, since a clock may be wrong, or where only this route refuses it.
func (e *Error) isFinal() bool {
	switch e.Reason {
	case "iat_future", "nbf_future", "header_too_large":
		return false
	}
	return e.Kind == ErrRevoked || e.Kind == ErrInvalid
}

// serve calls next, and clears the cookies unless c is nil.
func (c *clearing) serve(ctx context.Context, next http.Handler, w http.ResponseWriter, r *http.Request) {
	if c == nil {
		serveWith(ctx, next, w, r)
		return
	}
	c.w = w
	serveWith(ctx, next, respwriter.Wrap(w, c), r)
	c.BeforeHeader()
}

// BeforeHeader clears the cookies unless the handler has set new ones.
func (c *clearing) BeforeHeader() {
	if c.done {
		return
	}
	c.done = true
	name := c.g.cfg.Cookies.names(c.typ).Name + "="
	if slices.ContainsFunc(c.w.Header()["Set-Cookie"], func(s string) bool { return strings.HasPrefix(s, name) }) {
		return
	}
	var o CookieOptions
	if c.err.Token != nil {
		o = c.err.Token.CookieOptions()
	}
	SetCookies(c.w, c.g.ClearCookies(o, c.typ))
	c.g.Emit(c.ctx, Event{Name: CookiesCleared, Token: c.err.Token, Err: c.err})
}

// BeforeHijack leaves the cookies to the next request.
func (c *clearing) BeforeHijack() { c.done = true }

// markPrivate tells caches that the answer depends on the cookie and, if it had a token,
// that it is for one user only. The handler may change the second.
func (g *Gate) markPrivate(h http.Header, t *Token) {
	if g.compat.NoCaching || t != nil && t.location != "cookie" {
		return
	}
	if !slices.Contains(h["Vary"], "Cookie") {
		h.Add("Vary", "Cookie")
	}
	if t != nil && h["Cache-Control"] == nil {
		h.Set("Cache-Control", "private")
	}
}
