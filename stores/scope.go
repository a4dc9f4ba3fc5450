package stores

import (
	"fmt"
	"io"
	"log/slog"
)

// A Scope is a name space of identifiers. It is part of every hash in a store. The
// zero Scope is the name space "". A secret scope protects subjects from guessing by
// those who can read the store, so a Scope is never printed, also not as part of
// another struct.
type Scope struct{ hidden *hiddenScope }

// hiddenScope is a second pointer on the way, since fmt follows the first one for a
// verb that does not fit.
type hiddenScope struct{ text *string }

// NewScope returns a scope with this text.
func NewScope(text string) Scope { return Scope{&hiddenScope{&text}} }

// Text returns the text of the scope, for stores.
func (s Scope) Text() string {
	if s.hidden == nil {
		return ""
	}
	return *s.hidden.text
}

// String does not show the text.
func (s Scope) String() string { return "stores.Scope" }

// Format implements fmt.Formatter, so that no verb shows more than String.
func (s Scope) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer with what String shows.
func (s Scope) LogValue() slog.Value { return slog.StringValue(s.String()) }
