package gate

import (
	"cmp"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"
)

// timeClaims are the claims whose value is a NumericDate (RFC 7519, OpenID Connect).
var timeClaims = []string{"exp", "nbf", "iat", "auth_time"}

// asEncodingJSON has Go values written and read as users of encoding/json know it.
var asEncodingJSON = json.JoinOptions(
	json.FormatByteArrayAsArray(true), json.FormatDurationAsNano(true), json.OmitEmptyWithLegacySemantics(true),
)

var writeOptions = json.JoinOptions(asEncodingJSON, json.Deterministic(true), json.WithMarshalers(json.JoinMarshalers(
	json.MarshalToFunc(writeNumber), json.MarshalToFunc(writeTime),
)))

var readOptions = json.JoinOptions(asEncodingJSON, json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(readTime), json.UnmarshalFromFunc(readAny), json.UnmarshalFromFunc(readNumber),
)))

// writeNumber writes a json.Number as a number; the library takes it for a string.
func writeNumber(e *jsontext.Encoder, n stdjson.Number) error {
	if n == "" {
		n = "0" // as encoding/json does
	}
	return e.WriteValue(jsontext.Value(n))
}

// writeTime writes the times of a struct that have the name of a NumericDate as one.
func writeTime(e *jsontext.Encoder, t time.Time) error {
	if p := e.StackPointer(); e.StackDepth() == 1 && slices.Contains(timeClaims, strings.TrimPrefix(string(p), "/")) {
		return e.WriteToken(jsontext.Int(t.Unix()))
	}
	return errors.ErrUnsupported
}

// readTime also takes a NumericDate, cut to whole seconds.
func readTime(d *jsontext.Decoder, t *time.Time) error {
	if d.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	text, err := d.ReadValue()
	sec, outside := strconv.ParseFloat(string(text), 64)
	if cmp.Or(err, outside) != nil || sec >= maxTime || sec <= -maxTime {
		return errors.New("a time is out of range")
	}
	*t = time.Unix(int64(sec), 0).UTC()
	return nil
}

// readNumber takes a number for a json.Number.
func readNumber(d *jsontext.Decoder, n *stdjson.Number) error {
	if d.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	v, err := d.ReadValue()
	*n = stdjson.Number(v)
	return err
}

// readAny keeps the digits of whole numbers that a float64 would round.
func readAny(d *jsontext.Decoder, v *any) error {
	if d.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	text, err := d.ReadValue()
	*v = numberAny(string(text))
	return err
}

// claimsOf returns the claims that a call gives: a map, or what JSON makes of a struct.
func claimsOf(v any) (map[string]any, error) {
	switch m := v.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return m, nil
	}
	text, err := json.Marshal(v, writeOptions)
	if err != nil {
		return nil, fmt.Errorf("Claims: %w", err)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, fmt.Errorf("Claims is a %T, which is no JSON object; give a map or a struct", v)
	}
	claims := make(map[string]any, len(members))
	for name, value := range members {
		claims[name] = value
		var s string
		if json.Unmarshal(value, &s) == nil && value.Kind() == '"' {
			claims[name] = s
		}
	}
	return claims, nil
}

// numberAny is a float64, or, for a whole number of which a float64 would lose digits and
// for what it cannot hold, a json.Number, which has them all.
func numberAny(text string) any {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || isInteger(text) && strconv.FormatFloat(f, 'f', -1, 64) != text {
		return stdjson.Number(text)
	}
	return f
}
