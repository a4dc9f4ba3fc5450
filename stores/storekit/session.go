package storekit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

const (
	// sessionText bounds the ID of a session and of its token, deviceText each text of a
	// device, in bytes.
	sessionText = 128
	deviceText  = 256
	// maxLost is how many rotations a store may have lost without a logout.
	maxLost = 8
)

// Successor returns the "jti" of the refresh token that replaces the one with the given
// "jti" in a session: 128 bits of SHA-256, as 22 characters of base64url. The store can
// compute it again, so it does not keep it. It is not a secret: only the signature makes
// a token valid.
func Successor(sessionID, tokenID string) string {
	var buf [512]byte
	b := append(buf[:0], "gate.successor\x00"...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(sessionID)))
	b = append(append(b, sessionID...), tokenID...)
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// descends reports whether 1 to 8 rotations lead from an older token to this one.
func descends(sessionID, older, tokenID string) bool {
	for range maxLost {
		if older = Successor(sessionID, older); older == tokenID {
			return true
		}
	}
	return false
}

// Presented returns s with the issue time and the generation of t, the token that is
// presented. A store asks the subject's record about it.
func Presented(s stores.SessionRecord, t *gate.Token) stores.SessionRecord {
	s.Issued, s.Generation = t.IssuedAt, stores.NoGeneration
	if gen, ok := t.Generation(); ok {
		s.Generation = gen
	}
	return s
}

// Rotate decides the outcome of a rotation for [stores.Sessions]. s is the record that
// the store has found, and now is the time of the store's clock. covered reports whether
// the subject's record covers the session ([SubjectRecord.CoversSession]) or the token.
// If changed is true, the store writes out.Session. To read, decide and write must be
// one atomic step. A store may decide first, and then write on the condition that the
// record has not changed.
func Rotate(s stores.SessionRecord, r stores.Rotation, covered bool, now time.Time) (out stores.Rotated, changed bool) {
	switch {
	case !s.End.IsZero() && !now.Before(s.End):
		return stores.Rotated{Outcome: stores.SessionGone}, false
	case !s.Ended.IsZero():
		return stores.Rotated{Outcome: stores.SessionEnded, Session: s}, false
	case covered:
		return stores.Rotated{Outcome: stores.SessionRevoked, Session: s}, false
	}
	id, open := r.Token.ID, now.Before(s.GraceEnd)
	switch {
	case id == s.Live && open:
		return stores.Rotated{Outcome: stores.SessionUnchanged, Session: s}, false
	case id == s.Live:
		return stores.Rotated{Outcome: stores.SessionRotated, Session: rotated(s, r, now)}, true
	case open && Successor(s.ID, id) == s.Live:
		return stores.Rotated{Outcome: stores.SessionReplayed, Session: s}, false
	case descends(s.ID, s.Live, id):
		s = renewed(s, r, now)
		s.Live, s.Issued, s.Expires = id, r.Token.IssuedAt, r.Token.Expiry
		return stores.Rotated{Outcome: stores.SessionAdopted, Session: s}, true
	}
	s.Ended = now
	return stores.Rotated{Outcome: stores.SessionReused, Session: s}, true
}

// rotated returns the record after a rotation: with the successor of its token.
func rotated(s stores.SessionRecord, r stores.Rotation, now time.Time) stores.SessionRecord {
	s = renewed(s, r, now)
	s.Live, s.Issued, s.Expires = Successor(s.ID, s.Live), now.Truncate(time.Second), s.End
	if s.Idle > 0 {
		s.Expires = s.Issued.Add(s.Idle)
	}
	if !s.End.IsZero() && s.End.Before(s.Expires) {
		s.Expires = s.End
	}
	return s
}

// renewed returns the record with a new grace period that begins at now.
func renewed(s stores.SessionRecord, r stores.Rotation, now time.Time) stores.SessionRecord {
	s.Seen, s.GraceEnd = now, now.Add(max(r.Grace, 0))
	if r.Device != nil {
		s.Device = cleanDevice(*r.Device)
	}
	return s
}

