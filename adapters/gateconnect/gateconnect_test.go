package gateconnect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
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
	option := gateconnect.New(g, o).Option()
	mux := http.NewServeMux()
	hello := func(ctx context.Context, _ *connect.Request[empty]) (*connect.Response[text], error) {
		return connect.NewResponse(who(ctx)), nil
	}
	mux.Handle(unary, connect.NewUnaryHandler(unary, hello, option))
	mux.Handle(read, connect.NewUnaryHandler(read, hello, option, connect.WithIdempotency(connect.IdempotencyNoSideEffects)))
	mux.Handle(duplex, connect.NewBidiStreamHandler(duplex, func(ctx context.Context, s *bidi) error { return w.handle(ctx, s) }, option))
	w.server = httptest.NewUnstartedServer(mux)
	w.server.EnableHTTP2 = true
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	return w
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
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
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

// TestRefusals: each refusal, and beside it the call that is let through, in all protocols
// and both kinds of method.
func TestRefusals(t *testing.T) {
	past := time.Now().Add(-time.Hour)
	for _, test := range []struct {
		name   string
		policy gate.Policy
		good   map[string]any
		bad    map[string]any // nil: no token
		code   connect.Code
		reason string
	}{
		{name: "missing", code: connect.CodeUnauthenticated, reason: "MISSING_HEADER"},
		{name: "expired", bad: map[string]any{"iat": past, "exp": past.Add(time.Minute)}, code: connect.CodeUnauthenticated, reason: "EXPIRED"},
		{name: "type", bad: map[string]any{"type": "refresh"}, code: connect.CodeUnauthenticated, reason: "ACCESS_WANTED"},
		{name: "fresh", policy: gate.Policy{Fresh: true}, good: map[string]any{"fresh": true}, bad: map[string]any{}, code: connect.CodeUnauthenticated, reason: "NOT_FRESH"},
		{name: "scope", policy: gate.Policy{Scopes: []string{"admin"}}, good: map[string]any{"scope": "admin"}, bad: map[string]any{}, code: connect.CodePermissionDenied, reason: "SCOPE"},
		{name: "revoked", bad: map[string]any{"jti": "revoked"}, code: connect.CodeUnauthenticated, reason: "REVOKED"},
		{name: "down", bad: map[string]any{"jti": "down"}, code: connect.CodeUnavailable, reason: "UNAVAILABLE"},
		{name: "rejected", policy: gate.Policy{Allow: func(_ context.Context, t *gate.Token) error {
			if t.Subject == "mallory" {
				return errors.New("secret-cause")
			}
			return nil
		}}, bad: map[string]any{"sub": "mallory"}, code: connect.CodePermissionDenied, reason: "REJECTED"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := serve(t, gate.Config{Blocklist: blocklist(func(t *gate.Token) (bool, error) {
				if t.ID == "down" {
					return false, errDown
				}
				return t.ID == "revoked", nil
			})}, all(test.policy))
			good, bad := w.bearer(t, test.good), http.Header{}
			if test.bad != nil {
				bad = w.bearer(t, test.bad)
			}
			for _, o := range protocols {
				if user, err := w.call(t, unary, good, o...); err != nil || user != "alice" {
					t.Errorf("%q and %v", user, err)
				}
				_, err := w.open(t, good, o...)
				want(t, err, 0, "")
				_, err = w.call(t, unary, bad, o...)
				want(t, err, test.code, test.reason)
				_, streamErr := w.open(t, bad, o...)
				want(t, streamErr, test.code, test.reason)
				if strings.Contains(fmt.Sprint(err, streamErr), "secret") {
					t.Errorf("the client sees the cause: %v, %v", err, streamErr)
				}
			}
		})
	}
}

// TestMethods: which policy a method has; one without is denied.
func TestMethods(t *testing.T) {
	w := serve(t, gate.Config{}, gateconnect.Options{
		Methods: map[string]gate.Policy{unary: {}},
		PolicyOf: func(procedure string) (gate.Policy, bool) {
			return gate.Policy{Scopes: []string{"admin"}}, procedure == read
		},
	})
	_, err := w.call(t, unary, w.bearer(t, nil))
	want(t, err, 0, "")
	_, err = w.call(t, read, w.bearer(t, nil))
	want(t, err, connect.CodePermissionDenied, "SCOPE")
	_, err = w.call(t, read, w.bearer(t, map[string]any{"scope": "admin"}))
	want(t, err, 0, "")
	_, err = w.open(t, w.bearer(t, nil))
	want(t, err, connect.CodePermissionDenied, "METHOD_UNLISTED")
	defer func() {
		if recover() == nil {
			t.Error("a name without a service is accepted")
		}
	}()
	gateconnect.New(w.g, gateconnect.Options{Methods: map[string]gate.Policy{"Unary": {}}})
}

