// Package gategrpc guards the methods of a gRPC server with a gate, and gives clients
// credentials that attach a token and renew it.
//
//	guard := gategrpc.New(g, gategrpc.Options{Methods: map[string]gate.Policy{
//		"/shop.v1.Orders/*":            {},
//		"/shop.v1.Orders/Delete":       {Scopes: []string{"orders:delete"}},
//		"/grpc.health.v1.Health/Check": {Public: true},
//	}})
//	server := grpc.NewServer(grpc.ChainUnaryInterceptor(guard.Unary), grpc.ChainStreamInterceptor(guard.Stream))
//
// Install both interceptors: methods of the kind that has none are open to everybody.
// Methods without a policy are denied. Handlers read the token with [gate.FromContext]
// and the user with [gate.User].
//
// The token is in the metadata, by default in "authorization" after "Bearer". Of the
// locations of a gate, FromHeader and LocationFunc find tokens here. Cookies are not read.
//
// A refused call has the code Unauthenticated where HTTP has 401, PermissionDenied where
// it has 403, and Unavailable if a store, key source or hook could not answer. Its details
// have a google.rpc.ErrorInfo with the domain [Domain] and, as the reason, the Reason of
// docs/errors.md in upper case. The text is for the client and has no cause in it. An
// interceptor further out can ask with errors.Is(err, gate.ErrExpired), and log the error.
//
// A stream ends when its token does; see [Guard.Stream]. The guide is docs/frameworks.md.
package gategrpc
