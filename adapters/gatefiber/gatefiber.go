package gatefiber

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v3"

	"github.com/jwtgate/gate"
)

// TokenKey is the key of c.Locals under which the guard's *gate.Token is; it is nil for a
// visitor without a token.
const TokenKey = "gate.token"

// Require returns a guard, as [gate.Gate.Require] does, for routes and groups. It panics
// when no token can meet p. CORS middleware belongs before it.
func Require(g *gate.Gate, p gate.Policy) fiber.Handler {
	guard := g.Guard(p)
	return func(c fiber.Ctx) error {
		ctx := c.Context()
		v := guard.Check(ctx, request{c, c.App().Config().DisableHeaderNormalizing})
		if v.Err != nil && c.Request().IsBodyStream() {
			// The server would take the rest of the body for the next request.
			c.RequestCtx().SetConnectionClose()
		}
		switch {
		case v.Preflight:
			return c.SendStatus(http.StatusNoContent)
		case v.Err != nil:
			return refuse(c, g, v.Err)
		}
		c.SetContext(v.Context(ctx))
		c.Locals(TokenKey, v.Token)
		if v.Vary {
			c.Vary("Cookie")
		}
		if v.Private && len(c.Response().Header.Peek("Cache-Control")) == 0 {
			c.Set("Cache-Control", "private")
		}
		err := c.Next()
		if v.Clears() && !c.RequestCtx().Hijacked() {
			SetCookies(c, v.ClearCookies(ctx, sent(c)))
		}
		return err
	}
}

// refusal is the error for a refused request, and the answer of the gate.
type refusal struct {
	status  int
	header  http.Header
	body    []byte
	message string
	err     error
}

// refuse returns the error for a refused request. The challenge is in the header already,
// for error handlers that know nothing of it.
func refuse(c fiber.Ctx, g *gate.Gate, err error) error {
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

// Error is what the client may be told, since Fiber's own handler sends it.
func (r *refusal) Error() string { return r.message }

// Unwrap returns a *fiber.Error, and the error of the gate.
func (r *refusal) Unwrap() []error {
	return []error{&fiber.Error{Code: r.status, Message: r.message}, r.err}
}

// ErrorHandler returns an ErrorHandler for fiber.Config that answers the errors of
// [Require] with [gate.Gate.Answer] of the gate that refused, and leaves all others to
// next; nil is fiber.DefaultErrorHandler.
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

// Token returns the token with which the innermost guard has let the request through,
// as [gate.FromContext] does. It may be kept after the request.
func Token(c fiber.Ctx) (*gate.Token, bool) { return gate.FromContext(c.Context()) }

// User returns what gate.Config.LoadUser loaded for this request, if it is a T.
func User[T any](c fiber.Ctx) (T, bool) { return gate.User[T](c.Context()) }

// Renew returns middleware for a whole site that replaces the cookies of access tokens
// close to their end, as [gate.Gate.Renew] does. It belongs before [Require], and after
// Fiber's recover.
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
