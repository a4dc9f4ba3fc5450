package gate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The kinds of refusal. Ask with errors.Is; [*Error] has the detail. When a store or key
// source cannot answer, the error is none of them: it is wrapped and answered with 503.
var (
	// ErrMissing: no token in any location.
	ErrMissing = errors.New("gate: no token")
	// ErrCSRF: the token came in a cookie, and the request comes from another origin or
	// does not repeat the token's CSRF value.
	ErrCSRF = errors.New("gate: CSRF check failed")
	// ErrInvalid: the token is malformed, not signed by an accepted key, or has a claim
	// that is not accepted.
	ErrInvalid = errors.New("gate: invalid token")
	// ErrExpired: the token is past its expiry, and otherwise good.
	ErrExpired = errors.New("gate: token expired")
	// ErrWrongType: a refresh token where an access token is required, or the reverse.
	ErrWrongType = errors.New("gate: wrong token type")
	// ErrNotFresh: the route requires a token created from credentials.
	ErrNotFresh = errors.New("gate: token not fresh")
	// ErrRevoked: the blocklist has the token.
	ErrRevoked = errors.New("gate: token revoked")
	// ErrScope: the token lacks a scope that the route requires.
	ErrScope = errors.New("gate: scope missing")
	// ErrRejected: Config.Verify or Policy.Allow rejected the token, or Policy.Fresh one of an
	// issuer that has no fresh tokens.
	ErrRejected = errors.New("gate: token rejected")
	// ErrNoUser: Config.LoadUser found no user.
	ErrNoUser = errors.New("gate: no such user")
)

// An Error says why a request was refused. Its text never has a token or a secret. Do not
// change an Error of a gate.
type Error struct {
	// Kind is one of the errors above: errors.Is(err, gate.ErrExpired).
	Kind error
	// Reason names the check that refused, for programs: "expired", "signature",
	// "aud_mismatch", and so on. docs/errors.md lists them. They do not change once
	// released.
	Reason string
	// Name is the header, cookie, parameter, member or claim that Reason is about. It
	// comes from the configuration, not from the request.
	Name string
	// Location is where the token was found: "header", "cookie", "query", "path",
	// "json" or the name of a LocationFunc. It is empty when none was found.
	Location string
	// Token is the refused token; nil if its signature was not verified.
	Token *Token
	// Err is the cause, if there is one: the error of a hook or, for ErrMissing with
	// several locations, one *Error for each (joined).
	Err error

	more *more
}

// more has what few errors have. It is apart, so that the others stay small.
type more struct {
	hint   string // the end of the message: what this gate accepts
	maxAge int64  // of ErrNotFresh, in seconds (RFC 9470)
}

func refuse(kind error, reason string) *Error { return &Error{Kind: kind, Reason: reason} }

func refuseName(kind error, reason, name string) *Error {
	return &Error{Kind: kind, Reason: reason, Name: name}
}

// withHint adds the end of the message.
func (e *Error) withHint(hint string) *Error { return e.with(&more{hint: hint}) }

func (e *Error) with(m *more) *Error {
	e.more = m
	return e
}

// Unavailable wraps err for [Config.Verify], [Config.LoadUser], [Policy.Allow] and location
// functions that cannot decide because something they need has failed. The request is
// answered with 503, and the client keeps its session. The result is not nil, even for a
// nil err.
func Unavailable(err error) error { return &unavailableError{err: err} }

// unavailableError means that a check could not be made.
type unavailableError struct {
	what string // the part that failed; "" for Unavailable
	err  error
	ours bool // the part is a store or key source
}

func (e *unavailableError) Error() string {
	if e.what == "" {
		return fmt.Sprintf("gate: unavailable: %v", e.err)
	}
	return fmt.Sprintf("gate: %s: %v", e.what, e.err)
}

// Unwrap hides a refusal by another gate, which is none of this gate.
func (e *unavailableError) Unwrap() error {
	if r := (*Error)(nil); errors.As(e.err, &r) || refusalOf(e.err) != nil {
		return nil
	}
	return e.err
}

