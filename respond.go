package gate

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

type statusRow struct {
	kind      error
	status    int
	challenge string // of WWW-Authenticate; "" for none
	slug      string // of the problem type
}

// statuses is the one table from kinds to HTTP (RFC 6750 section 3.1, RFC 9470).
var statuses = []statusRow{
	{ErrMissing, http.StatusUnauthorized, `Bearer`, "missing"},
	{ErrCSRF, http.StatusUnauthorized, `Bearer`, "csrf"},
	{ErrInvalid, http.StatusUnauthorized, `Bearer error="invalid_token"`, "invalid"},
	{ErrWrongType, http.StatusUnauthorized, `Bearer error="invalid_token"`, "wrong-type"},
	{ErrExpired, http.StatusUnauthorized, `Bearer error="invalid_token"`, "expired"},
	{ErrRevoked, http.StatusUnauthorized, `Bearer error="invalid_token"`, "revoked"},
	{ErrNoUser, http.StatusUnauthorized, `Bearer error="invalid_token"`, "no-user"},
	{ErrNotFresh, http.StatusUnauthorized, `Bearer error="insufficient_user_authentication"`, "not-fresh"},
	{ErrRejected, http.StatusForbidden, ``, "rejected"},
}

// unavailable is the answer to every error that is not a refusal: access is denied
// because the gate cannot know better, and the client keeps its session.
const unavailable = "The service cannot check the token now; try again"

// row is the line of the table for err: that of its Kind, whatever its cause may be,
// or of a bare kind. It is nil for anything that is not a refusal.
func row(err error) *statusRow {
	if e := (*Error)(nil); errors.As(err, &e) {
		err = e.Kind
	}
	for i := range statuses {
		if errors.Is(err, statuses[i].kind) {
			return &statuses[i]
		}
	}
	return nil
}

// StatusCode returns the HTTP status for an error of a gate: 401, 403 for
// [ErrRejected], 503 for anything that is neither an [*Error] nor a bare kind.
func StatusCode(err error) int {
	if s := row(err); s != nil {
		return s.status
	}
	return http.StatusServiceUnavailable
}

// WriteError answers a request with err through Config.OnError. r may be nil where
// the request did not come through net/http.
func (g *Gate) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	g.cfg.OnError(w, r, err)
}

// JSONErrors returns the default Config.OnError: the status of [StatusCode], a
// WWW-Authenticate challenge (RFC 6750, RFC 9470), and {"key": message} as body.
func JSONErrors(key string) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, _ *http.Request, err error) {
		body := appendMember([]byte{'{'}, key, answer(err))
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
		body = appendMember(append(body, ','), "detail", answer(err))
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

// appendString quotes s; what is not UTF-8 becomes U+FFFD, since an answer must go out.
func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// answer is the sentence for the client.
func answer(err error) string {
	var e *Error
	switch {
	case errors.As(err, &e) && e.Message() != "":
		return e.Message()
	case row(err) != nil:
		return http.StatusText(StatusCode(err))
	}
	return unavailable
}

func slug(err error) string {
	if s := row(err); s != nil {
		return s.slug
	}
	return "unavailable"
}

func writeError(w http.ResponseWriter, err error, contentType string, body []byte) {
	h := w.Header()
	if s := row(err); s != nil && s.challenge != "" {
		h.Set("WWW-Authenticate", s.challenge+maxAge(err))
	}
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(StatusCode(err))
	w.Write(body)
}

// maxAge is the max_age parameter of RFC 9470 section 3, for a stale token. Where
// access tokens have no lifetime there is none to tell.
func maxAge(err error) string {
	var e *Error
	if !errors.As(err, &e) || e.Kind != ErrNotFresh || e.maxAge == 0 {
		return ""
	}
	return `, max_age="` + strconv.FormatInt(e.maxAge, 10) + `"`
}
