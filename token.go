package gate

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/internal/scan"
	"github.com/jwtgate/gate/keys"
)

// A Token is a token whose signature was verified. Handlers get it with [FromContext]. Do
// not change it.
type Token struct {
	ID        string    // jti
	Subject   string    // sub
	Issuer    string    // iss
	SessionID string    // sid: the login of the token
	Audience  []string  // aud
	IssuedAt  time.Time // iat; this and the next two are zero when absent
	NotBefore time.Time // nbf
	Expiry    time.Time // exp
	Type      TokenType // type
	// FreshUntil is set when the token is fresh until some time.
	FreshUntil time.Time
	Fresh      bool // the claim fresh is true, so there is no end

	*hidden
}

// hidden has the part of a Token that must not be printed. There are two pointers, since
// fmt follows one for a verb that does not fit. hidden is nil in a Token made by hand.
type hidden struct{ *inside }

// inside is the part of a Token that must not be printed.
type inside struct {
	from       *issuer   // the issuer of key
	key        *keys.Key // the key that verified the signature
	demands    demands
	generation int64 // of the claim gen
	claims     claimSet
	rare       *rare // nil in most tokens
	location   string
	csrf       string
	payload    string // JSON
	user       any
}

// rare has what few tokens have. It is apart, since each request allocates a Token and a
// small one costs less.
type rare struct {
	identity scan.Value // see inside.identity
	renewed  string     // of the claim renewed_jti
	header   string     // encoded segment, if it differs from that of the key
}

// setRare returns the rare part to write to.
func (in *inside) setRare() *rare {
	if in.rare == nil {
		in.rare = new(rare)
	}
	return in.rare
}

// identity returns the value of the identity claim, or a Value of kind 0 when the
// identity is the string in sub.
func (in *inside) identity() (v scan.Value) {
	if in.rare != nil {
		v = in.rare.identity
	}
	return v
}

// verifiedBy sets the key and the header of a token. It copies the header, since a
// transport may reuse the memory of the request.
func (in *inside) verifiedBy(k *keys.Key, header string) {
	in.key = k
	if header != k.Header() {
		in.setRare().header = strings.Clone(header)
	}
}

// header returns the encoded header, or "" for a Token made by hand.
func (in *inside) header() string {
	switch {
	case in.rare != nil && in.rare.header != "":
		return in.rare.header
	case in.key != nil:
		return in.key.Header()
	}
	return ""
}

// newToken returns a Token with its inside, in one allocation.
func newToken() *Token {
	m := new(struct {
		t Token
		h hidden
		i inside
	})
	m.t.hidden, m.h.inside = &m.h, &m.i
	return &m.t
}

// hides returns the inside of a Token, or an empty one for a Token made by hand.
func (t *Token) hides() *inside {
	if t.hidden == nil {
		return new(inside)
	}
	return t.inside
}

// Claims decodes all claims into v, a pointer to a struct or to a map. The case of names
// matters: a field Roles without the tag `json:"roles"` does not get the claim "roles".
// Claims without a field in v are ignored.
//
// Go values are as in encoding/json, here and in [TokenOptions.Claims]: omitempty leaves
// out false, 0, "" and nil; a time.Duration is a number of nanoseconds; a [16]byte is a
// list of numbers unless it has marshal methods; a json.Number is a number. A time.Time is
// decoded from a NumericDate or from RFC 3339. No whole number loses digits: where a
// float64 cannot hold one, an any gets a json.Number.
//
// For a Token made by hand, in a test, the claims are those of its fields. The error of a
// nil Token, which [Gate.Check] returns for a request without one, is [ErrMissing].
func (t *Token) Claims(v any) error {
	if t == nil {
		return refuse(ErrMissing, "missing")
	}
	text := []byte(t.hides().payload)
	if len(text) == 0 {
		text = t.fields()
	}
	if raw, ok := v.(*jsontext.Value); ok {
		*raw = text // it was checked when the token was read
		return nil
	}
	if err := json.Unmarshal(text, v, readOptions); err != nil {
		return fmt.Errorf("gate: claims: %w", err)
	}
	return nil
}

