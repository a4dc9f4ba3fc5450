package flask

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf16"

	"github.com/jwtgate/gate/internal/json/jsontext"

	"github.com/jwtgate/gate"
)

// unavailable answers what is not the token's fault.
const unavailable = "The service cannot check the token now; try again"

// statuses are the original's.
var statuses = []struct {
	kind   error
	status int
}{
	{gate.ErrMissing, http.StatusUnauthorized},
	{gate.ErrCSRF, http.StatusUnauthorized},
	{gate.ErrInvalid, http.StatusUnprocessableEntity},
	{gate.ErrWrongType, http.StatusUnprocessableEntity},
	{gate.ErrExpired, http.StatusUnauthorized},
	{gate.ErrNotFresh, http.StatusUnauthorized},
	{gate.ErrRevoked, http.StatusUnauthorized},
	{gate.ErrScope, http.StatusForbidden}, // which the original does not know
	{gate.ErrRejected, http.StatusBadRequest},
	{gate.ErrNoUser, http.StatusUnauthorized},
}

// texts are the original's sentences for the reasons of [gate.Error]. The name of the
// error replaces %. Reasons that the original does not know have the sentence of the gate.
var texts = map[string]string{
	"missing_cookie":       `Missing cookie "%"`,
	"missing_query":        "Missing '%' query paramater", // sic
	"missing_content_type": "Invalid content-type. Must be application/json.",
	"missing_member":       `Missing "%" key in json data.`,
	"member_type":          "Invalid token type. Token must be a <class 'bytes'>",

	"csrf_missing":       "Missing CSRF token",
	"csrf_mismatch":      "CSRF double submit tokens do not match",
	"csrf_claim_missing": "Missing claim: csrf",

	"segments":           "Not enough segments",
	"segments_extra":     "Invalid payload padding",
	"header_encoding":    "Invalid header padding",
	"payload_encoding":   "Invalid payload padding",
	"signature_encoding": "Signature verification failed",
	"signature_length":   "Invalid crypto padding",
	"header_json":        "Invalid header string: Expecting value: line 1 column 1 (char 0)",
	"header_object":      "Invalid header string: must be a json object",
	"payload_empty":      "Invalid payload string: Expecting value: line 1 column 1 (char 0)",
	"payload_json":       "Invalid payload string: Expecting value: line 1 column 1 (char 0)",
	"payload_object":     "Invalid payload string: must be a json object",
	"alg_missing":        "Algorithm not specified",
	"alg_type":           "The specified alg value is not allowed",
	"alg_mismatch":       "The specified alg value is not allowed",
	"kid_type":           "Key ID header parameter must be a string",
	"crit_empty":         "Invalid 'crit' header: must be a non-empty list",
	"crit_type":          "Invalid 'crit' header: values must be strings",
	"crit_absent":        "Critical extension 'b64' is missing from headers",
	"b64":                `It is required that you pass in a value for the "detached_payload" argument to decode a message having the b64 header set to false.`,
	"kid_missing":        "Signature verification failed",
	"key_unknown":        "Signature verification failed",
	"key_ambiguous":      "Signature verification failed",
	"signature":          "Signature verification failed",

	"exp_type":      "Expiration Time claim (exp) must be an integer.",
	"nbf_type":      "Not Before claim (nbf) must be an integer.",
	"nbf_future":    "The token is not yet valid (nbf)",
	"iat_type":      "Issued At claim (iat) must be an integer.",
	"iat_future":    "The token is not yet valid (iat)",
	"iss_type":      "Payload Issuer (iss) must be a string",
	"iss_missing":   `Token is missing the "iss" claim`,
	"iss_mismatch":  "Invalid issuer",
	"aud_type":      "Invalid claim format in token",
	"aud_missing":   `Token is missing the "aud" claim`,
	"aud_mismatch":  "Audience doesn't match",
	"sub_type":      "Subject must be a string",
	"jti_type":      "JWT ID must be a string",
	"claim_missing": "Missing claim: %",

	"expired":        "Token has expired",
	"access_wanted":  "Only non-refresh tokens are allowed",
	"refresh_wanted": "Only refresh tokens are allowed",
	"not_fresh":      "Fresh token required",
	"revoked":        "Token has been revoked",
	"rejected":       "User claims verification failed",
}

