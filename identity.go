package gate

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/jwtgate/gate/internal/scan"
)

var errEmptyIdentity = errors.New("the identity is empty; nothing could tell its tokens from another's")

// identityText returns the text of an identity, which is written into tokens and used by
// blocklists.
func identityText(identity any) (string, error) {
	text, err := textOf(identity)
	if err == nil && text == "" {
		err = errEmptyIdentity
	}
	return text, err
}

func textOf(identity any) (string, error) {
	if s, ok := identity.(string); ok {
		return s, nil
	}
	if !isNil(identity) {
		if v, ok := identity.(encoding.TextMarshaler); ok {
			text, err := v.MarshalText()
			return string(text), err
		}
		switch r := reflect.ValueOf(identity); {
		case r.CanInt():
			return strconv.FormatInt(r.Int(), 10), nil
		case r.CanUint():
			return strconv.FormatUint(r.Uint(), 10), nil
		case r.Kind() == reflect.String:
			return r.String(), nil
		}
	}
	return "", fmt.Errorf("an identity of type %T has no text form; give a string or an integer, or set Draft.Identity in Config.Prepare", identity)
}

// SubjectKey returns the text by which blocklists revoke all tokens of a subject: the
// identity claim ([Create.IdentityClaim]) as a string. It is the same for the string "42"
// and the number 42. The error means that the identity is missing, empty or of another
// JSON type, so the token cannot be revoked by its subject.
func (t *Token) SubjectKey() (string, error) {
	switch v := t.hides().identity(); {
	case v.Kind == 0 && t.Subject != "":
		return t.Subject, nil
	case v.Kind == 0:
	case v.Kind == '"' && v.Str != "":
		return v.Str, nil
	case v.Kind == scan.Int || v.Kind == scan.Number && isInteger(v.Str):
		return v.Str, nil
	}
	return "", errNoSubject
}

var errNoSubject = errors.New("gate: the token has no identity that is a text or a whole number; it cannot be revoked by its subject")

// isInteger reports whether a JSON number is an integer in its one usual form.
func isInteger(s string) bool {
	if s[0] == '-' {
		s = s[1:]
		if s == "0" {
			return false
		}
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
