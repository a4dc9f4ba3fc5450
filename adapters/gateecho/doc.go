// Package gateecho guards the routes of an Echo v5 application with a gate.
//
//	e.HTTPErrorHandler = gateecho.ErrorHandler(e.HTTPErrorHandler)
//	e.GET("/me", me, gateecho.Require(g, gate.Policy{}))
//
// [Require] returns an error for a refused request: an *echo.HTTPError that wraps the
// error of the gate. [ErrorHandler] answers it as [gate.Gate.WriteError] does; without it
// the application's own HTTPErrorHandler decides. Handlers read token and user with
// [Token] and [User], or from the context of c.Request(), which is the one to hand on to
// a database. Cookies are set with gate.SetCookies(c.Response(), cookies). The guide is
// docs/frameworks.md.
package gateecho
