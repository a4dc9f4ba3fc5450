//go:build go1.27 && goexperiment.jsonv2

// Package jsontext is the standard library's encoding/json/jsontext where it has one,
// as package json is its encoding/json/v2.
package jsontext

import "encoding/json/jsontext"

type (
	// Value is the text of one JSON value.
	Value = jsontext.Value
	// Token is a JSON value that is no array or object, or the begin or end of one.
	Token = jsontext.Token
	// Encoder writes JSON.
	Encoder = jsontext.Encoder
	// Decoder reads JSON.
	Decoder = jsontext.Decoder
)

// ErrDuplicateName is in the error about an object that has a name twice.
var ErrDuplicateName = jsontext.ErrDuplicateName

// Int returns a number.
func Int(n int64) Token { return jsontext.Int(n) }

// AppendQuote appends a string as JSON.
func AppendQuote[Bytes ~[]byte | ~string](dst []byte, src Bytes) ([]byte, error) {
	return jsontext.AppendQuote(dst, src)
}
