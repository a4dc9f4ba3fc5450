package bench_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	golang "github.com/golang-jwt/jwt/v5"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateconnect"
	"github.com/jwtgate/gate/adapters/gategrpc"
)

const procedure = "/bench.v1.Bench/Call"

var policies = map[string]gate.Policy{procedure: {}}

// jwtParser is what golang-jwt is used with by hand.
func jwtParser() func(ctx context.Context, raw string) (context.Context, error) {
	p := golang.NewParser(golang.WithValidMethods([]string{"HS256"}))
	key := func(*golang.Token) (any, error) { return secret, nil }
	return func(ctx context.Context, raw string) (context.Context, error) {
		t, err := p.Parse(raw, key)
		if err != nil {
			return nil, err
		}
		return context.WithValue(ctx, contextKey{}, t), nil
	}
}

func golangSubject(ctx context.Context) (string, error) {
	return ctx.Value(contextKey{}).(*golang.Token).Claims.GetSubject()
}

func gateSubject(ctx context.Context) (string, error) {
	t, _ := gate.FromContext(ctx)
	return t.Subject, nil
}

func knownSubject(context.Context) (string, error) { return claims.Sub, nil }

// addGRPC calls the interceptors of a unary method as the server does, with the metadata of
// a call.
func addGRPC(f *fixture) {
	ctx := metadata.NewIncomingContext(context.Background(), metadata.MD{
		":authority": {"x"}, "content-type": {"application/grpc"}, "authorization": {"Bearer " + f.tok},
	})
	info := &grpc.UnaryServerInfo{FullMethod: procedure}
	call := func(who, bare string, guard grpc.UnaryServerInterceptor, subject func(context.Context) (string, error)) {
		handle := func(ctx context.Context, _ any) (any, error) { return subject(ctx) }
		add("middleware", "hs256", who, func() error {
			got, err := guard(ctx, nil, info, handle)
			if err != nil || got.(string) != claims.Sub {
				return fmt.Errorf("%v %w", got, err)
			}
			return nil
		}).bare = bare
	}
	call("bare-grpc", "", func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		return next(ctx, req)
	}, knownSubject)
	parse := jwtParser()
	call("grpc-middleware", "bare-grpc", auth.UnaryServerInterceptor(func(ctx context.Context) (context.Context, error) {
		raw, err := auth.AuthFromMD(ctx, "bearer")
		if err != nil {
			return nil, err
		}
		if ctx, err = parse(ctx, raw); err != nil {
			return nil, status.Error(codes.Unauthenticated, err.Error())
		}
		return ctx, nil
	}), golangSubject)
	call("gate-grpc", "bare-grpc", gategrpc.New(f.gate, gategrpc.Options{Methods: policies}).Unary, gateSubject)
}

// addConnect serves unary calls with a message of no bytes.
func addConnect(f *fixture) {
	call := func(who, bare string, subject func(context.Context) (string, error), o ...connect.HandlerOption) {
		h := connect.NewUnaryHandler(procedure, func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
			s, err := subject(ctx)
			return connect.NewResponse(wrapperspb.String(s)), err
		}, o...)
		serveConnect(who, bare, f.tok, h)
	}
	call("bare-connect", "", knownSubject)
	parse := jwtParser()
	call("connect-golang-jwt", "bare-connect", golangSubject, connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			raw, ok := strings.CutPrefix(req.Header().Get("Authorization"), "Bearer ")
			if !ok {
				return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("no token"))
			}
			ctx, err := parse(ctx, raw)
			if err != nil {
				return nil, connect.NewError(connect.CodeUnauthenticated, err)
			}
			return next(ctx, req)
		}
	})))
	call("gate-connect", "bare-connect", gateSubject, gateconnect.New(f.gate, gateconnect.Options{Methods: policies}).Option())
}

// serveConnect adds a body that serves one call.
func serveConnect(who, bare, token string, h http.Handler) {
	r := must(http.NewRequest("POST", "http://x"+procedure, nil))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/proto")
	r.Header.Set("Connect-Protocol-Version", "1")
	message, w := bytes.NewReader(nil), &writer{h: http.Header{}}
	r.Body = io.NopCloser(message)
	add("middleware", "hs256", who, func() error {
		clear(w.h)
		w.last, w.code = w.last[:0], 0
		message.Reset(nil)
		h.ServeHTTP(w, r)
		if !bytes.HasSuffix(w.last, []byte(claims.Sub)) {
			return fmt.Errorf("%d %q", w.code, w.last)
		}
		return nil
	}).bare = bare
}
