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
// The guard looks for the token in the gate's locations. FromHeader, FromCookies and
// LocationFunc work here. With a token from a cookie the CSRF checks apply, except to
// methods without side effects (idempotency_level = NO_SIDE_EFFECTS).
//
// The error of a refused call is a *connect.Error. Its code is CodeUnauthenticated if HTTP
// would answer 401, and CodePermissionDenied for 403. It is CodeUnavailable if a store,
// key source or hook failed. The details of the error have a google.rpc.ErrorInfo with the
// domain [Domain]. Its reason is that of docs/errors.md in upper case. The client sees the
// message, but not the cause. Connect calls no interceptor for a refused call, so use
// gate.Config.OnEvent to count and log them.
//
// A stream ends when its token is no longer accepted; see [Guard.Option]. The guide is
// docs/connect.md.
package gateconnect
