// Package gateconnect guards the methods of a Connect server with a gate, for clients that
// speak Connect, gRPC or gRPC-Web.
//
//	guard := gateconnect.New(g, gateconnect.Options{Methods: map[string]gate.Policy{
//		"/shop.v1.Orders/*":      {},
//		"/shop.v1.Orders/Delete": {Scopes: []string{"orders:delete"}},
//	}})
//	mux.Handle(shopv1connect.NewOrdersHandler(orders{}, guard.Option()))
//
// A call is checked before its message is read. Methods without a policy are denied.
// Handlers read the token with [gate.FromContext] and the user with [gate.User].
//
// The token is where the gate's locations say: FromHeader, FromCookies and LocationFunc
// find tokens here. The checks of CSRF apply to cookies, except for methods that have no
// side effects (idempotency_level = NO_SIDE_EFFECTS).
//
// A refused call is a *connect.Error: CodeUnauthenticated where HTTP has 401,
// CodePermissionDenied where it has 403, and CodeUnavailable if a store, key source or hook
// could not answer. Its details have a google.rpc.ErrorInfo with the domain [Domain] and,
// as the reason, the Reason of docs/errors.md in upper case. The text is for the client and
// has no cause in it. Connect shows refused calls to no interceptor: count and log them
// with gate.Config.OnEvent.
//
// A stream ends when its token does; see [Guard.Option]. The guide is docs/frameworks.md.
package gateconnect
