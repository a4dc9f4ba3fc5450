// Package gatefiber guards the routes of a Fiber v3 application with a gate.
//
//	app := fiber.New(fiber.Config{ErrorHandler: gatefiber.ErrorHandler(nil)})
//	app.Get("/me", gatefiber.Require(g, gate.Policy{}), me)
//
// [Require] returns an error for a refused request, which wraps a *fiber.Error and the
// error of the gate. [ErrorHandler] answers it with [gate.Gate.Answer]; without it the
// application's own ErrorHandler decides. Handlers read token and user with [Token] and
// [User], or from c.Context(), which is the context to hand on to a database: a fiber.Ctx
// is used again for other requests. Tokens and contexts may be kept. Cookies are set with
// [SetCookies]. The guide is docs/frameworks.md.
//
// Nothing is converted to net/http. Config.OnError of the gate is called with a nil
// request, and the first of two Content-Type headers is not seen. Fiber's BodyLimit and
// ReadBufferSize bound what is read: a header with long tokens in cookies needs more than
// the 4,096 bytes of the default.
package gatefiber
