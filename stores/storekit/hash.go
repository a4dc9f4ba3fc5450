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

// HashID is the form in which an identifier is stored: 192 bits of SHA-256 of kind,
// scope and identifier, as 32 characters of base64url. Whatever the identifier is, the
// result has one length and harmless characters; equal identifiers of different kinds
// or scopes have different hashes. It hides an identifier that cannot be guessed, such
// as a random "jti" or "sid". A subject such as "42" can be found by trying, unless
// scope is a secret.
//
// An id of another issuer ([stores.OfIssuer]) is hashed as it is in that issuer's tokens.
func HashID(kind stores.Kind, scope, id string) string {
	if issuer, its := SplitIssuer(id); issuer != "" {
		scope, id = IssuerScope(scope, issuer), its
	}
	var buf [256]byte
	b := append(append(buf[:0], "gate.stores\x00"...), kind...)
	b = binary.BigEndian.AppendUint64(append(b, 0), uint64(len(scope)))
	b = append(append(b, scope...), id...)
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:HashSize*3/4])
}

// SubjectOf returns the text by which stores know the subject of t
// ([gate.Token.SubjectKey]), or "" for a token that cannot be revoked by it.
func SubjectOf(t *gate.Token) string {
	key, err := t.SubjectKey()
	if err != nil {
		return ""
	}
	return key
}

// SplitIssuer returns what [stores.OfIssuer] was made of; "" and id where it was not.
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

// issuerMark is how stores.OfIssuer begins.
var issuerMark = strings.TrimSuffix(stores.OfIssuer("x", "y"), "\x01xy")

// IssuerScope is the scope under which identifiers of an issuer are hashed: scope
// itself for "", the gate's own, and for every other issuer
// ([gate.Token.VerifiedIssuer]) one that no other pair of scope and issuer has. So an
// issuer can never name the token, session or subject of another. A scope that begins
// with a NUL byte is for this function alone.
func IssuerScope(scope, issuer string) string {
	if issuer == "" {
		return scope
	}
	b := binary.BigEndian.AppendUint64([]byte("\x00issuer\x00"), uint64(len(scope)))
	return string(append(append(b, scope...), issuer...))
}
