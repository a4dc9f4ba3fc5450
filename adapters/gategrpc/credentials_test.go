package gategrpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategrpc"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

// source counts its tokens "1", "2", ..., each good for an hour.
type source struct {
	clock *gatetest.Clock
	n     int
	err   error
}

func (s *source) next(context.Context) (string, time.Time, error) {
	if s.err != nil {
		return "", time.Time{}, s.err
	}
	s.n++
	return fmt.Sprint(s.n), s.clock.Now().Add(time.Hour), nil
}

func sent(t *testing.T, c *gategrpc.Credentials) (string, error) {
	t.Helper()
	md, err := c.GetRequestMetadata(t.Context())
	return strings.TrimPrefix(md["authorization"], "Bearer "), err
}

// TestCredentialsRenew: when a new token is got, and what is sent if there is none.
func TestCredentialsRenew(t *testing.T) {
	clock := gatetest.NewClock()
	s := &source{clock: clock}
	c := gategrpc.NewCredentials(s.next, gategrpc.CredentialsOptions{Within: time.Minute, Clock: clock.Now})
	for _, step := range []struct {
		after time.Duration
		fails error
		want  string
		code  codes.Code
	}{
		{0, errors.New("refused"), "", codes.Unavailable},
		{0, status.Error(codes.Unauthenticated, "log in"), "", codes.Unauthenticated},
		{0, nil, "1", codes.OK},
		{58 * time.Minute, nil, "1", codes.OK},
		{time.Minute, errors.New("refused"), "1", codes.OK},
		{30 * time.Second, nil, "2", codes.OK},
		{time.Hour, errors.New("refused"), "", codes.Unavailable},
		{0, nil, "3", codes.OK},
	} {
		clock.Advance(step.after)
		s.err = step.fails
		got, err := sent(t, c)
		if got != step.want || status.Code(err) != step.code {
			t.Errorf("%+v: %q and %v", step, got, err)
		}
	}
	c.Forget()
	if got, err := sent(t, c); got != "4" || err != nil {
		t.Errorf("after Forget: %q and %v", got, err)
	}
}

// TestCredentialsLifetimes: a token that lasts for less than Within is used for half of its
// time; one without an expiry is kept; an expired or empty one is not sent.
func TestCredentialsLifetimes(t *testing.T) {
	for _, test := range []struct {
		raw   string
		lasts time.Duration // 0: no expiry
		after time.Duration
		calls int
		code  codes.Code
	}{
		{"a", 10 * time.Second, 4 * time.Second, 1, codes.OK},
		{"a", 10 * time.Second, 6 * time.Second, 2, codes.OK},
		{"a", 0, 10000 * time.Hour, 1, codes.OK},
		{"a", -time.Second, 0, 2, codes.Unavailable},
		{"", time.Hour, 0, 2, codes.Unavailable},
	} {
		clock, calls := gatetest.NewClock(), 0
		c := gategrpc.NewCredentials(func(context.Context) (string, time.Time, error) {
			calls++
			if test.lasts == 0 {
				return test.raw, time.Time{}, nil
			}
			return test.raw, clock.Now().Add(test.lasts), nil
		}, gategrpc.CredentialsOptions{Clock: clock.Now})
		sent(t, c)
		clock.Advance(test.after)
		got, err := sent(t, c)
		if status.Code(err) != test.code || err == nil && got != test.raw || calls != test.calls {
			t.Errorf("%+v: %q and %v after %d calls", test, got, err, calls)
		}
	}
}

// TestCredentialsWait: one call at a time asks the source; others wait for as long as they
// may, or go on with the old token while it is valid.
func TestCredentialsWait(t *testing.T) {
	clock := gatetest.NewClock()
	asked, answer := make(chan bool), make(chan string)
	c := gategrpc.NewCredentials(func(context.Context) (string, time.Time, error) {
		asked <- true
		return <-answer, clock.Now().Add(time.Hour), nil
	}, gategrpc.CredentialsOptions{Clock: clock.Now})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := sent(t, c); got != "1" || err != nil {
				t.Errorf("%q and %v", got, err)
			}
		})
	}
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.GetRequestMetadata(ctx); status.Code(err) != codes.Canceled {
		t.Errorf("a canceled call got %v", err)
	}
	answer <- "1"
	wg.Wait()

	clock.Advance(time.Hour - time.Second)
	wg.Go(func() { sent(t, c) })
	<-asked
	if got, err := sent(t, c); got != "1" || err != nil {
		t.Errorf("while another call renews: %q and %v", got, err)
	}
	answer <- "2"
	wg.Wait()
	if got, err := sent(t, c); got != "2" || err != nil {
		t.Errorf("after the renewal: %q and %v", got, err)
	}
}

// TestCredentialsCall: real calls have the token, and none is sent in clear text.
func TestCredentialsCall(t *testing.T) {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		t.Fatal(err)
	}
	guard := gategrpc.New(g, all(gate.Policy{}))
	server := grpc.NewServer(grpc.UnaryInterceptor(guard.Unary))
	pb.RegisterTestServiceServer(server, &app{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	t.Cleanup(server.Stop)

	login := func(ctx context.Context) (string, time.Time, error) {
		raw, token, err := g.Issue(ctx, gate.Access, "alice", gate.TokenOptions{})
		if err != nil {
			return "", time.Time{}, err
		}
		return raw, token.Expiry, nil
	}
	conn := dial(t, l.Addr().String(), grpc.WithPerRPCCredentials(gategrpc.NewCredentials(login, gategrpc.CredentialsOptions{InsecureTransport: true})))
	if r, err := pb.NewTestServiceClient(conn).UnaryCall(t.Context(), &pb.SimpleRequest{}); err != nil || r.Username != "alice" {
		t.Errorf("%v and %v", r, err)
	}
	_, err = grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(gategrpc.NewCredentials(login, gategrpc.CredentialsOptions{})))
	if err == nil {
		t.Error("a client without TLS was made")
	}
}