// Message returns one sentence for the client: what was wrong and, where it helps, what
// to do, with the names of the configuration. It has no text of the request or of Err. It
// is empty for an error of a LocationFunc.
func (e *Error) Message() string { return e.text() + e.hint() }

// text is the message without its hint.
func (e *Error) text() string { return strings.ReplaceAll(messages[e.Reason], "%", e.Name) }

// hint is the end of the message: the places or the form that this gate accepts.
func (e *Error) hint() string {
	if e.more != nil {
		return e.more.hint
	}
	places := e.places()
	if len(places) < 2 {
		return ""
	}
	last := len(places) - 1
	return "; send it in " + strings.Join(places[:last], ", ") + " or " + places[last]
}

// places returns the places in which a token was missing, if there are several.
func (e *Error) places() (list []string) {
	all, _ := e.Err.(interface{ Unwrap() []error })
	if e.Reason != "missing" || all == nil {
		return nil
	}
	for _, err := range all.Unwrap() {
		one, ok := err.(*Error)
		if !ok {
			return nil // the error of a LocationFunc
		}
		if place := one.place(); !slices.Contains(list, place) {
			list = append(list, place)
		}
	}
	return list
}

// place names the place in which a token was missing.
func (e *Error) place() string {
	switch e.Location {
	case "header":
		return "the " + e.Name + " header"
	case "cookie":
		return "the cookie " + e.Name
	case "query":
		return "the query parameter " + e.Name
	case "path":
		return "the part " + e.Name + " of the path"
	case "json":
		if e.Reason == "missing_content_type" {
			return "the JSON member " + e.Name + " (with Content-Type: application/json)"
		}
		return "the JSON member " + e.Name
	}
	return e.Location // the name of a LocationFunc
}

// Error returns the message and the cause, for logs.
func (e *Error) Error() string {
	text := "gate: " + e.text()
	switch {
	case messages[e.Reason] == "" && e.Kind != nil:
		text = e.Kind.Error()
	case e.Err == nil: // otherwise the cause has the places
		text += e.hint()
	}
	if e.Err != nil {
		text += ": " + strings.ReplaceAll(e.Err.Error(), "\n", "; ")
	}
	return text
}

