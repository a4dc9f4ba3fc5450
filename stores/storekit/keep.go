package storekit

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// Defaults of every store's options.
const (
	// DefaultLeeway is added to a token's expiry.
	DefaultLeeway = 5 * time.Minute
	// DefaultMaxLifetime is how long sessions and subjects are remembered: a day more
	// than a gate's refresh tokens live by default.
	DefaultMaxLifetime = 31 * 24 * time.Hour
	// DefaultSkew is how much two clocks may differ.
	DefaultSkew = 5 * time.Second
)

// Never is the end of an entry that is kept for ever, as Unix time.
const Never = math.MaxInt64

// Keep says how long entries live. Stores fill it from their options.
type Keep struct {
	// Leeway is added to the life of every entry. It must be at least the gate's
	// Accept.Leeway plus the difference between the clocks of two machines. Zero:
	// DefaultLeeway.
	Leeway time.Duration
	// MaxLifetime is at least the longest lifetime of a token, access or refresh. Zero:
	// DefaultMaxLifetime; gate.NoExpiry: sessions and subjects are remembered for ever.
	MaxLifetime time.Duration
	// Skew is at least the difference between any two clocks, of nodes and of the
	// store's server. RevokeSubject covers a token without the claim "gen" if its "iat"
	// is at most Skew after the call. Zero: DefaultSkew; negative: none.
	Skew time.Duration
}

// WithDefaults returns k with its zero fields filled. Values with which a store would
// forget too early are an error.
func (k Keep) WithDefaults() (Keep, error) {
	if k.Leeway == 0 {
		k.Leeway = DefaultLeeway
	}
	if k.MaxLifetime == 0 {
		k.MaxLifetime = DefaultMaxLifetime
	}
	if k.Skew == 0 {
		k.Skew = DefaultSkew
	}
	k.Skew = max(k.Skew, 0)
	if k.Leeway < 0 || k.MaxLifetime < 0 && k.MaxLifetime != gate.NoExpiry {
		return k, fmt.Errorf("stores: Leeway %v or MaxLifetime %v is negative", k.Leeway, k.MaxLifetime)
	}
	return k, nil
}

// UntilToken returns when the entry of t may be removed, as Unix time. The entry counts
// at every instant before that.
func (k Keep) UntilToken(t *gate.Token) int64 {
	if t.Expiry.IsZero() {
		return Never
	}
	return ceil(t.Expiry.Add(k.Leeway))
}

// UntilRevoked returns when the entry of t, revoked at now, may be removed. If t may have
// been renewed, the entry must live until the renewed token has expired too; that token
// lives no longer than t did.
func (k Keep) UntilRevoked(t *gate.Token, now time.Time) int64 {
	until := k.UntilToken(t)
	if until == Never || t.Type != gate.Access || t.IssuedAt.IsZero() || !Live(until, now) {
		return until
	}
	return max(until, ceil(now.Add(t.Expiry.Sub(t.IssuedAt)).Add(k.Leeway)))
}

// UntilSession is UntilToken for a session that is revoked at now.
func (k Keep) UntilSession(now time.Time) int64 {
	if k.MaxLifetime == gate.NoExpiry {
		return Never
	}
	return ceil(now.Add(k.MaxLifetime).Add(k.Leeway))
}

// UntilSubject is UntilToken for the record of a subject that is written at now.
func (k Keep) UntilSubject(now time.Time, r SubjectRecord) int64 {
	if before := time.Unix(r.Before, 0); before.After(now) {
		now = before
	}
	return k.UntilSession(now)
}

// ceil returns the first whole second at or after t, and at least 1.
func ceil(t time.Time) int64 {
	sec := t.Unix()
	if t.Nanosecond() > 0 {
		sec++
	}
	return max(sec, 1)
}

// Live reports whether an entry that ends at until still counts at now.
func Live(until int64, now time.Time) bool { return now.Unix() < until }

// UnixTime returns sec as a [stores.Entry] shows it. It is the zero time for 0 and for
// [Never].
func UnixTime(sec int64) time.Time {
	if sec == 0 || sec == Never {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}

// Check returns an error for a token that the store cannot judge. A token with a session
// or subject that lives longer than MaxLifetime could live longer than the entry that
// revokes it ([stores.ErrLifetime]). If the expiry and the Leeway of a token have
// passed, its entry may have been removed ([stores.ErrForgotten]). Stores call Check for
// every token before they look for entries, so that wrong settings fail at once instead
// of letting revoked tokens in later.
func (k Keep) Check(t *gate.Token, now time.Time) error {
	if !t.Expiry.IsZero() && !Live(k.UntilToken(t), now) {
		return stores.ErrForgotten
	}
	if k.MaxLifetime == gate.NoExpiry || t.SessionID == "" && SubjectOf(t) == "" {
		return nil
	}
	from := t.IssuedAt
	if from.IsZero() {
		from = now
	}
	if t.Expiry.IsZero() || t.Expiry.Sub(from) > k.MaxLifetime {
		return stores.ErrLifetime
	}
	return nil
}

// Fits returns an error if a store with these settings would forget a revocation while a
// gate with these needs still accepts the token. Stores call it in their method Ready
// ([gate.Readier]).
func (k Keep) Fits(n gate.Needs) error {
	switch {
	case k.Leeway <= n.Leeway:
		return fmt.Errorf("%w: the store's Leeway is %v, and the gate's %v; set the store's to more", stores.ErrForgotten, k.Leeway, n.Leeway)
	case k.MaxLifetime == gate.NoExpiry:
		return nil
	case n.Lifetime == gate.NoExpiry:
		return fmt.Errorf("%w: it is %v, and the gate makes tokens without end; set it to gate.NoExpiry", stores.ErrLifetime, k.MaxLifetime)
	case k.MaxLifetime < n.Lifetime:
		return fmt.Errorf("%w: it is %v, and the gate makes tokens for %v; set it to that or more", stores.ErrLifetime, k.MaxLifetime, n.Lifetime)
	}
	return nil
}

// noteBytes is how much is kept of each half of a note.
const noteBytes = 512

// CleanNote returns n in a form that every store can keep: each half is at most 512
// bytes of valid UTF-8 without NUL.
func CleanNote(n stores.Note) stores.Note {
	return stores.Note{By: cleanText(n.By, noteBytes), Why: cleanText(n.Why, noteBytes)}
}

func cleanText(s string, most int) string {
	if len(s) > most {
		end := most
		for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "")
}
