package floor

import (
	"strings"
	"unicode/utf8"
)

// Decode reads a flat JSON object holding exactly the claim kinds above.
// Strict: UTF-8, no duplicate keys, no control bytes, integers only for
// NumericDate, no unknown key (a real library would skip/keep them).
// Strings without escapes alias s; with escapes: rejected here (a slow path in a real one).
func Decode(s string, c *Claims) error {
	if !utf8.ValidString(s) {
		return ErrJSON
	}
	i := ws(s, 0)
	if i >= len(s) || s[i] != '{' {
		return ErrJSON
	}
	i = ws(s, i+1)
	var seen uint
	if i < len(s) && s[i] == '}' {
		return tail(s, i+1)
	}
	for {
		k, j, ok := str(s, i)
		if !ok {
			return ErrJSON
		}
		i = ws(s, j)
		if i >= len(s) || s[i] != ':' {
			return ErrJSON
		}
		i = ws(s, i+1)
		var bit uint
		switch k {
		case "fresh":
			bit = 1
			if strings.HasPrefix(s[i:], "true") {
				c.Fresh, i = true, i+4
			} else if strings.HasPrefix(s[i:], "false") {
				c.Fresh, i = false, i+5
			} else {
				return ErrJSON
			}
		case "iat":
			bit = 2
			c.IAT, i, ok = num(s, i)
		case "nbf":
			bit = 4
			c.NBF, i, ok = num(s, i)
		case "exp":
			bit = 8
			c.EXP, i, ok = num(s, i)
		case "jti":
			bit = 16
			c.JTI, i, ok = str(s, i)
		case "type":
			bit = 32
			c.Type, i, ok = str(s, i)
		case "sub":
			bit = 64
			c.Sub, i, ok = str(s, i)
		case "csrf":
			bit = 128
			c.CSRF, i, ok = str(s, i)
		default:
			return ErrJSON
		}
		if !ok || seen&bit != 0 {
			return ErrJSON
		}
		seen |= bit
		i = ws(s, i)
		if i >= len(s) {
			return ErrJSON
		}
		if s[i] == '}' {
			return tail(s, i+1)
		}
		if s[i] != ',' {
			return ErrJSON
		}
		i = ws(s, i+1)
	}
}
func tail(s string, i int) error {
	if ws(s, i) != len(s) {
		return ErrJSON
	}
	return nil
}
func ws(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}
func str(s string, i int) (string, int, bool) {
	if i >= len(s) || s[i] != '"' {
		return "", i, false
	}
	i++
	for j := i; j < len(s); j++ {
		switch c := s[j]; {
		case c == '"':
			return s[i:j], j + 1, true
		case c < 0x20 || c == '\\':
			return "", j, false
		}
	}
	return "", i, false
}
func num(s string, i int) (int64, int, bool) {
	j := i
	var n int64
	if j < len(s) && s[j] == '0' {
		return 0, j + 1, true
	}
	for j < len(s) && s[j] >= '0' && s[j] <= '9' {
		if j-i >= 15 {
			return 0, j, false
		}
		n = n*10 + int64(s[j]-'0')
		j++
	}
	return n, j, j > i
}
