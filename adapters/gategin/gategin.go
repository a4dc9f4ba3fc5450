package gategin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/jwtgate/gate"
)

// TokenKey is the key of gin.Context.Get under which the guard's *gate.Token is; there is
// none for a visitor without a token.
const TokenKey = "gate.token"

// Require returns a guard, as [gate.Gate.Require] does, for routes and groups. It panics
// when no token can meet p. CORS middleware belongs before it.
func Require(g *gate.Gate, p gate.Policy) gin.HandlerFunc {
	guard := g.Guard(p)
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		v := guard.Check(ctx, request{gate.HTTPRequest(c.Request), c})
		switch {
		case v.Preflight:
			c.AbortWithStatus(http.StatusNoContent)
		case v.Err != nil:
			c.Error(v.Err)
			c.Abort()
			g.WriteError(c.Writer, c.Request, v.Err)
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

// setToken hides the token of a guard further out from a visitor.
func setToken(c *gin.Context, t *gate.Token) {
	if _, outer := c.Get(TokenKey); t != nil || outer {
		c.Set(TokenKey, t)
	}
}

// request is that of net/http, with the wildcards of gin's router.
type request struct {
	gate.Request
	c *gin.Context
}

// PathValue implements gate.Request.
func (r request) PathValue(name string) string { return r.c.Param(name) }

// Token returns the token with which the innermost guard has let the request through,
// as [gate.FromContext] does.
func Token(c *gin.Context) (*gate.Token, bool) { return gate.FromContext(c.Request.Context()) }

// User returns what gate.Config.LoadUser loaded for this request, if it is a T.
func User[T any](c *gin.Context) (T, bool) { return gate.User[T](c.Request.Context()) }

// Renew returns middleware for a whole site that replaces the cookies of access tokens
// close to their end, as [gate.Gate.Renew] does. It belongs before [Require], and after
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

// Mount serves the routes of h, such as session.Manager.Handler("/auth/") returns, below
// prefix. gin must have no other routes there: mount a handler at "/auth/sessions/" and
// not at "/auth/" where the application has a route "/auth/login" of its own, or add the
// routes one by one with gin.WrapH.
func Mount(r gin.IRoutes, prefix string, h http.Handler) {
	r.Any(prefix+"*rest", gin.WrapH(h))
}
