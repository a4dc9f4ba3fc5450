// Package jws reads and signs compact JSON Web Signatures (RFC 7515 section 7.1)
// on Go's standard crypto. It knows the serialization, the header and the
// algorithms; it knows nothing of claims, policy or where keys come from.
package jws

import (
	"encoding/base64"
	"strings"
	"unsafe"

	"github.com/jwtgate/gate/internal/scan"
)

// Limits on header and payload JSON.
const (
	MaxDepth   = 64
	MaxMembers = 1024
)

// Enc is the one encoding of segments: base64url without padding, no unused bits.
var Enc = base64.RawURLEncoding.Strict()

// alphabet is that of Enc.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// Parts are the three segments of a token, still encoded.
type Parts struct{ Header, Payload, Signature, Input string }

// Split cuts a token at its two dots. It costs the same for every token over max.
func Split(token string, max int) (Parts, error) {
	if len(token) > max {
		return Parts{}, ErrTooLarge
	}
	h := strings.IndexByte(token, '.')
	if h < 0 {
		return Parts{}, ErrSegments
	}
	p := strings.IndexByte(token[h+1:], '.')
	if p < 0 {
		return Parts{}, ErrSegments
	}
	p += h + 1
	if strings.IndexByte(token[p+1:], '.') >= 0 {
		return Parts{}, ErrMoreSegments
	}
	return Parts{token[:h], token[h+1 : p], token[p+1:], token[:p]}, nil
}

// Bytes returns the bytes of s without a copy; they must not be written to.
func Bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Decode decodes a segment into dst, which must be large enough. Unlike Go's decoder it
// refuses line ends: the result is then shorter than the length of the segment says, or
// that length is 1 modulo 4.
func Decode(dst []byte, segment string) (int, bool) {
	n, err := Enc.Decode(dst, Bytes(segment))
	return n, err == nil && n == Enc.DecodedLen(len(segment)) && len(segment)%4 != 1
}

// Canonical reports whether a segment no longer than any signature is canonical
// base64url.
func Canonical(segment string) bool {
	var buf [maxSignature]byte
	if Enc.DecodedLen(len(segment)) > len(buf) {
		return false
	}
	_, ok := Decode(buf[:], segment)
	return ok
}

// DecodeSegment decodes a segment into fresh memory.
func DecodeSegment(segment string) ([]byte, bool) {
	b := make([]byte, Enc.DecodedLen(len(segment)))
	n, ok := Decode(b, segment)
	return b[:n], ok
}

// Header holds the header fields that matter before the signature is checked.
type Header struct {
	Alg, KeyID, Type string
	JSON             []byte
}

// ParseHeader reads the header of p strictly, and looks at the form of the other
// two segments. Nothing in it is verified. With ErrNested the header is returned, and
// nothing else is wrong with it.
func ParseHeader(p Parts) (Header, error) {
	text, ok := DecodeSegment(p.Header)
	if !ok {
		return Header{}, ErrHeaderEncoding
	}
	h := Header{JSON: text}
	err := h.read(text)
	if err != nil && err != ErrNested {
		return Header{}, err
	}
	if form := CheckForm(p); form != nil {
		return Header{}, form
	}
	return h, err
}

// read fills h from its JSON text.
func (h *Header) read(text []byte) error {
	r := scan.New(text, MaxDepth, MaxMembers)
	if c := r.Kind(); c != '{' && r.Skip() && r.End() {
		return ErrHeaderObject
	}
	var f headerFields
	var seen scan.Names
	r.Open('{')
	for first := true; r.More(first, '}'); first = false {
		name := r.Name()
		r.Once(&seen, name)
		f.member(&r, name)
	}
	if !r.End() {
		if r.Fault() == scan.TooLarge {
			return ErrTooLarge
		}
		return ErrHeaderJSON
	}
	h.Alg, h.KeyID, h.Type = f.alg.text, f.kid.text, f.typ.text
	return f.check()
}

// headerFields collects what a verdict needs, so that the verdict does not depend
// on the order of the members.
type headerFields struct {
	alg, kid, typ, cty field
	crit               []string
	critSeen, critBad  bool
	critType, b64, zip bool
}

type field struct {
	text      string
	seen, bad bool
}

func (f *headerFields) member(r *scan.Reader, name string) {
	switch name {
	case "alg":
		f.alg.read(r)
	case "kid":
		f.kid.read(r)
	case "typ":
		f.typ.read(r)
	case "cty":
		f.cty.read(r)
	case "crit":
		f.readCrit(r)
	case "b64":
		f.b64 = true
		r.Skip()
	case "zip":
		f.zip = true
		r.Skip()
	default:
		r.Skip()
	}
}

func (s *field) read(r *scan.Reader) {
	s.seen = true
	if r.Kind() == '"' {
		s.text = r.Str()
		return
	}
	s.bad = true
	r.Skip()
}

func (f *headerFields) readCrit(r *scan.Reader) {
	f.critSeen = true
	if r.Kind() != '[' {
		f.critBad = true
		r.Skip()
		return
	}
	r.Open('[')
	for first := true; r.More(first, ']'); first = false {
		if r.Kind() != '"' {
			f.critType = true
			r.Skip()
			continue
		}
		f.crit = append(f.crit, r.Str())
	}
	f.critBad = len(f.crit) == 0 && !f.critType
}

// check judges a header that was read in full (RFC 7515 section 4.1.11, RFC 7797).
func (f *headerFields) check() error {
	switch {
	case f.kid.bad:
		return ErrKeyIDType
	case f.critBad:
		return ErrCriticalEmpty
	case f.critType:
		return ErrCriticalType
	case f.critSeen && f.crit[0] == "b64" && !f.b64:
		return ErrCriticalAbsent
	case f.critSeen:
		return ErrCritical
	case f.b64:
		return ErrUnencoded
	case f.zip:
		return ErrCompressed
	case f.typ.bad:
		return ErrTypeType
	case !f.alg.seen:
		return ErrAlgMissing
	case f.alg.bad:
		return ErrAlgType
	case f.cty.seen && (f.cty.bad || strings.TrimPrefix(strings.ToLower(f.cty.text), "application/") == "jwt"):
		return ErrNested
	}
	return nil
}

// CheckForm looks at what can be said of payload and signature without decoding
// them.
func CheckForm(p Parts) error {
	switch {
	case p.Payload == "":
		return ErrPayloadEmpty
	case len(p.Payload)%4 == 1:
		return ErrPayloadEncoding
	case len(p.Signature)%4 == 1 && strings.Trim(p.Signature, alphabet) == "":
		return ErrSignatureLength
	case len(p.Signature)%4 == 1:
		return ErrSignatureEncoding
	}
	return nil
}
