package gate

import (
	"context"
	"errors"
	"net/http"

	"github.com/jwtgate/gate/internal/respwriter"
)

// passes reports whether p accepts a request whose check ended with err. A store that
// cannot answer is no refusal.
func (p *Policy) passes(err error) bool { return err != nil && p.Public && refusalOf(err) != nil }

// clearingOf returns the token whose cookies are to be cleared after a refusal, and the
// type of the cookies, or nil.
func (g *Gate) clearingOf(r Request, err error, p *Policy) (*Error, TokenType) {
	var e *Error
	if !errors.As(err, &e) || e.Location != "cookie" || !e.isFinal() {
		return nil, ""
	}
	typ := p.want()
	if p.Type == AnyTokenType && len(r.Cookies(g.cfg.Cookies.Access.Name)) == 0 {
		typ = Refresh
	}
	return e, typ
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

// clearing removes the cookies of a refused token from the browser, before the header
// of the response is written.
type clearing struct {
	v    Verdict
	ctx  context.Context
	w    http.ResponseWriter
	done bool
}

// serve calls next, and clears the cookies that v says.
func (v Verdict) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	c := &clearing{v: v, ctx: r.Context(), w: w}
	serveWith(v.Context(r.Context()), next, respwriter.Wrap(w, c), r)
	c.BeforeHeader()
}

// BeforeHeader clears the cookies unless the handler has set new ones.
func (c *clearing) BeforeHeader() {
	if !c.done {
		c.done = true
		SetCookies(c.w, c.v.ClearCookies(c.ctx, c.w.Header()["Set-Cookie"]))
	}
}

// BeforeHijack leaves the cookies to the next request.
func (c *clearing) BeforeHijack() { c.done = true }
