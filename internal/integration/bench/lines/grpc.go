package lines

import (
	"context"
	"errors"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategrpc"
	"github.com/jwtgate/gate/keys"
)

// GRPC has the programs for gRPC by their names. Their method is that of gRPC's own service
// for health checks. It answers with the error "Hello" and the subject, since its message
// has no text.
var GRPC = map[string]func(secret []byte) (*grpc.Server, error){"gRPC": gateGRPC, "go-grpc-middleware": jwtGRPC}

type service struct {
	grpc_health_v1.UnimplementedHealthServer
	subject func(context.Context) (string, error)
}

// Check implements grpc_health_v1.HealthServer.
func (s service) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	subject, err := s.subject(ctx)
	if err != nil {
		return nil, err
	}
	return nil, status.Error(codes.AlreadyExists, "Hello "+subject)
}

func gateGRPC(secret []byte) (*grpc.Server, error) {
	key, err := keys.HMAC(keys.HS256, secret) // protect
	if err != nil {                           // protect
		return nil, err // protect
	} // protect
	g, err := gate.New(gate.Config{Keys: key}) // protect
	if err != nil {                            // protect
		return nil, err // protect
	} // protect
	guard := gategrpc.New(g, gategrpc.Options{Methods: map[string]gate.Policy{ // protect
		"/grpc.health.v1.Health/Check": {}, // protect
	}}) // protect
	s := grpc.NewServer(
		grpc.ChainUnaryInterceptor(loginFirst, guard.Unary), // protect
		grpc.ChainStreamInterceptor(guard.Stream),           // protect
	)
	grpc_health_v1.RegisterHealthServer(s, service{subject: func(ctx context.Context) (string, error) {
		t, _ := gate.FromContext(ctx) // read
		return t.Subject, nil
	}})
	return s, nil
}

func loginFirst(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) { // error
	res, err := next(ctx, req)                       // error
	if e := (*gate.Error)(nil); errors.As(err, &e) { // error
		return nil, status.Error(status.Code(err), "log in first") // error
	} // error
	return res, err // error
} // error

type tokenKey struct{}

func jwtGRPC(secret []byte) (*grpc.Server, error) {
	authenticate := func(ctx context.Context) (context.Context, error) { // protect
		raw, err := auth.AuthFromMD(ctx, "bearer") // protect
		if err != nil {                            // protect
			return nil, status.Error(codes.Unauthenticated, "log in first") // error
		} // protect
		t, err := jwt.Parse(raw, func(*jwt.Token) (any, error) { return secret, nil }, jwt.WithValidMethods([]string{"HS256"})) // protect
		if err != nil {                                                                                                         // protect
			return nil, status.Error(codes.Unauthenticated, "log in first") // error
		} // protect
		return context.WithValue(ctx, tokenKey{}, t), nil // protect
	} // protect
	s := grpc.NewServer(
		grpc.ChainUnaryInterceptor(auth.UnaryServerInterceptor(authenticate)),   // protect
		grpc.ChainStreamInterceptor(auth.StreamServerInterceptor(authenticate)), // protect
	)
	grpc_health_v1.RegisterHealthServer(s, service{subject: func(ctx context.Context) (string, error) {
		t, ok := ctx.Value(tokenKey{}).(*jwt.Token) // read
		if !ok {                                    // read
			return "", status.Error(codes.Internal, "no token") // read
		} // read
		return t.Claims.GetSubject()
	}})
	return s, nil
}
