package gate

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// A Location is a place of a request where a token may be. The zero Location is
// refused by [New], and in a [Policy].
type Location struct {
	name  string
	typed bool        // access and refresh tokens have places of their own
	csrf  bool        // browsers send tokens from there by themselves
	only  []TokenType // looked for; nil: any
	find  func(g *Gate, r Request, want TokenType) (found, *Error)
}

// String returns "header", "cookie", "query", "path", "json" or the name of a LocationFunc.
func (l Location) String() string { return l.name }

// found is what step 1 hands on.
type found struct {
	raw      string
	csrf     string // submitted value
	check    bool   // compare it with the token's
	location string
	choice   *cookieChoice // to make before raw is known

	allowExpired bool // for Decode
}

// FromHeader finds a token behind a scheme in a header: FromHeader("Authorization",
// "Bearer"). The scheme is compared without case (RFC 9110 section 11.1). An empty
// scheme takes the whole value as the token.
func FromHeader(name, scheme string) Location {
	name = http.CanonicalHeaderKey(name)
	return Location{name: "header", find: func(g *Gate, r Request, _ TokenType) (found, *Error) {
		raw, err := headerToken(r.Header(name), name, scheme)
		switch {
		case err != nil:
			return found{}, err
		case len(raw) > g.cfg.Accept.Limits.TokenBytes:
			return found{}, refuse(ErrInvalid, "too_large")
		case raw == "" || isList(raw):
			return found{}, refuseName(ErrInvalid, "header_malformed", name)
		}
		return found{raw: raw}, nil
	}}
}

// headerToken takes what is behind the scheme out of the values of a header. Another
// scheme counts as missing; the scheme twice stops the search.
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

// FromCookies finds access and refresh tokens in the cookies that Config.Cookies
// names; the checks of [CSRF] apply to them. With types it is only looked at for these:
// FromCookies(gate.Refresh) never takes an access token from a cookie.
func FromCookies(types ...TokenType) Location {
	return Location{name: "cookie", typed: true, csrf: true, only: slices.Clone(types), find: func(g *Gate, r Request, want TokenType) (found, *Error) {
		if err := checkSize(r.Header("Cookie"), "Cookie", maxCookies); err != nil {
			return found{}, err
		}
		name := g.cfg.Cookies.names(want).Name
		values := r.Cookies(name)
		if g.compat.FirstValue {
			values = values[:min(1, len(values))]
		}
		return inCookie(values, name)
	}}
}

// FromQuery finds a token in a query parameter, behind a prefix that may be empty.
// Tokens in URLs end in logs and browser histories: use it for links that work once.
func FromQuery(name, prefix string) Location {
	return Location{name: "query", find: func(_ *Gate, r Request, _ TokenType) (found, *Error) {
		v, err := onlyValue(r.Query(name), name, "missing_query")
		if err != nil {
			return found{}, err
		}
		raw, ok := strings.CutPrefix(v, prefix)
		if !ok || raw == "" {
			return found{}, refuseName(ErrInvalid, "query_prefix", name)
		}
		return found{raw: raw}, nil
	}}
}

// FromPath finds a token in a wildcard of the path, such as {token} of the pattern
// "/reset/{token}": the guard is inside of the router. What is said of [FromQuery]
// holds here.
func FromPath(name string) Location {
	return Location{name: "path", find: func(_ *Gate, r Request, _ TokenType) (found, *Error) {
		raw := r.PathValue(name)
		if raw == "" {
			return found{}, refuseName(ErrMissing, "missing_path", name)
		}
		return found{raw: raw}, nil
	}}
}

// FromJSON finds an access or a refresh token in a member of a JSON body. An empty name
// is for a type that is not taken from there. Bodies of GET and HEAD are not read. The
// body stays readable for the handler.
func FromJSON(access, refresh string) Location {
	var only []TokenType
	switch {
	case access == "" && refresh != "":
		only = []TokenType{Refresh}
	case refresh == "" && access != "":
		only = []TokenType{Access}
	}
	return Location{name: "json", typed: true, only: only, find: func(g *Gate, r Request, want TokenType) (found, *Error) {
		name := access
		if want == Refresh {
			name = refresh
		}
		raw, err := jsonMember(r, name, g.cfg.Accept.Limits.BodyBytes)
		return found{raw: raw}, err
	}}
}

// LocationFunc makes a Location of a function that returns the token of a request.
// It returns an error that is [ErrMissing] where there is none, so that the next
// location is tried; any other error stops the search, and [Unavailable] is answered
// with 503. It must not read cookies: a token from there would escape the CSRF check.
func LocationFunc(name string, find func(r Request, want TokenType) (raw string, err error)) Location {
	if find == nil {
		return Location{name: name} // New refuses it
	}
	return Location{name: name, typed: true, find: func(_ *Gate, r Request, want TokenType) (found, *Error) {
		raw, err := find(r, want)
		var e *Error
		var u *unavailableError
		switch {
		case err == nil && raw == "":
			return found{}, refuse(ErrMissing, "missing")
		case err == nil:
			return found{raw: raw}, nil
		case errors.As(err, &e) && refusalOf(e) != nil:
			own := *e // the caller's may be shared
			return found{}, &own
		case errors.As(err, &u):
			return found{}, &Error{Err: err} // without a kind it is no refusal
		case errors.Is(err, ErrMissing):
			return found{}, &Error{Kind: ErrMissing, Reason: "missing", Err: err}
		}
		return found{}, &Error{Kind: ErrInvalid, Err: err}
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

// locate is step 1. Only a missing token goes on to the next location. Where no
// location has one and the policy needs none, found is empty.
func (g *Gate) locate(r Request, p *Policy) (found, error) {
	f, missing, err := g.search(r, p, p.want(), nil)
	if p.Type == AnyTokenType && err == nil && f.raw == "" && !g.compat.OnePlace {
		f, missing, err = g.search(r, p, Refresh, missing)
	}
	switch {
	case err != nil:
		return found{}, err
	case f.raw != "" || p.Optional || p.Public:
		return f, nil
	case len(missing) == 1:
		return found{}, missing[0]
	}
	return found{}, &Error{Kind: ErrMissing, Reason: "missing", Err: errors.Join(missing...)}
}

// search tries the locations in order for a token of type want, and adds to missing
// what each of them misses.
func (g *Gate) search(r Request, p *Policy, want TokenType, missing []error) (found, []error, error) {
	again := len(missing) > 0 // places that are the same for all types were tried
	for _, l := range g.locations(p) {
		if !l.takes(want) || again && !l.typed {
			continue
		}
		f, err := l.find(g, r, want)
		if err == nil && l.csrf && !p.SkipCSRF {
			f.csrf, f.check, err = g.checkSender(r, want)
		}
		if err == nil {
			f.location = l.name
			return f, nil, nil
		}
		err.Location = l.name
		switch err.Kind {
		case ErrMissing:
			missing = append(missing, err)
		case nil:
			return found{}, nil, err.Err
		default:
			return found{}, nil, err
		}
	}
	return found{}, missing, nil
}

// locations are those of the route.
func (g *Gate) locations(p *Policy) []Location {
	if len(p.Locations) > 0 {
		return p.Locations
	}
	return g.cfg.Locations
}

// takes reports whether a token of type want is looked for in l.
func (l *Location) takes(want TokenType) bool {
	return len(l.only) == 0 || slices.Contains(l.only, want)
}
