package gate

import (
	"slices"
	"strconv"
	"time"
	"unsafe"

	"github.com/jwtgate/gate/internal/scan"
)

// claimSet says which of the claims that the gate knows a token has, and which of
// them have the wrong JSON type. The verdict on both comes later, in a fixed order,
// so that it does not depend on how the issuer ordered the members.
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
)

// maxTime is out of the integers that every JSON reader holds exactly (RFC 7493
// section 2.2).
const maxTime = 1 << 53

// parse is the one strict pass over the payload.
func (g *Gate) parse(payload []byte) (*Token, *Error) {
	t := &Token{payload: unsafe.String(unsafe.SliceData(payload), len(payload))}
	lim := &g.cfg.Accept.Limits
	r := scan.New(payload, lim.Depth, lim.Members)
	if c := r.Kind(); c != '{' && r.Skip() && r.End() {
		return nil, refuse(ErrInvalid, "payload_object")
	}
	var seen scan.Names
	r.Open('{')
	for first := true; r.More(first, '}'); first = false {
		name := r.Name()
		bit := t.member(&r, name)
		if bit == 0 && r.Fault() == scan.OK {
			if !seen.Add(name) {
				r.Duplicate()
			}
			if r.Kind(); name == g.identityClaim {
				bit = claimIdentity
			}
			from := r.Pos()
			r.Skip()
			if bit != 0 {
				t.identity = spanOf(from, r.Pos())
			}
		}
		if t.claims.have&bit != 0 {
			r.Duplicate()
		}
		t.claims.have |= bit
	}
	if !r.End() {
		if r.Fault() == scan.TooLarge {
			return nil, refuse(ErrInvalid, "too_large")
		}
		return nil, refuse(ErrInvalid, "payload_json")
	}
	return t, nil
}

// member reads the value of a claim that the gate knows, and returns its bit; 0
// for any other claim, whose value is left unread.
func (t *Token) member(r *scan.Reader, name string) claimBits {
	switch name {
	case "exp":
		t.Expiry = t.readTime(r, claimExp)
		return claimExp
	case "nbf":
		t.NotBefore = t.readTime(r, claimNbf)
		return claimNbf
	case "iat":
		t.IssuedAt = t.readTime(r, claimIat)
		return claimIat
	case "iss":
		t.Issuer = t.readString(r, claimIss)
		return claimIss
	case "aud":
		t.readAudience(r)
		return claimAud
	case "sub":
		r.Kind()
		from := r.Pos()
		t.Subject = t.readString(r, claimSub)
		if t.claims.bad&claimSub != 0 && t.claims.have&claimIdentity == 0 {
			t.identity = spanOf(from, r.Pos())
		}
		return claimSub
	case "jti":
		t.ID = t.readString(r, claimJti)
		return claimJti
	case "sid":
		t.SessionID = t.readString(r, claimSid)
		return claimSid
	case "type":
		t.Type = TokenType(t.readString(r, claimType))
		return claimType
	case "csrf":
		t.csrf = t.readString(r, claimCSRF)
		return claimCSRF
	case "fresh":
		t.readFresh(r)
		return claimFresh
	}
	return 0
}

func (t *Token) readString(r *scan.Reader, bit claimBits) string {
	if r.Kind() == '"' {
		return r.Str()
	}
	t.claims.bad |= bit
	r.Skip()
	return ""
}

// readTime reads a NumericDate (RFC 7519 section 2), cut to whole seconds.
func (t *Token) readTime(r *scan.Reader, bit claimBits) time.Time {
	sec, ok := r.Int()
	if !ok {
		if sec, ok = readSeconds(r); !ok {
			t.claims.bad |= bit
			return time.Time{}
		}
	}
	return time.Unix(sec, 0).UTC()
}

// readSeconds reads a time that has a sign, a fraction or an exponent.
func readSeconds(r *scan.Reader) (int64, bool) {
	if c := r.Kind(); c != '-' && (c < '0' || c > '9') {
		r.Skip()
		return 0, false
	}
	f, err := strconv.ParseFloat(r.Number(), 64)
	if err != nil || f >= maxTime || f <= -maxTime {
		return 0, false
	}
	return int64(f), true
}

