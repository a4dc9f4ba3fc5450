package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// This file describes the service notes.v1.Notes. protoc generates such a file from a
// .proto file; this one is written by hand, with protobuf's own types as messages, so that
// the example needs no generator.

type (
	empty  = emptypb.Empty
	text   = wrapperspb.StringValue
	object = structpb.Struct
)

const notes = "/notes.v1.Notes/"

var service = grpc.ServiceDesc{
	ServiceName: "notes.v1.Notes",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		unary("Login", (*server).login),
		unary("Refresh", (*server).refresh),
		unary("Logout", (*server).logout),
		unary("Add", (*server).add),
	},
	Streams: []grpc.StreamDesc{{StreamName: "Watch", ServerStreams: true, Handler: func(s any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&empty{}); err != nil {
			return err
		}
		return s.(*server).watch(&grpc.GenericServerStream[empty, text]{ServerStream: stream})
	}}},
}

// unary describes a method with one request and one answer.
func unary[Req, Res any](name string, serve func(*server, context.Context, *Req) (*Res, error)) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: name, Handler: func(s any, ctx context.Context, decode func(any) error, guard grpc.UnaryServerInterceptor) (any, error) {
		req := new(Req)
		if err := decode(req); err != nil {
			return nil, err
		}
		info := &grpc.UnaryServerInfo{Server: s, FullMethod: notes + name}
		return guard(ctx, req, info, func(ctx context.Context, req any) (any, error) {
			return serve(s.(*server), ctx, req.(*Req))
		})
	}}
}

// call calls a method with one request and one answer.
func call[Res any](ctx context.Context, conn *grpc.ClientConn, name string, req any) (*Res, error) {
	res := new(Res)
	return res, conn.Invoke(ctx, notes+name, req, res)
}

// watch opens the stream of all notes.
func watch(ctx context.Context, conn *grpc.ClientConn) (grpc.ServerStreamingClient[text], error) {
	s, err := conn.NewStream(ctx, &service.Streams[0], notes+"Watch")
	if err != nil {
		return nil, err
	}
	stream := &grpc.GenericClientStream[empty, text]{ClientStream: s}
	if err := stream.Send(&empty{}); err != nil {
		return nil, err
	}
	return stream, stream.CloseSend()
}
