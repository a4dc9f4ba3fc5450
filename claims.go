package gate

import (
	"slices"
	"strconv"
	"time"
	"unsafe"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/internal/scan"
)

// claimSet records which known claims a token has and which of them have the wrong JSON
// type. They are checked later in a fixed order, so that the error does not depend on the
// order in the token.
type claimSet struct{ have, bad claimBits }

type claimBits uint16

const (
	claimExp claimBits = 1 << iota
	claimNbf
	claimIat
	claimIss
	claimAud
	claimSub
	claimJti
	claimSid
	claimType
	claimFresh
	claimCSRF
	claimIdentity
	claimGen
	claimRenewed
	claimTenant // the claim tid, where the name of the issuer holds a tenant
)

// maxTime is the first integer that not all JSON readers hold exactly (RFC 7493 section
// 2.2).
const maxTime = 1 << 53

// parse reads the payload in one strict pass.
func (g *Gate) parse(payload []byte, identityClaim string) (*Token, *Error) {
	t := newToken()
	t.payload = unsafe.String(unsafe.SliceData(payload), len(payload))
	lim := &g.cfg.Accept.Limits
	r := scan.New(payload, lim.Depth, lim.Members)
	if c := r.Kind(); c != '{' && r.Skip() && r.End() {
		return nil, refuse(ErrInvalid, "payload_object")
	}
	var others scan.Names
	c := &t.claims
	r.Open('{')
	for first := true; ; first = false {
		name, v, ok := r.Member(first)
		if !ok {
			if !r.More(first, '}') {
				break
			}
			name, v = r.Name(), r.Value()
		}
		bit := t.claim(name, v)
		if bit == 0 {
			r.Once(&others, name)
			if name == identityClaim {
				bit, t.setRare().identity = claimIdentity, v
			}
		}
		if c.have&bit != 0 {
			r.Duplicate()
		}
		c.have |= bit
	}
	if !r.End() {
		if r.Fault() == scan.TooLarge {
			return nil, refuse(ErrInvalid, "too_large")
		}
		return nil, refuse(ErrInvalid, "payload_json")
	}
	return t, nil
}

// claim stores a claim that the gate knows, and returns its bit; 0 for any other.
func (t *Token) claim(name string, v scan.Value) claimBits {
	switch name {
	case "exp":
		t.Expiry = t.timeOf(v, claimExp)
		return claimExp
	case "nbf":
		t.NotBefore = t.timeOf(v, claimNbf)
		return claimNbf
	case "iat":
		t.IssuedAt = t.timeOf(v, claimIat)
		return claimIat
	case "iss":
		t.Issuer = t.stringOf(v, claimIss)
		return claimIss
	case "aud":
		t.audienceOf(v)
		return claimAud
	case "sub":
		t.Subject = t.stringOf(v, claimSub)
		if v.Kind != '"' && t.claims.have&claimIdentity == 0 {
			t.setRare().identity = v
		}
		return claimSub
	case "jti":
		t.ID = t.stringOf(v, claimJti)
		return claimJti
	case "sid":
		t.SessionID = t.stringOf(v, claimSid)
		return claimSid
	case "type":
		t.Type = TokenType(t.stringOf(v, claimType))
		return claimType
	case "csrf":
		t.csrf = t.stringOf(v, claimCSRF)
		return claimCSRF
	case "fresh":
		t.freshOf(v)
		return claimFresh
	case "gen":
		t.generationOf(v)
		return claimGen
	case renewedFrom:
		t.setRare().renewed = t.stringOf(v, claimRenewed)
		return claimRenewed
	}
	return 0
}

func (t *Token) stringOf(v scan.Value, bit claimBits) string {
	if v.Kind != '"' {
		t.claims.bad |= bit
		return ""
	}
	return v.Str
}

// timeOf reads a NumericDate (RFC 7519 section 2) and drops the fraction.
func (t *Token) timeOf(v scan.Value, bit claimBits) time.Time {
	sec := v.Int
	if v.Kind != scan.Int || sec >= maxTime {
		f, ok := numberOf(v)
		if !ok {
			t.claims.bad |= bit
			return time.Time{}
		}
		sec = int64(f)
	}
	return time.Unix(sec, 0).UTC()
}

// numberOf returns the value of a number that may be a time.
func numberOf(v scan.Value) (float64, bool) {
	if !v.IsNumber() {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.Str, 64)
	return f, err == nil && f < maxTime && f > -maxTime
}

func (t *Token) audienceOf(v scan.Value) {
	if v.Kind != '[' {
		t.Audience = []string{t.stringOf(v, claimAud)}
		return
	}
	r := scan.New(jws.Bytes(v.Str), len(v.Str), len(v.Str)) // was read within the limits
	r.Open('[')
	for first := true; r.More(first, ']'); first = false {
		t.Audience = append(t.Audience, t.stringOf(r.Value(), claimAud))
	}
}

// freshOf reads true, false, or the time until which the token is fresh, with its
// fraction.
func (t *Token) freshOf(v scan.Value) {
	f, isTime := numberOf(v)
	switch {
	case isTime:
		sec := int64(f)
		t.FreshUntil = time.Unix(sec, int64((f-float64(sec))*1e9)).UTC()
	case v.Kind == 't':
		t.Fresh = true
	case v.Kind != 'f':
		t.claims.bad |= claimFresh
	}
}

// generationOf reads a whole number that is not negative. Anything else counts as absent.
func (t *Token) generationOf(v scan.Value) {
	n, err := v.Int, error(nil)
	if v.Kind != scan.Int {
		n, err = strconv.ParseInt(v.Str, 10, 64)
	}
	if !v.IsNumber() || err != nil || n < 0 {
		t.claims.bad |= claimGen
		return
	}
	t.generation = n
}

