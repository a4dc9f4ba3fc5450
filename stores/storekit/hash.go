package storekit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// HashSize is the length of what [HashID] returns.
const HashSize = 32

// HashID returns the form in which stores keep an identifier: 192 bits of SHA-256 of
// kind, scope and id, as 32 characters of base64url. Equal identifiers of different kinds
// or scopes have different hashes. The hash hides an identifier that cannot be guessed,
// such as a random "jti" or "sid". A subject such as "42" can be found by trial, unless
// scope is a secret.
//
// An id that [stores.OfIssuer] returned has the same hash as the identifier in the tokens
// of that issuer.
func HashID(kind stores.Kind, scope, id string) string {
	if issuer, its := SplitIssuer(id); issuer != "" {
		scope, id = IssuerScope(scope, issuer), its
	}
	var buf [256]byte
	b := append(append(buf[:0], "gate.stores\x00"...), kind...)
	b = binary.BigEndian.AppendUint64(append(b, 0), uint64(len(scope)))
	b = append(append(b, scope...), id...)
	sum := sha256.Sum256(b)
	var text [HashSize]byte
	base64.RawURLEncoding.Encode(text[:], sum[:HashSize*3/4])
	return string(text[:])
}

// SubjectOf returns the text that identifies the subject of t in stores
// ([gate.Token.SubjectKey]). It is "" for a token that cannot be revoked by its subject.
func SubjectOf(t *gate.Token) string {
	key, err := t.SubjectKey()
	if err != nil {
		return ""
	}
	return key
}

// SplitIssuer returns the arguments of the [stores.OfIssuer] call that returned id. If id
// does not come from OfIssuer, it returns "" and id.
func SplitIssuer(id string) (issuer, its string) {
	rest, ok := strings.CutPrefix(id, issuerMark)
	if !ok {
		return "", id
	}
	n, size := binary.Uvarint([]byte(rest))
	if size <= 0 || n > uint64(len(rest)-size) {
		return "", id
	}
	return rest[size : size+int(n)], rest[size+int(n):]
}

// issuerMark is the prefix of every text that stores.OfIssuer returns.
var issuerMark = strings.TrimSuffix(stores.OfIssuer("x", "y"), "\x01xy")

// IssuerScope returns the scope with which the identifiers of an issuer
// ([gate.Token.VerifiedIssuer]) are hashed. For "", the gate itself, it is scope. Every
// other pair of scope and issuer has a scope of its own, so an issuer can never name a
// token, session or subject of another issuer. Only this function makes scopes that
// begin with a NUL byte.
func IssuerScope(scope, issuer string) string {
	if issuer == "" {
		return scope
	}
	b := binary.BigEndian.AppendUint64([]byte("\x00issuer\x00"), uint64(len(scope)))
	return string(append(append(b, scope...), issuer...))
}
