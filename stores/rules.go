package stores

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jwtgate/gate"
)

// Defaults of every store's options.
const (
	// DefaultLeeway is kept on top of a token's expiry.
	DefaultLeeway = 5 * time.Minute
	// DefaultMaxLifetime is how long sessions and subjects are remembered: a day more
	// than a gate's refresh tokens live by default.
	DefaultMaxLifetime = 31 * 24 * time.Hour
)

// Keep says how long entries live. Stores make one of their options.
type Keep struct {
	// Leeway is added to every entry's life: at least the gate's Accept.Leeway plus
	// what the clocks of the machines differ by. Zero: DefaultLeeway.
	Leeway time.Duration
	// MaxLifetime is at least the longest lifetime of a token, access or refresh. Zero:
	// DefaultMaxLifetime; gate.NoExpiry: sessions and subjects are remembered for ever.
	MaxLifetime time.Duration
}

// WithDefaults fills zero fields, and refuses what would forget too early.
func (k Keep) WithDefaults() (Keep, error) {
	if k.Leeway == 0 {
		k.Leeway = DefaultLeeway
	}
	if k.MaxLifetime == 0 {
		k.MaxLifetime = DefaultMaxLifetime
	}
	if k.Leeway < 0 || k.MaxLifetime < 0 && k.MaxLifetime != gate.NoExpiry {
		return k, fmt.Errorf("stores: Leeway %v or MaxLifetime %v is negative", k.Leeway, k.MaxLifetime)
	}
	return k, nil
}

// UntilToken is the second in which the entry of t may go, as Unix time; 0 is never.
// The entry covers every instant before it.
func (k Keep) UntilToken(t *gate.Token) int64 {
	if t.Expiry.IsZero() {
		return 0
	}
	return ceil(t.Expiry.Add(k.Leeway))
}

// UntilSession is the same for a session revoked at now.
func (k Keep) UntilSession(now time.Time) int64 {
	if k.MaxLifetime == gate.NoExpiry {
		return 0
	}
	return ceil(now.Add(k.MaxLifetime).Add(k.Leeway))
}

// UntilSubject is the same for the record of a subject, written at now.
func (k Keep) UntilSubject(now time.Time, r SubjectRecord) int64 {
	if before := time.Unix(r.Before, 0); before.After(now) {
		now = before
	}
	return k.UntilSession(now)
}

// ceil is the first whole second at or after t, and never 0.
func ceil(t time.Time) int64 {
	sec := t.Unix()
	if t.Nanosecond() > 0 {
		sec++
	}
	return max(sec, 1)
}

// Live reports whether an entry with that until (0: never goes) lives at now.
func Live(until int64, now time.Time) bool { return until == 0 || now.Unix() < until }

// Later is the later of two untils, where 0 is never.
func Later(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

// Check returns [ErrLifetime] for a token that could outlive the record by which its
// session or subject was revoked. Stores call it for every token they answer for, so
// that a MaxLifetime set too low shows at once, closed, and not as a gap one day.
func (k Keep) Check(t *gate.Token, now time.Time) error {
	if k.MaxLifetime == gate.NoExpiry || t.SessionID == "" && t.Subject == "" {
		return nil
	}
	from := t.IssuedAt
	if from.IsZero() {
		from = now
	}
	if t.Expiry.IsZero() || t.Expiry.Sub(from) > k.MaxLifetime {
		return ErrLifetime
	}
	return nil
}

// SubjectRecord is what is stored for a subject, and the one rule by which it covers
// tokens. Instants are Unix seconds.
type SubjectRecord struct {
	// Before: tokens issued up to and including this second are revoked, but for those
	// of session Except.
	Before int64
	// AllBefore: tokens issued up to and including this second are revoked whatever
	// their session; 0 is none.
	AllBefore int64
	// Except is the hash of the session that is spared ([HashID]); "" spares none.
	Except string
}

// NewSubjectRecord is the record that o asks for at now.
func NewSubjectRecord(o SubjectOptions, now time.Time, scope string) SubjectRecord {
	if o.Before.IsZero() {
		o.Before = now
	}
	r := SubjectRecord{Before: max(o.Before.Unix(), 1)}
	if o.ExceptSession == "" {
		r.AllBefore = r.Before
		return r
	}
	r.Except = HashID(Session, scope, o.ExceptSession)
	return r
}

// Covers reports whether the record revokes t, whose session hashes to session ("" for
// none). A token without "iat" may be as old as any, and is covered.
func (r SubjectRecord) Covers(t *gate.Token, session string) bool {
	if t.IssuedAt.IsZero() {
		return r.AllBefore != 0 || !r.spares(session)
	}
	iat := t.IssuedAt.Unix()
	return iat <= r.AllBefore || iat <= r.Before && !r.spares(session)
}

// spares reports whether tokens of the session stay good.
func (r SubjectRecord) spares(session string) bool { return session != "" && session == r.Except }

// Merge returns the record that revokes exactly what r or o does.
func (r SubjectRecord) Merge(o SubjectRecord) SubjectRecord {
	if r.Before < o.Before {
		r, o = o, r
	}
	// r is the later one. Where the two spare different sessions, nothing is spared by
	// both up to the earlier instant.
	r.AllBefore = max(r.AllBefore, o.AllBefore)
	if r.Except != o.Except {
		r.AllBefore = max(r.AllBefore, o.Before)
	}
	if r.AllBefore >= r.Before {
		r.Except = ""
	}
	return r
}

// noteBytes bounds what is kept of each half of a Note.
const noteBytes = 512

// Clean returns the note as every store can keep it.
func (n Note) Clean() Note { return Note{cleanText(n.By), cleanText(n.Why)} }

func cleanText(s string) string {
	if len(s) > noteBytes {
		end := noteBytes
		for end > noteBytes-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "")
}
