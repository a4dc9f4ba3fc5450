package gateconnect

import (
	"context"
	"errors"
	"net/http"
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
	// Methods has the policy of each method by its procedure, such as
	// "/shop.v1.Orders/Get", and of all other methods of a service by "/shop.v1.Orders/*".
	Methods map[string]gate.Policy
	// PolicyOf is asked for the methods that Methods does not have. ok is false for a
	// method that is denied. It must be safe for concurrent use.
	PolicyOf func(procedure string) (p gate.Policy, ok bool)
	// RecheckEvery is how often the token of an open stream is checked again, for
	// revocation. Default: only when it expires.
	RecheckEvery time.Duration
}

// A Guard guards the methods of a server. It is safe for concurrent use.
type Guard struct {
	g       *gate.Gate
	methods rpcguard.Methods
	every   time.Duration
}

// New returns a guard. It panics, as [gate.Gate.Require] does, when no token can meet one
// of o.Methods, and when a name there is not of the form "/service/method". A policy of
// o.PolicyOf that no token can meet refuses all calls (CodeUnavailable).
func New(g *gate.Gate, o Options) *Guard {
	return &Guard{g, rpcguard.NewMethods(g, o.Methods, o.PolicyOf), o.RecheckEvery}
}

// Option is the option for all handlers of the server.
//
// The token of a stream is checked when the stream is opened, again when it expires, every
// Options.RecheckEvery, and at each [Recheck]. The first check that refuses ends the
// stream: its context is canceled, Send and Receive return an error, also a Receive that
// is waiting for a message, and the client gets the code of that check, whatever the
// handler returns. A message that is already waiting for the client to read is still sent.
// Interceptors before this option see neither that error nor the other context.
func (d *Guard) Option() connect.HandlerOption {
	return connect.WithHandlerOptions(connect.WithRequestGate(d.check), connect.WithInterceptors(interceptor{d}))
}

// check is a connect.RequestGateFunc. It leaves what the interceptor of streams needs.
func (d *Guard) check(ctx context.Context, spec connect.Spec, _ connect.Peer, h http.Header) (context.Context, error) {
	p, ok := d.methods.Policy(spec.Procedure)
	if !ok {
		return nil, refuse(rpcguard.ErrUnlisted)
	}
	r := request{h, spec}
	t, err := d.g.CheckRequest(ctx, r, p)
	if err != nil {
		return nil, refuse(err)
	}
	ctx = gate.NewContext(ctx, t)
	if spec.StreamType != connect.StreamTypeUnary {
		ctx = context.WithValue(ctx, openedKey{d}, opened{t, p, r})
	}
	return ctx, nil
}

type openedKey struct{ d *Guard }

// opened is a stream whose token was checked.
type opened struct {
	t *gate.Token
	p gate.Policy
	r request
}

// interceptor ends streams.
type interceptor struct{ d *Guard }

// WrapUnary implements connect.Interceptor and does nothing.
func (interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

// WrapStreamingClient implements connect.Interceptor and does nothing.
func (interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (i interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		s, ok := ctx.Value(openedKey(i)).(opened)
		if !ok {
			return refuse(errUnchecked)
		}
		o := rpcguard.Options{Gate: i.d.g, Policy: s.p, Request: s.r, Every: i.d.every, Refuse: refuse}
		return rpcguard.Serve(ctx, s.t, o, func(s *rpcguard.Stream) error { return next(s.Context(), stream{conn, s}) })
	}
}

var errUnchecked = errors.New("gateconnect: the stream was not checked")

// Recheck checks the token of a guarded stream again, and ends the stream if it is refused.
// ctx is the context of the handler or one made from it. Call it before an answer that must
// not be given to a token that was revoked a moment ago, or for the streams of a user who
// logs out. The error is for the client; a context that is of no guarded stream is an error
// too.
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

// refuse returns the error of a call that the gate refused with err.
func refuse(err error) error {
	status, message, reason := rpcguard.Describe(err)
	code := connect.CodeUnavailable
	switch status {
	case http.StatusUnauthorized:
		code = connect.CodeUnauthenticated
	case http.StatusForbidden:
		code = connect.CodePermissionDenied
	}
	e := connect.NewError(code, &refused{message, err})
	if detail, err := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: reason, Domain: Domain}); err == nil {
		e.AddDetail(detail)
	}
	return e
}

// refused says to the client what it may know, and to errors.Is why.
type refused struct {
	message string
	cause   error
}

// Error implements error.
func (e *refused) Error() string { return e.message }

// Unwrap returns the error of the gate.
func (e *refused) Unwrap() error { return e.cause }