// NewSession returns s as a store adds it at now, which is the time of the store's
// clock. A record that cannot be kept is an error.
func NewSession(s stores.SessionRecord, now time.Time) (stores.SessionRecord, error) {
	if s.Subject == "" {
		return s, stores.ErrNoID
	}
	for what, id := range map[string]string{"session": s.ID, "token": s.Live} {
		if !SessionID(id) {
			return s, fmt.Errorf("%w: that of the %s", stores.ErrSessionID, what)
		}
	}
	s.Generation = max(s.Generation, stores.NoGeneration)
	s.Idle = max(s.Idle.Truncate(time.Second), 0)
	s.Issued, s.Expires, s.End = wholeSecond(s.Issued), wholeSecond(s.Expires), wholeSecond(s.End)
	s.Created, s.Seen, s.GraceEnd, s.Ended = now, now, time.Time{}, time.Time{}
	s.Device = cleanDevice(s.Device)
	return s, nil
}

// SessionID reports whether a record can have id as the ID of its session or token.
func SessionID(id string) bool {
	return id != "" && len(id) <= sessionText && utf8.ValidString(id) && !strings.ContainsRune(id, 0)
}

func wholeSecond(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Unix(t.Unix(), 0).UTC()
}

func cleanDevice(d stores.Device) stores.Device {
	return stores.Device{
		Name: cleanText(d.Name, deviceText), UserAgent: cleanText(d.UserAgent, deviceText), Address: cleanText(d.Address, deviceText),
	}
}

// CheckRotation returns an error if the token of the rotation names no session, or comes
// from another issuer.
func CheckRotation(r stores.Rotation) error {
	t := r.Token
	if t == nil || t.ID == "" || t.SessionID == "" || t.VerifiedIssuer() != "" || SubjectOf(t) == "" {
		return stores.ErrNoID
	}
	return nil
}

// SessionOver reports whether the record of a session may be removed at now.
func (k Keep) SessionOver(s stores.SessionRecord, now time.Time) bool {
	return !s.End.IsZero() && !now.Before(s.End) || !s.Expires.IsZero() && !now.Before(s.Expires.Add(k.Leeway))
}

// SessionUntil returns when the record of a session may be deleted, as Unix time. The
// clock of the store may be behind the clock of the node that deletes it.
func (k Keep) SessionUntil(s stores.SessionRecord) int64 {
	end := s.End
	if end.IsZero() || !s.Expires.IsZero() && s.Expires.Before(end) {
		end = s.Expires
	}
	if end.IsZero() {
		return Never
	}
	return end.Add(k.Leeway).Unix() + 1
}

// SortSessions sorts list with the newest session first.
func SortSessions(list []stores.SessionRecord) {
	slices.SortFunc(list, func(a, b stores.SessionRecord) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
}

// EndedIn returns the IDs of the records that were ended, for AddSession.
func EndedIn(list []stores.SessionRecord) (ended []string) {
	for _, s := range list {
		if !s.Ended.IsZero() {
			ended = append(ended, s.ID)
		}
	}
	return ended
}

// LimitSessions applies a limit after a session was added at now. It returns that the new
// session is refused, or the IDs of the sessions to end. list holds all sessions of the
// subject, newest first. Sessions whose refresh token has expired are ended before all
// others, and also without Evict: ended, none of them can return above the limit.
func LimitSessions(list []stores.SessionRecord, l stores.SessionLimit, now time.Time) (end []string, refused bool) {
	var idle, alive []string
	for _, s := range list {
		switch {
		case !s.Ended.IsZero():
		case !s.Expires.IsZero() && !now.Before(s.Expires):
			idle = append(idle, s.ID)
		default:
			alive = append(alive, s.ID)
		}
	}
	over := len(idle) + len(alive) - l.Max
	switch {
	case l.Max == 0 || over <= 0:
		return nil, false
	case over <= len(idle):
		return idle[len(idle)-over:], false
	case l.Evict:
		return append(idle, alive[l.Max:]...), false
	}
	return nil, true
}
