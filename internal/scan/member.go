package scan

import "strings"

// A Value is a JSON value that was read.
type Value struct {
	// Kind is '"' for a string, [Int] or [Number], and 't', 'f', 'n', '[' or '{' for
	// the rest.
	Kind byte
	// Str is the content of a string, and of anything else its text.
	Str string
	Int int64
}

// The kinds of numbers.
const (
	Int    = '0' // a whole number of up to 18 digits: its value is in Value.Int
	Number = '1' // any other number: only its text is known
)

// IsNumber reports whether v is a number.
func (v Value) IsNumber() bool { return v.Kind == Int || v.Kind == Number }

// Member reads the next member of the open object in one go, if it is of the usual
// form: no white space or escapes, and a string, true, false or a whole number of up
// to 18 digits as value. If not, or if there is no next member, ok is false and
// nothing is read: go on with More, Name and Value. first is true for the first
// member.
//
// It works on copies of the reader's position, in registers: for the tokens that a
// gate writes itself this is the whole of the reading.
func (r *Reader) Member(first bool) (name string, v Value, ok bool) {
	s, i := r.s, r.i
	if !r.plain || r.fault != OK || r.members <= 0 || len(s)-i < 2 {
		return "", v, false
	}
	if !first {
		if s[i] != ',' {
			return "", v, false
		}
		i++
	}
	if s[i] != '"' {
		return "", v, false
	}
	start := i + 1
	for i = start; i < len(s) && s[i] != '"'; i++ {
	}
	if i+2 >= len(s) || s[i+1] != ':' {
		return "", v, false
	}
	name = s[start:i]
	v, i = usual(s, i+2)
	if i == 0 || i >= len(s) || s[i] != ',' && s[i] != '}' {
		return "", v, false
	}
	r.i = i
	r.members--
	return name, v, true
}

// usual reads a value of the usual form at i, and returns where it ends, or 0.
func usual(s string, i int) (v Value, end int) {
	switch c := s[i]; {
	case c == '"':
		if n := strings.IndexByte(s[i+1:], '"'); n >= 0 {
			return Value{Kind: '"', Str: s[i+1 : i+1+n]}, i + n + 2
		}
	case c-'0' <= 9:
		start, n := i, int64(0)
		for ; i < len(s) && i-start < 19 && s[i]-'0' <= 9; i++ {
			n = n*10 + int64(s[i]-'0')
		}
		if i-start < 19 && (c != '0' || i-start == 1) {
			return Value{Kind: Int, Str: s[start:i], Int: n}, i
		}
	case strings.HasPrefix(s[i:], "true"):
		return Value{Kind: 't', Str: s[i : i+4]}, i + 4
	case strings.HasPrefix(s[i:], "false"):
		return Value{Kind: 'f', Str: s[i : i+5]}, i + 5
	}
	return Value{}, 0
}

// Value reads any value.
func (r *Reader) Value() Value {
	c := r.Kind()
	from := r.i
	switch {
	case c == '"':
		return Value{Kind: '"', Str: r.Str()}
	case c == '-' || c-'0' <= 9:
		return Value{Kind: Number, Str: r.Number()}
	case !r.Skip():
		return Value{}
	}
	return Value{Kind: c, Str: r.s[from:r.i]}
}
