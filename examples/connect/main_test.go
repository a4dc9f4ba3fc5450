package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/jwtgate/gate/internal/exampletest"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

// short is the lifetime of access tokens that a test waits for. It leaves a loaded machine
// time to use them first; they live up to a second less, since they expire at a full one.
const short = "4s"

// start runs the service with a lifetime of access tokens.
func start(t *testing.T, lifetime string) (address string) {
	t.Helper()
	return exampletest.Serve(t, "-lifetime", lifetime)
}

var protocols = map[string]connect.ClientOption{
	"connect": connect.WithClientOptions(), "gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(),
}

// plain speaks HTTP/2 without TLS, which gRPC needs.
func plain() *http.Client {
	h := &http.Transport{Protocols: new(http.Protocols)}
	h.Protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: h}
}

// call calls a method with a token.
func call[Req, Res any](t *testing.T, url, token string, o ...connect.ClientOption) (*Res, error) {
	t.Helper()
	req := connect.NewRequest(new(Req))
	if token != "" {
		req.Header().Set("Authorization", "Bearer "+token)
	}
	res, err := connect.NewClient[Req, Res](plain(), url, o...).CallUnary(t.Context(), req)
	if err != nil {
		return nil, err
	}
	return res.Msg, nil
}

// watch returns a stream.
func watch(t *testing.T, address, token string, o ...connect.ClientOption) (*connect.ServerStreamForClient[text], error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	req := connect.NewRequest(&empty{})
	req.Header().Set("Authorization", "Bearer "+token)
	return connect.NewClient[empty, text](plain(), address+notes+"Watch", o...).CallServerStream(ctx, req)
}

// want checks code and reason of an error; code 0 is none.
func want(t *testing.T, what string, err error, code connect.Code, reason string) {
	t.Helper()
	var gotCode connect.Code
	got := ""
	if e := (*connect.Error)(nil); errors.As(err, &e) {
		gotCode = e.Code()
		for _, d := range e.Details() {
			if v, err := d.Value(); err == nil {
				got = v.(*errdetails.ErrorInfo).Reason
			}
		}
	}
	if (err == nil) != (code == 0) || gotCode != code || got != reason {
		t.Errorf("%s: %v with reason %q, want %v and %q", what, err, got, code, reason)
	}
}

func logIn(t *testing.T, address, name string) string {
	t.Helper()
	l := &login{url: address, name: name}
	token, err := l.Token()
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

func TestPolicies(t *testing.T) {
	address := start(t, "1h")
	for name, o := range protocols {
		t.Run(name, func(t *testing.T) {
			alice, bob := logIn(t, address, "alice"), logIn(t, address, "bob")
			for _, test := range []struct {
				token  string
				code   connect.Code
				reason string
			}{
				{"", connect.CodeUnauthenticated, "MISSING_HEADER"},
				{alice + "x", connect.CodeUnauthenticated, "SIGNATURE"},
				{bob, connect.CodePermissionDenied, "SCOPE"},
				{alice, 0, ""},
			} {
				_, err := call[text, empty](t, address+notes+"Add", test.token, o)
				want(t, "Add", err, test.code, test.reason)
				if test.reason != "" { // net/http middleware answers with the status alone
					test.reason = ""
				}
				_, err = call[empty, count](t, address+stats+"Count", test.token, o)
				want(t, "Count", err, test.code, test.reason)
			}
			n, err := call[empty, count](t, address+stats+"Count", alice, o, connect.WithHTTPGet())
			if err != nil || n.Value < 1 {
				t.Errorf("GET Count: %v, %v", n, err)
			}
		})
	}
	if _, err := (&login{url: address, name: "mallory"}).Token(); err == nil {
		t.Error("mallory has logged in")
	}
}

// TestStreams: a stream ends with its token or with its session.
func TestStreams(t *testing.T) {
	t.Parallel()
	lasting, brief := start(t, "1h"), start(t, short)
	for _, address := range []string{lasting, brief} {
		if _, err := call[text, empty](t, address+notes+"Add", logIn(t, address, "alice")); err != nil {
			t.Fatal(err)
		}
	}
	for name, o := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := logIn(t, lasting, "bob")
			stream := watchNote(t, lasting, token, o)
			want(t, "logout", post204(t, lasting+"/auth/logout", token), 0, "")
			wantEnd(t, stream, "REVOKED")
			wantEnd(t, watchNote(t, brief, logIn(t, brief, "bob"), o), "EXPIRED")
		})
	}
}

