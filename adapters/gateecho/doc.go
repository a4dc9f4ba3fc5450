// Package gateecho guards the routes of an Echo v5 application with a gate.
//
//	e.HTTPErrorHandler = gateecho.ErrorHandler(e.HTTPErrorHandler)
//	e.GET("/me", me, gateecho.Require(g, gate.Policy{}))
//
// For a refused request [Require] returns an *echo.HTTPError that wraps the error of the
// gate. [ErrorHandler] answers it as [gate.Gate.WriteError] does. Without ErrorHandler the
// application's own HTTPErrorHandler answers. Handlers read the token with [Token] and the
// user with [User]. [gate.FromContext] works with the context of c.Request(). Pass that
// context to a database. Set cookies with gate.SetCookies(c.Response(), cookies). The
// guide is docs/echo.md.
package gateecho
