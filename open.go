package gate

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/keys"
)

// checkSignature is step 2: it chooses the key, checks the signature and reads the
// payload. It reads nothing of the payload before the signature holds.
func (g *Gate) checkSignature(ctx context.Context, f *found) (*Token, error) {
	raw := f.raw
	parts, err := jws.Split(raw, g.cfg.Accept.Limits.TokenBytes)
	if err != nil {
		return nil, jwsError(err)
	}
	var notOwn error
	if k := g.ownKey(f, parts.Header); k != nil {
		if err := jws.CheckForm(parts); err != nil {
			return nil, jwsError(err)
		}
		parts.Header = k.Header() // the same text, not in memory of the request
		t, err := g.openWith(raw, &parts, g.issuers.own, []*keys.Key{k})
		if g.issuers.onlyOwn || !wrongSignature(err) {
			return t, err
		}
		notOwn = err // another issuer's tokens may have the same header
	}
	f.now = time.Time{} // the key source may take long
	from, candidates, err := g.candidates(ctx, raw, parts)
	switch {
	case err != nil:
		return nil, err
	case from.own && notOwn != nil:
		return nil, notOwn
	}
	return g.openWith(raw, &parts, from, candidates)
}

func wrongSignature(err error) bool {
	e, ok := err.(*Error)
	return ok && (e.Reason == "signature" || e.Reason == "signature_encoding")
}

// ownKey returns the key of the gate that writes this header, or nil. If the key source
// had to ask the time, f keeps it.
func (g *Gate) ownKey(f *found, header string) *keys.Key {
	if g.match == nil {
		return nil
	}
	k, read := g.match(header)
	if !g.ownClock {
		f.now = read
	}
	return k
}

// openWith verifies a token with the keys of an issuer and reads it.
func (g *Gate) openWith(raw string, parts *jws.Parts, from *issuer, candidates []*keys.Key) (*Token, error) {
	if t := g.cache.get(raw, from, candidates); t != nil {
		return t, nil
	}
	for _, k := range candidates {
		if k.Verify(parts.Input, parts.Signature) {
			return g.opened(raw, parts, from, k)
		}
	}
	if !jws.Canonical(parts.Signature) {
		return nil, refuse(ErrInvalid, "signature_encoding")
	}
	return nil, refuse(ErrInvalid, "signature")
}

// opened reads the payload of a token that was verified by k, a key of from.
func (g *Gate) opened(raw string, parts *jws.Parts, from *issuer, k *keys.Key) (*Token, error) {
	payload, ok := jws.DecodeSegment(parts.Payload)
	if !ok {
		return nil, refuse(ErrInvalid, "payload_encoding")
	}
	t, refused := g.parse(payload, from.IdentityClaim)
	if refused != nil {
		return nil, refused
	}
	t.from = from
	t.verifiedBy(k, parts.Header)
	if !from.own {
		from.restrict(t, payload, &g.cfg.Accept.Limits)
	}
	if k.Public() != nil {
		g.cache.put(raw, t)
	}
	return t, nil
}

// candidates returns the issuer of a token and the keys that may have signed it.
func (g *Gate) candidates(ctx context.Context, raw string, parts jws.Parts) (*issuer, []*keys.Key, error) {
	u, err := keys.ParseUnverified(raw, g.cfg.Accept.Limits.TokenBytes)
	nested := err == jws.ErrNested
	if err != nil && !nested {
		return nil, nil, jwsError(err)
	}
	from := g.issuerOf(raw, parts.Payload)
	switch {
	case from == nil:
		return nil, nil, refuse(ErrInvalid, "issuer_unknown")
	case nested && !from.Lenient.AnyContentType:
		return nil, nil, jwsError(err)
	}
	found, err := g.verificationKeys(ctx, from, u)
	return from, found, err
}

// issuerOf returns the issuer of a token by its "iss", or nil.
func (g *Gate) issuerOf(raw, segment string) *issuer {
	if g.issuers.onlyOwn {
		return g.issuers.own
	}
	if from := g.cache.issuer(raw); from != nil {
		return from
	}
	payload, _ := jws.DecodeSegment(segment) // if that fails, no issuer is found
	return g.issuers.ofUnverified(payload, &g.cfg.Accept.Limits)
}

// verificationKeys returns the keys of an issuer that may have signed a token.
func (g *Gate) verificationKeys(ctx context.Context, from *issuer, u keys.Unverified) ([]*keys.Key, error) {
	if !from.acceptsType(u.Type()) {
		return nil, refuse(ErrInvalid, "typ_mismatch")
	}
	found, err := from.Keys.VerificationKeys(ctx, u)
	if err != nil {
		return nil, &unavailableError{what: "key source", err: err, ours: true}
	}
	switch {
	case len(found) == 0 && u.KeyID() == "":
		return nil, refuse(ErrInvalid, "kid_missing")
	case len(found) == 0:
		return nil, refuse(ErrInvalid, "key_unknown")
	}
	fitting := slices.DeleteFunc(slices.Clone(found), func(k *keys.Key) bool {
		return k == nil || string(k.Algorithm()) != u.Algorithm()
	})
	switch n := len(fitting); {
	case n == 0:
		return nil, refuse(ErrInvalid, "alg_mismatch")
	case n > g.cfg.Accept.Limits.KeyCandidates:
		return nil, refuse(ErrInvalid, "key_ambiguous")
	}
	return fitting, nil
}

// acceptsType reports whether the header "typ" is accepted (RFC 8725 section 3.11).
func (i *issuer) acceptsType(typ string) bool {
	if i.Lenient.AnyHeaderType {
		return true
	}
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	if i.HeaderTypes == nil {
		return typ == "" || typ == "jwt" || typ == "at+jwt"
	}
	return slices.Contains(i.HeaderTypes, typ)
}

// jwsError returns the refusal for a fault that internal/jws found.
func jwsError(err error) *Error {
	fault, _ := err.(jws.Fault)
	return refuse(ErrInvalid, string(fault))
}

// Peek reads the header of a token of at most 8 KiB and checks its form only. Do not trust
// the result: the signature is not verified.
func Peek(raw string) (keys.Unverified, error) {
	u, err := keys.ParseUnverified(raw, defaultLimits.TokenBytes)
	if err != nil {
		return keys.Unverified{}, jwsError(err)
	}
	return u, nil
}

// peekHeader returns the header of a token of at most max bytes, which may be a nested one.
func peekHeader(raw string, max int) (header map[string]any, err error) {
	u, err := keys.ParseUnverified(raw, max)
	if err != nil && err != jws.ErrNested {
		return nil, jwsError(err)
	}
	var text jsontext.Value
	_ = u.Header(&text) // was read before
	err = json.Unmarshal(text, &header, readOptions)
	return header, err
}
