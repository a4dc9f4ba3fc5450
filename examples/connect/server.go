package main

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// protoc generates handlers and clients from a .proto file. Those of this example are
// written by hand, with protobuf's own types as messages, so that it needs no generator.
type (
	empty = emptypb.Empty
	text  = wrapperspb.StringValue
	count = wrapperspb.Int64Value
)

const (
	notes = "/notes.v1.Notes/"
	stats = "/notes.v1.Stats/"
)

// scopes are a database of users here, and a name is enough to log in.
var scopes = map[string]string{"alice": "notes:write", "bob": ""}

// server has the methods of the services.
type server struct {
	gate     *gate.Gate
	sessions *session.Manager
	mu       sync.Mutex
	all      []string
	added    chan struct{} // closed when a note is added
}

// notes is the service notes.v1.Notes.
func (s *server) notes(guard connect.HandlerOption) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(notes+"Add", connect.NewUnaryHandler(notes+"Add", s.add, guard))
	mux.Handle(notes+"Watch", connect.NewServerStreamHandler(notes+"Watch", s.watch, guard))
	return mux
}

// stats is the service notes.v1.Stats. Its clients may send GET requests.
func (s *server) stats() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(stats+"Count", connect.NewUnaryHandler(stats+"Count", s.count, connect.WithIdempotency(connect.IdempotencyNoSideEffects)))
	return mux
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	name := r.PostFormValue("name")
	scope, ok := scopes[name]
	if !ok {
		http.Error(w, "no such user", http.StatusUnauthorized)
		return
	}
	pair, err := s.sessions.Start(r.Context(), name, session.Login{Claims: map[string]any{"scope": scope}})
	if err != nil {
		s.gate.WriteError(w, r, err)
		return
	}
	s.sessions.Write(w, r, pair)
}

func (s *server) add(ctx context.Context, req *connect.Request[text]) (*connect.Response[empty], error) {
	t, _ := gate.FromContext(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, t.Subject+": "+req.Msg.Value)
	if s.added != nil {
		close(s.added)
		s.added = nil
	}
	return connect.NewResponse(&empty{}), nil
}

// since returns the notes from i on, and a channel that is closed when there are more.
func (s *server) since(i int) ([]string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.added == nil {
		s.added = make(chan struct{})
	}
	return slices.Clone(s.all[i:]), s.added
}

// watch sends notes until the client leaves or its token is no longer accepted.
func (s *server) watch(ctx context.Context, _ *connect.Request[empty], stream *connect.ServerStream[text]) error {
	for sent := 0; ; {
		list, more := s.since(sent)
		for _, note := range list {
			if err := stream.Send(&text{Value: note}); err != nil {
				return err
			}
		}
		sent += len(list)
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *server) count(context.Context, *connect.Request[empty]) (*connect.Response[count], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return connect.NewResponse(&count{Value: int64(len(s.all))}), nil
}
