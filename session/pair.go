package session

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/jwtgate/gate"
)

// Pair is the result of a login or a refresh: an access token and a refresh token of one
// session. Printing a Pair shows neither.
type Pair struct{ *tokens }

// tokens has the tokens of a Pair. It is behind a pointer in a struct, which fmt does not
// follow.
type tokens struct {
	access, refresh           string
	accessToken, refreshToken *gate.Token
}

func newPair(t tokens) *Pair { return &Pair{&t} }

// Access returns the text of the access token.
func (p Pair) Access() string { return p.access }

// Refresh returns the text of the refresh token.
func (p Pair) Refresh() string { return p.refresh }

// AccessToken returns the access token in its decoded form.
func (p Pair) AccessToken() *gate.Token { return p.accessToken }

// RefreshToken returns the refresh token in its decoded form.
func (p Pair) RefreshToken() *gate.Token { return p.refreshToken }

// String returns a text with the subject and the session ID.
func (p Pair) String() string {
	if p.tokens == nil {
		return "session.Pair()"
	}
	return fmt.Sprintf("session.Pair(sub=%q sid=%q)", p.refreshToken.Subject, p.refreshToken.SessionID)
}

// Format implements fmt.Formatter. Every verb prints the result of String.
func (p Pair) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, p.String()) }

// LogValue implements slog.LogValuer. It returns the result of String.
func (p Pair) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalJSON always returns an error. Use [Manager.Write] or [Manager.Body], which follow
// Options.Delivery.
func (p Pair) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("session: a Pair is not written as JSON; use Manager.Write or Manager.Body")
}
