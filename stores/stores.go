// Package stores holds what the stores of revoked tokens share: the methods they
// all have, the rules by which they agree, how identifiers are kept, and the guard
// that decides what happens when a store does not answer.
//
// A store is a [gate.Blocklist] that can be written to. There are three: gatemem
// keeps its entries in the process, gatesql in a SQL database, gateredis in Redis or
// Valkey. Each revokes a token (its "jti"), a session (its "sid": one login on one
// device) or everything of a subject that was issued until an instant, and answers
// for all three in one step.
//
// An entry lives until no token that it covers can be accepted any more, and then
// goes by itself. A live entry is never dropped to make room: a store that is full
// refuses to take another.
//
// # Issuers
//
// "jti", "sid" and "sub" are unique for one issuer, not in the world. A store holds
// one name space, which its Options.Scope names, and does not look at "iss": that is
// right for a gate that accepts the tokens of one issuer. A gate that accepts several
// gives each its own store, or the same store with another scope, and puts [ByIssuer]
// in front; otherwise one issuer could choose an identifier that revokes a token of
// another.
package stores

import (
	"context"
	"errors"
	"time"

	"github.com/jwtgate/gate"
)

// Errors that all stores return, wrapped with a prefix of their own.
var (
	// ErrNoID: there is nothing to revoke by; the token has no "jti", or the session
	// or subject given is "".
	ErrNoID = errors.New("stores: no identifier to revoke by")
	// ErrLifetime: a token lives longer than the store remembers the revocation of
	// its session or subject. Set MaxLifetime to the longest lifetime in use.
	ErrLifetime = errors.New("stores: the token lives longer than the store's MaxLifetime")
	// ErrFull: there is no room for another entry. Nothing was revoked.
	ErrFull = errors.New("stores: the store is full")
	// ErrWiped: the store is not the one it was, and what was revoked in it is lost. It
	// stays closed: an empty store would let every revoked token in.
	ErrWiped = errors.New("stores: the store has lost what was revoked")
)

// Note says who revoked and why; both may be empty. A store keeps it where it can
// ([Lister]), at most the first 512 bytes of each, as valid UTF-8 without NUL.
type Note struct{ By, Why string }

// SubjectOptions are for RevokeSubject. The zero value revokes everything that was
// issued until now.
type SubjectOptions struct {
	// Before: tokens issued up to and including its second are revoked. Zero: now, by
	// the clock of the store. "iat" has whole seconds, so a token issued later in the
	// same second is revoked too.
	Before time.Time
	// ExceptSession names a session whose tokens stay good: "log out my other devices".
	ExceptSession string
}

// Kind says what an entry revokes.
type Kind string

// The kinds of entries.
const (
	Token   Kind = "token"
	Session Kind = "session"
	Subject Kind = "subject"
)

// Entry is one revocation, as [Lister] shows it.
type Entry struct {
	Kind Kind
	// ID is the identifier as it is stored, a hash: see [HashID].
	ID string
	// At is when it was revoked, Until when the entry goes; zero is never.
	At, Until time.Time
	Note
	// Before, AllBefore and ExceptSession are the instants of a subject and the hash of
	// the session that is spared: see [SubjectRecord].
	Before, AllBefore time.Time
	ExceptSession     string
}

// Store is what every store offers. All methods are safe for concurrent use, obey
// their context, and return nil only when the store has taken the change: a check
// that starts afterwards sees it. Revoking twice is no error and never shortens the
// life of an entry.
type Store interface {
	gate.Blocklist
	// RevokeToken revokes t by its ID until its expiry plus the store's leeway; without
	// an expiry, for ever. A token without ID is [ErrNoID]; one that is past its time
	// is left alone.
	RevokeToken(ctx context.Context, t *gate.Token, n Note) error
	// RevokeSession revokes all tokens of a session, present and future, and remembers
	// it for the store's MaxLifetime plus leeway. "" is [ErrNoID].
	RevokeSession(ctx context.Context, sessionID string, n Note) error
	// RevokeSubject revokes what was issued to a subject until an instant, by one
	// record whatever the number of tokens. It adds to what was revoked before: a
	// later instant stands, and what an earlier call revoked stays revoked. "" is
	// [ErrNoID].
	RevokeSubject(ctx context.Context, subject string, o SubjectOptions, n Note) error
	// RestoreToken undoes RevokeToken; nil when there was nothing to undo. A token
	// whose session or subject is revoked stays refused.
	RestoreToken(ctx context.Context, tokenID string) error
	// RestoreSession undoes RevokeSession.
	RestoreSession(ctx context.Context, sessionID string) error
	// RestoreSubject undoes every RevokeSubject of the subject.
	RestoreSubject(ctx context.Context, subject string) error
}

// Lister is what stores that can list offer besides.
type Lister interface {
	// List returns live entries in the order of their ID.
	List(ctx context.Context, o ListOptions) ([]Entry, error)
}

// ListOptions choose a page. The zero value asks for the first hundred of all kinds.
type ListOptions struct {
	Kind  Kind   // "": all
	After string // the ID of the last entry of the page before
	Limit int    // 0: 100; at most 1000
}
