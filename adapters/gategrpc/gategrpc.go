package gategrpc

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/rpcguard"
)

// Options are the options of [New].
type Options struct {
	// Methods has the policies. The key is a method's full name, such as
	// "/shop.v1.Orders/Get", or "/shop.v1.Orders/*" for all other methods of the service.
	Methods map[string]gate.Policy
	// PolicyOf returns the policy of a method that is not in Methods. If ok is false, the
	// method is denied. Default: all these methods are denied. It must be safe for concurrent
	// use.
	PolicyOf func(method string) (p gate.Policy, ok bool)
	// RecheckEvery is the interval at which the token of an open stream is checked again, for
	// revocation. Default: the token is checked again only when it expires.
	RecheckEvery time.Duration
}

// A Guard guards the methods of a server. It is safe for concurrent use.
type Guard struct{ d *rpcguard.Guard }

// New returns a guard. It panics when no token can meet a policy in o.Methods, as
// [gate.Gate.Require] does. It also panics when a key there does not have the form
// "/service/method". If no token can meet a policy of o.PolicyOf, all calls are refused
// (Unavailable).
func New(g *gate.Gate, o Options) *Guard {
	return &Guard{rpcguard.New(g, rpcguard.Options(o))}
}

// Unary is a grpc.UnaryServerInterceptor. gRPC decodes the message before it calls
// interceptors, so limit the size of messages (grpc.MaxRecvMsgSize).
func (d *Guard) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	c, err := d.d.Check(ctx, info.FullMethod, request{ctx})
	if err != nil {
		return nil, Error(err)
	}
	return next(gate.NewContext(ctx, c.Token), req)
}

// request implements gate.Request with the metadata of a call.
type request struct{ ctx context.Context }

// Method implements gate.Request.
func (request) Method() string { return "POST" }

// Host implements gate.Request.
func (r request) Host() string { return strings.Join(r.Header(":authority"), "") }

// Header implements gate.Request.
func (r request) Header(name string) []string {
	return metadata.ValueFromIncomingContext(r.ctx, name)
}

// Cookies implements gate.Request: gRPC has none.
func (request) Cookies(string) []string { return nil }

// Query implements gate.Request.
func (request) Query(string) []string { return nil }

// PathValue implements gate.Request.
func (request) PathValue(string) string { return "" }

// Body implements gate.Request. A message is no JSON or form body.
func (request) Body(int) ([]byte, bool, error) { return nil, true, nil }
