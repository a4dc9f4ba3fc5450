// Package stores holds what the stores of revoked tokens have in common: the methods
// that applications call, the errors, and [Breaker], which decides what happens when a
// store does not answer. Package storekit is for authors of stores.
//
// A store is a [gate.Blocklist] that can be written to. There are three: gatemem keeps
// its entries in the process, gatesql in a SQL database, gateredis in Redis or Valkey.
// Each revokes a token (its "jti"), a session (its "sid": one login on one device) or
// everything that a subject has been given, and answers for all three in one step.
//
// An entry lives until no token that it covers can be accepted any more, and is then
// removed. A live entry is never dropped to gain space: a store that is full returns
// [ErrFull].
//
// # Issuers
//
// "jti", "sid" and "sub" are unique for one issuer only. A store keeps apart what the
// gate itself and every other issuer has named, by the issuer that verified the token
// ([gate.Token.VerifiedIssuer]): no issuer can choose an identifier that revokes a
// token of another. Gates that are not to share what is revoked use another
// Options.Scope.
package stores

import (
	"context"
	"errors"
	"time"

	"github.com/jwtgate/gate"
)

// Errors that all stores return, wrapped with a prefix of their own.
var (
	// ErrNoID: the token has no "jti", or the session or subject given is "".
	ErrNoID = errors.New("stores: no identifier to revoke by")
	// ErrLifetime: a token lives longer than the store remembers the revocation of
	// its session or subject. Set MaxLifetime to the longest lifetime in use.
	ErrLifetime = errors.New("stores: the token lives longer than the store's MaxLifetime")
	// ErrForgotten: the gate still accepts a token whose entry the store may have removed.
	// Set the store's Leeway to more than the gate's Accept.Leeway.
	ErrForgotten = errors.New("stores: the token has expired for longer than the store's Leeway")
	// ErrNoStore: no store is responsible for the token's issuer.
	ErrNoStore = errors.New("stores: no store for the token's issuer")
	// ErrFull: there is no space for another entry. Nothing was revoked.
	ErrFull = errors.New("stores: the store is full")
	// ErrWiped: the store is not the one it was, and what was revoked in it is lost. It
	// stays closed: an empty store would let every revoked token in.
	ErrWiped = errors.New("stores: the store has lost what was revoked")
	// ErrUnsafe: the settings of the server may lose what was revoked. The store stays
	// closed until they are changed, or allowed by name in its options.
	ErrUnsafe = errors.New("stores: the server may lose what was revoked")
	// ErrYoung: the store began anew so lately that a token that is made now, without a
	// generation, would be taken for one from before, and refused. Only Ready returns it.
	ErrYoung = errors.New("stores: the store has just begun anew")
	// ErrReadOnly: the server is a replica or takes no writes, so it may not know what
	// was revoked.
	ErrReadOnly = errors.New("stores: the server is a replica or read-only")
)

// Note says who revoked and why; both may be empty. Stores with [Lister] or
// [Inspector] keep it: at most the first 512 bytes of each text, as valid UTF-8
// without NUL.
type Note struct{ By, Why string }

// SubjectOptions are for RevokeSubject. The zero value revokes everything that was
// issued until now.
type SubjectOptions struct {
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

// Entry is one revocation, as [Lister] and [Inspector] show it.
type Entry struct {
	Kind Kind
	// ID is the identifier as it is stored: a hash.
	ID string
	// At is when it was revoked; zero where the store does not keep it. Until is when
	// the entry is removed; zero is never.
	At, Until time.Time
	Note
	// Generation and AllGeneration are the generations of a subject, Before and
	// AllBefore the instants that hold for tokens without a generation, ExceptSession
	// the hash of the session that is spared: see storekit.SubjectRecord.
	Generation, AllGeneration int64
	Before, AllBefore         time.Time
	ExceptSession             string
}

// Store is what every store offers. All methods are safe for concurrent use, obey
// their context, and return nil only when the store has taken the change: a check
// that starts afterwards sees it. Revoking twice is no error and never shortens the
// life of an entry.
type Store interface {
	gate.Blocklist
	// RevokeToken revokes t, and what [gate.Gate.Renew] has made from it or it was made
	// from, by its RevocationID, until all of that has expired for the store's leeway;
	// without an expiry, for ever. A token without ID is [ErrNoID]. For one whose expiry and
	// leeway have passed nothing is written.
	RevokeToken(ctx context.Context, t *gate.Token, n Note) error
	// RevokeSession revokes all tokens of a session, present and future, and remembers
	// it for the store's MaxLifetime plus leeway. "" is [ErrNoID].
	RevokeSession(ctx context.Context, sessionID string, n Note) error
	// RevokeSubject revokes what a subject has been given, by one record whatever the
	// number of tokens. It takes effect at one instant between call and return: from
	// then on every token of a login that was finished before is refused, and every
	// token made from such a token. A login that begins after the return is good, if its
	// tokens have the claim "gen". Tokens without it are revoked by their "iat": until
	// the return, and the store's Skew after it. What an earlier call revoked stays
	// revoked. "" is [ErrNoID].
	RevokeSubject(ctx context.Context, subject string, o SubjectOptions, n Note) error
	// RevokeAll revokes everything of everybody, of all issuers, as RevokeSubject does for
	// one subject without an exception. It cannot be undone.
	RevokeAll(ctx context.Context, n Note) error
	// Redeem is RevokeToken for a token that counts once, and reports whether this call was
	// the first that revoked it. At most one call is, over all processes, as far as the store
	// keeps what it has acknowledged; after an error the token may be spent. One whose expiry
	// and leeway have passed is [ErrForgotten].
	Redeem(ctx context.Context, t *gate.Token, n Note) (first bool, err error)
	// RestoreToken undoes RevokeToken and Redeem, by the token's RevocationID; nil when there was nothing to undo. A token
	// whose session or subject is revoked stays refused.
	RestoreToken(ctx context.Context, tokenID string) error
	// RestoreSession undoes RevokeSession.
	RestoreSession(ctx context.Context, sessionID string) error
	// RestoreSubject undoes every RevokeSubject of the subject.
	RestoreSubject(ctx context.Context, subject string) error
}

// Lister is implemented by stores that can list what they hold.
type Lister interface {
	// List returns live entries in the order of their ID.
	List(ctx context.Context, o ListOptions) ([]Entry, error)
}

// ListOptions chooses a page. The zero value means the first hundred entries of all
// kinds.
type ListOptions struct {
	Kind  Kind   // "": all
	After string // the ID of the last entry of the page before
	Limit int    // 0: 100; at most 1000
}

// BatchRevoker is implemented by stores that can revoke many tokens in one call.
type BatchRevoker interface {
	// RevokeTokens is RevokeToken for each of the tokens. After an error some of them may
	// be revoked and others not. A token without ID is [ErrNoID], and nothing is written.
	RevokeTokens(ctx context.Context, tokens []*gate.Token, n Note) error
}

// Inspector is implemented by stores that can show one entry.
type Inspector interface {
	// Entry returns what is stored for a token ID, session or subject, and false where
	// there is no live entry.
	Entry(ctx context.Context, kind Kind, id string) (Entry, bool, error)
}
