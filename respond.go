package gate

import (
	"errors"
	"net/http"
)

type statusRow struct {
	kind   error
	status int
	code   string // "error" of WWW-Authenticate
	slug   string // of the problem type
	reason string // of the bare kind, where a hook of the application returns it
}

// statuses is the one table from kinds to HTTP (RFC 6750 section 3.1, RFC 9470).
var statuses = []statusRow{
	{ErrMissing, http.StatusUnauthorized, "", "missing", "missing"},
	{ErrCSRF, http.StatusForbidden, "", "csrf", "csrf_mismatch"},
	{ErrInvalid, http.StatusUnauthorized, "invalid_token", "invalid", "invalid"},
	{ErrWrongType, http.StatusUnauthorized, "invalid_token", "wrong-type", "wrong_type"},
	{ErrExpired, http.StatusUnauthorized, "invalid_token", "expired", "expired"},
	{ErrRevoked, http.StatusUnauthorized, "invalid_token", "revoked", "revoked"},
	{ErrNoUser, http.StatusUnauthorized, "invalid_token", "no-user", "no_user"},
	{ErrNotFresh, http.StatusUnauthorized, "insufficient_user_authentication", "not-fresh", "not_fresh"},
	{ErrScope, http.StatusForbidden, "insufficient_scope", "scope", "scope"},
	{ErrRejected, http.StatusForbidden, "", "rejected", "rejected"},
}

// Messages for errors that are no refusal.
const (
	unavailable = "The service cannot check the token now; try again"    // a store or key source
	failure     = "The service cannot answer the request now; try again" // the application
)

// refusalOf returns the row of the table for the Kind of err, or for err where it is a
// kind itself. It is nil for an error that is no refusal.
func refusalOf(err error) *statusRow {
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

// kindOf returns the kind of a refusal, and nil for any other error.
func kindOf(err error) error {
	if s := refusalOf(err); s != nil {
		return s.kind
	}
	return nil
}

// StatusCode returns the HTTP status for an error of a gate: 401, 403 for [ErrCSRF],
// [ErrScope] and [ErrRejected], 503 for anything that is neither an [*Error] nor a bare kind.
func StatusCode(err error) int {
	if s := refusalOf(err); s != nil {
		return s.status
	}
	return http.StatusServiceUnavailable
}

// A Challenge has values to add to WWW-Authenticate, in printable ASCII.
type Challenge struct {
	// Realm names the protected part of the site (RFC 9110 section 11.5).
	Realm string
	// ResourceMetadata is the URL of the service's metadata (RFC 9728 section 5.1).
	ResourceMetadata string
}

// WriteError answers a request with err: it calls Config.OnError. If that writes nothing,
// the answer is the status of [StatusCode] and no body. r may be nil for a request that is
// not net/http's.
func (g *Gate) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	a := &answerWriter{ResponseWriter: w, challenge: g.cfg.Challenge}
	g.cfg.OnError(a, r, err)
	if !a.wrote {
		w.WriteHeader(StatusCode(err))
	}
}

// answerWriter records whether OnError has answered, and has the Challenge of the gate for
// [JSONErrors] and [ProblemErrors].
type answerWriter struct {
	http.ResponseWriter
	challenge Challenge
	wrote     bool
}

func (w *answerWriter) WriteHeader(status int) {
	w.wrote = w.wrote || status >= 200
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Answer returns the answer of [Gate.WriteError] to err, for transports that have no
// http.ResponseWriter. It calls Config.OnError with a nil request.
func (g *Gate) Answer(err error) (status int, h http.Header, body []byte) {
	var a answer
	g.WriteError(&a, nil, err)
	return a.status, a.Header(), a.body
}

// answer is an http.ResponseWriter that keeps the response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = make(http.Header)
	}
	return a.header
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, b...)
	return len(b), nil
}
