package gategrpc

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/jwtgate/gate"
)

// Options are the options of [New].
type Options struct {
	// Methods has the policy of each method by its full name, such as
	// "/shop.v1.Orders/Get", and of all other methods of a service by "/shop.v1.Orders/*".
	Methods map[string]gate.Policy
	// PolicyOf is asked for the methods that Methods does not have. ok is false for a
	// method that is denied. It must be safe for concurrent use.
	PolicyOf func(method string) (p gate.Policy, ok bool)
	// RecheckEvery is how often the token of an open stream is checked again, for
	// revocation. Default: only when it expires.
	RecheckEvery time.Duration
}

// A Guard guards the methods of a server. It is safe for concurrent use.
type Guard struct {
	g      *gate.Gate
	o      Options
	clock  func() time.Time
	leeway time.Duration
}

// New returns a guard. It panics, as [gate.Gate.Require] does, when no token can meet one
// of o.Methods, and when a name there is not of the form "/service/method". A policy of
// o.PolicyOf that no token can meet refuses all calls (Unavailable).
func New(g *gate.Gate, o Options) *Guard {
	o.Methods = maps.Clone(o.Methods)
	for name, p := range o.Methods {
		service, method, ok := split(name)
		if !ok || service == "" || method == "" {
			panic(fmt.Sprintf("gategrpc: %q in Options.Methods is not of the form /service/method", name))
		}
		g.Guard(p) // panics
	}
	cfg := g.Config()
	return &Guard{g, o, cfg.Clock, cfg.Accept.Leeway}
}

// Unary is a grpc.UnaryServerInterceptor. gRPC decodes the message before it is called, so
// limit the size of messages (grpc.MaxRecvMsgSize).
func (d *Guard) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	p, ok := d.policy(info.FullMethod)
	if !ok {
		return nil, unlisted
	}
	t, err := d.g.CheckRequest(ctx, request{ctx}, p)
	if err != nil {
		return nil, refuse(err)
	}
	return next(gate.NewContext(ctx, t), req)
}

// policy returns the policy of a method; ok is false if it has none.
func (d *Guard) policy(name string) (p gate.Policy, ok bool) {
	if p, ok = d.o.Methods[name]; ok {
		return p, true
	}
	if service, _, found := split(name); found {
		if p, ok = d.o.Methods["/"+service+"/*"]; ok {
			return p, true
		}
	}
	if d.o.PolicyOf == nil {
		return p, false
	}
	return d.o.PolicyOf(name)
}

// split cuts "/service/method".
func split(name string) (service, method string, ok bool) {
	name, ok = strings.CutPrefix(name, "/")
	if i := strings.LastIndexByte(name, '/'); ok && i >= 0 {
		return name[:i], name[i+1:], true
	}
	return "", "", false
}

// request is a call as a gate sees it: its metadata.
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
