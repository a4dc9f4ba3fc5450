package scan

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// plain reports whether every byte is ASCII from the space on and no backslash: the
// common case, in which UTF-8 need not be checked and strings end at the next quote.
func plain(b []byte) bool {
	n := len(b) - 16
	if n < 0 {
		return !slices.ContainsFunc(b, func(c byte) bool { return c < 0x20 || c >= 0x80 || c == '\\' })
	}
	bad := odd16(b[n:]) // what the loop leaves over, and some of the rest
	for ; len(b) >= 16; b = b[16:] {
		bad |= odd16(b)
	}
	return bad&high == 0
}

const ones, high = 0x0101010101010101, 0x8080808080808080

// odd16 returns words in which the highest bit of a byte is set if one of the first
// 16 bytes of b is a control character, a backslash or beyond ASCII.
func odd16(b []byte) uint64 {
	v, w := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	return v | (v - ones*0x20) | ((v ^ ones*'\\') - ones) | w | (w - ones*0x20) | ((w ^ ones*'\\') - ones)
}

// Str reads a string. It shares memory with the text unless it holds escapes.
func (r *Reader) Str() string {
	if r.plain && r.fault == OK && r.i < len(r.s) && r.s[r.i] == '"' {
		start := r.i + 1
		if n := strings.IndexByte(r.s[start:], '"'); n >= 0 {
			r.i = start + n + 1
			return r.s[start : start+n]
		}
	}
	if r.Kind() != '"' {
		r.fail(Syntax)
		return ""
	}
	start := r.i + 1
	for j := start; j < len(r.s); j++ {
		switch c := r.s[j]; {
		case c == '"':
			r.i = j + 1
			return r.s[start:j]
		case c == '\\':
			return r.escaped(start, j)
		case c < 0x20:
			r.fail(Syntax)
			return ""
		}
	}
	r.fail(Syntax)
	return ""
}

// escaped reads the rest of a string from its first backslash at j.
func (r *Reader) escaped(start, j int) string {
	b := append(make([]byte, 0, len(r.s[start:j])+16), r.s[start:j]...)
	for j < len(r.s) {
		c := r.s[j]
		switch {
		case c == '"':
			r.i = j + 1
			return string(b)
		case c < 0x20:
			r.fail(Syntax)
			return ""
		case c != '\\':
			b = append(b, c)
			j++
			continue
		}
		var n int
		if b, n = r.escape(b, j+1); n == 0 {
			r.fail(Syntax)
			return ""
		}
		j += 1 + n
	}
	r.fail(Syntax)
	return ""
}

// escape appends the character that the escape after the backslash means, and
// returns how many bytes it takes; 0 when it is not one.
func (r *Reader) escape(b []byte, j int) ([]byte, int) {
	if j >= len(r.s) {
		return b, 0
	}
	switch c := r.s[j]; c {
	case '"', '\\', '/':
		return append(b, c), 1
	case 'b':
		return append(b, '\b'), 1
	case 'f':
		return append(b, '\f'), 1
	case 'n':
		return append(b, '\n'), 1
	case 'r':
		return append(b, '\r'), 1
	case 't':
		return append(b, '\t'), 1
	case 'u':
		c1, ok := hex4(r.s, j+1)
		if !ok {
			return b, 0
		}
		if !utf16.IsSurrogate(c1) {
			return utf8.AppendRune(b, c1), 5
		}
		if c2, ok := hex4(r.s, j+7); ok && r.s[j+5] == '\\' && r.s[j+6] == 'u' {
			if full := utf16.DecodeRune(c1, c2); full != utf8.RuneError {
				return utf8.AppendRune(b, full), 11
			}
		}
		r.fail(Encoding)
	}
	return b, 0
}

func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	v, err := strconv.ParseUint(s[i:i+4], 16, 32)
	return rune(v), err == nil
}

// Number reads a number and returns its text.
func (r *Reader) Number() string {
	if r.Kind() == 0 {
		r.fail(Syntax)
		return ""
	}
	n := numberLen(r.s[r.i:])
	if n == 0 {
		r.fail(Syntax)
		return ""
	}
	r.i += n
	return r.s[r.i-n : r.i]
}

// numberLen is the length of the JSON number at the start of s, or 0.
func numberLen(s string) int {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	switch n := digits(s[i:]); {
	case n == 0 || n > 1 && s[i] == '0':
		return 0
	default:
		i += n
	}
	if i < len(s) && s[i] == '.' {
		n := digits(s[i+1:])
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		n := digits(s[i:])
		if n == 0 {
			return 0
		}
		i += n
	}
	return i
}

func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// Literal reads one of true, false and null.
func (r *Reader) Literal(word string) bool {
	if r.Kind() != 0 && strings.HasPrefix(r.s[r.i:], word) {
		r.i += len(word)
		return true
	}
	r.fail(Syntax)
	return false
}
