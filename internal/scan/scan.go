// Package scan reads JSON text strictly and in one pass, without building a tree.
//
// It accepts what RFC 8259 allows and nothing else, and refuses more than
// encoding/json does: invalid UTF-8, lone surrogates, duplicate member names at
// any depth, anything after the value, and text that is nested too deeply or has
// too many members. A [Reader] never panics and allocates only for strings that
// hold escapes and for objects with many members.
package scan

import (
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
	plain   bool
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

// Fault returns the first fault met.
func (r *Reader) Fault() Fault { return r.fault }

func (r *Reader) fail(f Fault) {
	if r.fault == OK {
		r.fault = f
	}
}

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
		r.Once(&seen, r.Name())
		r.Skip()
	}
}

// Once makes a second member of the same name a fault. A caller that reads an object
// member by member keeps its own [Names].
func (r *Reader) Once(seen *Names, name string) {
	if r.fault == OK && !seen.add(name) {
		r.fail(Duplicate)
	}
}

// Duplicate makes a member that came before a fault, for a caller that counts members
// itself.
func (r *Reader) Duplicate() { r.fail(Duplicate) }

// Names remembers the member names of one object. Its zero value is empty.
type Names struct {
	few  [8]string
	n    int
	many map[string]struct{}
}

// add reports whether name is new, and remembers it.
func (n *Names) add(name string) bool {
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
