package gate

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/jwtgate/gate/internal/json"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/internal/scan"
	"github.com/jwtgate/gate/keys"
)

// A Token is a token whose signature has held. Handlers read the one of their
// request with [FromContext]. Treat it as read-only.
type Token struct {
	ID        string    // jti
	Subject   string    // sub
	Issuer    string    // iss
	SessionID string    // sid: the login that the token belongs to
	Audience  []string  // aud
	IssuedAt  time.Time // iat; zero when absent, as the next two
	NotBefore time.Time // nbf
	Expiry    time.Time // exp
	Type      TokenType // type
	// FreshUntil is set when the token is fresh for a time only.
	FreshUntil time.Time
	Fresh      bool // fresh, when it is true or false

	*hidden
}

// hidden leads to the part of a Token that nothing may print. Its pointer is the
// second one on the way from a struct: fmt follows none as a rule, but one for a verb
// that does not fit. It is nil in a Token that no gate has made.
type hidden struct{ *inside }

// inside is that part.
type inside struct {
	from       *issuer   // whose key has verified it
	key        *keys.Key // that has verified it
	verified   string    // the name of from, as the token has it; "" for the gate
	demands    demands
	generation int64 // of the claim gen
	claims     claimSet
	identity   *scan.Value // of the identity claim, where it is not a string in sub
	location   string
	csrf       string
	renewed    string // of the claim renewed_jti
	header     string // encoded segment
	payload    string // JSON
	user       any
}

// newToken returns a Token with its inside, in one piece of memory.
func newToken() *Token {
	m := new(struct {
		t Token
		h hidden
		i inside
	})
	m.t.hidden, m.h.inside = &m.h, &m.i
	return &m.t
}

// hides returns the inside of a Token, or an empty one.
func (t *Token) hides() *inside {
	if t.hidden == nil {
		return new(inside)
	}
	return t.inside
}

// Claims decodes all claims into v, a pointer to a struct or to a map. Names match
// by exact case. Claims that v has no place for are ignored.
//
// Go values are as in encoding/json, here and in [TokenOptions.Claims]: omitempty leaves
// out false, 0, "" and nil; a time.Duration is a number of nanoseconds; a [16]byte is a
// list of numbers unless it has methods of its own; a json.Number is a number. A
// time.Time takes a NumericDate as well as RFC 3339. Whole numbers keep all their digits
// in integer fields, and in an any, where one that a float64 would round is a
// json.Number.
//
// A Token that no gate has made, in a test, has the claims of its fields.
func (t *Token) Claims(v any) error {
	text := []byte(t.hides().payload)
	if len(text) == 0 {
		text = t.fields()
	}
	if err := json.Unmarshal(text, v, readOptions); err != nil {
		return fmt.Errorf("gate: claims: %w", err)
	}
	return nil
}

// fields are the claims of a Token that no gate has made.
func (t *Token) fields() []byte {
	c := map[string]any{"fresh": t.Fresh}
	if !t.FreshUntil.IsZero() {
		c["fresh"] = t.FreshUntil.Unix()
	}
	if len(t.Audience) > 0 {
		c["aud"] = t.Audience
	}
	for name, text := range map[string]string{"jti": t.ID, "sub": t.Subject, "iss": t.Issuer, "sid": t.SessionID, "type": string(t.Type)} {
		if text != "" {
			c[name] = text
		}
	}
	for name, at := range map[string]time.Time{"iat": t.IssuedAt, "nbf": t.NotBefore, "exp": t.Expiry} {
		if !at.IsZero() {
			c[name] = at.Unix()
		}
	}
	text, _ := json.Marshal(c) // numbers and text always marshal
	return text
}

// Header decodes the header into v, a pointer to a struct or to a map.
func (t *Token) Header(v any) error {
	text, _ := jws.DecodeSegment(t.hides().header) // was decoded before
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("gate: header: %w", err)
	}
	return nil
}

// Identity returns the value of the identity claim ([Create.IdentityClaim]): the
// subject as a string unless the configuration says otherwise. A whole number is an
// int64, or a json.Number where it is larger; other JSON is as in an any of
// encoding/json.
func (t *Token) Identity() any {
	id := t.hides().identity
	switch {
	case id == nil:
		return t.Subject
	case id.Kind == '"':
		return id.Str
	}
	if n, err := strconv.ParseInt(id.Str, 10, 64); err == nil {
		return n
	}
	var v any
	_ = json.Unmarshal([]byte(id.Str), &v, readOptions) // was read before
	return v
}

// VerifiedIssuer returns "" for a token of the gate's own keys, and for one of a
// [Config.Issuers] entry the "iss" that its key has signed. Where it is not "", ID,
// Subject and SessionID were given by somebody else: they may be equal to the gate's
// own and mean another token, user or login.
func (t *Token) VerifiedIssuer() string { return t.hides().verified }

// VerifiedKey returns the key that has verified the token; nil for a token that no
// gate has read.
func (t *Token) VerifiedKey() *keys.Key { return t.hides().key }

// Generation returns the claim "gen": how often the tokens of the subject had been
// revoked at the login that this token comes from, as an order of the blocklist that
// only grows. ok is false for a token without it, which is judged by IssuedAt.
func (t *Token) Generation() (gen int64, ok bool) {
	in := t.hides()
	return in.generation, in.claims.have&claimGen != 0 && in.claims.bad&claimGen == 0
}

// renewedFrom is the claim of a token that Renew made: the ID of the first of its chain.
const renewedFrom = "renewed_jti"

// RevocationID returns the identifier by which a blocklist knows t alone: ID, or the ID of
// the first token of the chain where [Gate.Renew] made t. So whoever revokes a token
// revokes what was renewed from it, until all of that has expired.
func (t *Token) RevocationID() string {
	if first := t.hides().renewed; first != "" {
		return first
	}
	return t.ID
}

// CSRF returns the double submit value of the token, or "". Give it to pages that
// cannot read cookies; a request with the token in a cookie has to repeat it.
func (t *Token) CSRF() string { return t.hides().csrf }

// Location returns where the token was found: "header", "cookie", "query", "path",
// "json", the name of a LocationFunc, or "" for one that was not taken from a request.
func (t *Token) Location() string { return t.hides().location }

// Policy returns what the route demanded of the token, for hooks and blocklists that
// are stricter where more is at stake; the zero Policy for a token from Decode. Its
// Scopes, Allow and Locations are left out; see [Token.Location] for the last.
func (t *Token) Policy() Policy {
	d := t.hides().demands
	return Policy{Type: d.typ, Optional: d.optional, Public: d.public, Fresh: d.fresh, SkipBlocklist: d.skipBlocklist, SkipCSRF: d.skipCSRF}
}

// clone returns a copy that shares nothing a caller could change.
func (t *Token) clone() *Token {
	c := newToken()
	h := c.hidden
	*h.inside = *t.hides()
	*c = *t
	c.hidden, c.Audience = h, slices.Clone(t.Audience)
	return c
}

// String names the type, subject and ID, and leaves out the rest: a token in a log
// is a token lost. It and its two siblings are of the value, so that a copy of a Token
// prints no more either.
func (t Token) String() string {
	return fmt.Sprintf("gate.Token(%s sub=%q jti=%q)", t.Type, t.Subject, t.ID)
}

// Format implements fmt.Formatter, so that no verb shows more than String.
func (t Token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.String()) }

// LogValue implements slog.LogValuer with what String shows.
func (t Token) LogValue() slog.Value {
	return slog.GroupValue(slog.String("type", string(t.Type)), slog.String("sub", t.Subject), slog.String("jti", t.ID))
}
