package gategin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/jwtgate/gate"
)

// TokenKey is the key of the *gate.Token for gin.Context.Get. A request without a token
// has no such key.
const TokenKey = "gate.token"

// Require returns a guard for routes and groups. It does what [gate.Gate.Require] does. It
// panics when no token can meet p. Put CORS middleware before it.
func Require(g *gate.Gate, p gate.Policy) gin.HandlerFunc {
	guard := g.Guard(p)
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		v := guard.Check(ctx, request{gate.HTTPRequest(c.Request), c})
		switch {
		case v.Preflight:
			c.AbortWithStatus(http.StatusNoContent)
		case v.Err != nil:
			Error(c, g, v.Err)
		default:
			c.Request = c.Request.WithContext(v.Context(ctx))
			setToken(c, v.Token)
			v.Mark(c.Writer.Header())
			if v.Clears() {
				before(c, func(w http.ResponseWriter) {
					gate.SetCookies(w, v.ClearCookies(ctx, w.Header()["Set-Cookie"]))
				})
			}
		}
	}
}

// Error does what [Require] does for a request that g has refused with err: it records err
// in c.Errors, aborts the chain, and answers with [gate.Gate.WriteError]. Use it for what a
// handler checks itself: the errors of gate.Gate.Check and of session.Manager.
func Error(c *gin.Context, g *gate.Gate, err error) {
	c.Error(err)
	c.Abort()
	g.WriteError(c.Writer, c.Request, err)
}

// setToken sets the token. For a request without one it removes the token of an outer
// guard.
func setToken(c *gin.Context, t *gate.Token) {
	if _, outer := c.Get(TokenKey); t != nil || outer {
		c.Set(TokenKey, t)
	}
}

// request is the request of net/http with the path parameters of gin.
type request struct {
	gate.Request
	c *gin.Context
}

// PathValue implements gate.Request.
func (r request) PathValue(name string) string { return r.c.Param(name) }

// Token returns the token that the innermost guard has accepted, as [gate.FromContext]
// does.
func Token(c *gin.Context) (*gate.Token, bool) { return gate.FromContext(c.Request.Context()) }

// User returns what gate.Config.LoadUser loaded for this request, if it is a T.
func User[T any](c *gin.Context) (T, bool) { return gate.User[T](c.Request.Context()) }

// Renew returns middleware that replaces the cookie of an access token that expires soon,
// as [gate.Gate.Renew] does. Use it for the whole site, before [Require] and after
// gin.Recovery.
func Renew(g *gate.Gate, o gate.RenewOptions) gin.HandlerFunc {
	return func(c *gin.Context) {
		before(c, func(w http.ResponseWriter) {
			ctx := c.Request.Context()
			t, ok := g.FromContext(ctx)
			if !ok {
				return
			}
			if cookies, err := g.RenewCookies(ctx, t, w.Header()["Set-Cookie"], o); err == nil {
				gate.SetCookies(w, cookies)
			}
		})
	}
}

// Mount serves h below prefix, such as the handler that session.Manager.Handler("/auth/")
// returns. gin must have no other routes below prefix. If the application has a route
// "/auth/login", for example, use the prefix "/auth/sessions/" for h, or add the routes of
// h one by one with gin.WrapH.
func Mount(r gin.IRoutes, prefix string, h http.Handler) {
	r.Any(prefix+"*rest", gin.WrapH(h))
}
