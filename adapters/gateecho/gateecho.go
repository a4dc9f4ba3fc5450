package gateecho

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v5"

	"github.com/jwtgate/gate"
)

// TokenKey is the key of echo.Context.Get under which the guard's *gate.Token is; there
// is none for a visitor without a token.
const TokenKey = "gate.token"

// Require returns a guard, as [gate.Gate.Require] does, for routes and groups. It panics
// when no token can meet p. CORS middleware belongs outside of it.
func Require(g *gate.Gate, p gate.Policy) echo.MiddlewareFunc {
	guard := g.Guard(p)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			r := c.Request()
			ctx := r.Context()
			v := guard.Check(ctx, request{gate.HTTPRequest(r), c})
			switch {
			case v.Preflight:
				return c.NoContent(http.StatusNoContent)
			case v.Err != nil:
				return refuse(c, g, v.Err)
			}
			c.SetRequest(r.WithContext(v.Context(ctx)))
			setToken(c, v.Token)
			v.Mark(c.Response().Header())
			if !v.Clears() {
				return next(c)
			}
			return before(c, next, func(w http.ResponseWriter) {
				gate.SetCookies(w, v.ClearCookies(ctx, w.Header()["Set-Cookie"]))
			})
		}
	}
}

// setToken hides the token of a guard further out from a visitor.
func setToken(c *echo.Context, t *gate.Token) {
	if t != nil || c.Get(TokenKey) != nil {
		c.Set(TokenKey, t)
	}
}

// request is that of net/http, with the wildcards of Echo's router.
type request struct {
	gate.Request
	c *echo.Context
}

// PathValue implements gate.Request. Echo takes wildcards from the escaped path where
// there is one, and leaves them so. No token has a percent sign that would be decoded
// twice.
func (r request) PathValue(name string) string {
	v := r.c.Param(name)
	if decoded, err := url.PathUnescape(v); err == nil && r.c.Request().URL.RawPath != "" {
		return decoded
	}
	return v
}

// refusal is the error of a gate, which knows how to answer it.
type refusal struct {
	g   *gate.Gate
	err error
}

// Error implements error.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap returns the error of the gate.
func (r *refusal) Unwrap() error { return r.err }

// refuse returns the error of a refused request. The challenge is in the header already,
// for error handlers that know nothing of it.
func refuse(c *echo.Context, g *gate.Gate, err error) error {
	status, header, _ := g.Answer(err)
	if challenge := header["Www-Authenticate"]; challenge != nil {
		c.Response().Header()["Www-Authenticate"] = challenge
	}
	message := http.StatusText(status)
	if e := (*gate.Error)(nil); errors.As(err, &e) && e.Message() != "" {
		message = e.Message()
	}
	return echo.NewHTTPError(status, message).Wrap(&refusal{g, err})
}

// ErrorHandler returns an HTTPErrorHandler that answers the errors of [Require] with
// [gate.Gate.WriteError] of the gate that refused, and leaves all others to next.
func ErrorHandler(next echo.HTTPErrorHandler) echo.HTTPErrorHandler {
	return func(c *echo.Context, err error) {
		var r *refusal
		if !errors.As(err, &r) || committed(c) {
			next(c, err)
			return
		}
		r.g.WriteError(c.Response(), c.Request(), r.err)
	}
}

// committed reports whether the header of the response was sent.
func committed(c *echo.Context) bool {
	r, err := echo.UnwrapResponse(c.Response())
	return err == nil && r.Committed
}

// Token returns the token with which the innermost guard has let the request through,
// as [gate.FromContext] does.
func Token(c *echo.Context) (*gate.Token, bool) { return gate.FromContext(c.Request().Context()) }

// User returns what gate.Config.LoadUser loaded for this request, if it is a T.
func User[T any](c *echo.Context) (T, bool) { return gate.User[T](c.Request().Context()) }

// Renew returns middleware for a whole site that replaces the cookies of access tokens
// close to their end, as [gate.Gate.Renew] does. It belongs outside of [Require], and
// inside of Echo's Recover.
func Renew(g *gate.Gate, o gate.RenewOptions) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			return before(c, next, func(w http.ResponseWriter) {
				ctx := c.Request().Context()
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
}
