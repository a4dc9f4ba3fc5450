package gateconnect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateconnect"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

const (
	unary  = "/test.Service/Unary"
	read   = "/test.Service/Read" // has no side effects
	duplex = "/test.Service/Duplex"
)

type (
	empty = emptypb.Empty
	text  = wrapperspb.StringValue
	bidi  = connect.BidiStream[empty, text]
)

var protocols = map[string][]connect.ClientOption{
	"connect": nil, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
}

// world is a server behind a guard.
type world struct {
	g      *gate.Gate
	key    *keys.Key
	server *httptest.Server
	handle func(context.Context, *bidi) error
}

func serve(t *testing.T, c gate.Config, o gateconnect.Options) *world {
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
	w := &world{g: g, key: key, handle: echo}
	w.server = start(t, w.handler(gateconnect.New(g, o).Option()))
	return w
}

// errNote is an error that all calls share.
var errNote = func() *connect.Error {
	err := connect.NewError(connect.CodeNotFound, errors.New("you have no such note"))
	err.Meta().Set("Note", "7")
	if detail, bad := connect.NewErrorDetail(&empty{}); bad == nil {
		err.AddDetail(detail)
	}
	return err
}()

// handler has the methods of the service.
func (w *world) handler(o ...connect.HandlerOption) http.Handler {
	option := connect.WithHandlerOptions(o...)
	hello := func(ctx context.Context, r *connect.Request[empty]) (*connect.Response[text], error) {
		switch r.Header().Get("Fail") {
		case "plainly":
			return nil, errNote
		case "wrapped":
			return nil, fmt.Errorf("the handler: %w", errNote)
		}
		return connect.NewResponse(who(ctx)), nil
	}
	mux := http.NewServeMux()
	mux.Handle(unary, connect.NewUnaryHandler(unary, hello, option))
	mux.Handle(read, connect.NewUnaryHandler(read, hello, option, connect.WithIdempotency(connect.IdempotencyNoSideEffects)))
	mux.Handle(duplex, connect.NewBidiStreamHandler(duplex, func(ctx context.Context, s *bidi) error { return w.handle(ctx, s) }, option))
	return mux
}

// start starts a server with HTTP/2.
func start(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func who(ctx context.Context) *text {
	if t, ok := gate.FromContext(ctx); ok {
		return &text{Value: t.Subject}
	}
	return &text{Value: "visitor"}
}

// echo answers each message until there are no more.
func echo(ctx context.Context, s *bidi) error {
	for {
		if _, err := s.Receive(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := s.Send(who(ctx)); err != nil {
			return err
		}
	}
}

func (w *world) call(t *testing.T, procedure string, h http.Header, o ...connect.ClientOption) (string, error) {
	t.Helper()
	req := connect.NewRequest(&empty{})
	for name, values := range h {
		req.Header()[name] = values
	}
	res, err := connect.NewClient[empty, text](w.server.Client(), w.server.URL+procedure, o...).CallUnary(t.Context(), req)
	if err != nil {
		return "", err
	}
	return res.Msg.Value, nil
}

// open opens a stream and sends one message.
func (w *world) open(t *testing.T, h http.Header, o ...connect.ClientOption) (*connect.BidiStreamForClient[empty, text], error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	s := connect.NewClient[empty, text](w.server.Client(), w.server.URL+duplex, o...).CallBidiStream(ctx)
	t.Cleanup(func() { s.CloseRequest(); cancel(); s.CloseResponse() })
	for name, values := range h {
		s.RequestHeader()[name] = values
	}
	return s, ping(s)
}

func ping(s *connect.BidiStreamForClient[empty, text]) error {
	s.Send(&empty{}) // an error is that of Receive
	_, err := s.Receive()
	return err
}

func (w *world) bearer(t *testing.T, claims map[string]any) http.Header {
	t.Helper()
	return http.Header{"Authorization": {"Bearer " + gatetest.Token(t, w.key, claims)}}
}

// want checks code and reason of an error; code 0 is none.
func want(t *testing.T, err error, code connect.Code, reason string) {
	t.Helper()
	var gotCode connect.Code
	got := ""
	var e *connect.Error
	if errors.As(err, &e) {
		gotCode = e.Code()
		for _, d := range e.Details() {
			if v, err := d.Value(); err == nil {
				if info, ok := v.(*errdetails.ErrorInfo); ok && info.Domain == gateconnect.Domain {
					got = info.Reason
				}
			}
		}
	}
	if (err == nil) != (code == 0) || gotCode != code || got != reason {
		t.Errorf("%v with reason %q, want %v with %q: %v", gotCode, got, code, reason, err)
	}
}

func all(p gate.Policy) gateconnect.Options {
	return gateconnect.Options{Methods: map[string]gate.Policy{"/test.Service/*": p}}
}

type blocklist func(*gate.Token) (bool, error)

func (b blocklist) Blocked(_ context.Context, t *gate.Token) (bool, error) { return b(t) }

var errDown = errors.New("down: secret-host")
