package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/jwtgate/gate/internal/exampletest"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

// short is the lifetime of access tokens that a test waits for. It leaves a loaded machine
// time to use them first; they live up to a second less, since they expire at a full one.
const short = "4s"

// start runs the service with a lifetime of access tokens.
func start(t *testing.T, lifetime string) (addr string, conn *grpc.ClientConn) {
	t.Helper()
	addr = exampletest.Serve(t, "-lifetime", lifetime)
	conn, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return addr, conn
}

// as returns a context with an access token.
func as(t *testing.T, token string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	if token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func tokens(t *testing.T, conn *grpc.ClientConn, name string) (access, refresh string) {
	t.Helper()
	res, err := call[object](as(t, ""), conn, "Login", &object{Fields: map[string]*structpb.Value{"name": structpb.NewStringValue(name)}})
	if err != nil {
		t.Fatal(err)
	}
	return res.Fields["access_token"].GetStringValue(), res.Fields["refresh_token"].GetStringValue()
}

// want checks the code and the reason of an error.
func want(t *testing.T, what string, err error, code codes.Code, reason string) {
	t.Helper()
	got := ""
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			got = info.Reason
		}
	}
	if status.Code(err) != code || got != reason {
		t.Errorf("%s: %v with reason %q, want %v and %q", what, err, got, code, reason)
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	_, conn := start(t, "1h")
	alice, _ := tokens(t, conn, "alice")
	bob, _ := tokens(t, conn, "bob")
	for _, test := range []struct {
		token  string
		code   codes.Code
		reason string
	}{
		{"", codes.Unauthenticated, "MISSING_HEADER"},
		{alice + "x", codes.Unauthenticated, "SIGNATURE"},
		{bob, codes.PermissionDenied, "SCOPE"},
		{alice, codes.OK, ""},
	} {
		_, err := call[empty](as(t, test.token), conn, "Add", &text{Value: "hello"})
		want(t, "Add", err, test.code, test.reason)
	}
	stream, err := watch(as(t, ""), conn)
	if err == nil {
		_, err = stream.Recv()
	}
	want(t, "Watch without a token", err, codes.Unauthenticated, "MISSING_HEADER")
	_, err = call[object](as(t, ""), conn, "Login", &object{})
	want(t, "Login of nobody", err, codes.Unauthenticated, "")
	health := grpc_health_v1.NewHealthClient(conn)
	_, err = health.Check(as(t, ""), &grpc_health_v1.HealthCheckRequest{})
	want(t, "Health/Check", err, codes.OK, "")
	_, err = health.List(as(t, alice), &grpc_health_v1.HealthListRequest{})
	want(t, "Health/List", err, codes.PermissionDenied, "METHOD_UNLISTED")
}

// TestSession: a refresh token rotates, a stream ends with its token or its session.
func TestSession(t *testing.T) {
	t.Parallel()
	_, conn := start(t, short)
	access, first := tokens(t, conn, "bob")
	stream, err := watch(as(t, access), conn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv() // there are no notes
	want(t, "Watch", err, codes.Unauthenticated, "EXPIRED")
	l := &login{conn: conn, name: "nobody", refresh: first}
	access, _, err = l.token(as(t, ""))
	if err != nil || l.refresh == first {
		t.Fatalf("refresh: %v, and a new token: %v", err, l.refresh != first)
	}
	if stream, err = watch(as(t, access), conn); err != nil {
		t.Fatal(err)
	}
	if h, err := stream.Header(); err != nil || h == nil {
		t.Fatalf("the stream was not opened: %v", err)
	}
	if _, err := call[empty](as(t, access), conn, "Logout", &empty{}); err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	want(t, "Watch after the logout", err, codes.Unauthenticated, "REVOKED")
	if _, _, err := l.token(as(t, "")); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a refresh after the logout: %v", err)
	}
}

// TestClient: the client goes on for longer than its token lives, in calls and in streams.
func TestClient(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, short)
	alice := exampletest.Run(t, "-client", "-addr", addr, "-name", "alice")
	for range 3 { // streams
		if got := alice.Line(t); got != "watching" {
			t.Fatalf("the client says %q", got)
		}
		io.WriteString(alice.In, "hello\n")
		if got := alice.Line(t); got != "alice: hello" {
			t.Fatalf("the client says %q", got)
		}
	}
	bob := exampletest.Run(t, "-client", "-addr", addr, "-name", "bob")
	bob.Line(t)
	io.WriteString(bob.In, "hello\n")
	if got := bob.Line(t); got != "The token lacks the scope that this route asks for" {
		t.Errorf("the client says %q", got)
	}
	if out, err := exampletest.Command("-client", "-addr", addr, "-name", "mallory").CombinedOutput(); err == nil || !strings.Contains(string(out), "no such user") {
		t.Errorf("a client who is nobody: %v, %s", err, out)
	}
}
