// Package gategin guards the routes of a gin application with a gate.
//
//	r.GET("/me", gategin.Require(g, gate.Policy{}), me)
//
// [Require] answers refused requests as [gate.Gate.WriteError] does, records the error
// with gin.Context.Error and aborts. Handlers read token and user with [Token] and
// [User], or from the context of c.Request, which is the one to hand on to a database:
// *gin.Context is used again for other requests. Cookies are set with
// gate.SetCookies(c.Writer, cookies). The guide is docs/frameworks.md.
package gategin
