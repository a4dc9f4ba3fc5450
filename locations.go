package gate

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Location is a place in a request where a token may be. The zero Location, and one that
// no token can be in, is an error in a [Config] and in a [Policy].
type Location struct {
	name  string
	typed bool        // the place depends on the type of token
	csrf  bool        // browsers send it without being asked
	only  []TokenType // the types to look for; nil: all
	fault string      // why no request can have a token here
	find  func(g *Gate, r Request, want TokenType) (raw string, choice *cookieChoice, err *Error)
}

// String returns "header", "cookie", "query", "path", "json" or the name of a LocationFunc.
func (l Location) String() string { return l.name }

// found is the result of step 1.
type found struct {
	raw      string
	csrf     string // submitted value
	check    bool   // compare csrf with the token's value
	location string
	choice   *cookieChoice // set where several cookies have to be compared
	now      time.Time     // if a key source had to ask the time

	allowExpired bool // for Decode
}

// FromHeader finds a token in a header, after a scheme: FromHeader("Authorization",
// "Bearer"). The case of the scheme does not matter (RFC 9110 section 11.1). With an empty
// scheme the whole value is the token. The header Cookie is an error: write [FromCookies].
func FromHeader(name, scheme string) Location {
	name = http.CanonicalHeaderKey(name)
	form := &more{hint: "; send " + scheme + ", one space and one token"}
	if scheme == "" {
		form.hint = "; send one token and nothing else"
	}
	return Location{name: "header", fault: headerFault(name, scheme), find: func(g *Gate, r Request, _ TokenType) (string, *cookieChoice, *Error) {
		raw, err := headerToken(r.Header(name), name, scheme)
		switch {
		case err != nil && err.Reason == "missing_scheme":
			return "", nil, err.with(form)
		case err != nil:
			return "", nil, err
		case len(raw) > g.cfg.Accept.Limits.TokenBytes:
			return "", nil, refuse(ErrInvalid, "too_large")
		case raw == "" || isList(raw):
			return "", nil, refuseName(ErrInvalid, "header_malformed", name).with(form)
		}
		return raw, nil, nil
	}}
}

// headerFault says why no request can have a token in a header, or returns "".
func headerFault(name, scheme string) string {
	switch {
	case name == "" || strings.ContainsAny(name, ": \t"):
		return fmt.Sprintf("FromHeader has the header name %q; write a name without colon or spaces, such as Authorization", name)
	case name == "Cookie":
		return "FromHeader has the header Cookie, whose tokens need the checks of CSRF; write FromCookies()"
	case scheme != trimSpace(scheme):
		return fmt.Sprintf("FromHeader has the scheme %q with a space at its begin or end; write %q", scheme, trimSpace(scheme))
	}
	return ""
}

// emptyName is headerFault for the other places.
func emptyName(function, name string) string {
	if name == "" {
		return function + " has an empty name"
	}
	return ""
}

// locationFault says what is wrong with one of the locations, or returns "".
func locationFault(locations []Location) string {
	for i := range locations {
		switch l := &locations[i]; {
		case l.find == nil:
			return "holds a zero Location; make one with FromHeader, FromCookies, FromQuery, FromPath, FromJSON or LocationFunc"
		case l.fault != "":
			return "holds a location that no token can be in: " + l.fault
		}
	}
	return ""
}

// headerToken returns the part after the scheme. A header with other schemes counts as
// missing; one with the scheme twice is an error.
func headerToken(values []string, name, scheme string) (string, *Error) {
	if len(values) > maxValues {
		return "", refuseName(ErrInvalid, "ambiguous", name)
	}
	raw, seen, other := "", false, false
	for _, v := range values {
		v = trimSpace(v)
		rest, ok := cutScheme(v, scheme)
		if !ok {
			other = other || v != ""
			continue
		}
		if seen {
			return "", refuseName(ErrInvalid, "ambiguous", name)
		}
		raw, seen = rest, true
	}
	switch {
	case !seen && other:
		return "", refuseName(ErrMissing, "missing_scheme", name)
	case !seen:
		return "", refuseName(ErrMissing, "missing_header", name)
	}
	return raw, nil
}

