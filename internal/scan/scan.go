// Package scan reads JSON text strictly and in one pass, without building a tree.
//
// It accepts what RFC 8259 allows and nothing else, and refuses more than
// encoding/json does: invalid UTF-8, lone surrogates, duplicate member names at
// any depth, anything after the value, and text that is nested too deeply or has
// too many members. A [Reader] never panics and allocates only for strings that
// hold escapes and for objects with many members.
package scan

import (
	"encoding/binary"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Fault tells why a text was refused.
type Fault uint8

const (
	OK        Fault = iota
	Syntax          // not JSON, or not the JSON value asked for
	Encoding        // invalid UTF-8 or a lone surrogate
	Duplicate       // one name twice in one object
	TooLarge        // deeper, or with more members, than allowed
)

// A Reader walks over one JSON text. Its methods stop at the first fault, which
// Fault then reports; after that every method returns the zero value.
type Reader struct {
	s       string
	i       int
	plain   bool // printable ASCII without backslash: strings end at the next quote
	fault   Fault
	depth   int // levels still allowed
	members int // members and elements still allowed
}

// New returns a Reader over text, which must not change while strings that the
// Reader returned are in use: they share its memory. At most depth levels of
// nesting and members names or elements in all are accepted.
func New(text []byte, depth, members int) Reader {
	r := Reader{s: unsafe.String(unsafe.SliceData(text), len(text)), depth: depth, members: members}
	r.plain = plain(text)
	if !r.plain && !utf8.Valid(text) {
		r.fault = Encoding
	}
	return r
}

// plain reports whether every byte is printable ASCII other than a backslash.
func plain(b []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	var bad uint64
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		x := w ^ ones*'\\'
		bad |= w | (w - ones*0x20) | (x - ones)
	}
	ok := bad&high == 0
	for _, c := range b {
		ok = ok && c >= 0x20 && c < 0x80 && c != '\\'
	}
	return ok
}

// Fault returns the first fault met.
func (r *Reader) Fault() Fault { return r.fault }

func (r *Reader) fail(f Fault) {
	if r.fault == OK {
		r.fault = f
	}
}

// Pos is the offset of the next byte to be read.
func (r *Reader) Pos() int { return r.i }

// Text returns the text between two positions.
func (r *Reader) Text(from, to int) string { return r.s[from:to] }

func (r *Reader) space() {
	for r.i < len(r.s) {
		if c := r.s[r.i]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		r.i++
	}
}

// Kind skips white space and returns the first byte of the next token, or 0.
func (r *Reader) Kind() byte {
	if r.fault != OK {
		return 0
	}
	r.space()
	if r.i >= len(r.s) {
		return 0
	}
	return r.s[r.i]
}

// Open enters the object or array that starts with the byte c.
func (r *Reader) Open(c byte) bool {
	if r.Kind() != c {
		r.fail(Syntax)
		return false
	}
	if r.depth--; r.depth < 0 {
		r.fail(TooLarge)
		return false
	}
	r.i++
	return true
}

// More reports whether the open object or array, which ends with the byte end,
// has another member. first is true for its first. At the end it closes it.
func (r *Reader) More(first bool, end byte) bool {
	c := r.Kind()
	if c == end {
		r.i++
		r.depth++
		return false
	}
	if !first {
		if c != ',' {
			r.fail(Syntax)
			return false
		}
		r.i++
		if r.Kind() == end {
			r.fail(Syntax)
			return false
		}
	}
	if r.members--; r.members < 0 {
		r.fail(TooLarge)
	}
	return r.fault == OK
}

// Name reads a member name and the colon behind it.
func (r *Reader) Name() string {
	s := r.Str()
	if r.i < len(r.s) && r.s[r.i] == ':' {
		r.i++
		return s
	}
	if r.Kind() != ':' {
		r.fail(Syntax)
		return ""
	}
	r.i++
	return s
}

// End reports whether the whole text was read without a fault.
func (r *Reader) End() bool {
	if r.Kind() != 0 || r.i != len(r.s) {
		r.fail(Syntax)
	}
	return r.fault == OK
}

// Str reads a string. It shares memory with the text unless it holds escapes.
func (r *Reader) Str() string {
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

// escape appends the character that the escape behind the backslash stands for,
// and returns how many bytes it takes; 0 when it is not one.
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
	if r.fault != OK {
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
	if r.fault == OK && len(r.s)-r.i >= len(word) && r.s[r.i:r.i+len(word)] == word {
		r.i += len(word)
		return true
	}
	r.fail(Syntax)
	return false
}

// Skip reads any value and reports whether it was without fault.
func (r *Reader) Skip() bool {
	switch r.Kind() {
	case '"':
		r.Str()
	case '{':
		r.skipObject()
	case '[':
		r.Open('[')
		for first := true; r.More(first, ']'); first = false {
			r.Skip()
		}
	case 't':
		r.Literal("true")
	case 'f':
		r.Literal("false")
	case 'n':
		r.Literal("null")
	default:
		r.Number()
	}
	return r.fault == OK
}

func (r *Reader) skipObject() {
	var seen Names
	r.Open('{')
	for first := true; r.More(first, '}'); first = false {
		if name := r.Name(); r.fault == OK && !seen.Add(name) {
			r.fail(Duplicate)
		}
		r.Skip()
	}
}

// Duplicate records that a name came twice. A caller that reads an object member
// by member keeps its own [Names].
func (r *Reader) Duplicate() { r.fail(Duplicate) }

// Names remembers the member names of one object. Its zero value is empty.
type Names struct {
	few  [8]string
	n    int
	many map[string]struct{}
}

// Add reports whether name is new, and remembers it.
func (n *Names) Add(name string) bool {
	if n.many != nil {
		_, old := n.many[name]
		n.many[name] = struct{}{}
		return !old
	}
	for _, s := range n.few[:n.n] {
		if s == name {
			return false
		}
	}
	if n.n < len(n.few) {
		n.few[n.n] = name
		n.n++
		return true
	}
	n.many = make(map[string]struct{}, 2*len(n.few))
	for _, s := range n.few {
		n.many[s] = struct{}{}
	}
	n.many[name] = struct{}{}
	return true
}