// Errors returns the [gate.Config.OnError] that [New] sets. It answers with [Status]
// and {"key": message}, with the text of [Message], and sets no header except
// Content-Type. To answer some errors in another way, like the callbacks of
// Flask-JWT-Extended, write an OnError that tests for them with errors.Is and calls
// this one for the rest.
func Errors(key string) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, _ *http.Request, err error) {
		body := appendASCII([]byte{'{'}, key)
		body = appendASCII(append(body, ':'), Message(err))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(Status(err))
		w.Write(append(body, '}', '\n'))
	}
}

// appendASCII appends a text as JSON in ASCII, as Flask does. What is not UTF-8 is
// replaced, since an answer must go out.
func appendASCII(b []byte, text string) []byte {
	quoted, _ := jsontext.AppendQuote(nil, text)
	for _, r := range string(quoted) {
		switch {
		case r < 0x80:
			b = append(b, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return b
}

// Status returns the status with which Flask-JWT-Extended answers err: 401, 422, or
// 400 for [gate.ErrRejected]. It is 403 for [gate.ErrScope], which Flask-JWT-Extended
// does not have, and 503 for an error that is no refusal, such as a store that fails.
func Status(err error) int {
	if e := (*gate.Error)(nil); errors.As(err, &e) {
		err = e.Kind // whatever its cause may be
	}
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			return s.status
		}
	}
	return http.StatusServiceUnavailable
}

// Message returns the message of Flask-JWT-Extended for err. For [gate.ErrNoUser] it
// has the identity of the verified token.
func Message(err error) string {
	var e *gate.Error
	if !errors.As(err, &e) {
		return unavailable
	}
	if s, ok := e.Err.(said); ok {
		return string(s)
	}
	if text, ok := missing(e); ok {
		return text
	}
	if e.Kind == gate.ErrNoUser && e.Token != nil {
		return "Error loading the user " + python(e.Token.Identity())
	}
	if (e.Reason == "aud_type" || e.Reason == "aud_mismatch") && noAudience(e.Token) {
		return texts["aud_missing"]
	}
	if text, ok := texts[e.Reason]; ok {
		return strings.ReplaceAll(text, "%", e.Name)
	}
	if text := e.Message(); text != "" {
		return text
	}
	return http.StatusText(Status(err))
}

// noAudience reports whether the audience of t is what Python takes for none, such as
// null.
func noAudience(t *gate.Token) bool {
	var claims struct {
		Audience jsontext.Value `json:"aud"`
	}
	return t != nil && t.Claims(&claims) == nil && falsy(claims.Audience)
}

// missing joins what every location has said, where there are several.
func missing(e *gate.Error) (string, bool) {
	all, ok := e.Err.(interface{ Unwrap() []error })
	if !ok || e.Reason != "missing" || len(all.Unwrap()) < 2 {
		return "", false
	}
	var where, why []string
	for _, err := range all.Unwrap() {
		one, ok := err.(*gate.Error)
		if !ok {
			return "", false // the error of a location of the caller's
		}
		where, why = append(where, place(one.Location)), append(why, Message(one))
	}
	last := len(where) - 1
	return fmt.Sprintf("Missing JWT in %s or %s (%s)", strings.Join(where[:last], ", "), where[last], strings.Join(why, "; ")), true
}

// place is the original's name for a location.
func place(location string) string {
	switch location {
	case "header", "cookie":
		return location + "s"
	case "query":
		return "query_string"
	}
	return location
}

// python writes a JSON value as Python's str does, and lists and objects as JSON.
func python(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case string:
		return v
	}
	text, _ := json.Marshal(v) // came from JSON
	return string(text)
}
