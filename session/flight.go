package session

import (
	"context"
	"errors"
)

// flight is a refresh that is under way.
type flight struct {
	done chan struct{} // closed when pair and err are set
	pair *Pair
	err  error
}

var errAborted = errors.New("session: the refresh was not finished")

// once calls do, unless a call with this key is under way: then it waits for its result.
// do goes on when the client of the first caller leaves, since others may wait for it.
func (m *Manager) once(ctx context.Context, key string, do func(context.Context) (*Pair, error)) (*Pair, error) {
	m.mu.Lock()
	if f := m.flights[key]; f != nil {
		m.mu.Unlock()
		select {
		case <-f.done:
			return f.pair, f.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f := &flight{done: make(chan struct{}), err: errAborted} // for those who wait, if do panics
	m.flights[key] = f
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.flights, key)
		m.mu.Unlock()
		close(f.done)
	}()
	ctx, cancel := m.detached(ctx)
	defer cancel()
	f.pair, f.err = do(ctx)
	return f.pair, f.err
}
