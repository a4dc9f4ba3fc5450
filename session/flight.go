package session

import (
	"context"
	"errors"
)

// flight is a refresh in progress.
type flight struct {
	done chan struct{} // closed when pair and err are set
	pair *Pair
	err  error
}

var errAborted = errors.New("session: the refresh was not finished")

// once calls do. If a call with the same key is in progress, once waits for its result
// instead. do goes on when the first client disconnects, since other calls may wait for
// it.
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
	f := &flight{done: make(chan struct{}), err: errAborted} // for the calls that wait, if do panics
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
