package gategrpc

import (
	"context"

	"google.golang.org/grpc"

	"github.com/jwtgate/gate/internal/rpcguard"
)

// Stream is a grpc.StreamServerInterceptor. It checks the token when the stream is opened.
// It checks it again when the token expires, every Options.RecheckEvery, and at each
// [Recheck]. The first check that refuses the token ends the stream. The context is
// canceled, and SendMsg and RecvMsg return an error, also if they are waiting. The client
// gets the code of that check, whatever the handler returns. A message that was sent
// before can still reach the client. A handler must not use a message after RecvMsg has
// returned an error for it.
func (d *Guard) Stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx := ss.Context()
	c, err := d.d.Check(ctx, info.FullMethod, request{ctx})
	if err != nil {
		return Error(err)
	}
	return d.d.Serve(ctx, c, Error, func(s *rpcguard.Stream) error { return next(srv, stream{ss, s}) })
}

// Recheck checks the token of a guarded stream again, and ends the stream if it is
// refused. ctx is the context of the stream or one made from it. Call it before a message
// that a token must not get if it was just revoked, and for the streams of a user who logs
// out. Return its error to the client. It also returns an error if ctx does not belong to
// a guarded stream.
func Recheck(ctx context.Context) error { return rpcguard.Recheck(ctx) }

// stream is a grpc.ServerStream that ends when its token is refused.
type stream struct {
	grpc.ServerStream
	s *rpcguard.Stream
}

// Context implements grpc.ServerStream.
func (s stream) Context() context.Context { return s.s.Context() }

// SendMsg implements grpc.ServerStream.
func (s stream) SendMsg(m any) error {
	return s.s.Send(func() error { return s.ServerStream.SendMsg(m) })
}

// RecvMsg implements grpc.ServerStream. Its goroutine ends with the stream, at the latest.
func (s stream) RecvMsg(m any) error {
	return s.s.Receive(func() error { return s.ServerStream.RecvMsg(m) })
}
