package gategrpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategrpc"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

const service = "/grpc.testing.TestService/"

// app is a server whose handlers a test can change.
type app struct {
	pb.UnimplementedTestServiceServer
	unary  func(ctx context.Context) error
	duplex func(pb.TestService_FullDuplexCallServer) error
}

func (a *app) UnaryCall(ctx context.Context, _ *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	if a.unary != nil {
		if err := a.unary(ctx); err != nil {
			return nil, err
		}
	}
	t, ok := gate.FromContext(ctx)
	if !ok {
		return &pb.SimpleResponse{Username: "visitor"}, nil
	}
	return &pb.SimpleResponse{Username: t.Subject}, nil
}

func (a *app) EmptyCall(context.Context, *pb.Empty) (*pb.Empty, error) { return &pb.Empty{}, nil }

func (a *app) FullDuplexCall(s pb.TestService_FullDuplexCallServer) error {
	if a.duplex != nil {
		return a.duplex(s)
	}
	return echo(s)
}

// echo answers each message until there are no more.
func echo(s pb.TestService_FullDuplexCallServer) error {
	for {
		if _, err := s.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := s.Send(&pb.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
}

// world is a server behind a guard, and its client.
type world struct {
	app    *app
	g      *gate.Gate
	key    *keys.Key
	client pb.TestServiceClient
}

// serve starts a server on a loopback listener. outer are interceptors outside of the guard.
func serve(t *testing.T, c gate.Config, o gategrpc.Options, outer ...grpc.ServerOption) *world {
	t.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	c.Keys = key
	g, err := gate.New(c)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{app: &app{}, g: g, key: key}
	guard := gategrpc.New(g, o)
	server := grpc.NewServer(append(outer, grpc.ChainUnaryInterceptor(guard.Unary), grpc.ChainStreamInterceptor(guard.Stream))...)
	pb.RegisterTestServiceServer(server, w.app)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	t.Cleanup(server.Stop)
	w.client = pb.NewTestServiceClient(dial(t, l.Addr().String()))
	return w
}

func dial(t *testing.T, addr string, o ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(addr, append(o, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// as returns a context whose calls have the token, for at most ten seconds.
func as(t *testing.T, raw string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	if raw == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+raw)
}

func (w *world) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	return gatetest.Token(t, w.key, claims)
}

// want checks code and reason of an error; OK has no reason.
func want(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	s := status.Convert(err)
	got := ""
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.Domain == gategrpc.Domain {
			got = info.Reason
		}
	}
	if s.Code() != code || got != reason {
		t.Errorf("%v with reason %q, want %v with %q: %v", s.Code(), got, code, reason, err)
	}
}

func all(p gate.Policy) gategrpc.Options {
	return gategrpc.Options{Methods: map[string]gate.Policy{service + "*": p}}
}
