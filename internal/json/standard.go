//go:build go1.27 && goexperiment.jsonv2

// Package json is the standard library's encoding/json/v2 where it has one, from
// Go 1.27 on, and the library that it came from elsewhere. It has only the names that
// this project uses, and goes the day that Go 1.26 is no longer supported.
package json

import (
	jsonv1 "encoding/json"
	"encoding/json/jsontext"
	"encoding/json/v2"
)

type (
	// Options are settings of one call.
	Options = json.Options
	// Marshalers write values of certain types.
	Marshalers = json.Marshalers
	// Unmarshalers read values of certain types.
	Unmarshalers = json.Unmarshalers
)

// Marshal returns the JSON of a value.
func Marshal(in any, opts ...Options) ([]byte, error) { return json.Marshal(in, opts...) }

// Unmarshal reads JSON into a value. A name that comes twice is an error.
func Unmarshal(in []byte, out any, opts ...Options) error { return json.Unmarshal(in, out, opts...) }

// JoinOptions returns all of the options as one; later ones win.
func JoinOptions(opts ...Options) Options { return json.JoinOptions(opts...) }

// Deterministic says whether equal values become equal text.
func Deterministic(v bool) Options { return json.Deterministic(v) }

// FormatByteArrayAsArray says whether arrays of bytes are written as encoding/json does.
func FormatByteArrayAsArray(v bool) Options { return jsonv1.FormatByteArrayAsArray(v) }

// FormatDurationAsNano says whether durations are written as encoding/json does.
func FormatDurationAsNano(v bool) Options { return jsonv1.FormatDurationAsNano(v) }

// OmitEmptyWithLegacySemantics says whether omitempty means what encoding/json means.
func OmitEmptyWithLegacySemantics(v bool) Options { return jsonv1.OmitEmptyWithLegacySemantics(v) }

// WithMarshalers has values written by m.
func WithMarshalers(m *Marshalers) Options { return json.WithMarshalers(m) }

// JoinMarshalers returns all of the marshalers as one; earlier ones win.
func JoinMarshalers(ms ...*Marshalers) *Marshalers { return json.JoinMarshalers(ms...) }

// MarshalToFunc has values of type T written by f, unless it returns
// errors.ErrUnsupported.
func MarshalToFunc[T any](f func(*jsontext.Encoder, T) error) *Marshalers {
	return json.MarshalToFunc(f)
}

// WithUnmarshalers has values read by u.
func WithUnmarshalers(u *Unmarshalers) Options { return json.WithUnmarshalers(u) }

// JoinUnmarshalers returns all of the unmarshalers as one; earlier ones win.
func JoinUnmarshalers(us ...*Unmarshalers) *Unmarshalers { return json.JoinUnmarshalers(us...) }

// UnmarshalFromFunc has values of type T read by f, unless it returns
// errors.ErrUnsupported.
func UnmarshalFromFunc[T any](f func(*jsontext.Decoder, T) error) *Unmarshalers {
	return json.UnmarshalFromFunc(f)
}
