package gategrpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategrpc"
	"github.com/jwtgate/gate/gatetest"
)

// blocklist answers with a function.
type blocklist func(*gate.Token) (bool, error)

func (b blocklist) Blocked(_ context.Context, t *gate.Token) (bool, error) { return b(t) }

var errDown = errors.New("down: secret-host")

// TestRefusals: each refusal, and beside it the call that is let through. Both kinds of
// method answer the same.
func TestRefusals(t *testing.T) {
	past := time.Now().Add(-time.Hour)
	for _, test := range []struct {
		name   string
		policy gate.Policy
		good   map[string]any
		bad    map[string]any // nil: no token
		code   codes.Code
		reason string
	}{
		{name: "missing", code: codes.Unauthenticated, reason: "MISSING_HEADER"},
		{name: "expired", bad: map[string]any{"iat": past, "exp": past.Add(time.Minute)}, code: codes.Unauthenticated, reason: "EXPIRED"},
		{name: "type", bad: map[string]any{"type": "refresh"}, code: codes.Unauthenticated, reason: "ACCESS_WANTED"},
		{name: "refresh", policy: gate.Policy{Type: gate.Refresh, Locations: []gate.Location{gate.FromHeader("x-refresh", "")}}, good: map[string]any{"type": "refresh"}, bad: map[string]any{}, code: codes.Unauthenticated, reason: "REFRESH_WANTED"},
		{name: "fresh", policy: gate.Policy{Fresh: true}, good: map[string]any{"fresh": true}, bad: map[string]any{}, code: codes.Unauthenticated, reason: "NOT_FRESH"},
		{name: "scope", policy: gate.Policy{Scopes: []string{"admin"}}, good: map[string]any{"scope": "admin"}, bad: map[string]any{"scope": "read"}, code: codes.PermissionDenied, reason: "SCOPE"},
		{name: "revoked", bad: map[string]any{"jti": "revoked"}, code: codes.Unauthenticated, reason: "REVOKED"},
		{name: "down", bad: map[string]any{"jti": "down"}, code: codes.Unavailable, reason: "UNAVAILABLE"},
		{name: "rejected", policy: gate.Policy{Allow: func(_ context.Context, t *gate.Token) error {
			if t.Subject == "mallory" {
				return errors.New("secret-cause")
			}
			return nil
		}}, bad: map[string]any{"sub": "mallory"}, code: codes.PermissionDenied, reason: "REJECTED"},
		{name: "no user", bad: map[string]any{"sub": "nobody"}, code: codes.Unauthenticated, reason: "NO_USER"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := serve(t, gate.Config{
				Blocklist: blocklist(func(t *gate.Token) (bool, error) {
					if t.ID == "down" {
						return false, errDown
					}
					return t.ID == "revoked", nil
				}),
				LoadUser: func(_ context.Context, t *gate.Token) (any, error) {
					if t.Subject == "nobody" {
						return nil, nil
					}
					return "user " + t.Subject, nil
				},
			}, all(test.policy))
			w.app.unary = func(ctx context.Context) error {
				if user, ok := gate.User[string](ctx); !ok || user != "user alice" {
					return status.Errorf(codes.Internal, "user %q", user)
				}
				return nil
			}
			send := func(claims map[string]any) context.Context {
				raw := w.token(t, claims)
				return metadata.AppendToOutgoingContext(as(t, raw), "x-refresh", raw)
			}
			want(t, w.call(send(test.good)), codes.OK, "")
			want(t, w.stream(send(test.good)), codes.OK, "")
			bad := as(t, "")
			if test.bad != nil {
				bad = send(test.bad)
			}
			for _, err := range []error{w.call(bad), w.stream(bad)} {
				want(t, err, test.code, test.reason)
				if strings.Contains(err.Error(), "secret") {
					t.Errorf("the client sees the cause: %v", err)
				}
			}
		})
	}
}

func (w *world) call(ctx context.Context) error {
	_, err := w.client.UnaryCall(ctx, &pb.SimpleRequest{})
	return err
}

