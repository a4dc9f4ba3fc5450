package main

import (
	"context"
	"database/sql"
	"time"

	"github.com/jwtgate/gate"
)

// revoked is the table of sessions that were logged out. It is the gate's blocklist.
type revoked struct{ db *sql.DB }

var _ gate.Blocklist = revoked{}

// Blocked reports whether t belongs to a session that was logged out. The demo gives
// every token a session; one without has another maker, and is not let in.
func (s revoked) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	if t.SessionID == "" {
		return true, nil
	}
	var blocked bool
	err := s.db.QueryRowContext(ctx,
		"SELECT EXISTS (SELECT 1 FROM revoked_sessions WHERE id = ?)", t.SessionID).Scan(&blocked)
	return blocked, err
}

// add revokes a session until all its tokens have expired, and forgets those whose
// tokens have.
func (s revoked) add(ctx context.Context, session string, until time.Time) error {
	if _, err := s.db.ExecContext(ctx, "DELETE FROM revoked_sessions WHERE expires < ?", time.Now().Unix()); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx,
		"INSERT INTO revoked_sessions (id, expires) VALUES (?, ?) ON CONFLICT DO NOTHING", session, until.Unix())
	return err
}