// watchNote returns a stream that has sent a note.
func watchNote(t *testing.T, address, token string, o connect.ClientOption) *connect.ServerStreamForClient[text] {
	t.Helper()
	stream, err := watch(t, address, token, o)
	if err != nil || !stream.Receive() {
		t.Fatal(err, stream.Err())
	}
	return stream
}

// wantEnd reads a stream until the service refuses its token for a reason.
func wantEnd(t *testing.T, stream *connect.ServerStreamForClient[text], reason string) {
	t.Helper()
	for stream.Receive() {
	}
	want(t, "Watch", stream.Err(), connect.CodeUnauthenticated, reason)
}

func post204(t *testing.T, url, token string) error {
	t.Helper()
	resp, _ := exampletest.Send(t, http.DefaultClient, "POST", url, "", "Authorization", "Bearer "+token)
	if resp.StatusCode != http.StatusNoContent {
		return errors.New(resp.Status)
	}
	return nil
}

// TestPage: a page of another origin may send calls and read refusals.
func TestPage(t *testing.T) {
	address := start(t, "1h")
	for _, path := range []string{notes + "Add", stats + "Count", "/auth/refresh"} {
		for _, method := range []string{"OPTIONS", "POST"} {
			status, headers := http.StatusUnauthorized, []string{"Origin", "https://app.example", "Content-Type", "application/json"}
			if method == "OPTIONS" {
				status = http.StatusNoContent
				headers = append(headers, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,connect-protocol-version,content-type")
			}
			resp, _ := exampletest.Send(t, http.DefaultClient, method, address+path, "{}", headers...)
			if resp.StatusCode != status || resp.Header.Get("Access-Control-Allow-Origin") != "https://app.example" {
				t.Errorf("%s %s: %s, open to %q", method, path, resp.Status, resp.Header.Get("Access-Control-Allow-Origin"))
			}
		}
	}
}

// TestClient: the client renews its tokens between calls.
func TestClient(t *testing.T) {
	t.Parallel()
	address := start(t, short)
	cmd := exampletest.Command("-client", "-addr", strings.TrimPrefix(address, "http://"), "hello")
	out, err := cmd.CombinedOutput() // ends with the token of the stream
	if err == nil || !strings.HasPrefix(string(out), "alice: hello\n") || !strings.Contains(string(out), "unauthenticated: The token has expired") {
		t.Errorf("the client: %v\n%s", err, out)
	}
	l := &login{url: address, name: "alice"}
	first, err := l.Token()
	if err != nil {
		t.Fatal(err)
	}
	l.name = "nobody" // from now on only the refresh token helps
	second, err := l.Token()
	if err != nil || second.AccessToken == first.AccessToken {
		t.Fatalf("a refresh: %v", err)
	}
	if err := post204(t, address+"/auth/logout", second.AccessToken); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Token(); err == nil {
		t.Error("a refresh after the logout was accepted")
	}
	client := newClient(address, "alice")
	for range 2 {
		stream, err := connect.NewClient[empty, text](client, address+notes+"Watch").CallServerStream(t.Context(), connect.NewRequest(&empty{}))
		if err != nil {
			t.Fatal(err)
		}
		opened := stream.Receive() // the note of the program above
		wantEnd(t, stream, "EXPIRED")
		if !opened {
			t.Error("the stream was not opened")
		}
		stream.Close()
	}
}
