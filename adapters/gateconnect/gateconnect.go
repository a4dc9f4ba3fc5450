package gateconnect

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/rpcguard"
)

// Domain is the domain of the google.rpc.ErrorInfo in the details of refused calls.
const Domain = "github.com/jwtgate/gate"

// Options are the options of [New].
type Options struct {
	// Methods has the policies. The key is a method's procedure, such as
	// "/shop.v1.Orders/Get", or "/shop.v1.Orders/*" for all other methods of the service.
	Methods map[string]gate.Policy
	// PolicyOf returns the policy of a method that is not in Methods. If ok is false, the
	// method is denied. Default: all these methods are denied. It must be safe for concurrent
	// use.
	PolicyOf func(procedure string) (p gate.Policy, ok bool)
	// RecheckEvery is the interval at which the token of an open stream is checked again, for
	// revocation. Default: the token is checked again only when it expires.
	RecheckEvery time.Duration
}

// A Guard guards the methods of a server. It is safe for concurrent use.
type Guard struct {
	d       *rpcguard.Guard
	g       *gate.Gate
	cookies bool // the gate takes tokens from cookies
}

// New returns a guard. It panics when no token can meet a policy in o.Methods, as
// [gate.Gate.Require] does. It also panics when a key there does not have the form
// "/service/method". If no token can meet a policy of o.PolicyOf, all calls are refused
// (CodeUnavailable).
func New(g *gate.Gate, o Options) *Guard {
	inCookie := func(l gate.Location) bool { return l.String() == "cookie" }
	return &Guard{rpcguard.New(g, rpcguard.Options(o)), g, slices.ContainsFunc(g.Config().Locations, inCookie)}
}

// Option returns the option that guards a handler. Pass it to all handlers of the server.
//
// The token of a stream is checked when the stream is opened. It is checked again when it
// expires, every Options.RecheckEvery, and at each [Recheck]. The first check that refuses
// the token ends the stream. The context is canceled, and Send and Receive return an
// error, also a Receive that is waiting for a message. The client gets the code of that
// check, whatever the handler returns. A message that was sent before can still reach the
// client. Interceptors before this option do not see that error and the canceled context.
func (d *Guard) Option() connect.HandlerOption {
	return connect.WithHandlerOptions(connect.WithRequestGate(d.check), connect.WithInterceptors(interceptor{d}))
}

// check is a connect.RequestGateFunc. It stores in the context what the interceptor for
// streams needs.
func (d *Guard) check(ctx context.Context, spec connect.Spec, _ connect.Peer, h http.Header) (context.Context, error) {
	c, err := d.d.Check(ctx, spec.Procedure, request{h, spec})
	if err != nil {
		return nil, Error(err)
	}
	ctx = gate.NewContext(ctx, c.Token)
	if spec.StreamType != connect.StreamTypeUnary {
		ctx = context.WithValue(ctx, openedKey{d}, c)
	}
	return ctx, nil
}

// openedKey is the context key of the rpcguard.Call of a stream.
type openedKey struct{ d *Guard }

// interceptor ends streams whose token is no longer accepted, and keeps answers to GET
// requests out of shared caches.
type interceptor struct{ d *Guard }

// WrapUnary implements connect.Interceptor.
func (i interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		if req.HTTPMethod() != http.MethodGet {
			return res, err
		}
		if failed := (*connect.Error)(nil); errors.As(err, &failed) {
			failed = copyOf(failed)
			i.d.mark(ctx, failed.Meta())
			return nil, failed
		}
		if err == nil {
			i.d.mark(ctx, res.Header())
		}
		return res, err
	}
}

// copyOf returns a copy, since calls may share an error.
func copyOf(err *connect.Error) *connect.Error {
	c := connect.NewError(err.Code(), err.Unwrap())
	for name, values := range err.Meta() {
		c.Meta()[name] = slices.Clone(values)
	}
	for _, d := range err.Details() {
		c.AddDetail(d)
	}
	return c
}

// mark does for an answer what gate.Gate.Require does: if a cookie can change it, caches
// must not give it to others, and browsers must not store it.
func (d *Guard) mark(ctx context.Context, h http.Header) {
	t, ok := d.g.FromContext(ctx)
	if ok && t.Location() != "cookie" || !ok && !d.cookies {
		return
	}
	h.Add("Vary", "Cookie")
	if ok && h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
}

// WrapStreamingClient implements connect.Interceptor and does nothing.
func (interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (i interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		c, ok := ctx.Value(openedKey(i)).(rpcguard.Call)
		if !ok {
			return Error(errUnchecked)
		}
		return i.d.d.Serve(ctx, c, Error, func(s *rpcguard.Stream) error { return next(s.Context(), stream{conn, s}) })
	}
}

var errUnchecked = errors.New("gateconnect: the stream was not checked")

// Recheck checks the token of a guarded stream again, and ends the stream if it is
// refused. ctx is the context of the handler or one made from it. Call it before a message
// that a token must not get if it was just revoked, and for the streams of a user who logs
// out. Return its error to the client. It also returns an error if ctx does not belong to
// a guarded stream.
func Recheck(ctx context.Context) error { return rpcguard.Recheck(ctx) }

// stream is a connection that ends when its token is refused.
type stream struct {
	connect.StreamingHandlerConn
	s *rpcguard.Stream
}

// Send implements connect.StreamingHandlerConn.
func (s stream) Send(m any) error {
	return s.s.Send(func() error { return s.StreamingHandlerConn.Send(m) })
}

// Receive implements connect.StreamingHandlerConn. Its goroutine ends with the stream, at
// the latest.
func (s stream) Receive(m any) error {
	return s.s.Receive(func() error { return s.StreamingHandlerConn.Receive(m) })
}

// Error returns the error for the client of a call that a gate has refused with err, with
// the same code and details that a guard would answer. Use it for what a handler checks
// itself: the errors of gate.Gate.CheckToken and of session.Manager. A nil err is nil.
func Error(err error) error {
	if err == nil {
		return nil
	}
	r := rpcguard.Describe(err)
	e := connect.NewError(connect.Code(r.Code), &refused{r.Message, err})
	if detail, err := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: r.Reason, Domain: Domain}); err == nil {
		e.AddDetail(detail)
	}
	return e
}

// refused has a message for the client, and wraps the cause for errors.Is.
type refused struct {
	message string
	cause   error
}

// Error implements error.
func (e *refused) Error() string { return e.message }

// Unwrap returns the error of the gate.
func (e *refused) Unwrap() error { return e.cause }
