package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jwtgate/gate/internal/scan"
	"github.com/jwtgate/gate/keys"
)

// An Issuer is another issuer whose tokens a gate accepts, such as an OpenID provider or
// another service. Its keys verify the tokens that have its Name in "iss", and no other
// tokens; no other key verifies these (RFC 8725 section 3.8).
//
// The subject "42" of an issuer is not the gate's user 42. LoadUser, Verify and handlers
// must look at [Token.VerifiedIssuer].
//
// Its tokens are used like access tokens, whatever their "type": they are never refresh
// tokens or one of Create.Types, and the gate makes no token from them. They are not fresh
// ([Policy.Fresh]) unless IsGate or FreshFor is set. Their scopes count as those of the
// gate's own tokens do.
//
// Limits, Skew, Leeway and MaxLifetime are those of [Accept]. The zero values of the
// optional fields are the strict ones.
type Issuer struct {
	// Name is the "iss" of its tokens, compared as text. One segment of the path may be
	// {tenantid}, as Microsoft Entra publishes it. It matches any one segment of letters,
	// digits, "-" and "_", and the claim "tid", if there is one, must be equal to it. All
	// tenants are accepted: reject the others in Config.Verify.
	Name string
	// Keys has the keys that verify its tokens. If it fails, requests with tokens of this
	// issuer are answered with 503; other requests are not affected.
	Keys keys.Source
	// Audiences lists accepted audiences; "aud" must contain one of them. It is required
	// unless Lenient.AnyOrigin is set.
	Audiences []string
	// HeaderTypes are as in [Accept].
	HeaderTypes []string
	// IdentityClaim is the claim that [Token.Identity] returns. Default: "sub".
	IdentityClaim string
	// Lenient accepts tokens of this issuer that are refused otherwise. Most OpenID
	// providers need AnyType and NoID.
	Lenient Lenient
	// Check refuses tokens of this issuer that are not meant as access tokens here, such as
	// its ID tokens. It is called in step 3, after the checks of the other claims, for
	// every token whose signature holds, and must be quick. Its error refuses the token
	// ([ErrInvalid]) and is kept in [Error.Err]; it must hold no text of the token that
	// must not be logged. Package oidc has checks for many providers.
	Check func(t *Token) error
	// Blocklist holds its revoked tokens. Default: Config.Blocklist, which must then look
	// at [Token.VerifiedIssuer], as the stores of this module do.
	Blocklist Blocklist
	// IsGate says that a gate makes its tokens, so that their claims "fresh" and
	// "renewed_jti" mean the same as in the gate's own. Do not set it for a provider: there
	// they are claims like any other, which a user may be able to set.
	IsGate bool
	// FreshFor is how long its tokens are fresh after the login that "auth_time" names (RFC
	// 9068 section 2.2.1). Default: the claim is not read.
	FreshFor time.Duration
}

// issuer has the rules for the tokens of one issuer. The gate itself is one.
type issuer struct {
	Issuer
	all      *issuers // all issuers of the same gate
	own      bool
	path     tenantPath // zero where Name has no tenantMark
	notFresh *more      // RFC 9470: how old a login may be, where that is known
}

// issuers has all issuers whose tokens a gate accepts.
type issuers struct {
	own     *issuer
	names   []string // accepted "iss" of the gate's own tokens; nil: see of
	byName  map[string]*issuer
	tenants []*issuer // with a tenantMark in their names
	onlyOwn bool      // there are no other issuers
	anyName bool      // onlyOwn, and any "iss" is accepted
}

// newIssuers takes Config.Issuers, and the names of the gate's own tokens where they are
// not Accept.Issuer alone.
func newIssuers(c *Config, names []string) *issuers {
	if names == nil && c.Accept.Issuer != "" {
		names = []string{c.Accept.Issuer}
	}
	s := &issuers{names: names, byName: make(map[string]*issuer, len(c.Issuers))}
	s.own = &issuer{all: s, own: true, notFresh: newMaxAge(c.Create.AccessLifetime), Issuer: Issuer{
		Keys: c.Keys, Audiences: c.Accept.Audiences, HeaderTypes: c.Accept.HeaderTypes,
		IdentityClaim: c.Create.IdentityClaim, Lenient: c.Accept.Lenient, Blocklist: c.Blocklist,
	}}
	for _, i := range c.Issuers {
		if i.Blocklist == nil {
			i.Blocklist = c.Blocklist
		}
		before, after, tenants := strings.Cut(i.Name, tenantMark)
		if tenants {
			s.tenants = append(s.tenants, &issuer{all: s, Issuer: i, notFresh: newMaxAge(i.FreshFor), path: tenantPath{before, after}})
			continue
		}
		s.byName[i.Name] = &issuer{all: s, Issuer: i, notFresh: newMaxAge(i.FreshFor)}
	}
	s.onlyOwn = len(c.Issuers) == 0
	s.anyName = s.onlyOwn && names == nil
	return s
}

