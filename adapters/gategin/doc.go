// Package gategin guards the routes of a gin application with a gate.
//
//	r.GET("/me", gategin.Require(g, gate.Policy{}), me)
//
// [Require] answers a refused request as [gate.Gate.WriteError] does. It records the error
// with gin.Context.Error and aborts the chain. Handlers read the token with [Token] and
// the user with [User]. [gate.FromContext] works with the context of c.Request. Pass that
// context to a database, and not the *gin.Context, which gin reuses for other requests.
// Set cookies with gate.SetCookies(c.Writer, cookies). The guide is docs/gin.md.
package gategin
