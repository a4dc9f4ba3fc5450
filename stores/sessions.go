package stores

import (
	"context"
	"errors"
	"time"

	"github.com/jwtgate/gate"
)

// Errors of [Sessions], wrapped with a prefix of the store.
var (
	// ErrTooManySessions: the subject has as many sessions as [SessionLimit] allows.
	ErrTooManySessions = errors.New("stores: the subject has too many sessions")
	// ErrSessionID: a session ID or token ID cannot be kept (it is empty, longer than 128
	// bytes, no UTF-8, or holds NUL), or the subject has a session of that ID already.
	ErrSessionID = errors.New("stores: the ID of the session or of its token cannot be kept")
)

// NoGeneration is the [SessionRecord].Generation of tokens without the claim "gen".
const NoGeneration = -1

// SessionRecord is the record of one login on one device. It holds identifiers and times, and
// nothing that opens anything.
type SessionRecord struct {
	// ID is the "sid" of the session's tokens. It is kept as it is. Subject is the owner
	// ([gate.Token.SubjectKey]), who is kept as a hash.
	ID, Subject string
	// Live is the "jti" of the refresh token that is good now, Issued and Expires are its
	// "iat" and "exp" in whole seconds. A zero Expires is never.
	Live            string
	Issued, Expires time.Time
	// Generation is the claim "gen" of the session's tokens, or NoGeneration.
	Generation int64
	// Idle is the lifetime of the next refresh token, in whole seconds; 0: it lives until
	// End. No refresh token lives longer than until End; zero: there is no end.
	Idle time.Duration
	End  time.Time
	// Created and Seen, the last rotation, are of the store's clock, and so are GraceEnd,
	// until when the token before Live is taken for Live, and Ended.
	Created, Seen, GraceEnd time.Time
	// Ended is when the session was ended by reuse or by SessionLimit; zero: it goes on. An
	// ended session is never rotated again. Its record stays until RemoveSession, so that
	// its access tokens are revoked even if the process that ended it has died.
	Ended time.Time
	// Remember and Device are kept for the application.
	Remember bool
	Device   Device
}

// Device describes the device of a session. A store keeps at most the first 256 bytes
// of each text, as valid UTF-8 without NUL.
type Device struct{ Name, UserAgent, Address string }

// SessionLimit limits the number of sessions of a subject. A session whose refresh token
// has expired takes no place: it is ended where its place is needed.
type SessionLimit struct {
	// Max is how many sessions a subject may have, the new one included; 0: any number.
	Max int
	// Evict ends the oldest sessions when there are more than Max. Without it the new
	// session is refused with [ErrTooManySessions].
	Evict bool
}

// Rotation is the request of a client with a refresh token.
type Rotation struct {
	// Token is the refresh token. The caller has verified it, and asked the blocklist.
	Token *gate.Token
	// Grace is for how long, from a rotation on, the old token is taken for the new one.
	Grace time.Duration
	// Device replaces the record's; nil leaves it.
	Device *Device
}

// Rotated is the result of a [Rotation], and the record after it.
type Rotated struct {
	Outcome Outcome
	Session SessionRecord // the zero value for SessionGone
}

// Outcome is the result of a [Rotation].
type Outcome int

// The outcomes of a rotation. With the first four the session goes on: its refresh token
// is Session.Live, whose "iat" and "exp" are Session.Issued and Session.Expires.
const (
	SessionRotated   Outcome = iota + 1 // Live is the successor of the token
	SessionReplayed                     // Live is the successor of the token, since a rotation whose grace period is open
	SessionUnchanged                    // the token is Live, and its grace period is open: it is not rotated
	SessionAdopted                      // the token descends from the recorded one, and is Live now: the store had lost rotations
	SessionReused                       // the token is an older one: this call has ended the session
	SessionEnded                        // the session had been ended, and its record has not been removed yet
	SessionGone                         // there is no record, or the session is past its end
	SessionRevoked                      // RevokeSubject or RevokeAll covers the token
)

// Sessions is implemented by stores that keep sessions: those of the gate's own tokens.
// Methods are safe for concurrent use, obey their context, and return nil only when the
// store has taken the change. A record is removed by itself at its End, or when Live has
// expired for longer than the store's Leeway.
//
// Who ends a session revokes it first (RevokeSession, RevokeSubject) and removes its
// record after that: if the process dies in between, the session is still listed.
type Sessions interface {
	Store
	// AddSession writes the record of a new session; the store sets Created and Seen. It
	// returns the IDs of sessions of the subject that have been ended and not removed yet,
	// those included that it has ended for l itself: revoke and remove them. Where several
	// processes add sessions of a subject at once, all of them may be refused though one
	// would have had space; when the calls have returned there are never more than l.Max.
	AddSession(ctx context.Context, s SessionRecord, l SessionLimit) (ended []string, err error)
	// Rotate judges a refresh token and changes its session's record, in one atomic step,
	// by the store's own clock. It never makes a record.
	Rotate(ctx context.Context, r Rotation) (Rotated, error)
	// Sessions lists the sessions of a subject, the newest first: those that have been
	// ended and not removed too, but none that RevokeSubject or RevokeAll covers.
	Sessions(ctx context.Context, subject string) ([]SessionRecord, error)
	// RemoveSession removes a record, and reports whether there was one.
	RemoveSession(ctx context.Context, subject, sessionID string) (bool, error)
	// RemoveRevoked removes the records of the subject's sessions that RevokeSubject or
	// RevokeAll covers by now, and no other.
	RemoveRevoked(ctx context.Context, subject string) error
}
