package main

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategrpc"
	"github.com/jwtgate/gate/session"
)

// scopes are a database of users here, and a name is enough to log in.
var scopes = map[string]string{"alice": "notes:write", "bob": ""}

// server has the methods of the service.
type server struct {
	sessions *session.Manager
	mu       sync.Mutex
	watchers map[chan string]bool
}

func (s *server) login(ctx context.Context, req *object) (*object, error) {
	name := req.Fields["name"].GetStringValue()
	scope, ok := scopes[name]
	if !ok {
		return nil, status.Error(codes.Unauthenticated, "no such user")
	}
	pair, err := s.sessions.Start(ctx, name, session.Login{Claims: map[string]any{"scope": scope}})
	if err != nil {
		return nil, gategrpc.Error(err)
	}
	return s.tokens(pair)
}

func (s *server) refresh(ctx context.Context, req *object) (*object, error) {
	pair, err := s.sessions.Refresh(ctx, req.Fields["refresh_token"].GetStringValue(), nil)
	if err != nil {
		return nil, gategrpc.Error(err)
	}
	return s.tokens(pair)
}

func (s *server) tokens(pair *session.Pair) (*object, error) {
	b := s.sessions.Body(pair)
	return structpb.NewStruct(map[string]any{
		"access_token": b.AccessToken, "refresh_token": b.RefreshToken, "expires_in": b.ExpiresIn,
	})
}

func (s *server) logout(ctx context.Context, _ *empty) (*empty, error) {
	t, _ := gate.FromContext(ctx)
	if err := s.sessions.End(ctx, t.Subject, t.SessionID); err != nil {
		return nil, gategrpc.Error(err)
	}
	return &empty{}, nil
}

func (s *server) add(ctx context.Context, note *text) (*empty, error) {
	t, _ := gate.FromContext(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		select {
		case w <- t.Subject + ": " + note.Value:
		default: // too slow for this note
		}
	}
	return &empty{}, nil
}

// watch sends notes until the client leaves or its token is no longer accepted.
func (s *server) watch(stream grpc.ServerStreamingServer[text]) error {
	notes := make(chan string, 16)
	s.mu.Lock()
	s.watchers[notes] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, notes)
	}()
	if err := stream.SendHeader(nil); err != nil { // tells the client that it misses nothing from now on
		return err
	}
	for {
		select {
		case note := <-notes:
			if err := stream.Send(&text{Value: note}); err != nil {
				return err
			}
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}
