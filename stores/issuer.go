package stores

import "encoding/binary"

// issuerMark begins what OfIssuer returns. It is no UTF-8, so no token has such text.
const issuerMark = "\xffissuer\xff"

// OfIssuer names the session, subject or token ID of another issuer
// ([gate.Token.VerifiedIssuer]) wherever a [Store] or [Inspector] takes one as text, and
// in [SubjectOptions].ExceptSession:
//
//	store.RevokeSubject(ctx, stores.OfIssuer("https://idp.example", "alice"), o, note)
//
// Without it, and with the issuer "", the gate's own is meant. An empty id stays empty.
func OfIssuer(issuer, id string) string {
	if issuer == "" || id == "" {
		return id
	}
	b := binary.AppendUvarint([]byte(issuerMark), uint64(len(issuer)))
	return string(append(append(b, issuer...), id...))
}
