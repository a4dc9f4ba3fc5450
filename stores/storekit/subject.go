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

// NextGeneration returns the generation that follows old at now: microseconds, larger
// than old, with random low bits. It is less than 2^53 until the year 2255, so that
// JavaScript and Lua hold it exactly. A store on a server makes it in the same way, in
// the atomic step that writes it, and of the server's clock.
func NextGeneration(old int64, now time.Time) int64 {
	return max(old>>GenerationBits+1, now.UnixMicro()>>GenerationBits)<<GenerationBits | RandomBits()
}

// SubjectRecord is what is stored for a subject, and the rule by which it covers
// tokens. Tokens with the claim "gen" are judged by generation, others by "iat".
// Generations are an order: a token whose generation is lower is covered.
//
// The zero record covers nothing.
type SubjectRecord struct {
	// Generation covers tokens of a lower one, except those of the session Except.
	Generation int64
	// AllGeneration covers tokens of a lower one, whatever their session.
	AllGeneration int64
	// Before covers tokens issued up to and including this second (Unix time), except
	// those of the session Except. AllBefore does so whatever their session; 0 is none.
	Before, AllBefore int64
	// Except is the hash of the session that is spared ([HashID]); "" spares none.
	Except string
}

// SubjectChange is what one call of RevokeSubject asks for.
type SubjectChange struct {
	Before int64  // Unix time: now, plus Skew
	Except string // the hash of the session that is spared, or ""
}

// SubjectChange reads what o asks for at now.
func (k Keep) SubjectChange(o stores.SubjectOptions, now time.Time, scope string) SubjectChange {
	c := SubjectChange{Before: max(now.Add(k.Skew).Unix(), 1)}
	if o.ExceptSession != "" {
		c.Except = HashID(stores.Session, scope, o.ExceptSession)
	}
	return c
}

// Revoke returns the record after the write that revokes a subject, made of the record
// there is, also one past its time, and of a new generation ([NextGeneration]). What
// was revoked before stays revoked: the same exception keeps AllGeneration, and another
// exception spares nothing of what came before.
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

// Restamp returns the record after the second write of a call, which raises the instant
// for tokens without a generation: one that was made while the first write was under
// way must not survive. It changes neither generations nor the exception. If another
// session is spared by now, the instant that holds for all sessions is raised.
func (r SubjectRecord) Restamp(c SubjectChange) SubjectRecord {
	if c.Except == "" || c.Except != r.Except {
		r.AllBefore = max(r.AllBefore, c.Before)
	}
	r.Before = max(r.Before, c.Before)
	return r
}

// Covers reports whether the record revokes t, whose session hashes to session ("" for
// none). It is for the store itself. The store may have lost the generation of a token
// that is above the record's; such a token is judged by its "iat".
func (r SubjectRecord) Covers(t *gate.Token, session string) bool {
	gen, ok := t.Generation()
	if !ok {
		gen = stores.NoGeneration
	}
	return r.covers(gen, t.IssuedAt, session)
}

// CoversSession reports whether the record revokes the tokens of a session, whose ID
// hashes to hash.
func (r SubjectRecord) CoversSession(s stores.SessionRecord, hash string) bool {
	return r.covers(s.Generation, s.Issued, hash)
}

func (r SubjectRecord) covers(gen int64, issued time.Time, session string) bool {
	if gen == stores.NoGeneration || gen > r.Generation {
		return r.coversIssued(issued, session)
	}
	return gen < r.AllGeneration || gen < r.Generation && !r.spares(session)
}

// Predates reports whether a token of generation gen comes from a login after the record,
// which then does not cover it: lowest is the generation of subjects without a record
// since the store began anew, or since RevokeAll, and the record is from before that.
func (r SubjectRecord) Predates(gen, lowest int64) bool {
	return lowest > 0 && gen == lowest && r.Generation < lowest
}

// CoversCached is Covers for a cache of the store, which may be older than the token.
// Where known is false the store itself must be asked.
func (r SubjectRecord) CoversCached(t *gate.Token, session string) (covered, known bool) {
	if gen, ok := t.Generation(); ok && gen > r.Generation && r != (SubjectRecord{}) {
		return false, false
	}
	return r.Covers(t, session), true
}

// coversIssued is the rule for "iat". A token without it may be as old as any.
func (r SubjectRecord) coversIssued(issued time.Time, session string) bool {
	if issued.IsZero() {
		return r.AllBefore != 0 || r.Before != 0 && !r.spares(session)
	}
	iat := issued.Unix()
	return iat <= r.AllBefore || iat <= r.Before && !r.spares(session)
}

// spares reports whether tokens of the session stay good.
func (r SubjectRecord) spares(session string) bool { return session != "" && session == r.Except }