// of returns the issuer of tokens with this "iss", or nil. It is called before the
// signature check, to choose the keys, and after it, to check that the key belongs to
// that issuer.
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
	case s.onlyOwn || own.Lenient.AnyOrigin:
		have = true
	default:
		have = !have
	}
	if !have {
		return nil
	}
	return own
}

// other returns the entry of Config.Issuers with the name iss, or nil.
func (s *issuers) other(iss string) *issuer {
	if s.onlyOwn {
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

// ofUnverified is of for a payload that was not verified yet. It returns nil for one that
// cannot be read.
func (s *issuers) ofUnverified(payload []byte, l *Limits) *issuer {
	iss, have := topMember(payload, "iss", l)
	if have && iss.Kind != '"' {
		return nil
	}
	return s.of(iss.Str, have)
}

// topMember reads one member of an object. The whole text must be strict JSON within the
// limits.
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

// newMaxAge returns what a client is told of tokens that are fresh for this long.
func newMaxAge(d time.Duration) *more {
	if d <= 0 {
		return nil
	}
	return &more{maxAge: int64(d / time.Second)}
}

// neverFresh reports whether no token of the issuer is fresh.
func (i *Issuer) neverFresh() bool { return !i.IsGate && i.FreshFor == 0 }

// restrict decides what the claims of another issuer's token mean: they are not those that
// a gate writes, unless the issuer is a gate.
func (i *issuer) restrict(t *Token, payload []byte, l *Limits) {
	if !i.agrees(t.Issuer, payload, l) {
		t.claims.bad |= claimTenant
	}
	if !i.IsGate {
		t.Fresh, t.FreshUntil = false, time.Time{}
		if t.rare != nil {
			t.rare.renewed = ""
		}
	}
	if i.FreshFor > 0 {
		i.freshByLogin(t, payload, l)
	}
}

// freshByLogin makes a token fresh for FreshFor after its login, which was not after the
// token was issued.
func (i *issuer) freshByLogin(t *Token, payload []byte, l *Limits) {
	v, _ := topMember(payload, "auth_time", l)
	sec, ok := numberOf(v)
	if !ok || t.IssuedAt.IsZero() {
		return
	}
	since := time.Unix(int64(sec), 0).UTC()
	if t.IssuedAt.Before(since) {
		since = t.IssuedAt
	}
	if until := since.Add(i.FreshFor); until.After(t.FreshUntil) {
		t.FreshUntil = until
	}
}

// agrees reports whether the claim "tid" of a verified payload, if there is one, is the
// tenant in iss.
func (i *issuer) agrees(iss string, payload []byte, l *Limits) bool {
	if i.path == (tenantPath{}) {
		return true
	}
	tid, have := topMember(payload, "tid", l)
	return !have || tid.Kind == '"' && tid.Str == i.path.tenant(iss)
}

// tenantMark is the part of an Issuer's name that matches any tenant.
const tenantMark = "{tenantid}"

const tenantChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func isTenant(s string) bool { return s != "" && strings.Trim(s, tenantChars) == "" }

// tenantPath is the text before and after the tenantMark of a name.
type tenantPath struct{ before, after string }

// tenant returns the tenant in iss, or "" if iss has another form.
func (p tenantPath) tenant(iss string) string {
	rest, before := strings.CutPrefix(iss, p.before)
	rest, after := strings.CutSuffix(rest, p.after)
	if !before || !after || !isTenant(rest) {
		return ""
	}
	return rest
}

// errNoKeys is the error of a gate without keys that should create a token.
var errNoKeys = fmt.Errorf("gate: Config.Keys is nil, so this gate creates no tokens: %w", keys.ErrCannotSign)

// withDefaults returns a copy that shares no slice with the caller's.
func (i Issuer) withDefaults() Issuer {
	i.Audiences, i.HeaderTypes = slices.Clone(i.Audiences), slices.Clone(i.HeaderTypes)
	setDefault(&i.IdentityClaim, "sub")
	return i
}
