package keys

import (
	"bytes"
	"crypto/ecdsa"
	"math/big"
	"regexp"
	"strconv"
	"sync"
)

// isText reports whether a decoded text may be a wrapping in its turn. What was
// decoded in a wrong way is not printable, and so is not looked at any further.
func isText(b []byte) bool {
	strange := 0
	for _, c := range b {
		if c >= 0x7f || c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0 {
			strange++
		}
	}
	return strange <= len(b)/20
}

// withoutNULs is the text of UTF-16 and UTF-32, of which half is NUL or more.
func withoutNULs(text []byte) []content {
	if 3*bytes.Count(text, []byte{0}) <= len(text) {
		return nil
	}
	return []content{{bytes.ReplaceAll(text, []byte{0}, nil), true}}
}

var escape = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)|%[0-9a-fA-F]{2}`)

// unescaped is the text of a string of JSON, of a shell or of a URL. Backslashes in bytes
// that are no text escape nothing.
func unescaped(text []byte) []content {
	if !isText(text) || !escape.Match(text) {
		return nil
	}
	return []content{{escape.ReplaceAllFunc(text, unescape), true}}
}

func unescape(e []byte) []byte {
	switch {
	case len(e) > 2:
		n, _ := strconv.ParseUint(string(bytes.TrimLeft(e, `\ux%`)), 16, 16)
		return []byte(string(rune(n)))
	case e[1] == 'n', e[1] == 'r', e[1] == 't':
		return []byte("\n")
	}
	return e[1:]
}

// decimals are the numbers in the text that are as long as a modulus.
func decimals(text []byte) []content {
	var all []content
	for _, run := range runs(text, func(c byte) bool { return '0' <= c && c <= '9' }) {
		if len(run) > maxRSABits/3 {
			continue
		}
		n, _ := new(big.Int).SetString(string(run), 10)
		all = append(all, content{n.Bytes(), true})
	}
	return all
}

// minRun is the shortest run of characters that is decoded.
const minRun = 16

// runs are the longest parts of the text that consist of the characters wanted.
func runs(text []byte, want func(byte) bool) [][]byte {
	var all [][]byte
	for _, run := range bytes.FieldsFunc(text, func(r rune) bool { return r > 0x7f || !want(byte(r)) }) {
		if len(run) >= minRun {
			all = append(all, run)
		}
	}
	return all
}

// alphabet is a way to write bits as characters: bits for each, group characters to a
// whole number of octets.
type alphabet struct {
	bits, group int
	value       func(byte) int // or -1
}

var alphabets = []alphabet{{4, 2, hexValue}, {6, 4, base64Value}, {5, 8, base32Value}}

// decoded decodes runs of hexadecimal, base64 and base32, whatever is before them: a prefix
// of a few characters moves the groups, and so each place in a group is tried as the first.
func decoded(text []byte) []content {
	joined := bytes.Join(bytes.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == ':' }), nil)
	var all []content
	for _, a := range alphabets {
		found := runs(joined, func(c byte) bool { return a.value(c) >= 0 })
		if len(joined) != len(text) {
			found = append(found, runs(text, func(c byte) bool { return a.value(c) >= 0 })...)
		}
		for _, run := range found {
			for start := range a.group {
				all = append(all, content{a.decode(run[start:]), start == 0})
			}
		}
	}
	return all
}

// decode returns the whole octets of the run.
func (a alphabet) decode(run []byte) []byte {
	out := make([]byte, 0, len(run)*a.bits/8)
	acc, n := 0, 0
	for _, c := range run {
		acc, n = acc<<a.bits|a.value(c), n+a.bits
		if n >= 8 {
			n -= 8
			out = append(out, byte(acc>>n))
			acc &= 1<<n - 1
		}
	}
	return out
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// base64Value takes both alphabets of RFC 4648.
func base64Value(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+', c == '-':
		return 62
	case c == '/', c == '_':
		return 63
	}
	return -1
}

func base32Value(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case '2' <= c && c <= '7':
		return int(c-'2') + 26
	}
	return -1
}

// isPoint reports whether b is an uncompressed point of a curve.
func isPoint(b []byte) bool {
	for _, curve := range curves {
		if _, err := ecdsa.ParseUncompressedPublicKey(curve, b); err == nil {
			return true
		}
	}
	return false
}

// isModulus reports whether b may be an RSA modulus of 2048, 3072 or 4096 bits: an odd
// number with the highest bit set that no prime of 16 bits divides. Of random secrets
// of exactly 256, 384 or 512 bytes one in forty is like that. Moduli of 1024 bits are
// not looked for, since secrets of 128 bytes are in use.
func isModulus(b []byte) bool {
	b = bytes.TrimLeft(b, "\x00")
	if n := len(b); n != 256 && n != 384 && n != 512 || b[0] < 0x80 {
		return false
	}
	return new(big.Int).GCD(nil, nil, new(big.Int).SetBytes(b), primorial()).BitLen() == 1
}

// primorial is the product of the primes of 16 bits.
var primorial = sync.OnceValue(func() *big.Int {
	product := big.NewInt(1)
	var composite [1 << 16]bool
	for p := 2; p < len(composite); p++ {
		if composite[p] {
			continue
		}
		product.Mul(product, big.NewInt(int64(p)))
		for m := p * p; m < len(composite); m += p {
			composite[m] = true
		}
	}
	return product
})