// stream sends a message and reads the answer.
func (w *world) stream(ctx context.Context) error {
	s, err := w.client.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	s.Send(&pb.StreamingOutputCallRequest{})
	if _, err = s.Recv(); err == nil {
		err = s.CloseSend()
	}
	return err
}

// TestForged: a token of another key, and one that was changed.
func TestForged(t *testing.T) {
	w := serve(t, gate.Config{}, all(gate.Policy{}))
	raw := w.token(t, nil)
	want(t, w.call(as(t, raw)), codes.OK, "")
	want(t, w.call(as(t, gatetest.Tampered(raw))), codes.Unauthenticated, "SIGNATURE")
	want(t, w.call(metadata.AppendToOutgoingContext(as(t, raw), "authorization", "Bearer "+raw)), codes.Unauthenticated, "AMBIGUOUS")
	want(t, w.call(metadata.AppendToOutgoingContext(as(t, ""), "cookie", "access_token_cookie="+raw)), codes.Unauthenticated, "MISSING_HEADER")
}

// TestMethods: which policy a method has.
func TestMethods(t *testing.T) {
	admin := gate.Policy{Scopes: []string{"admin"}}
	for _, test := range []struct {
		name    string
		options gategrpc.Options
		unary   codes.Code // of a token without scopes
		stream  codes.Code
	}{
		{"none", gategrpc.Options{}, codes.PermissionDenied, codes.PermissionDenied},
		{"one method", gategrpc.Options{Methods: map[string]gate.Policy{service + "UnaryCall": {}}}, codes.OK, codes.PermissionDenied},
		{"the method before the service", gategrpc.Options{Methods: map[string]gate.Policy{service + "UnaryCall": admin, service + "*": {}}}, codes.PermissionDenied, codes.OK},
		{"another service", gategrpc.Options{Methods: map[string]gate.Policy{"/grpc.testing.Test/*": {}, "/testing.TestService/*": {}, "/*/*": {}}}, codes.PermissionDenied, codes.PermissionDenied},
		{"function", gategrpc.Options{PolicyOf: func(method string) (gate.Policy, bool) { return gate.Policy{}, method == service+"FullDuplexCall" }}, codes.PermissionDenied, codes.OK},
		{"the map before the function", gategrpc.Options{
			Methods:  map[string]gate.Policy{service + "UnaryCall": admin},
			PolicyOf: func(string) (gate.Policy, bool) { return gate.Policy{}, true },
		}, codes.PermissionDenied, codes.OK},
		{"an impossible policy", gategrpc.Options{PolicyOf: func(string) (gate.Policy, bool) { return gate.Policy{Type: "unknown"}, true }}, codes.Unavailable, codes.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := serve(t, gate.Config{}, test.options)
			ctx := as(t, w.token(t, nil))
			if got := status.Code(w.call(ctx)); got != test.unary {
				t.Errorf("unary: %v, want %v", got, test.unary)
			}
			if got := status.Code(w.stream(ctx)); got != test.stream {
				t.Errorf("stream: %v, want %v", got, test.stream)
			}
		})
	}
}

// TestUnlisted: a method without a policy is denied for that reason.
func TestUnlisted(t *testing.T) {
	w := serve(t, gate.Config{}, gategrpc.Options{})
	want(t, w.call(as(t, w.token(t, nil))), codes.PermissionDenied, "METHOD_UNLISTED")
}

// TestNewPanics: a map that cannot be meant is found at the start.
func TestNewPanics(t *testing.T) {
	w := serve(t, gate.Config{}, gategrpc.Options{})
	for _, test := range []struct {
		name   string
		policy gate.Policy
		panics bool
	}{
		{"/a.B/C", gate.Policy{}, false},
		{"/a.B/*", gate.Policy{}, false},
		{"a.B/C", gate.Policy{}, true},
		{"/a.B", gate.Policy{}, true},
		{"/a.B/", gate.Policy{}, true},
		{"//C", gate.Policy{}, true},
		{"", gate.Policy{}, true},
		{"/a.B/C", gate.Policy{Type: "unknown"}, true},
	} {
		func() {
			defer func() {
				if got := recover() != nil; got != test.panics {
					t.Errorf("%q %v: panic %v, want %v", test.name, test.policy.Type, got, test.panics)
				}
			}()
			gategrpc.New(w.g, gategrpc.Options{Methods: map[string]gate.Policy{test.name: test.policy}})
		}()
	}
}

