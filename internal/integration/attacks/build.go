package attacks

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var b64 = base64.RawURLEncoding

// build makes the three segments and edits them.
func (c *Corpus) build(t *Token) (string, error) {
	header, err := c.octets(t.HeaderText, t.HeaderHex)
	if err != nil {
		return "", err
	}
	payload, err := c.octets(t.PayloadText, t.PayloadHex)
	if err != nil {
		return "", err
	}
	seg := []string{b64.EncodeToString(header), b64.EncodeToString(payload), ""}
	edits := t.Edits
	if t.SignAfterEdits {
		for ; len(edits) > 0 && edits[0].Segment != "token" && edits[0].Segment != 2.0; edits = edits[1:] {
			if err := edits[0].apply(seg); err != nil {
				return "", err
			}
		}
	}
	if seg[2], err = c.third(&t.Signature, seg[0]+"."+seg[1]); err != nil {
		return "", err
	}
	if t.Signature.Mode == "omit" {
		seg = seg[:2]
	}
	return edited(seg, edits)
}

// edited applies the edits in order; those of the whole token join it first.
func edited(seg []string, edits []Edit) (string, error) {
	for _, e := range edits {
		if e.Segment == "token" && len(seg) > 1 {
			seg = []string{strings.Join(seg, ".")}
		}
		if err := e.apply(seg); err != nil {
			return "", err
		}
	}
	return strings.Join(seg, "."), nil
}

func (e *Edit) apply(seg []string) error {
	i := 0
	if n, ok := e.Segment.(float64); ok {
		i = int(n)
	} else if e.Segment != "token" {
		return fmt.Errorf("edit of segment %v", e.Segment)
	}
	if i >= len(seg) || e.Segment != "token" && len(seg) == 1 {
		return fmt.Errorf("edit of segment %v, which the token does not have", e.Segment)
	}
	s, err := e.text(seg[i])
	seg[i] = s
	return err
}

func (e *Edit) text(s string) (string, error) {
	switch e.Op {
	case "append":
		return s + e.Text, nil
	case "prepend":
		return e.Text + s, nil
	case "insert":
		if e.At > len(s) {
			return "", errors.New("insert behind the end")
		}
		return s[:e.At] + e.Text + s[e.At:], nil
	case "replace":
		if !strings.Contains(s, e.Old) {
			return "", errors.New("nothing to replace")
		}
		return strings.Replace(s, e.Old, e.New, 1), nil
	case "std-alphabet":
		return strings.NewReplacer("-", "+", "_", "/").Replace(s), nil
	case "trailing-bits":
		return trailingBits(s)
	case "truncate-chars":
		return s[:min(e.To, len(s))], nil
	case "move-first-dot":
		return moveDot(s, e.By)
	}
	return "", fmt.Errorf("edit %q is not known", e.Op)
}

// trailingBits sets the lowest bit of the last character, which encodes nothing.
func trailingBits(s string) (string, error) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(s)%4 < 2 {
		return "", errors.New("the segment has no unused bits")
	}
	last := strings.IndexByte(alphabet, s[len(s)-1])
	return s[:len(s)-1] + string(alphabet[last|1]), nil
}

func moveDot(s string, by int) (string, error) {
	i := strings.IndexByte(s, '.')
	s = s[:max(i, 0)] + s[i+1:]
	if i < 0 || i+by < 0 || i+by > len(s) {
		return "", errors.New("the dot cannot be moved there")
	}
	return s[:i+by] + "." + s[i+by:], nil
}

func (c *Corpus) octets(text *string, hexText string) ([]byte, error) {
	if text == nil {
		return hex.DecodeString(hexText)
	}
	s, err := c.Expand(*text)
	return []byte(s), err
}

// Expand replaces the placeholders in s: repeat, repeatn, token, inline.
func (c *Corpus) Expand(s string) (string, error) {
	var out strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			out.WriteString(s)
			return out.String(), nil
		}
		end := closing(s[i+1:])
		if end < 0 {
			return "", errors.New("placeholder without an end")
		}
		v, err := c.placeholder(s[i+2 : i+1+end])
		if err != nil {
			return "", err
		}
		out.WriteString(s[:i])
		out.WriteString(v)
		s = s[i+1+end+1:]
	}
}

// closing is the index of the brace that closes the one at the start of s; braces
// inside quotes do not count.
func closing(s string) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (c *Corpus) placeholder(p string) (string, error) {
	if name, ok := strings.CutPrefix(p, "token:"); ok {
		text, ok := c.Tokens[name]
		if !ok {
			return "", fmt.Errorf("no token %q", name)
		}
		return c.Compact(text)
	}
	word, rest, _ := strings.Cut(p, " ")
	switch word {
	case "inline":
		return c.inline(rest)
	case "repeat", "repeatn":
		return repeated(rest, word == "repeatn")
	}
	return "", fmt.Errorf("placeholder %q is not known", word)
}

// inline is a token with a header of its own and a signature that cannot hold.
func (c *Corpus) inline(header string) (string, error) {
	payload, err := c.Payload(c.Tokens["access-alice"])
	if err != nil {
		return "", err
	}
	if !json.Valid([]byte(header)) {
		return "", fmt.Errorf("inline header %s is not JSON", header)
	}
	return b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString(payload) + ".AAAA", nil
}

func repeated(rest string, numbered bool) (string, error) {
	i := strings.LastIndexByte(rest, ' ')
	n, err := strconv.Atoi(rest[i+1:])
	if i < 2 || err != nil || rest[0] != '"' || rest[i-1] != '"' {
		return "", fmt.Errorf("repeat %q is not a quoted text and a count", rest)
	}
	unit := strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(rest[1 : i-1])
	if !numbered {
		return strings.Repeat(unit, n), nil
	}
	var out strings.Builder
	for k := range n {
		out.WriteString(strings.ReplaceAll(unit, "#", strconv.Itoa(k)))
	}
	return out.String(), nil
}