// fields returns the claims of a Token made by hand.
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

// Header decodes the header into v, a pointer to a struct or to a map, with Go values as
// in [Token.Claims].
func (t *Token) Header(v any) error {
	text, _ := jws.DecodeSegment(t.hides().header()) // was decoded before
	if err := json.Unmarshal(text, v, readOptions); err != nil {
		return fmt.Errorf("gate: header: %w", err)
	}
	return nil
}

// Identity returns the value of the identity claim ([Create.IdentityClaim]), by default
// the subject, a string. A whole number is an int64, or a json.Number where it is too
// large; other JSON is as encoding/json decodes it into an any.
func (t *Token) Identity() any {
	id := t.hides().identity()
	switch {
	case id.Kind == 0:
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

// VerifiedIssuer returns "" for a token of the gate itself, and the verified "iss" for a
// token of one of [Config.Issuers]. Such a token has ID, Subject and SessionID of the other
// issuer. They may be equal to those of the gate and still mean another token, user or
// login.
func (t *Token) VerifiedIssuer() string {
	if from := t.hides().from; from == nil || from.own {
		return ""
	}
	return t.Issuer // checkIssuer compared it with the name of from
}

// VerifiedKey returns the key that verified the signature; nil for a Token made by hand.
func (t *Token) VerifiedKey() *keys.Key { return t.hides().key }

// Generation returns the claim "gen": the number that the blocklist had for the subject
// at the login of this token ([GenerationReader]). ok is false for a token without it, and
// for one of another issuer, whose blocklist counts differently; blocklists then compare
// IssuedAt.
func (t *Token) Generation() (gen int64, ok bool) {
	in := t.hides()
	if in.claims.have&claimGen == 0 || in.claims.bad&claimGen != 0 || t.VerifiedIssuer() != "" {
		return 0, false
	}
	return in.generation, true
}

// CSRF returns the CSRF value of the token, or "". Give it to pages that cannot read
// cookies. A request with the token in a cookie must repeat it.
func (t *Token) CSRF() string { return t.hides().csrf }

// Location returns where the token was found: "header", "cookie", "query", "path",
// "json" or the name of a LocationFunc; "" for a token that did not come in a request.
func (t *Token) Location() string { return t.hides().location }

// Policy returns the policy of the route, without Scopes, Allow and Locations, for hooks
// and blocklists that depend on it. For a token from [Gate.Decode] it is the zero Policy.
func (t *Token) Policy() Policy {
	d := t.hides().demands
	return Policy{Type: d.typ, Optional: d.optional, Public: d.public, Fresh: d.fresh, SkipBlocklist: d.skipBlocklist, SkipCSRF: d.skipCSRF}
}

// clone returns a copy that shares nothing that a caller could change.
func (t *Token) clone() *Token {
	c := newToken()
	h := c.hidden
	*h.inside = *t.hides()
	*c = *t
	c.hidden, c.Audience = h, slices.Clone(t.Audience)
	return c
}

// String returns type, subject and ID only, since a token that is in a log can be stolen.
// It, Format and LogValue have a value receiver, so that a copied Token prints no more.
func (t Token) String() string {
	return fmt.Sprintf("gate.Token(%s sub=%q jti=%q)", t.Type, t.Subject, t.ID)
}

// Format implements fmt.Formatter, so that no verb shows more than String.
func (t Token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.String()) }

// LogValue implements slog.LogValuer: a group of type, sub, jti and sid, of those that t has.
func (t Token) LogValue() slog.Value {
	all := []slog.Attr{slog.String("type", string(t.Type)), slog.String("sub", t.Subject), slog.String("jti", t.ID), slog.String("sid", t.SessionID)}
	return slog.GroupValue(slices.DeleteFunc(all, func(a slog.Attr) bool { return a.Value.String() == "" })...)
}
