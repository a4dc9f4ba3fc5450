package gateconnect_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateconnect"
	"github.com/jwtgate/gate/keys"
)

// A service with one method; generated code makes the handler and the client elsewhere.
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
	const hello = "/greet.v1.Greet/Hello"
	guard := gateconnect.New(g, gateconnect.Options{Methods: map[string]gate.Policy{hello: {}}})
	mux := http.NewServeMux()
	mux.Handle(hello, connect.NewUnaryHandler(hello, func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
		t, _ := gate.FromContext(ctx)
		return connect.NewResponse(wrapperspb.String("Hello " + t.Subject)), nil
	}, guard.Option()))
	server := httptest.NewServer(mux)
	defer server.Close()

	raw, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := connect.NewClient[emptypb.Empty, wrapperspb.StringValue](server.Client(), server.URL+hello)
	for _, authorization := range []string{"Bearer " + raw, ""} {
		req := connect.NewRequest(&emptypb.Empty{})
		req.Header().Set("Authorization", authorization)
		if res, err := client.CallUnary(context.Background(), req); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println(res.Msg.Value)
		}
	}
	// Output:
	// Hello alice
	// unauthenticated: The Authorization header is missing
}
