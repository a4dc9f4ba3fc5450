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
// Install both interceptors. Without [Guard.Unary] all unary methods are open to
// everybody, and without [Guard.Stream] all streams. Methods without a policy are denied.
// Handlers read the token with [gate.FromContext] and the user with [gate.User].
//
// The guard looks for the token in the metadata, by default in "authorization" after
// "Bearer". The gate's locations FromHeader and LocationFunc work here. Cookies are not
// read.
//
// A refused call has the code Unauthenticated if HTTP would answer 401, and
// PermissionDenied for 403. It has Unavailable if a store, key source or hook failed. The
// details of the error have a google.rpc.ErrorInfo with the domain [Domain]. Its reason is
// that of docs/errors.md in upper case. The client sees the message, but not the cause. An
// interceptor before the guard can log the error, and can use errors.Is(err,
// gate.ErrExpired).
//
// A stream ends when its token is no longer accepted; see [Guard.Stream]. The guide is
// docs/grpc.md.
package gategrpc