// trimSpace trims optional white space (RFC 9110 section 5.6.3).
func trimSpace(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// isList reports whether s is more than one word. Each search is one sweep of wide
// instructions; strings.ContainsAny looks at every byte of a token.
func isList(s string) bool {
	return strings.IndexByte(s, ' ') >= 0 || strings.IndexByte(s, ',') >= 0 || strings.IndexByte(s, '\t') >= 0
}

// cutScheme returns the part of v after the scheme.
func cutScheme(v, scheme string) (rest string, ok bool) {
	n := len(scheme)
	switch {
	case n == 0:
		return v, v != ""
	case len(v) < n || !strings.EqualFold(v[:n], scheme):
		return "", false
	case len(v) == n:
		return "", true
	case v[n] != ' ' && v[n] != '\t':
		return "", false
	}
	return trimSpace(v[n:]), true
}

// FromCookies finds access and refresh tokens in the cookies named in Config.Cookies. The
// checks of [CSRF] apply to them. With types, only these are looked for:
// FromCookies(gate.Refresh) never finds an access token.
func FromCookies(types ...TokenType) Location {
	return Location{name: "cookie", typed: true, csrf: true, only: slices.Clone(types), find: func(g *Gate, r Request, want TokenType) (string, *cookieChoice, *Error) {
		if err := checkSize(r.Header("Cookie"), "Cookie", maxCookies); err != nil {
			return "", nil, err
		}
		name := g.cfg.Cookies.names(want).Name
		values := r.Cookies(name)
		if g.compat.FirstValue {
			values = values[:min(1, len(values))]
		}
		return inCookie(values, name)
	}}
}

// FromQuery finds a token in a query parameter, after a prefix that may be empty. URLs are
// kept in logs and browser histories: use it only for links that work once.
func FromQuery(name, prefix string) Location {
	return Location{name: "query", fault: emptyName("FromQuery", name), find: func(_ *Gate, r Request, _ TokenType) (string, *cookieChoice, *Error) {
		v, err := onlyValue(r.Query(name), name, "missing_query")
		if err != nil {
			return "", nil, err
		}
		raw, ok := strings.CutPrefix(v, prefix)
		if !ok || raw == "" {
			return "", nil, refuseName(ErrInvalid, "query_prefix", name).withHint(fmt.Sprintf("; send %q and the token", prefix))
		}
		return raw, nil, nil
	}}
}

// FromPath finds a token in a wildcard of the path, such as {token} in the pattern
// "/reset/{token}". The guard must be inside of the router. As with [FromQuery], use it
// only for links that work once.
func FromPath(name string) Location {
	fault := emptyName("FromPath", name)
	if strings.ContainsAny(name, "{}") {
		fault = fmt.Sprintf("FromPath has the name %q; write it without braces", name)
	}
	return Location{name: "path", fault: fault, find: func(_ *Gate, r Request, _ TokenType) (string, *cookieChoice, *Error) {
		raw := r.PathValue(name)
		if raw == "" {
			return "", nil, refuseName(ErrMissing, "missing_path", name)
		}
		return raw, nil, nil
	}}
}

// FromJSON finds an access or a refresh token in a member of a JSON body. With an empty
// name, tokens of that type are not looked for. Bodies of GET and HEAD are not read. The
// handler can still read the body.
func FromJSON(access, refresh string) Location {
	var only []TokenType
	switch {
	case access == "" && refresh != "":
		only = []TokenType{Refresh}
	case refresh == "" && access != "":
		only = []TokenType{Access}
	}
	return Location{name: "json", typed: true, only: only, fault: emptyName("FromJSON", access+refresh), find: func(g *Gate, r Request, want TokenType) (string, *cookieChoice, *Error) {
		name := access
		if want == Refresh {
			name = refresh
		}
		raw, err := jsonMember(r, name, g.cfg.Accept.Limits.BodyBytes)
		return raw, nil, err
	}}
}

// LocationFunc returns a Location that calls find for the token of a request. When there
// is none, find returns "" or [ErrMissing], and the next location is tried. Any other error
// ends the search and refuses the request; [Unavailable] is answered with 503. find must
// not read cookies, since no CSRF check is made for its tokens.
func LocationFunc(name string, find func(r Request, want TokenType) (raw string, err error)) Location {
	if find == nil {
		return Location{name: name} // New refuses it
	}
	return Location{name: name, typed: true, find: func(_ *Gate, r Request, want TokenType) (string, *cookieChoice, *Error) {
		raw, err := find(r, want)
		var e *Error
		var u *unavailableError
		switch {
		case err == nil && raw == "":
			return "", nil, refuse(ErrMissing, "missing")
		case err == nil:
			return raw, nil, nil
		case errors.As(err, &e) && refusalOf(e) != nil:
			own := *e // the caller's may be shared
			return "", nil, &own
		case errors.As(err, &u):
			return "", nil, &Error{Err: err} // without a kind it is no refusal
		case errors.Is(err, ErrMissing):
			return "", nil, &Error{Kind: ErrMissing, Reason: "missing", Err: err}
		}
		return "", nil, &Error{Kind: ErrInvalid, Err: err}
	}}
}

// onlyValue returns the only value that is not empty. None is ErrMissing; two different
// ones are ErrInvalid.
func onlyValue(values []string, name, missing string) (string, *Error) {
	var v string
	if len(values) > maxValues {
		return "", refuseName(ErrInvalid, "ambiguous", name)
	}
	for _, s := range values {
		if s != "" && v != "" && s != v {
			return "", refuseName(ErrInvalid, "ambiguous", name)
		}
		if s != "" {
			v = s
		}
	}
	if v == "" {
		return "", refuseName(ErrMissing, missing, name)
	}
	return v, nil
}
