package gate

import (
	"slices"
	"time"
)

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
