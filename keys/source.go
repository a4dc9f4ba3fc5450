package keys

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jwtgate/gate/internal/json"

	"github.com/jwtgate/gate/internal/jws"
)

// A Source has keys that sign and verify. Implementations must be safe for concurrent
// use. An error means that the source failed; the request is answered with 503.
type Source interface {
	// SigningKey returns the key that signs a token for identity, the value given to the
	// call that creates the token.
	SigningKey(ctx context.Context, identity any) (*Key, error)
	// VerificationKeys returns the keys that may have signed a token; if there is none,
	// the token is refused. u is not verified: use it only to look keys up. Keys of
	// another algorithm than that of the token are not tried.
	VerificationKeys(ctx context.Context, u Unverified) ([]*Key, error)
}

// Unverified is the content of a token whose signature was not checked.
type Unverified struct {
	parts  jws.Parts
	header jws.Header
}

// ParseUnverified reads the header of a token of at most maxBytes bytes and checks its
// form only.
func ParseUnverified(token string, maxBytes int) (Unverified, error) {
	parts, err := jws.Split(token, maxBytes)
	if err != nil {
		return Unverified{}, err
	}
	header, err := jws.ParseHeader(parts)
	if err != nil && err != jws.ErrNested {
		return Unverified{}, err
	}
	return Unverified{parts, header}, err
}

// Algorithm returns "alg".
func (u Unverified) Algorithm() string { return u.header.Alg }

// KeyID returns "kid", or "" if there is none. It may be forged: do not use it as a
// path, a query or a URL.
func (u Unverified) KeyID() string { return u.header.KeyID }

// Type returns "typ", or "" if there is none.
func (u Unverified) Type() string { return u.header.Type }

// Header decodes the header into v, a pointer to a map or to a struct. The case of
// names matters, so give fields a tag.
func (u Unverified) Header(v any) error {
	if err := json.Unmarshal(u.header.JSON, v); err != nil {
		return fmt.Errorf("keys: unverified header: %w", err)
	}
	return nil
}

// Claims decodes the claims into v as Header does. They may be forged.
func (u Unverified) Claims(v any) error {
	text, ok := jws.DecodeSegment(u.parts.Payload)
	if !ok {
		return jws.ErrPayloadEncoding
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("keys: unverified claims: %w", err)
	}
	return nil
}

// A Set signs with one key and verifies with several, chosen by "kid". It is immutable
// and safe for concurrent use.
type Set struct {
	sign    *Key
	keys    []*Key
	skipped []Skipped
	anyKey  bool // tries all keys on a token without key ID
}

var _ Source = (*Set)(nil)

// NewSet returns a set that signs with sign and verifies with sign and verify. With a
// nil sign it only verifies. A key without key ID gets the RFC 7638 thumbprint of its
// public key. A key made from a secret must already have one ([Key.WithID]), since a
// hash of a secret must not be published. No two keys may have the same key ID and
// algorithm.
func NewSet(sign *Key, verify ...*Key) (*Set, error) {
	if sign != nil {
		verify = append([]*Key{sign}, verify...)
	}
	s := &Set{keys: make([]*Key, 0, len(verify))}
	seen := make(map[[2]string]bool, len(verify))
	for _, k := range verify {
		k, err := withThumbprint(k)
		if err != nil {
			return nil, err
		}
		name := [2]string{k.id, string(k.alg)}
		if seen[name] {
			return nil, fmt.Errorf("keys: two keys of the set have the ID %q and the algorithm %s", k.id, k.alg)
		}
		seen[name] = true
		s.keys = append(s.keys, k)
	}
	if len(s.keys) == 0 {
		return nil, fmt.Errorf("keys: a set needs at least one key")
	}
	if sign != nil {
		if !sign.CanSign() {
			return nil, ErrCannotSign
		}
		s.sign = s.keys[0]
	}
	return s, nil
}

func withThumbprint(k *Key) (*Key, error) {
	switch {
	case k == nil:
		return nil, fmt.Errorf("keys: a key of the set is nil")
	case k.id != "":
		return k, nil
	case k.public == nil:
		return nil, fmt.Errorf("keys: an HMAC key of a set needs an ID; give it one with WithID")
	}
	k = k.WithID(k.Thumbprint())
	k.unnamed = true
	return k, nil
}

// Keys returns the keys of the set, the signing key first.
func (s *Set) Keys() []*Key { return slices.Clone(s.keys) }

// SigningKey implements [Source].
func (s *Set) SigningKey(context.Context, any) (*Key, error) {
	if s.sign == nil {
		return nil, ErrCannotSign
	}
	return s.sign, nil
}

// TryWithoutKeyID returns a copy of the set that tries all its keys on a token without
// "kid". Use it for tokens of other systems, or of a single key without an ID. A
// forged token without "kid" then costs a signature check for each key of its
// algorithm; with more keys than Limits.KeyCandidates of the gate, such tokens are
// refused. jwks.Options has the same option. A [Ring] has none: it is for keys of your
// own, whose tokens have a "kid".
func (s *Set) TryWithoutKeyID() *Set {
	c := *s
	c.anyKey = true
	return &c
}

// VerificationKeys implements [Source]. It returns the keys with the key ID of the
// token. For a token without one, it returns the keys that were given to the set
// without an ID, or all keys of a set from [Set.TryWithoutKeyID].
func (s *Set) VerificationKeys(_ context.Context, u Unverified) ([]*Key, error) {
	id := u.KeyID()
	var found []*Key
	for _, k := range s.keys {
		if id != "" && k.id == id || id == "" && (k.unnamed || s.anyKey) {
			found = append(found, k)
		}
	}
	return found, nil
}

// forHeader returns the key that writes exactly this encoded header segment, or nil.
func (s *Set) forHeader(segment string) (*Key, time.Time) {
	for _, k := range s.keys {
		if k.head == segment {
			return k, time.Time{}
		}
	}
	return nil, time.Time{}
}
