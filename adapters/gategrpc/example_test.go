package gategrpc_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategrpc"
	"github.com/jwtgate/gate/keys"
)

// A service, here gRPC's own for health checks, and a client with credentials.
func Example() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		fmt.Println(err)
		return
	}
	guard := gategrpc.New(g, gategrpc.Options{Methods: map[string]gate.Policy{
		"/grpc.health.v1.Health/Check": {},
	}})
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(guard.Unary), grpc.ChainStreamInterceptor(guard.Stream))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go server.Serve(l)
	defer server.Stop()

	login := func(ctx context.Context) (string, time.Time, error) {
		raw, t, err := g.Issue(ctx, gate.Access, "alice", gate.TokenOptions{})
		if err != nil {
			return "", time.Time{}, err
		}
		return raw, t.Expiry, nil
	}
	credentials := gategrpc.NewCredentials(login, gategrpc.CredentialsOptions{InsecureTransport: true}) // use TLS elsewhere
	for _, options := range [][]grpc.DialOption{{grpc.WithPerRPCCredentials(credentials)}, nil} {
		conn, err := grpc.NewClient(l.Addr().String(), append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer conn.Close()
		client := grpc_health_v1.NewHealthClient(conn)
		answer, err := client.Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
		fmt.Printf("%v %v %q\n", answer.GetStatus(), status.Code(err), status.Convert(err).Message())
		_, err = client.List(context.Background(), &grpc_health_v1.HealthListRequest{})
		fmt.Printf("%v %q\n", status.Code(err), status.Convert(err).Message())
	}
	// Output:
	// SERVING OK ""
	// PermissionDenied "This method is not open to clients"
	// UNKNOWN Unauthenticated "The Authorization header is missing"
	// PermissionDenied "This method is not open to clients"
}
