package gate

import (
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
		return t.audienceOf(v)
	case "sub":
		return t.subjectOf(v)
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
		return t.freshOf(v)
	case "gen":
		return t.generationOf(v)
	case renewedFrom:
		t.setRare().renewed = t.stringOf(v, claimRenewed)
		return claimRenewed
	}
	return 0
}

// ownClaim reports whether the gate gives the claim a meaning of its own, so that it cannot
// hold an identity.
func ownClaim(name string) bool { return newToken().owns(name) }

// owns is ownClaim for several names. It changes t, which must be used for nothing else.
func (t *Token) owns(name string) bool {
	bit := t.claim(name, scan.Value{})
	return bit != 0 && bit != claimSub
}

func (t *Token) subjectOf(v scan.Value) claimBits {
	t.Subject = t.stringOf(v, claimSub)
	if v.Kind != '"' && t.claims.have&claimIdentity == 0 {
		t.setRare().identity = v
	}
	return claimSub
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

func (t *Token) audienceOf(v scan.Value) claimBits {
	if v.Kind != '[' {
		t.Audience = []string{t.stringOf(v, claimAud)}
		return claimAud
	}
	r := scan.New(jws.Bytes(v.Str), len(v.Str), len(v.Str)) // was read within the limits
	r.Open('[')
	for first := true; r.More(first, ']'); first = false {
		t.Audience = append(t.Audience, t.stringOf(r.Value(), claimAud))
	}
	return claimAud
}

// freshOf reads true, false, or the time until which the token is fresh, with its
// fraction.
func (t *Token) freshOf(v scan.Value) claimBits {
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
	return claimFresh
}

// generationOf reads a whole number that is not negative. Anything else counts as absent.
func (t *Token) generationOf(v scan.Value) claimBits {
	n, err := v.Int, error(nil)
	if v.Kind != scan.Int {
		n, err = strconv.ParseInt(v.Str, 10, 64)
	}
	if !v.IsNumber() || err != nil || n < 0 {
		t.claims.bad |= claimGen
		return claimGen
	}
	t.generation = n
	return claimGen
}
