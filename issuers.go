package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jwtgate/gate/internal/scan"
	"github.com/jwtgate/gate/keys"
)

// An Issuer is somebody else whose tokens a gate accepts beside its own: an OpenID
// provider, another service. Its keys verify the tokens that name it in "iss", and no
// others; no other key verifies those (RFC 8725 section 3.8).
//
// The subject "42" of an issuer is not the gate's user 42, and neither is its "admin".
// LoadUser, Verify and handlers have to ask [Token.VerifiedIssuer].
//
// Its tokens open what an access token opens: they are no refresh tokens and none of
// Create.Types, whatever their "type", and no token of the gate is made from them.
//
// Limits, clocks, Leeway and MaxLifetime are those of [Accept]. The zero values of the
// optional fields are the strict ones.
type Issuer struct {
	// Name is the "iss" of its tokens, compared as text. One segment of the path may be
	// {tenantid}, as Microsoft Entra publishes it: it stands for any one segment of
	// letters, digits, "-" and "_", and the claim "tid", where there is one, has to be
	// equal to it. Every tenant is accepted: refuse strangers in Config.Verify.
	Name string
	// Keys hands out the keys that verify its tokens. It is asked about no others.
	// Where it fails, tokens that name this issuer are answered with 503, and no others.
	Keys keys.Source
	// Audiences are the accepted audiences; "aud" must contain one of them. Required,
	// unless Lenient.AnyOrigin is set.
	Audiences []string
	// HeaderTypes are as in [Accept].
	HeaderTypes []string
	// IdentityClaim is the claim that [Token.Identity] returns. Default: "sub".
	IdentityClaim string
	// Lenient takes tokens of this issuer, and of no other, that the zero value
	// refuses. Most OpenID providers need AnyType and NoID.
	Lenient Lenient
	// Blocklist holds its revoked tokens. Default: Config.Blocklist, which then has to
	// ask [Token.VerifiedIssuer], as the stores of this module do.
	Blocklist Blocklist
}

// issuer is how the tokens of one issuer are judged. The gate itself is one.
type issuer struct {
	Issuer
	all  *issuers // that a gate accepts: each gate has its own
	own  bool
	path tenantPath // zero where Name is text
}

// issuers are all whose tokens a gate accepts.
type issuers struct {
	own     *issuer
	names   []string // of the gate's own tokens; nil: any or none that is nobody else's
	byName  map[string]*issuer
	tenants []*issuer // whose names hold a tenantMark
	// single is that the gate accepts no tokens but its own, and anybody that these may
	// have any "iss".
	single, anybody bool
}

// newIssuers takes Config.Issuers, and the names of the gate's own tokens where they are
// not Accept.Issuer alone.
func newIssuers(c *Config, names []string) *issuers {
	if names == nil && c.Accept.Issuer != "" {
		names = []string{c.Accept.Issuer}
	}
	s := &issuers{names: names, byName: make(map[string]*issuer, len(c.Issuers))}
	s.own = &issuer{all: s, own: true, Issuer: Issuer{
		Keys: c.Keys, Audiences: c.Accept.Audiences, HeaderTypes: c.Accept.HeaderTypes,
		IdentityClaim: c.Create.IdentityClaim, Lenient: c.Accept.Lenient, Blocklist: c.Blocklist,
	}}
	for _, i := range c.Issuers {
		if i.Blocklist == nil {
			i.Blocklist = c.Blocklist
		}
		before, after, tenants := strings.Cut(i.Name, tenantMark)
		if tenants {
			s.tenants = append(s.tenants, &issuer{all: s, Issuer: i, path: tenantPath{before, after}})
			continue
		}
		s.byName[i.Name] = &issuer{all: s, Issuer: i}
	}
	s.single = len(c.Issuers) == 0
	s.anybody = s.single && names == nil
	return s
}

// of returns the one issuer of whom a token with this "iss" may be, or nil. It is asked
// before the signature, to choose who is asked for keys, and after it, to check that
// whoever signed may say so.
func (s *issuers) of(iss string, have bool) *issuer {
	if i := s.other(iss); i != nil {
		return i
	}
	own := s.own
	switch {
	case own.Keys == nil:
		return nil
	case s.names != nil:
		have = have && slices.Contains(s.names, iss)
	case s.single || own.Lenient.AnyOrigin:
		have = true
	default:
		have = !have
	}
	if !have {
		return nil
	}
	return own
}

// other returns the entry of Config.Issuers that iss names, or nil.
func (s *issuers) other(iss string) *issuer {
	if s.single {
		return nil
	}
	if i := s.byName[iss]; i != nil {
		return i
	}
	for _, i := range s.tenants {
		if i.path.tenant(iss) != "" {
			return i
		}
	}
	return nil
}

// ofUnverified is of for a payload that nobody has verified. A payload that cannot be
// read names nobody.
func (s *issuers) ofUnverified(payload []byte, l *Limits) *issuer {
	iss, have := topMember(payload, "iss", l)
	if have && iss.Kind != '"' {
		return nil
	}
	return s.of(iss.Str, have)
}

// topMember reads one member of an object, strictly: the whole text has to be within
// the limits and good JSON in which no name comes twice.
func topMember(text []byte, want string, l *Limits) (v scan.Value, found bool) {
	r := scan.New(text, l.Depth, l.Members)
	var names scan.Names
	r.Open('{')
	for first := true; r.More(first, '}'); first = false {
		name := r.Name()
		r.Once(&names, name)
		if name == want {
			v, found = r.Value(), true
			continue
		}
		r.Skip()
	}
	if !r.End() {
		return scan.Value{}, false
	}
	return v, found
}

// agrees reports whether the claim "tid" of a verified payload, where there is one, is
// the tenant that iss names.
func (i *issuer) agrees(iss string, payload []byte, l *Limits) bool {
	if i.path == (tenantPath{}) {
		return true
	}
	tid, have := topMember(payload, "tid", l)
	return !have || tid.Kind == '"' && tid.Str == i.path.tenant(iss)
}

// tenantMark is the part of an Issuer's name that is not compared as text.
const tenantMark = "{tenantid}"

const tenantChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func isTenant(s string) bool { return s != "" && strings.Trim(s, tenantChars) == "" }

// tenantPath is what a name has before and after its tenantMark.
type tenantPath struct{ before, after string }

// tenant returns the tenant that iss names, or "" where iss has another form.
func (p tenantPath) tenant(iss string) string {
	rest, before := strings.CutPrefix(iss, p.before)
	rest, after := strings.CutSuffix(rest, p.after)
	if !before || !after || !isTenant(rest) {
		return ""
	}
	return rest
}

// errNoKeys is returned where a gate that only verifies is asked for a token.
var errNoKeys = fmt.Errorf("gate: Config.Keys is nil, so this gate creates no tokens: %w", keys.ErrCannotSign)

// withDefaults returns a copy that shares no slice with the caller's.
func (i Issuer) withDefaults() Issuer {
	i.Audiences, i.HeaderTypes = slices.Clone(i.Audiences), slices.Clone(i.HeaderTypes)
	setDefault(&i.IdentityClaim, "sub")
	return i
}
