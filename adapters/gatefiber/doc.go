// Package gatefiber guards the routes of a Fiber v3 application with a gate.
//
//	app := fiber.New(fiber.Config{ErrorHandler: gatefiber.ErrorHandler(nil)})
//	app.Get("/me", gatefiber.Require(g, gate.Policy{}), me)
//
// For a refused request [Require] returns an error that wraps a *fiber.Error and the error
// of the gate. [ErrorHandler] answers it with [gate.Gate.Answer]. Without ErrorHandler the
// application's own ErrorHandler answers. Handlers read the token with [Token] and the
// user with [User]. [gate.FromContext] works with c.Context(). Pass that context to a
// database, and not the fiber.Ctx, which Fiber reuses for other requests. You can keep
// tokens and c.Context() after the request. Set cookies with [SetCookies]. The guide is
// docs/fiber.md.
//
// The package does not convert requests to net/http. The gate calls Config.OnError with a
// nil request. If a request has two Content-Type headers, the gate sees only the last one.
// Fiber's BodyLimit and ReadBufferSize limit the size of requests. Long tokens in cookies
// need a larger ReadBufferSize than the default of 4,096 bytes.
package gatefiber