// Unwrap returns Kind and Err.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// messages has the sentence for each reason; % is replaced by Name.
var messages = map[string]string{
	"missing":              "No token was sent",
	"missing_header":       "The % header is missing",
	"missing_scheme":       "The % header does not use the expected scheme",
	"missing_cookie":       "The cookie % is missing",
	"missing_query":        "The query parameter % is missing",
	"missing_content_type": "The body is not JSON; send Content-Type: application/json",
	"missing_method":       "The body of a GET or HEAD request is not read; use POST",
	"missing_member":       "The JSON body has no member %",
	"missing_large_body":   "The body is too large to be searched for the JSON member %; send a smaller one",
	"missing_path":         "The path has no token in %",

	"csrf_missing":        "The CSRF value is missing; send it in the % header",
	"csrf_mismatch":       "The CSRF value does not belong to this token",
	"csrf_origin":         "The request comes from a page of another origin; send it from this site, or have the service trust that origin",
	"csrf_origin_missing": "The request does not say which page it comes from; send Origin or Sec-Fetch-Site",
	"csrf_large_form":     "The CSRF field % is not in the part of the form that is searched; put it before the files",
	"csrf_claim_missing":  "The token has no CSRF value and cannot be used in a cookie",
	"csrf_claim_type":     "The token's CSRF value is not a string",

	"header_malformed":  "The % header is malformed",
	"header_too_large":  "The % header is too large",
	"query_prefix":      "The query parameter % does not start with the expected prefix",
	"ambiguous":         "There is more than one %; send one",
	"member_type":       "The JSON member % is not a string",
	"body_json":         "The body is not valid JSON",
	"body_content_type": "There is more than one Content-Type header; send one",
	"body_unreadable":   "The body could not be read",

	"too_large":          "The token is too large",
	"segments":           "The token has fewer than three segments",
	"segments_extra":     "The token has more than three segments",
	"header_encoding":    "The token's header is not canonical base64url",
	"payload_encoding":   "The token's payload is not canonical base64url",
	"signature_encoding": "The token's signature is not canonical base64url",
	"signature_length":   "The token's signature is cut; no base64url has its length",
	"header_json":        "The token's header is not strict JSON",
	"header_object":      "The token's header is not a JSON object",
	"payload_empty":      "The token's payload is empty",
	"payload_json":       "The token's payload is not strict JSON",
	"payload_object":     "The token's payload is not a JSON object",
	"alg_missing":        "The token's header has no alg",
	"alg_type":           "The token's alg is not a string",
	"alg_mismatch":       "The token's algorithm is not accepted",
	"kid_type":           "The token's kid is not a string",
	"typ_type":           "The token's typ is not a string",
	"typ_mismatch":       "The token is of another kind (typ)",
	"crit":               "The token demands an extension that is not supported (crit)",
	"crit_empty":         "The token's crit is not a list with entries",
	"crit_type":          "The token's crit holds a value that is not a string",
	"crit_absent":        "The token's crit names a member that is absent",
	"b64":                "Tokens with b64 are not supported",
	"zip":                "Compressed tokens are not supported",
	"cty":                "Nested tokens are not supported",
	"kid_missing":        "The token has no kid, and no accepted key is for such tokens",
	"issuer_unknown":     "The token names no accepted issuer (iss)",
	"key_unknown":        "No accepted key has the token's kid",
	"key_ambiguous":      "Too many keys could have signed the token; it needs a kid",
	"signature":          "The token's signature is wrong",

	"exp_type":       "The claim exp is not a time",
	"exp_missing":    "The claim exp is missing",
	"exp_far":        "The claim exp is too far in the future",
	"nbf_type":       "The claim nbf is not a time",
	"nbf_future":     "The token is not valid yet (nbf)",
	"iat_type":       "The claim iat is not a time",
	"iat_future":     "The token was issued in the future (iat)",
	"iss_type":       "The claim iss is not a string",
	"iss_missing":    "The claim iss is missing",
	"iss_mismatch":   "The token has another issuer",
	"tid_mismatch":   "The claim tid is not the tenant that iss names",
	"aud_type":       "The claim aud is not a string or a list of strings",
	"aud_missing":    "The claim aud is missing",
	"aud_unexpected": "The token is for an audience, and no audience is configured here",
	"aud_mismatch":   "The token is for another audience",
	"sub_type":       "The claim sub is not a string",
	"jti_type":       "The claim jti is not a string",
	"sid_type":       "The claim sid is not a string",
	"type_type":      "The claim type is not a string",
	"fresh_type":     "The claim fresh is neither true, false nor a time",
	"claim_missing":  "The claim % is missing",
	"claim_empty":    "The claim % is empty",
	"issuer_check":   "This service accepts other tokens of this issuer, but not this one",

	"expired":        "The token has expired",
	"access_wanted":  "An access token is wanted here",
	"refresh_wanted": "A refresh token is wanted here",
	"type_wanted":    "A % token is wanted here",
	"not_fresh":      "A fresh token is wanted here; log in again",
	"never_fresh":    "A fresh token is wanted here, and tokens of this issuer are never fresh; use one of another issuer",
	"wrong_type":     "The token has the wrong type for this route",
	"revoked":        "The token has been revoked",
	"refresh_reused": "The refresh token was used before, so its session is ended; log in again",
	"session_ended":  "The session is over; log in again",
	"scope":          "The token lacks the scope that this route asks for",
	"invalid":        "The token is not valid here",
	"rejected":       "The token is not accepted here",
	"no_user":        "The token's user does not exist",
}
