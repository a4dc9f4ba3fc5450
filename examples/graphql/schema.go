package main

import (
	"context"
	"errors"
	"sync"

	"github.com/jwtgate/gate"
)

const schema = `
	type Query {
		"How many notes there are. For everybody."
		count: Int!
		"Who sends the query. For users."
		me: String!
		"For users."
		notes: [String!]!
	}
	type Mutation {
		"For users with the scope notes:write."
		add(note: String!): Int!
		"For users who have just logged in."
		clear: Int!
	}
	type Subscription {
		"The notes as they are added. For users."
		added: String!
	}
`

// The policies of the fields.
var (
	user   = gate.Policy{}
	writer = gate.Policy{Scopes: []string{"notes:write"}}
	fresh  = gate.Policy{Fresh: true}
)

// A checker checks the token of a request, or of a WebSocket, against a policy.
type checker func(gate.Policy) (*gate.Token, error)

type checkerKey struct{}

func withChecker(ctx context.Context, c checker) context.Context {
	return context.WithValue(ctx, checkerKey{}, c)
}

// check is the first line of each field with a policy.
func check(ctx context.Context, p gate.Policy) (*gate.Token, error) {
	c, ok := ctx.Value(checkerKey{}).(checker)
	if !ok {
		return nil, errors.New("the context has no checker")
	}
	t, err := c(p)
	if err != nil {
		return nil, fieldError{err}
	}
	return t, nil
}

// fieldError is the error of a field that was refused. It has nothing of the cause.
type fieldError struct{ err error }

// Error implements error.
func (e fieldError) Error() string {
	if r := (*gate.Error)(nil); errors.As(e.err, &r) {
		return r.Message()
	}
	return "The service cannot check the token now; try again"
}

// Extensions has the reason of the refusal for programs.
func (e fieldError) Extensions() map[string]any {
	if r := (*gate.Error)(nil); errors.As(e.err, &r) {
		return map[string]any{"code": r.Reason}
	}
	return map[string]any{"code": "unavailable"}
}

// resolver resolves the fields.
type resolver struct {
	mu       sync.Mutex
	all      []string
	watchers map[chan string]bool
}

func (r *resolver) Count() int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int32(len(r.all))
}

func (r *resolver) Me(ctx context.Context) (string, error) {
	t, err := check(ctx, user)
	if err != nil {
		return "", err
	}
	return t.Subject, nil
}

func (r *resolver) Notes(ctx context.Context) ([]string, error) {
	if _, err := check(ctx, user); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.all...), nil
}

func (r *resolver) Add(ctx context.Context, args struct{ Note string }) (int32, error) {
	t, err := check(ctx, writer)
	if err != nil {
		return 0, err
	}
	note := t.Subject + ": " + args.Note
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, note)
	for w := range r.watchers {
		select {
		case w <- note:
		default: // too slow for this note
		}
	}
	return int32(len(r.all)), nil
}

func (r *resolver) Clear(ctx context.Context) (int32, error) {
	if _, err := check(ctx, fresh); err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.all)
	r.all = nil
	return int32(n), nil
}

// Added sends each note that is added, until ctx is canceled.
func (r *resolver) Added(ctx context.Context) (<-chan string, error) {
	if _, err := check(ctx, user); err != nil {
		return nil, err
	}
	notes := make(chan string, 16)
	r.mu.Lock()
	r.watchers[notes] = true
	r.mu.Unlock()
	context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, notes)
		close(notes)
	})
	return notes, nil
}