// TestVisitors: with Optional a bad token is refused, with Public it counts as none.
func TestVisitors(t *testing.T) {
	for _, test := range []struct {
		policy      gate.Policy
		none, token string
		bad         codes.Code
	}{
		{gate.Policy{Optional: true}, "visitor", "alice", codes.Unauthenticated},
		{gate.Policy{Public: true}, "visitor", "alice", codes.OK},
	} {
		w := serve(t, gate.Config{}, all(test.policy))
		for raw, user := range map[string]string{"": test.none, w.token(t, nil): test.token} {
			if r, err := w.client.UnaryCall(as(t, raw), &pb.SimpleRequest{}); err != nil || r.Username != user {
				t.Errorf("%v: %v and %v, want %s", test.policy, r, err, user)
			}
		}
		if got := status.Code(w.call(as(t, "x.y.z"))); got != test.bad {
			t.Errorf("%v: bad token: %v, want %v", test.policy, got, test.bad)
		}
	}
}

// TestOuterInterceptor: an interceptor further out learns the cause.
func TestOuterInterceptor(t *testing.T) {
	var seen error
	w := serve(t, gate.Config{}, all(gate.Policy{}), grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		res, err := next(ctx, req)
		seen = err
		return res, err
	}))
	want(t, w.call(as(t, "")), codes.Unauthenticated, "MISSING_HEADER")
	var e *gate.Error
	if !errors.Is(seen, gate.ErrMissing) || !errors.As(seen, &e) || !strings.Contains(seen.Error(), "gate: ") {
		t.Errorf("the outer interceptor sees %v", seen)
	}
	want(t, w.call(as(t, w.token(t, nil))), codes.OK, "")
	if seen != nil {
		t.Errorf("the outer interceptor sees %v", seen)
	}
}

// TestPanics: a hook that panics lets nobody in, and a recovery interceptor sees it.
func TestPanics(t *testing.T) {
	recovered := make(chan any, 2)
	report := func(err *error) {
		if v := recover(); v != nil {
			recovered <- v
			*err = status.Error(codes.Internal, "panic")
		}
	}
	w := serve(t, gate.Config{Verify: func(_ context.Context, t *gate.Token) error {
		if t.Subject == "panic" {
			panic("in a hook")
		}
		return nil
	}}, all(gate.Policy{}),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
			defer report(&err)
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
			defer report(&err)
			return next(srv, ss)
		}))
	ctx := as(t, w.token(t, map[string]any{"sub": "panic"}))
	want(t, w.call(ctx), codes.Internal, "")
	want(t, w.stream(ctx), codes.Internal, "")
	if a, b := <-recovered, <-recovered; a != "in a hook" || b != "in a hook" {
		t.Errorf("recovered %v and %v", a, b)
	}
	want(t, w.call(as(t, w.token(t, nil))), codes.OK, "")
}

// TestConcurrent: many calls on one connection do not see each other's tokens.
func TestConcurrent(t *testing.T) {
	w := serve(t, gate.Config{}, all(gate.Policy{Optional: true}))
	var wg sync.WaitGroup
	for i := range 64 {
		user := fmt.Sprint("user", i)
		raw := w.token(t, map[string]any{"sub": user})
		if i%4 == 0 {
			user, raw = "visitor", ""
		}
		ctx := as(t, raw)
		wg.Go(func() {
			for range 5 {
				if r, err := w.client.UnaryCall(ctx, &pb.SimpleRequest{}); err != nil || r.Username != user {
					t.Errorf("%v and %v, want %s", r, err, user)
				}
				if err := w.stream(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
