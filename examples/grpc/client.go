package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/jwtgate/gate/adapters/gategrpc"
)

// login gets the tokens of a user. Its connection has no credentials.
type login struct {
	conn    *grpc.ClientConn
	name    string
	refresh string // the refresh token, after the first login
}

// token is a gategrpc.TokenSource. It uses the refresh token, and logs in when there is
// none or the service does not accept it.
func (l *login) token(ctx context.Context) (string, time.Time, error) {
	began := time.Now()
	res, err := l.ask(ctx, "Refresh", "refresh_token", l.refresh)
	if status.Code(err) == codes.Unauthenticated {
		res, err = l.ask(ctx, "Login", "name", l.name)
	}
	if err != nil {
		return "", time.Time{}, err
	}
	l.refresh = res.Fields["refresh_token"].GetStringValue()
	lifetime := time.Duration(res.Fields["expires_in"].GetNumberValue()) * time.Second
	return res.Fields["access_token"].GetStringValue(), began.Add(lifetime), nil
}

func (l *login) ask(ctx context.Context, method, field, value string) (*object, error) {
	return call[object](ctx, l.conn, method, &object{Fields: map[string]*structpb.Value{field: structpb.NewStringValue(value)}})
}

// dial connects without TLS, which is for one machine only.
func dial(addr string, o ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient(addr, append(o, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
}

// chat adds each line of in as a note, and prints all notes.
func chat(ctx context.Context, addr, name string, in io.Reader, out io.Writer) error {
	open, err := dial(addr)
	if err != nil {
		return err
	}
	l := &login{conn: open, name: name}
	// [credentials]
	tokens := gategrpc.NewCredentials(l.token, gategrpc.CredentialsOptions{InsecureTransport: true})
	conn, err := dial(addr, grpc.WithPerRPCCredentials(tokens))
	// [end]
	if err != nil {
		return err
	}
	go func() {
		for lines := bufio.NewScanner(in); lines.Scan(); {
			if _, err := call[empty](ctx, conn, "Add", &text{Value: lines.Text()}); err != nil {
				fmt.Fprintln(out, status.Convert(err).Message())
			}
		}
	}()
	for {
		opened, err := follow(ctx, conn, out)
		if !opened || status.Code(err) != codes.Unauthenticated {
			return err
		}
		tokens.Forget() // the stream has ended with its token: open the next one with a new token
	}
}

// follow prints the notes of one stream.
func follow(ctx context.Context, conn *grpc.ClientConn, out io.Writer) (opened bool, err error) {
	stream, err := watch(ctx, conn)
	if err != nil {
		return false, err
	}
	header, err := stream.Header()
	if opened = err == nil && header != nil; opened {
		fmt.Fprintln(out, "watching")
	}
	for {
		note, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return opened, nil
		}
		if err != nil {
			return opened, err
		}
		fmt.Fprintln(out, note.Value)
	}
}
