package gatefiber

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v3"

	"github.com/jwtgate/gate"
)

// TokenKey is the key of the *gate.Token for c.Locals. The value is nil for a request
// without a token.
const TokenKey = "gate.token"

// Require returns a guard for routes and groups. It does what [gate.Gate.Require] does. It
// panics when no token can meet p. Put CORS middleware before it.
func Require(g *gate.Gate, p gate.Policy) fiber.Handler {
	guard := g.Guard(p)
	return func(c fiber.Ctx) error {
		ctx := c.Context()
		v := guard.Check(ctx, Request(c))
		if v.Err != nil && c.Request().IsBodyStream() {
			// Otherwise the server would read the rest of the body as the next request.
			c.RequestCtx().SetConnectionClose()
		}
		switch {
		case v.Preflight:
			return c.SendStatus(http.StatusNoContent)
		case v.Err != nil:
			return Error(c, g, v.Err)
		}
		c.SetContext(v.Context(ctx))
		c.Locals(TokenKey, v.Token)
		if v.Vary {
			c.Vary("Cookie")
		}
		if v.NoStore && len(c.Response().Header.Peek("Cache-Control")) == 0 {
			c.Set("Cache-Control", "no-store")
		}
		err := c.Next()
		if v.Clears() && !c.RequestCtx().Hijacked() {
			SetCookies(c, v.ClearCookies(ctx, sent(c)))
		}
		return err
	}
}

// refusal is the error for a refused request, with the answer of the gate.
type refusal struct {
	status  int
	header  http.Header
	body    []byte
	message string
	err     error
}

// Error returns what [Require] returns for a request that g has refused with err. Use it
// for what a handler checks itself: the errors of gate.Gate.CheckRequest and of
// session.Manager. It also sets the header WWW-Authenticate, for error handlers that do not
// use the answer of the gate.
func Error(c fiber.Ctx, g *gate.Gate, err error) error {
	r := &refusal{err: err}
	r.status, r.header, r.body = g.Answer(err)
	if challenge := r.header["Www-Authenticate"]; challenge != nil {
		c.Set("Www-Authenticate", challenge[0])
	}
	r.message = http.StatusText(r.status)
	if e := (*gate.Error)(nil); errors.As(err, &e) && e.Message() != "" {
		r.message = e.Message()
	}
	return r
}

// Error returns a text for the client, since Fiber's own handler sends it.
func (r *refusal) Error() string { return r.message }

// Unwrap returns a *fiber.Error, and the error of the gate.
func (r *refusal) Unwrap() []error {
	return []error{&fiber.Error{Code: r.status, Message: r.message}, r.err}
}

// ErrorHandler returns an ErrorHandler for fiber.Config that answers the errors of
// [Require] with [gate.Gate.Answer] of the gate that refused the request. It calls next
// for all other errors. A nil next means fiber.DefaultErrorHandler.
func ErrorHandler(next fiber.ErrorHandler) fiber.ErrorHandler {
	if next == nil {
		next = fiber.DefaultErrorHandler
	}
	return func(c fiber.Ctx, err error) error {
		var r *refusal
		if !errors.As(err, &r) {
			return next(c, err)
		}
		for name, values := range r.header {
			c.Response().Header.Del(name)
			for _, v := range values {
				c.Response().Header.Add(name, v)
			}
		}
		return c.Status(r.status).Send(r.body)
	}
}

// Token returns the token that the innermost guard has accepted, as [gate.FromContext]
// does. You can keep it after the request.
func Token(c fiber.Ctx) (*gate.Token, bool) { return gate.FromContext(c.Context()) }

// User returns what gate.Config.LoadUser loaded for this request, if it is a T.
func User[T any](c fiber.Ctx) (T, bool) { return gate.User[T](c.Context()) }

// Renew returns middleware that replaces the cookie of an access token that expires soon,
// as [gate.Gate.Renew] does. Use it for the whole site, before [Require] and after Fiber's
// recover.
func Renew(g *gate.Gate, o gate.RenewOptions) fiber.Handler {
	return func(c fiber.Ctx) error {
		err := c.Next()
		t, ok := g.FromContext(c.Context())
		if !ok || c.RequestCtx().Hijacked() {
			return err
		}
		if cookies, failed := g.RenewCookies(c.Context(), t, sent(c), o); failed == nil {
			SetCookies(c, cookies)
		}
		return err
	}
}