func (t *Token) readAudience(r *scan.Reader) {
	if r.Kind() != '[' {
		if s := t.readString(r, claimAud); s != "" {
			t.Audience = []string{s}
		}
		return
	}
	r.Open('[')
	for first := true; r.More(first, ']'); first = false {
		t.Audience = append(t.Audience, t.readString(r, claimAud))
	}
}

// readFresh reads true, false, or the time until which the token is fresh, whose
// fraction counts.
func (t *Token) readFresh(r *scan.Reader) {
	switch c := r.Kind(); {
	case c == 't':
		t.Fresh = r.Literal("true")
	case c == 'f':
		r.Literal("false")
	case c == '-' || c >= '0' && c <= '9':
		f, err := strconv.ParseFloat(r.Number(), 64)
		if err != nil || f > maxTime || f < -maxTime {
			t.claims.bad |= claimFresh
			return
		}
		sec := int64(f)
		t.FreshUntil = time.Unix(sec, int64((f-float64(sec))*1e9)).UTC()
	default:
		t.claims.bad |= claimFresh
		r.Skip()
	}
}

// checkClaims is room 3, all but expiry: a token with another fault is not called
// merely expired. The order of the checks is part of the contract of errors.
func (g *Gate) checkClaims(t *Token, now time.Time) *Error {
	early := now.Add(g.cfg.Accept.Leeway)
	c, lenient := t.claims, &g.cfg.Accept.Lenient
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
	return g.checkIdentity(t)
}

func (g *Gate) checkIssuer(t *Token) *Error {
	a := &g.cfg.Accept
	switch {
	case t.claims.bad&claimIss != 0:
		return refuse(ErrInvalid, "iss_type")
	case a.Issuers == nil:
		return nil
	case t.claims.have&claimIss == 0:
		return refuse(ErrInvalid, "iss_missing")
	case !slices.Contains(a.Issuers, t.Issuer):
		return refuse(ErrInvalid, "iss_mismatch")
	}
	return nil
}

// checkAudience refuses a token for others even where no audience is configured
// (RFC 7519 section 4.1.3).
func (g *Gate) checkAudience(t *Token) *Error {
	a := &g.cfg.Accept
	switch {
	case t.claims.bad&claimAud != 0:
		return refuse(ErrInvalid, "aud_type")
	case a.Audiences == nil && (a.Lenient.AnyOrigin || t.claims.have&claimAud == 0):
		return nil
	case len(t.Audience) == 0:
		return refuse(ErrInvalid, "aud_missing")
	case !slices.ContainsFunc(t.Audience, func(s string) bool { return slices.Contains(a.Audiences, s) }):
		return refuse(ErrInvalid, "aud_mismatch")
	}
	return nil
}

// checkIdentity judges who the token is of, and the claims of our own.
func (g *Gate) checkIdentity(t *Token) *Error {
	c, lenient := t.claims, &g.cfg.Accept.Lenient
	switch {
	case g.identityClaim == "sub" && c.have&claimSub == 0:
		return refuseName(ErrInvalid, "claim_missing", "sub")
	case c.bad&claimSub != 0 && !lenient.AnySubject:
		return refuse(ErrInvalid, "sub_type")
	case c.bad&claimJti != 0:
		return refuse(ErrInvalid, "jti_type")
	case c.have&claimJti == 0 && !lenient.NoID:
		return refuseName(ErrInvalid, "claim_missing", "jti")
	case g.identityClaim != "sub" && c.have&claimIdentity == 0:
		return refuseName(ErrInvalid, "claim_missing", g.identityClaim)
	case c.bad&claimSid != 0:
		return refuse(ErrInvalid, "sid_type")
	case c.bad&claimType != 0 && !lenient.AnyType:
		return refuse(ErrInvalid, "type_type")
	case c.bad&claimFresh != 0 && !lenient.AnyFresh:
		return refuse(ErrInvalid, "fresh_type")
	}
	return nil
}

// checkExpiry refuses a token from the second of exp on (RFC 7519 section 4.1.4).
func (g *Gate) checkExpiry(t *Token, now time.Time) *Error {
	if t.claims.have&claimExp != 0 && !t.Expiry.After(now.Add(-g.cfg.Accept.Leeway)) {
		return refuse(ErrExpired, "expired")
	}
	return nil
}
