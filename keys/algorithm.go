package keys

import (
	"crypto"
	"fmt"

	"github.com/jwtgate/gate/internal/json/jsontext"

	"github.com/jwtgate/gate/internal/jws"
)

// Algorithm is a JWS algorithm by its registered name (RFC 7518 section 3.1,
// RFC 8037, RFC 9864). There is no constant for "none", and no way to make one work.
type Algorithm string

const (
	HS256 Algorithm = "HS256"
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	// EdDSA is Ed25519 under the name of RFC 8037, which most issuers still write.
	EdDSA Algorithm = "EdDSA"
	// Ed25519 is the same algorithm under the name of RFC 9864. A key has one of the
	// two names; put the key into a [Set] under both to accept both.
	Ed25519 Algorithm = "Ed25519"
)

// family is the kind of key that an algorithm takes.
type family uint8

const (
	familyHMAC family = iota + 1
	familyRSA
	familyEC
	familyEd
)

// scheme is what sets one algorithm apart.
type scheme struct {
	family family
	hash   crypto.Hash
	pss    bool
	size   int    // octets of r and of s
	curve  string // of familyEC
}

var schemes = map[Algorithm]scheme{
	HS256:   {family: familyHMAC, hash: crypto.SHA256},
	HS384:   {family: familyHMAC, hash: crypto.SHA384},
	HS512:   {family: familyHMAC, hash: crypto.SHA512},
	RS256:   {family: familyRSA, hash: crypto.SHA256},
	RS384:   {family: familyRSA, hash: crypto.SHA384},
	RS512:   {family: familyRSA, hash: crypto.SHA512},
	PS256:   {family: familyRSA, hash: crypto.SHA256, pss: true},
	PS384:   {family: familyRSA, hash: crypto.SHA384, pss: true},
	PS512:   {family: familyRSA, hash: crypto.SHA512, pss: true},
	ES256:   {family: familyEC, hash: crypto.SHA256, size: 32, curve: "P-256"},
	ES384:   {family: familyEC, hash: crypto.SHA384, size: 48, curve: "P-384"},
	ES512:   {family: familyEC, hash: crypto.SHA512, size: 66, curve: "P-521"},
	EdDSA:   {family: familyEd},
	Ed25519: {family: familyEd},
}

// scheme looks the algorithm up.
func (a Algorithm) scheme() (scheme, error) {
	s, ok := schemes[a]
	if !ok {
		return scheme{}, fmt.Errorf("keys: algorithm %q is not supported; use HS256, RS256, PS256, ES256 (or their 384 and 512 forms), EdDSA or Ed25519", string(a))
	}
	return s, nil
}

// head is the header segment of a token of algorithm a: members in alphabetical
// order, as PyJWT writes them. keyID is valid UTF-8.
func (a Algorithm) head(keyID string) string {
	text := []byte(`{"alg":"` + string(a) + `"`)
	if keyID != "" {
		// The error is for invalid UTF-8 alone.
		text, _ = jsontext.AppendQuote(append(text, `,"kid":`...), keyID)
	}
	return jws.Enc.EncodeToString(append(text, `,"typ":"JWT"}`...))
}
