package gate

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/keys"
)

// TokenOptions change one token. The zero value makes one that is not fresh and
// lives as long as [Create] says.
type TokenOptions struct {
	// Fresh marks an access token as minted from credentials, for its whole life.
	Fresh bool
	// FreshFor marks it so for a time.
	FreshFor time.Duration
	// ExpiresIn is the lifetime; NoExpiry writes no "exp".
	ExpiresIn time.Duration
	// Claims are added to the token, and win over all others. A time.Time under "exp",
	// "nbf", "iat" or "auth_time" is written as a NumericDate.
	Claims map[string]any
	// Header is added to the header, and wins; an empty "typ" leaves it out. The
	// algorithm is the key's.
	Header map[string]any
}

// A Draft is a token about to be signed, as [Config.Prepare] sees it. Prepare may
// set Identity, and add to Claims and Header.
type Draft struct {
	// Type is what was asked for; changing it changes nothing.
	Type TokenType
	// Identity is the value given to the call; what it is set to is what is written.
	// Keys are chosen by the value given.
	Identity any
	// Claims and Header are empty maps; what is put in is written, and wins over the
	// gate's own. What the call gave in TokenOptions wins over that.
	Claims, Header map[string]any
}

// CreateAccessToken returns a signed access token for identity. The errors are those
// of the key source and of Config.Prepare, of values that cannot be written, and of
// a token that this gate would refuse for its size or for want of "exp". Whether it
// would accept what Claims and Header put in place of its own values is not checked.
func (g *Gate) CreateAccessToken(ctx context.Context, identity any, o TokenOptions) (string, error) {
	return g.create(ctx, Access, identity, o)
}

// CreateRefreshToken is [Gate.CreateAccessToken] for a refresh token, which is never
// fresh.
func (g *Gate) CreateRefreshToken(ctx context.Context, identity any, o TokenOptions) (string, error) {
	o.Fresh, o.FreshFor = false, 0
	return g.create(ctx, Refresh, identity, o)
}

func (g *Gate) create(ctx context.Context, typ TokenType, identity any, o TokenOptions) (string, error) {
	d := Draft{Type: typ, Identity: identity, Claims: o.Claims, Header: o.Header}
	if g.cfg.Prepare != nil {
		d.Claims, d.Header = map[string]any{}, map[string]any{}
		if err := g.cfg.Prepare(ctx, &d); err != nil {
			return "", fmt.Errorf("gate: Prepare: %w", err)
		}
		d.Type, d.Claims, d.Header = typ, merge(d.Claims, o.Claims), merge(d.Header, o.Header)
	}
	key, err := g.cfg.Keys.SigningKey(ctx, identity)
	if err == nil && key == nil {
		err = keys.ErrCannotSign
	}
	if err != nil {
		return "", failed("key source", err)
	}
	token, err := g.sign(key, &d, o)
	if err != nil {
		return "", fmt.Errorf("gate: creating a token: %w", err)
	}
	return token, nil
}

// merge leaves both maps alone: Prepare may have put in one that is shared.
func merge(m, wins map[string]any) map[string]any {
	if len(wins) == 0 {
		return m
	}
	all := make(map[string]any, len(m)+len(wins))
	maps.Copy(all, m)
	maps.Copy(all, wins)
	return all
}

// scratch is memory that the making of one token leaves to the next. What is left in
// it is on its way to a client anyway; no secret is.
type scratch struct{ token, claims, signature []byte }

func newScratch() any {
	return &scratch{make([]byte, 0, 1024), make([]byte, 0, 512), make([]byte, 0, 64)}
}

// sign writes header and claims once, and the signature behind them.
func (g *Gate) sign(key *keys.Key, d *Draft, o TokenOptions) (string, error) {
	s := g.scratch.Get().(*scratch)
	defer g.scratch.Put(s)
	b, err := appendHeader(s.token[:0], key, d.Header)
	if err != nil {
		return "", err
	}
	claims, err := g.appendClaims(s.claims[:0], d, o)
	if err != nil {
		return "", err
	}
	b = jws.Enc.AppendEncode(append(b, '.'), claims)
	sig, err := key.Sign(s.signature[:0], b)
	if err != nil {
		return "", err
	}
	b = jws.Enc.AppendEncode(append(b, '.'), sig)
	s.token, s.claims, s.signature = b, claims, sig // keep what has grown
	if n := g.cfg.Accept.Limits.TokenBytes; len(b) > n {
		return "", fmt.Errorf("it would have %d bytes, and this gate accepts %d; put less into its claims", len(b), n)
	}
	return string(b), nil
}

// forbidden are the header fields that would make a token which gates refuse.
var forbidden = []string{"alg", "b64", "crit", "cty", "zip"}

// appendHeader writes the encoded header.
func appendHeader(b []byte, key *keys.Key, extra map[string]any) ([]byte, error) {
	if len(extra) == 0 {
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
	if typ := h["typ"]; typ == nil || typ == "" {
		delete(h, "typ")
	}
	for _, name := range []string{"typ", "kid"} {
		if v, ok := h[name]; ok && reflect.TypeOf(v) != reflect.TypeFor[string]() {
			return nil, fmt.Errorf("the header field %q must be a string; gates refuse anything else", name)
		}
	}
	text, err := json.Marshal(h, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return jws.Enc.AppendEncode(b, text), nil
}

// appendClaims writes the claims in the order of Flask-JWT-Extended.
func (g *Gate) appendClaims(b []byte, d *Draft, o TokenOptions) ([]byte, error) {
	c, now := &g.cfg.Create, g.cfg.Clock()
	w := claimWriter{b: append(b, '{'), extra: d.Claims}
	var id, csrf [36]byte
	newIDs(&id, &csrf)
	if w.name("fresh") {
		w.b = appendFresh(w.b, o, now)
	}
	w.int("iat", now.Unix())
	w.id("jti", &id)
	w.string("type", string(d.Type))
	if err := g.writeIdentity(&w, d.Identity); err != nil {
		return nil, err
	}
	if !c.OmitNotBefore {
		w.int("nbf", now.Unix())
	}
	if !g.cfg.Cookies.CSRF.Disabled {
		w.id("csrf", &csrf)
	}
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

// writeIdentity writes the identity claim.
func (g *Gate) writeIdentity(w *claimWriter, identity any) error {
	name := g.identityClaim
	if s, ok := identity.(string); ok {
		w.string(name, s)
		return nil
	}
	if !w.name(name) {
		return nil
	}
	if g.cfg.Create.AnyIdentity {
		w.value(name, identity)
		return nil
	}
	text, err := identityText(identity)
	if err != nil {
		return err
	}
	w.b, w.err = quote(w.b, text, w.err)
	return nil
}
