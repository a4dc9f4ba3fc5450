package stores

import (
	"fmt"
	"io"
	"log/slog"
)

// A Scope is a name space of identifiers, and part of every hash by which a store knows
// one. The zero Scope is the name space "". It may be a secret, which keeps those who
// read a store from finding subjects by trying: nothing prints it, in other structs
// neither.
type Scope struct{ hidden *hiddenScope }

// hiddenScope is a second pointer on the way, since fmt follows the first one for a
// verb that does not fit.
type hiddenScope struct{ text *string }

// NewScope returns the scope of that text.
func NewScope(text string) Scope { return Scope{&hiddenScope{&text}} }

// Text returns the text of the scope, for stores.
func (s Scope) Text() string {
	if s.hidden == nil {
		return ""
	}
	return *s.hidden.text
}

// String tells nothing.
func (s Scope) String() string { return "stores.Scope" }

// Format implements fmt.Formatter, so that no verb shows more than String.
func (s Scope) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer with what String shows.
func (s Scope) LogValue() slog.Value { return slog.StringValue(s.String()) }
