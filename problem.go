package gate

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/jwtgate/gate/internal/json/jsontext"
)

// JSONErrors returns a Config.OnError that answers with the status of [StatusCode] and
// {"key": message}, and with WWW-Authenticate (RFC 6750, RFC 9470, [Config.Challenge])
// for 401 and insufficient_scope. The default is JSONErrors("msg").
func JSONErrors(key string) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, _ *http.Request, err error) {
		body := appendMember([]byte{'{'}, key, sentence(err))
		writeError(w, err, "application/json", append(body, '}', '\n'))
	}
}

// ProblemErrors returns a Config.OnError that answers with problem details (RFC
// 9457): "type" is base followed by the kind of the error ("expired", "not-fresh",
// ...), or about:blank when base is empty; "code" is the error's Reason.
func ProblemErrors(base string) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, _ *http.Request, err error) {
		status, kind := StatusCode(err), "about:blank"
		if base != "" {
			kind = base + slug(err)
		}
		body := appendMember([]byte{'{'}, "type", kind)
		body = appendMember(append(body, ','), "title", http.StatusText(status))
		body = append(append(body, `,"status":`...), strconv.Itoa(status)...)
		body = appendMember(append(body, ','), "detail", sentence(err))
		if e := (*Error)(nil); errors.As(err, &e) {
			body = appendMember(append(body, ','), "code", e.Reason)
		}
		writeError(w, err, "application/problem+json", append(body, '}', '\n'))
	}
}

func appendMember(b []byte, name, value string) []byte {
	b = appendString(b, name)
	return appendString(append(b, ':'), value)
}

// appendString appends s in quotes. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// sentence returns the message for the client.
func sentence(err error) string {
	var e *Error
	var u *unavailableError
	switch {
	case errors.As(err, &e) && e.Message() != "":
		return e.Message()
	case refusalOf(err) != nil:
		return http.StatusText(StatusCode(err))
	case errors.As(err, &u) && u.ours:
		return unavailable
	}
	return failure
}

func slug(err error) string {
	if s := refusalOf(err); s != nil {
		return s.slug
	}
	return "unavailable"
}

func writeError(w http.ResponseWriter, err error, contentType string, body []byte) {
	h := w.Header()
	var c Challenge
	if a, ok := w.(*answerWriter); ok {
		c = a.challenge
	}
	if s := c.header(err); s != "" {
		h.Set("WWW-Authenticate", s)
	}
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(StatusCode(err))
	w.Write(body)
}

// header returns the value of WWW-Authenticate, or "" for an answer without it.
func (c Challenge) header(err error) string {
	s := refusalOf(err)
	if s == nil || s.status != http.StatusUnauthorized && s.code == "" {
		return ""
	}
	b := []byte("Bearer")
	b = appendParam(b, "realm", c.Realm)
	b = appendParam(b, "error", s.code)
	if e := (*Error)(nil); errors.As(err, &e) {
		if e.Kind == ErrScope {
			b = appendParam(b, "scope", e.Name)
		}
		if e.Kind == ErrNotFresh && e.more != nil {
			b = appendParam(b, "max_age", strconv.FormatInt(e.more.maxAge, 10))
		}
	}
	return string(appendParam(b, "resource_metadata", c.ResourceMetadata))
}

// appendParam adds a parameter as a quoted string (RFC 9110 section 5.6.4), unless it
// is empty or a header cannot hold it.
func appendParam(b []byte, name, value string) []byte {
	if value == "" || !plainName(value) {
		return b
	}
	if len(b) == len("Bearer") {
		b = append(b, ' ')
	} else {
		b = append(b, ", "...)
	}
	b = append(append(b, name...), '=', '"')
	return append(append(b, value...), '"')
}
