package flask

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"

	"github.com/jwtgate/gate"
)

// Bounds on what is searched for a token.
const (
	maxBody        = 256 << 10 // of a JSON body
	maxHeader      = 16 << 10  // of all values of the header together
	maxContentType = 1 << 10
	maxToken       = 64 << 10
)

// tooLarge reports whether values have more than max bytes.
func tooLarge(values []string, max int) bool {
	for _, v := range values {
		max -= len(v) + 1
	}
	return max < 0
}

// said is a cause that is the original's message.
type said string

func (s said) Error() string { return string(s) }

func refuse(kind error, reason, name, format string, args ...any) error {
	return &gate.Error{Kind: kind, Reason: reason, Name: name, Err: said(fmt.Sprintf(format, args...))}
}

// find returns the locations of these names.
func (p placeNames) find(names []string) ([]gate.Location, error) {
	var all []gate.Location
	for _, name := range names {
		switch name {
		case "headers":
			if p.header == "" {
				return nil, errors.New("flask: JWT_HEADER_NAME: JWT_ACCESS_HEADER_NAME cannot be empty")
			}
			all = append(all, gate.LocationFunc(name, p.fromHeader))
		case "cookies":
			all = append(all, gate.FromCookies())
		case "query_string":
			all = append(all, gate.LocationFunc(name, p.fromQuery))
		case "json":
			all = append(all, gate.LocationFunc(name, p.fromJSON))
		default:
			return nil, fmt.Errorf(`flask: JWT_TOKEN_LOCATION can only contain "headers", "cookies", "query_string", or "json", not %q`, name)
		}
	}
	if len(all) == 0 {
		return nil, errors.New(`flask: JWT_TOKEN_LOCATION must contain at least one of "headers", "cookies", "query_string", or "json"`)
	}
	return all, nil
}

// fromHeader takes the one entry with the scheme out of a comma separated header.
// None, or more than one, count as missing.
func (p placeNames) fromHeader(r gate.Request, _ gate.TokenType) (string, error) {
	values := r.Header(http.CanonicalHeaderKey(p.header))
	if tooLarge(values, maxHeader) {
		return "", &gate.Error{Kind: gate.ErrInvalid, Reason: "header_too_large", Name: p.header}
	}
	value := strings.Trim(strings.TrimSpace(strings.Join(values, ", ")), ",")
	if strings.TrimSpace(value) == "" {
		return "", refuse(gate.ErrMissing, "missing_header", p.header, "Missing %s Header", p.header)
	}
	if p.scheme == "" {
		if parts := strings.Fields(value); len(parts) == 1 {
			return parts[0], nil
		}
		return "", refuse(gate.ErrInvalid, "header_malformed", p.header, "Bad %[1]s header. Expected '%[1]s: <JWT>'", p.header)
	}
	var found [][]string
	for entry := range strings.SplitSeq(value, ",") {
		if parts := strings.Fields(entry); len(parts) > 0 && parts[0] == p.scheme {
			found = append(found, parts)
		}
	}
	switch {
	case len(found) != 1:
		return "", refuse(gate.ErrMissing, "missing_scheme", p.header,
			"Missing '%[2]s' type in '%[1]s' header. Expected '%[1]s: %[2]s <JWT>'", p.header, p.scheme)
	case len(found[0]) != 2:
		return "", refuse(gate.ErrInvalid, "header_malformed", p.header, "Bad %[1]s header. Expected '%[1]s: %[2]s <JWT>'", p.header, p.scheme)
	}
	return found[0][1], nil
}

// fromQuery takes the token of the first parameter of the name behind its prefix. An
// empty one is missing.
func (p placeNames) fromQuery(r gate.Request, _ gate.TokenType) (string, error) {
	values := r.Query(p.query)
	if len(values) == 0 || values[0] == "" {
		return "", &gate.Error{Kind: gate.ErrMissing, Reason: "missing_query", Name: p.query}
	}
	raw, ok := strings.CutPrefix(values[0], p.prefix)
	switch {
	case !ok:
		return "", refuse(gate.ErrInvalid, "query_prefix", p.query,
			"Invalid value for query parameter '%s'. Expected the value to start with '%s'", p.query, p.prefix)
	case raw == "":
		return "", &gate.Error{Kind: gate.ErrInvalid, Reason: "segments"}
	}
	return raw, nil
}

// fromJSON takes the token out of a JSON body, whatever the method. What is falsy in
// Python, or no JSON at all, is missing.
func (p placeNames) fromJSON(r gate.Request, want gate.TokenType) (string, error) {
	name := p.jsonAccess
	if want == gate.Refresh {
		name = p.jsonRefresh
	}
	if !isJSON(r.Header("Content-Type")) {
		return "", &gate.Error{Kind: gate.ErrMissing, Reason: "missing_content_type", Name: name}
	}
	data, whole, err := r.Body(maxBody)
	switch {
	case err != nil:
		return "", &gate.Error{Kind: gate.ErrInvalid, Reason: "body_unreadable", Err: err}
	case !whole:
		return "", &gate.Error{Kind: gate.ErrMissing, Reason: "missing_large_body", Name: name}
	}
	var body map[string]jsontext.Value
	if err := json.Unmarshal(data, &body); errors.Is(err, jsontext.ErrDuplicateName) {
		return "", &gate.Error{Kind: gate.ErrInvalid, Reason: "ambiguous", Name: "member of one name"}
	} else if err != nil {
		body = nil // broken, or not an object
	}
	switch v := body[name]; {
	case falsy(v):
		return "", &gate.Error{Kind: gate.ErrMissing, Reason: "missing_member", Name: name}
	case v.Kind() != '"':
		return "", &gate.Error{Kind: gate.ErrInvalid, Reason: "member_type", Name: name}
	default:
		var raw string
		err := json.Unmarshal(v, &raw)
		return raw, err
	}
}

// isJSON reports whether the one media type is application/json or application/*+json.
func isJSON(values []string) bool {
	if len(values) != 1 || len(values[0]) > maxContentType {
		return false
	}
	typ, _, err := mime.ParseMediaType(values[0])
	if err != nil {
		typ, _, _ = strings.Cut(values[0], ";")
		typ = strings.ToLower(strings.TrimSpace(typ))
	}
	return typ == "application/json" || strings.HasPrefix(typ, "application/") && strings.HasSuffix(typ, "+json")
}

// falsy is Python's falsehood of a JSON value.
func falsy(v jsontext.Value) bool {
	switch v.Kind() {
	case 't':
		return false
	case '"':
		return string(v) == `""`
	case '0':
		f, err := strconv.ParseFloat(string(v), 64)
		return err == nil && f == 0
	case '{', '[':
		return len(strings.TrimSpace(string(v[1:len(v)-1]))) == 0
	}
	return true // null, false, absent
}
