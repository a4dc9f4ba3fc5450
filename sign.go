package gate

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/jwtgate/gate/internal/json"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/keys"
)

// scratch is memory for creating tokens, used again by the next one. It holds no secret,
// only text that was sent to a client.
type scratch struct{ token, claims []byte }

func newScratch() any {
	return &scratch{make([]byte, 0, 1024), make([]byte, 0, 512)}
}

// sign writes header, claims and signature. It checks the claims as for a request where
// some of them come from the application.
func (g *Gate) sign(ctx context.Context, key *keys.Key, d *Draft, o *TokenOptions) (raw string, t *Token, err error) {
	s := g.scratch.Get().(*scratch)
	defer g.scratch.Put(s)
	b, err := g.appendHeader(s.token[:0], key, d.Header)
	if err != nil {
		return "", nil, err
	}
	now := g.cfg.Clock()
	claims, err := g.appendClaims(s.claims[:0], d, o, now)
	if err != nil {
		return "", nil, err
	}
	if d.whole || len(d.Claims) > 0 || g.readsBack {
		if t, err = g.read(claims, d.Type, now); err != nil {
			return "", nil, err
		}
	}
	header := len(b)
	b = jws.Enc.AppendEncode(append(b, '.'), claims)
	b, err = key.AppendSignature(ctx, append(b, '.'), b)
	if err != nil {
		return "", nil, err
	}
	s.token, s.claims = b, claims // keep the memory that has grown
	if n := g.cfg.Accept.Limits.TokenBytes; len(b) > n {
		return "", nil, fmt.Errorf("it would have %d bytes, and this gate accepts %d; put less into its claims", len(b), n)
	}
	raw = string(b)
	if t != nil {
		t.verifiedBy(key, raw[:header])
	}
	return raw, t, nil
}

// forbidden lists the header fields with which gates refuse a token.
var forbidden = []string{"alg", "b64", "crit", "cty", "zip"}

// appendHeader writes the encoded header.
func (g *Gate) appendHeader(b []byte, key *keys.Key, extra map[string]any) ([]byte, error) {
	if len(extra) == 0 && g.acceptsJWT {
		return append(b, key.Header()...), nil
	}
	h := map[string]any{"alg": string(key.Algorithm()), "typ": "JWT"}
	if key.ID() != "" {
		h["kid"] = key.ID()
	}
	for name, v := range extra {
		if old, ok := h[name]; ok && name != "typ" && old != v || !ok && slices.Contains(forbidden, name) {
			return nil, fmt.Errorf("the header field %q cannot be set; it belongs to the key or is refused by gates", name)
		}
		h[name] = v
	}
	if err := g.checkHeader(h); err != nil {
		return nil, err
	}
	text, err := json.Marshal(h, writeOptions)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return jws.Enc.AppendEncode(b, text), nil
}

// checkHeader drops an empty "typ", and returns an error for a header that gates refuse.
func (g *Gate) checkHeader(h map[string]any) error {
	if typ := h["typ"]; typ == nil || typ == "" {
		delete(h, "typ")
	}
	for _, name := range []string{"typ", "kid"} {
		if v, ok := h[name]; ok && reflect.TypeOf(v) != reflect.TypeFor[string]() {
			return fmt.Errorf("the header field %q must be a string; gates refuse anything else", name)
		}
	}
	if typ, _ := h["typ"].(string); !g.issuers.own.acceptsType(typ) {
		return fmt.Errorf("this gate accepts no header with typ %q (Accept.HeaderTypes)", typ)
	}
	return nil
}

// appendClaims writes the claims in the order of Flask-JWT-Extended.
func (g *Gate) appendClaims(b []byte, d *Draft, o *TokenOptions, now time.Time) ([]byte, error) {
	c := &g.cfg.Create
	w := claimWriter{b: append(b, '{'), extra: d.Claims}
	var ids [3][36]byte
	wanted := 3
	if c.OmitSession || o.SessionID != "" {
		wanted = 2
	}
	newIDs(ids[:wanted])
	if w.name("fresh") {
		w.b = appendFresh(w.b, o, now)
	}
	w.int("iat", now.Unix())
	w.id("jti", &ids[0])
	w.string("type", string(d.Type))
	g.writeIdentity(&w, d.Identity)
	if !c.OmitNotBefore {
		w.int("nbf", now.Unix())
	}
	g.writeLogin(&w, o, &ids[1], &ids[2])
	if c.Issuer != "" {
		w.string("iss", c.Issuer)
	}
	if len(c.Audience) > 0 && w.name("aud") {
		w.audience(c)
	}
	if err := g.writeExpiry(&w, d.Type, o.ExpiresIn, now); err != nil {
		return nil, err
	}
	if len(d.Claims) > 0 {
		for _, name := range slices.Sorted(maps.Keys(d.Claims)) {
			w.any(name, d.Claims[name])
		}
	}
	return append(w.b, '}'), w.err
}

// writeLogin writes the claims that all tokens of a login share. csrf and session are new
// identifiers, for a login that has none.
func (g *Gate) writeLogin(w *claimWriter, o *TokenOptions, csrf, session *[36]byte) {
	switch {
	case g.cfg.Cookies.CSRF.Disabled:
	case o.From != nil && !o.anew && o.From.CSRF() != "":
		w.string("csrf", o.From.CSRF())
	default:
		w.id("csrf", csrf)
	}
	switch {
	case o.SessionID != "":
		w.string("sid", o.SessionID)
	case !g.cfg.Create.OmitSession:
		w.id("sid", session)
	}
	if o.Generation.known {
		w.int("gen", o.Generation.value)
	}
}

func (g *Gate) writeExpiry(w *claimWriter, typ TokenType, in time.Duration, now time.Time) error {
	if in == 0 {
		in = g.cfg.Create.AccessLifetime
		if typ == Refresh {
			in = g.cfg.Create.RefreshLifetime
		}
	}
	if in != NoExpiry {
		w.int("exp", now.Add(in).Unix())
		return nil
	}
	if _, ok := w.extra["exp"]; !ok && !g.cfg.Accept.Lenient.NoExpiry {
		return fmt.Errorf("it would have no exp, which this gate refuses; set a lifetime, or Accept.Lenient.NoExpiry")
	}
	return nil
}

// writeIdentity writes the identity claim: text, unless package flask wants JSON.
func (g *Gate) writeIdentity(w *claimWriter, identity any) {
	if s, ok := identity.(string); ok {
		w.string(g.identityClaim, s)
	} else if w.name(g.identityClaim) {
		w.value(g.identityClaim, identity)
	}
}
