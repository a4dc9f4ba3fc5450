package gateecho

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v5"

	"github.com/jwtgate/gate"
)

// TokenKey is the key of the *gate.Token for echo.Context.Get. A request without a token
// has no such key.
const TokenKey = "gate.token"

// Require returns a guard for routes and groups. It does what [gate.Gate.Require] does. It
// panics when no token can meet p. Put CORS middleware before it.
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
				return Error(c, g, v.Err)
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

// setToken sets the token. For a request without one it removes the token of an outer
// guard.
func setToken(c *echo.Context, t *gate.Token) {
	if t != nil || c.Get(TokenKey) != nil {
		c.Set(TokenKey, t)
	}
}

// request is the request of net/http with the path parameters of Echo.
type request struct {
	gate.Request
	c *echo.Context
}

// PathValue implements gate.Request. If the path is escaped, Echo does not decode its
// parameters, so PathValue does. A value that is decoded twice does no harm: no token
// contains a percent sign.
func (r request) PathValue(name string) string {
	v := r.c.Param(name)
	if decoded, err := url.PathUnescape(v); err == nil && r.c.Request().URL.RawPath != "" {
		return decoded
	}
	return v
}

// refusal is the error of a refused request, and the gate that answers it.
type refusal struct {
	g   *gate.Gate
	err error
}

// Error implements error.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap returns the error of the gate.
func (r *refusal) Unwrap() error { return r.err }

// Error returns what [Require] returns for a request that g has refused with err. Use it
// for what a handler checks itself: the errors of gate.Gate.Check and of session.Manager.
// It also sets the header WWW-Authenticate, for error handlers that do not use
// [gate.Gate.WriteError].
func Error(c *echo.Context, g *gate.Gate, err error) error {
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
// [gate.Gate.WriteError] of the gate that refused the request. It calls next for all other
// errors.
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

// Token returns the token that the innermost guard has accepted, as [gate.FromContext]
// does.
func Token(c *echo.Context) (*gate.Token, bool) { return gate.FromContext(c.Request().Context()) }

// User returns what gate.Config.LoadUser loaded for this request, if it is a T.
func User[T any](c *echo.Context) (T, bool) { return gate.User[T](c.Request().Context()) }

// Renew returns middleware that replaces the cookie of an access token that expires soon,
// as [gate.Gate.Renew] does. Use it for the whole site, before [Require] and after Echo's
// Recover.
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
