//go:build unix

package faults_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// The stores below are the planted bugs.

// naive is the store of many a manual: SET with the token's lifetime, EXISTS. It does
// not see that its server was emptied, knows no leeway, and waits for no replica.
type naive struct{ client rueidis.Client }

func (s naive) RevokeToken(ctx context.Context, t *gate.Token, _ stores.Note) error {
	left := max(time.Until(t.Expiry), time.Millisecond)
	return s.client.Do(ctx, s.client.B().Set().Key("naive:"+t.ID).Value("").Px(left).Build()).Error()
}

func (s naive) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	n, err := s.client.Do(ctx, s.client.B().Exists().Key("naive:"+t.ID).Build()).AsInt64()
	return n == 1, err
}

// trusting takes an error for "not revoked".
type trusting struct{ gate.Blocklist }

func (s trusting) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	blocked, err := s.Blocklist.Blocked(ctx, t)
	return blocked && err == nil, nil
}

// hasty takes a change as made, whatever the store said.
type hasty struct{ revoker }

func (s hasty) RevokeToken(ctx context.Context, t *gate.Token, n stores.Note) error {
	_ = s.revoker.RevokeToken(ctx, t, n)
	return nil
}

// hoarder remembers verdicts for a time, without being told of changes.
type hoarder struct {
	gate.Blocklist
	keep time.Duration
	mu   sync.Mutex
	seen map[string]time.Time // not revoked at
}

func (s *hoarder) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	s.mu.Lock()
	at, ok := s.seen[t.ID]
	s.mu.Unlock()
	if ok && time.Since(at) < s.keep {
		return false, nil
	}
	blocked, err := s.Blocklist.Blocked(ctx, t)
	if err == nil && !blocked {
		s.mu.Lock()
		s.seen[t.ID] = time.Now()
		s.mu.Unlock()
	}
	return blocked, err
}

// patient waits for an answer whatever the context says.
type patient struct{ gate.Blocklist }

func (s patient) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return s.Blocklist.Blocked(ctx, t)
}

// misreader speaks the protocol by itself, and goes on using a connection on which it
// has given up an answer: the next question gets that one.
type misreader struct {
	addr string
	mu   sync.Mutex
	conn net.Conn
	in   *bufio.Reader
}

func (s *misreader) Blocked(_ context.Context, t *gate.Token) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		conn, err := net.DialTimeout("tcp", s.addr, time.Second)
		if err != nil {
			return false, err
		}
		s.conn, s.in = conn, bufio.NewReader(conn)
	}
	_ = s.conn.SetDeadline(time.Now().Add(80 * time.Millisecond))
	if _, err := fmt.Fprintf(s.conn, "EXISTS naive:%s\r\n", t.ID); err != nil {
		s.conn = nil
		return false, err
	}
	line, err := s.in.ReadString('\n')
	var slow net.Error
	switch {
	case errors.As(err, &slow) && slow.Timeout():
		return false, err // the bug: the connection is kept
	case err != nil:
		s.conn = nil
		return false, err
	}
	return strings.HasPrefix(line, ":1"), nil
}