// checkClaims is step 3 without expiry, which is checked after step 4: "expired" means that
// the token has no other fault. The order of the checks is part of the API.
func (g *Gate) checkClaims(t *Token, now time.Time) *Error {
	early := now.Add(g.cfg.Accept.Skew)
	c, lenient := t.claims, &t.from.Lenient
	switch {
	case c.bad&claimIat != 0:
		return refuse(ErrInvalid, "iat_type")
	case t.IssuedAt.After(early):
		return refuse(ErrInvalid, "iat_future")
	case c.bad&claimNbf != 0:
		return refuse(ErrInvalid, "nbf_type")
	case t.NotBefore.After(early):
		return refuse(ErrInvalid, "nbf_future")
	case c.bad&claimExp != 0:
		return refuse(ErrInvalid, "exp_type")
	case c.have&claimExp == 0 && !lenient.NoExpiry:
		return refuse(ErrInvalid, "exp_missing")
	case c.have&claimExp != 0 && g.cfg.Accept.MaxLifetime != NoExpiry && t.Expiry.After(now.Add(g.cfg.Accept.MaxLifetime)):
		return refuse(ErrInvalid, "exp_far")
	}
	if err := g.checkIssuer(t); err != nil {
		return err
	}
	if err := g.checkAudience(t); err != nil {
		return err
	}
	if err := g.checkIdentity(t); err != nil || t.from.Check == nil {
		return err
	}
	if err := t.from.Check(t); err != nil {
		return &Error{Kind: ErrInvalid, Reason: "issuer_check", Err: err}
	}
	return nil
}

func (g *Gate) checkIssuer(t *Token) *Error {
	have := t.claims.have&claimIss != 0
	switch {
	case t.claims.bad&claimIss != 0:
		return refuse(ErrInvalid, "iss_type")
	case t.claims.bad&claimTenant != 0:
		return refuse(ErrInvalid, "tid_mismatch")
	case g.issuers.anyName, g.issuers.of(t.Issuer, have) == t.from:
		return nil
	case !have:
		return refuse(ErrInvalid, "iss_missing")
	}
	return refuse(ErrInvalid, "iss_mismatch")
}

// checkAudience also refuses a token that has an audience where none is configured (RFC
// 7519 section 4.1.3).
func (g *Gate) checkAudience(t *Token) *Error {
	from := t.from
	switch {
	case t.claims.bad&claimAud != 0:
		return refuse(ErrInvalid, "aud_type")
	case from.Audiences == nil && (from.Lenient.AnyOrigin || len(t.Audience) == 0):
		return nil
	case from.Audiences == nil:
		return refuse(ErrInvalid, "aud_unexpected")
	case len(t.Audience) == 0:
		return refuse(ErrInvalid, "aud_missing")
	case !slices.ContainsFunc(t.Audience, func(s string) bool { return slices.Contains(from.Audiences, s) }):
		return refuse(ErrInvalid, "aud_mismatch")
	}
	return nil
}

// checkIdentity checks the identity, "jti", "sid", "type" and "fresh".
func (g *Gate) checkIdentity(t *Token) *Error {
	c, lenient, identityClaim := t.claims, &t.from.Lenient, t.from.IdentityClaim
	switch {
	case identityClaim == "sub" && c.have&claimSub == 0:
		return refuseName(ErrInvalid, "claim_missing", "sub")
	case c.bad&claimSub != 0 && !lenient.AnySubject:
		return refuse(ErrInvalid, "sub_type")
	case c.bad&(claimJti|claimRenewed) != 0:
		return refuse(ErrInvalid, "jti_type")
	case c.have&claimJti == 0 && !lenient.NoID:
		return refuseName(ErrInvalid, "claim_missing", "jti")
	case identityClaim != "sub" && c.have&claimIdentity == 0:
		return refuseName(ErrInvalid, "claim_missing", identityClaim)
	case c.bad&claimSid != 0:
		return refuse(ErrInvalid, "sid_type")
	case c.have&claimType == 0 && !lenient.AnyType:
		return refuseName(ErrInvalid, "claim_missing", "type")
	case c.bad&claimType != 0 && !lenient.AnyType:
		return refuse(ErrInvalid, "type_type")
	case c.bad&claimFresh != 0 && !lenient.AnyFresh:
		return refuse(ErrInvalid, "fresh_type")
	}
	return g.checkEmpty(t)
}

// checkEmpty refuses an empty identity or "jti", which many tokens could share.
func (g *Gate) checkEmpty(t *Token) *Error {
	own, c := t.identity(), t.claims
	switch {
	case g.compat.AnyIdentity:
		return nil
	case own.Kind == 'n' || own.Kind == '"' && own.Str == "":
		return refuseName(ErrInvalid, "claim_empty", t.from.IdentityClaim)
	case t.Subject == "" && c.have&claimSub != 0 && c.bad&claimSub == 0:
		return refuseName(ErrInvalid, "claim_empty", "sub")
	case t.ID == "" && c.have&claimJti != 0:
		return refuseName(ErrInvalid, "claim_empty", "jti")
	}
	return nil
}

// checkExpiry refuses a token at and after "exp" (RFC 7519 section 4.1.4).
func (g *Gate) checkExpiry(t *Token, now time.Time) *Error {
	if g.expired(t, now) {
		return refuse(ErrExpired, "expired")
	}
	return nil
}

func (g *Gate) expired(t *Token, now time.Time) bool {
	return !t.Expiry.IsZero() && !t.Expiry.After(now.Add(-g.cfg.Accept.Leeway))
}
