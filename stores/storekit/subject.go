package storekit

import (
	"math/rand/v2"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// GenerationBits is how many low bits of a generation are random.
const GenerationBits = 10

// RandomBits returns random low bits for a generation. They are not secret: they only
// make it unlikely that two calls give the same generation after a failover.
func RandomBits() int64 { return rand.Int64N(1 << GenerationBits) }

// NextGeneration returns the generation that follows old at now. It is now in
// microseconds with random low bits, and larger than old. It is less than 2^53 until the
// year 2255, so that JavaScript and Lua represent it exactly. A store on a server makes
// it in the same way from the server's clock, in the atomic step that writes it.
func NextGeneration(old int64, now time.Time) int64 {
	return max(old>>GenerationBits+1, now.UnixMicro()>>GenerationBits)<<GenerationBits | RandomBits()
}

// SubjectRecord is what a store keeps for a subject. It decides which of the subject's
// tokens are revoked: it covers them. Tokens with the claim "gen" are judged by their
// generation, other tokens by "iat". A lower generation is covered.
//
// The zero record covers nothing.
type SubjectRecord struct {
	// Generation covers tokens with a lower generation, except those of the session Except.
	Generation int64
	// AllGeneration covers tokens with a lower generation of every session.
	AllGeneration int64
	// Before covers tokens issued up to and including this second (Unix time), except
	// those of the session Except. AllBefore covers those of every session. 0 covers none.
	Before, AllBefore int64
	// Except is the hash of the session that is spared ([HashID]); "" spares none.
	Except string
}

// SubjectChange is what one call of RevokeSubject asks for.
type SubjectChange struct {
	Before int64  // Unix time: now, plus Skew
	Except string // the hash of the session that is spared, or ""
}

// SubjectChange returns the change that o asks for at now.
func (k Keep) SubjectChange(o stores.SubjectOptions, now time.Time, scope string) SubjectChange {
	c := SubjectChange{Before: max(now.Add(k.Skew).Unix(), 1)}
	if o.ExceptSession != "" {
		c.Except = HashID(stores.Session, scope, o.ExceptSession)
	}
	return c
}

// Revoke returns the record that revokes a subject. It is made from the existing record,
// even an expired one, and a new generation ([NextGeneration]). What was revoked before
// stays revoked: if c spares another session than the record, the older revocations now
// hold for every session.
func (r SubjectRecord) Revoke(c SubjectChange, generation int64) SubjectRecord {
	switch {
	case c.Except == "":
		r.AllGeneration = generation
		r.AllBefore = max(r.AllBefore, r.Before, c.Before)
	case c.Except != r.Except:
		r.AllGeneration = r.Generation
		r.AllBefore = max(r.AllBefore, r.Before)
	}
	r.Generation, r.Except = generation, c.Except
	r.Before = max(r.Before, c.Before)
	return r
}

// Restamp returns the record of the second write of a RevokeSubject. It raises the
// instant for tokens without a generation, so that tokens that were made during the
// first write are covered too. It changes neither the generations nor the exception. If
// the record spares another session than c by now, it raises AllBefore.
func (r SubjectRecord) Restamp(c SubjectChange) SubjectRecord {
	if c.Except == "" || c.Except != r.Except {
		r.AllBefore = max(r.AllBefore, c.Before)
	}
	r.Before = max(r.Before, c.Before)
	return r
}

// Covers reports whether the record revokes t. session is the hash of the token's
// session, or "". It is for a record that was read from the store, not from a cache. If
// the token's generation is above the record's, the store may have lost that generation;
// then the token is judged by its "iat".
func (r SubjectRecord) Covers(t *gate.Token, session string) bool {
	gen, ok := t.Generation()
	if !ok {
		gen = stores.NoGeneration
	}
	return r.covers(gen, t.IssuedAt, session)
}

// CoversSession reports whether the record revokes the tokens of a session. hash is the
// hash of its ID.
func (r SubjectRecord) CoversSession(s stores.SessionRecord, hash string) bool {
	return r.covers(s.Generation, s.Issued, hash)
}

func (r SubjectRecord) covers(gen int64, issued time.Time, session string) bool {
	if gen == stores.NoGeneration || gen > r.Generation {
		return r.coversIssued(issued, session)
	}
	return gen < r.AllGeneration || gen < r.Generation && !r.spares(session)
}

// Predates reports whether the record is older than the login of a token with generation
// gen, so that it does not cover the token. lowest is the generation that subjects
// without a record have since the store began anew, or since RevokeAll.
func (r SubjectRecord) Predates(gen, lowest int64) bool {
	return lowest > 0 && gen == lowest && r.Generation < lowest
}

// CoversCached is Covers for a record from a cache, which may be older than the token.
// If known is false, the caller must ask the store.
func (r SubjectRecord) CoversCached(t *gate.Token, session string) (covered, known bool) {
	if gen, ok := t.Generation(); ok && gen > r.Generation && r != (SubjectRecord{}) {
		return false, false
	}
	return r.Covers(t, session), true
}

// coversIssued is the rule for "iat". A token without "iat" counts as the oldest one.
func (r SubjectRecord) coversIssued(issued time.Time, session string) bool {
	if issued.IsZero() {
		return r.AllBefore != 0 || r.Before != 0 && !r.spares(session)
	}
	iat := issued.Unix()
	return iat <= r.AllBefore || iat <= r.Before && !r.spares(session)
}

// spares reports whether the tokens of the session stay valid.
func (r SubjectRecord) spares(session string) bool { return session != "" && session == r.Except }
