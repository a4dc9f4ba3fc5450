package gate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"
)

// claimWriter writes the members of the claims object.
type claimWriter struct {
	b     []byte
	extra map[string]any // claims of the application, which replace those of the gate
	err   error
}

// name starts a member unless extra has one of that name.
func (w *claimWriter) name(name string) bool {
	if len(w.extra) > 0 {
		if _, ok := w.extra[name]; ok {
			return false
		}
	}
	if len(w.b) > 1 {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
	return true
}

func (w *claimWriter) int(name string, v int64) {
	if w.name(name) {
		w.b = strconv.AppendInt(w.b, v, 10)
	}
}

func (w *claimWriter) string(name, v string) {
	if w.name(name) {
		w.b, w.err = quote(w.b, v, w.err)
	}
}

// id writes text that needs no escapes.
func (w *claimWriter) id(name string, v *[36]byte) {
	if w.name(name) {
		w.b = append(append(append(w.b, '"'), v[:]...), '"')
	}
}

// any writes a claim of the application.
func (w *claimWriter) any(name string, v any) {
	if len(w.b) > 1 {
		w.b = append(w.b, ',')
	}
	w.b, w.err = quote(w.b, name, w.err)
	w.b = append(w.b, ':')
	if at, ok := v.(time.Time); ok && slices.Contains(timeClaims, name) {
		v = at.Unix() // a NumericDate, not the text of a time
	}
	w.value(name, v)
}

// value writes v as JSON.
func (w *claimWriter) value(name string, v any) {
	text, err := json.Marshal(v, writeOptions)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("claim %q: %w", name, err)
	}
	w.b = append(w.b, text...)
}

// quote appends a JSON string. Text that is not UTF-8 is an error, not replaced.
func quote(b []byte, s string, old error) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			b, err := jsontext.AppendQuote(b, s)
			if old == nil {
				old = err
			}
			return b, old
		}
	}
	return append(append(append(b, '"'), s...), '"'), old
}

func (w *claimWriter) audience(c *Create) {
	if len(c.Audience) == 1 && !c.AudienceArray {
		w.b, w.err = quote(w.b, c.Audience[0], w.err)
		return
	}
	w.value("aud", c.Audience)
}

func appendFresh(b []byte, o *TokenOptions, now time.Time) []byte {
	if o.FreshFor == 0 {
		return strconv.AppendBool(b, o.Fresh)
	}
	until := now.Add(o.FreshFor)
	sec := float64(until.Unix()) + math.Round(float64(until.Nanosecond())/1e3)/1e6
	b = strconv.AppendFloat(b, sec, 'f', -1, 64)
	if sec == math.Trunc(sec) {
		b = append(b, ".0"...) // a time, as Flask-JWT-Extended writes it
	}
	return b
}
