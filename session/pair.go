package session

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/jwtgate/gate"
)

// Pair is what a login or a refresh hands out: an access token and a refresh token of one
// session. It prints neither.
type Pair struct{ *tokens }

// tokens are what a Pair must not show: fmt follows no second pointer.
type tokens struct {
	access, refresh           string
	accessToken, refreshToken *gate.Token
}

func newPair(t tokens) *Pair { return &Pair{&t} }

// Access returns the text of the access token.
func (p Pair) Access() string { return p.access }

// Refresh returns the text of the refresh token.
func (p Pair) Refresh() string { return p.refresh }

// AccessToken returns what a check of the access token would return.
func (p Pair) AccessToken() *gate.Token { return p.accessToken }

// RefreshToken returns what a check of the refresh token would return.
func (p Pair) RefreshToken() *gate.Token { return p.refreshToken }

// String names the session and its user.
func (p Pair) String() string {
	if p.tokens == nil {
		return "session.Pair()"
	}
	return fmt.Sprintf("session.Pair(sub=%q sid=%q)", p.refreshToken.Subject, p.refreshToken.SessionID)
}

// Format implements fmt.Formatter, so that no verb shows more than String.
func (p Pair) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, p.String()) }

// LogValue implements slog.LogValuer with what String shows.
func (p Pair) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalJSON refuses: [Manager.Write] and [Manager.Body] answer with what the delivery
// allows in a body.
func (p Pair) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("session: a Pair is not written as JSON; use Manager.Write or Manager.Body")
}