// TestCookies: a browser sends the CSRF value and comes from this site, except for methods
// without side effects.
func TestCookies(t *testing.T) {
	w := serve(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}}, all(gate.Policy{}))
	cookie := []string{"access_token_cookie=" + gatetest.Token(t, w.key, map[string]any{"csrf": "value"})}
	token := []string{"value"}
	for _, test := range []struct {
		procedure string
		header    http.Header
		code      connect.Code
		reason    string
	}{
		{unary, http.Header{"Cookie": cookie}, connect.CodePermissionDenied, "CSRF_MISSING"},
		{unary, http.Header{"Cookie": cookie, "X-Csrf-Token": {"other"}}, connect.CodePermissionDenied, "CSRF_MISMATCH"},
		{unary, http.Header{"Cookie": cookie, "X-Csrf-Token": token}, 0, ""},
		{unary, http.Header{"Cookie": cookie, "X-Csrf-Token": token, "Origin": {w.server.URL}}, 0, ""},
		{unary, http.Header{"Cookie": cookie, "X-Csrf-Token": token, "Origin": {"https://evil.example"}}, connect.CodePermissionDenied, "CSRF_ORIGIN"},
		{read, http.Header{"Cookie": cookie}, 0, ""},
		{read, http.Header{}, connect.CodeUnauthenticated, "MISSING_COOKIE"},
	} {
		if test.header["X-Csrf-Token"] != nil {
			test.header[w.g.Config().Cookies.Access.CSRFHeader] = test.header["X-Csrf-Token"]
		}
		_, err := w.call(t, test.procedure, test.header)
		want(t, err, test.code, test.reason)
	}
}

// TestBeforeTheMessage: a call without a token is refused before its message is read.
func TestBeforeTheMessage(t *testing.T) {
	w := serve(t, gate.Config{}, all(gate.Policy{}))
	for header, code := range map[string]int{"": http.StatusUnauthorized, w.bearer(t, nil).Get("Authorization"): http.StatusBadRequest} {
		req, err := http.NewRequest("POST", w.server.URL+unary, strings.NewReader("{not JSON"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", header)
		resp, err := w.server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != code {
			t.Errorf("status %d, want %d", resp.StatusCode, code)
		}
	}
}

// TestStreamExpiry: messages pass until the token expires, whatever the handler does.
func TestStreamExpiry(t *testing.T) {
	for _, o := range protocols {
		clock := gatetest.NewClock()
		w := serve(t, gate.Config{Clock: clock.Now}, all(gate.Policy{Public: true}))
		w.handle = func(ctx context.Context, s *bidi) error {
			if echo(ctx, s) != nil && (s.Send(&text{}) == nil || ctx.Err() == nil) {
				t.Error("the stream is open after its end")
			}
			return nil // forgets the error
		}
		h := http.Header{"Authorization": {"Bearer " + clock.Token(t, w.key, map[string]any{"exp": clock.Now().Add(time.Hour)})}}
		s, err := w.open(t, h, o...)
		want(t, err, 0, "")
		clock.Advance(59 * time.Minute)
		want(t, ping(s), 0, "")
		clock.Advance(2 * time.Minute)
		want(t, ping(s), connect.CodeUnauthenticated, "EXPIRED")
	}
}

// TestRecheck: a revocation ends a silent stream, and a handler can ask.
func TestRecheck(t *testing.T) {
	for _, every := range []time.Duration{0, time.Millisecond} {
		var revoked atomic.Bool
		o := all(gate.Policy{})
		o.RecheckEvery = every
		w := serve(t, gate.Config{Blocklist: blocklist(func(*gate.Token) (bool, error) { return revoked.Load(), nil })}, o)
		w.handle = func(ctx context.Context, s *bidi) error {
			if every > 0 {
				return echo(ctx, s)
			}
			for range 2 {
				if _, err := s.Receive(); err != nil {
					return err
				}
				if gateconnect.Recheck(ctx) == nil {
					s.Send(&text{})
				}
			}
			return nil
		}
		s, err := w.open(t, w.bearer(t, nil))
		want(t, err, 0, "")
		revoked.Store(true)
		if every == 0 {
			err = ping(s)
		} else {
			_, err = s.Receive()
		}
		want(t, err, connect.CodeUnauthenticated, "REVOKED")
	}
	if gateconnect.Recheck(t.Context()) == nil {
		t.Error("Recheck of a context without a stream is nil")
	}
}

// TestPanics: a hook that panics lets nobody in, and the server goes on.
func TestPanics(t *testing.T) {
	w := serve(t, gate.Config{Verify: func(_ context.Context, t *gate.Token) error {
		if t.Subject == "panic" {
			panic("in a hook")
		}
		return nil
	}}, all(gate.Policy{}))
	bad := w.bearer(t, map[string]any{"sub": "panic"})
	if user, err := w.call(t, unary, bad); err == nil {
		t.Errorf("%q was let in", user)
	}
	if _, err := w.open(t, bad); err == nil {
		t.Error("a stream was opened")
	}
	_, err := w.call(t, unary, w.bearer(t, nil))
	want(t, err, 0, "")
}

// TestConcurrent: many calls do not see each other's tokens.
func TestConcurrent(t *testing.T) {
	w := serve(t, gate.Config{}, all(gate.Policy{Optional: true}))
	var wg sync.WaitGroup
	for i := range 32 {
		user := fmt.Sprint("user", i)
		h := w.bearer(t, map[string]any{"sub": user})
		if i%4 == 0 {
			user, h = "visitor", nil
		}
		wg.Go(func() {
			if got, err := w.call(t, unary, h); err != nil || got != user {
				t.Errorf("%q and %v, want %s", got, err, user)
			}
			if _, err := w.open(t, h); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
