package gate

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jwtgate/gate/internal/json"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/keys"
)

// TokenOptions change one token. The zero value makes one that is not fresh, begins a
// session of its own, and lives as long as [Create] says.
type TokenOptions struct {
	// Fresh marks an access token as created from credentials, for its whole life.
	Fresh bool
	// FreshFor marks it so for a time.
	FreshFor time.Duration
	// ExpiresIn is the lifetime, at least a second; NoExpiry writes no "exp". A type of
	// [Create.Types] has no default and needs one.
	ExpiresIn time.Duration
	// SessionID is "sid". Default: that of From, or a new random one unless
	// [Create.OmitSession] is set.
	SessionID string
	// From is a token of the same identity that the new one is made from: a refresh
	// token, or an access token that is renewed. The new one has its session, login time
	// (auth_time), CSRF value, generation, audience and the application's claims. It is
	// not fresh unless Fresh says so. After it was signed the blocklist is asked about
	// From, and From must not have expired by then.
	From *Token
	// Generation is what [Gate.Generation] has read for this login. Default: it is read
	// here. With From it is not used.
	Generation Generation
	// Cookies are the scope and the lifetime of this login's cookies, where they are not
	// those of the configuration: "remember me". They are recorded in the token. With From
	// they are those of From unless given.
	Cookies CookieOptions
	// Claims are added to the token, and win over all others: a map, or a struct that
	// JSON writes as an object. A time.Time under "exp", "nbf", "iat" or "auth_time" is
	// written as a NumericDate. See [Token.Claims] for other types.
	Claims any
	// Header is added to the header, and wins; an empty "typ" leaves it out. The
	// algorithm is the key's.
	Header map[string]any

	renewal bool // of From: RevocationID is inherited
	anew    bool // with From: no auth_time and CSRF value of From
	judged  bool // From was judged by the caller, in one step with what the new token is for
}

// A Draft is a token about to be signed, as [Config.Prepare] sees it. Prepare may
// set Identity, and add to Claims and Header.
type Draft struct {
	// Type is what was asked for; changing it changes nothing.
	Type TokenType
	// Identity is the value given to the call; what it is set to is what is written.
	// Keys are chosen by the value given.
	Identity any
	// From is TokenOptions.From: nil at a login. Do not change it.
	From *Token
	// Claims and Header are empty maps; what is put in is written, and wins over the
	// gate's own and over what comes from From. What the call gave in TokenOptions wins
	// over that.
	Claims, Header map[string]any

	whole bool // the caller wants the Token, too
}

// CreateAccessToken is the short form of [Gate.Issue] for an access token.
func (g *Gate) CreateAccessToken(ctx context.Context, identity any, o TokenOptions) (string, error) {
	raw, _, err := g.create(ctx, &Draft{Type: Access, Identity: identity}, o)
	return raw, err
}

// CreateRefreshToken is the short form of [Gate.Issue] for a refresh token.
func (g *Gate) CreateRefreshToken(ctx context.Context, identity any, o TokenOptions) (string, error) {
	raw, _, err := g.create(ctx, &Draft{Type: Refresh, Identity: identity}, o)
	return raw, err
}

// Issue creates a token of the given type for identity, and returns its text and what
// a check of it would return. identity is a string, an integer, or has a text form
// ([encoding.TextMarshaler]), and is written as a string, as RFC 7519 section 4.1.2 asks
// of "sub"; an empty one is an error. Refresh tokens are never fresh.
//
// A gate creates no token that it would refuse: that is an error, and so are the errors
// of the key source, of the blocklist and of Config.Prepare. With TokenOptions.From the
// error is [ErrRevoked] or [ErrExpired] when that token is no longer good.
func (g *Gate) Issue(ctx context.Context, typ TokenType, identity any, o TokenOptions) (raw string, t *Token, err error) {
	return g.create(ctx, &Draft{Type: typ, Identity: identity, whole: true}, o)
}

func (g *Gate) create(ctx context.Context, d *Draft, o TokenOptions) (string, *Token, error) {
	if g.cfg.Keys == nil {
		return "", nil, errNoKeys
	}
	if err := g.checkOptions(d.Type, &o); err != nil {
		return "", nil, fmt.Errorf("gate: creating a token: %w", err)
	}
	identity := d.Identity // as it was given
	if err := g.draft(ctx, d, &o); err != nil {
		return "", nil, err
	}
	if err := g.generationFor(ctx, d, &o); err != nil {
		return "", nil, err
	}
	key, err := g.cfg.Keys.SigningKey(ctx, identity)
	if err == nil && key == nil {
		err = keys.ErrCannotSign
	}
	if err != nil {
		return "", nil, &unavailableError{what: "key source", err: err, ours: true}
	}
	d.whole = d.whole || g.cfg.OnEvent != nil
	raw, t, err := g.sign(ctx, key, d, &o)
	if err != nil {
		return "", nil, fmt.Errorf("gate: creating a token: %w", err)
	}
	if o.From != nil && !o.judged {
		if err := g.stillGood(ctx, o.From); err != nil {
			return "", nil, err
		}
	}
	g.Emit(ctx, Event{Name: TokenCreated, Token: t})
	return raw, t, nil
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
// The claims are read back, as a check would, where they are not all the gate's own.
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
	if d.whole || len(d.Claims) > 0 || g.contradicts {
		if t, err = g.read(claims, d.Type, now); err != nil {
			return "", nil, err
		}
	}
	header := len(b)
	b = jws.Enc.AppendEncode(append(b, '.'), claims)
	sig, err := key.SignContext(ctx, s.signature[:0], b)
	if err != nil {
		return "", nil, err
	}
	b = jws.Enc.AppendEncode(append(b, '.'), sig)
	s.token, s.claims, s.signature = b, claims, sig // keep what has grown
	if n := g.cfg.Accept.Limits.TokenBytes; len(b) > n {
		return "", nil, fmt.Errorf("it would have %d bytes, and this gate accepts %d; put less into its claims", len(b), n)
	}
	raw = string(b)
	if t != nil {
		t.header, t.key = strings.Clone(raw[:header]), key
	}
	return raw, t, nil
}

// forbidden are the header fields that would make a token which gates refuse.
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
	if typ := h["typ"]; typ == nil || typ == "" {
		delete(h, "typ")
	}
	for _, name := range []string{"typ", "kid"} {
		if v, ok := h[name]; ok && reflect.TypeOf(v) != reflect.TypeFor[string]() {
			return nil, fmt.Errorf("the header field %q must be a string; gates refuse anything else", name)
		}
	}
	if typ, _ := h["typ"].(string); !g.issuers.own.acceptsType(typ) {
		return nil, fmt.Errorf("this gate accepts no header with typ %q (Accept.HeaderTypes)", typ)
	}
	text, err := json.Marshal(h, writeOptions)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return jws.Enc.AppendEncode(b, text), nil
}

// appendClaims writes the claims in the order of Flask-JWT-Extended.
func (g *Gate) appendClaims(b []byte, d *Draft, o *TokenOptions, now time.Time) ([]byte, error) {
	c := &g.cfg.Create
	w := claimWriter{b: append(b, '{'), extra: d.Claims}
	var id, csrf, session [36]byte
	newIDs(&id, &csrf, &session)
	if w.name("fresh") {
		w.b = appendFresh(w.b, *o, now)
	}
	w.int("iat", now.Unix())
	w.id("jti", &id)
	w.string("type", string(d.Type))
	g.writeIdentity(&w, d.Identity)
	if !c.OmitNotBefore {
		w.int("nbf", now.Unix())
	}
	switch {
	case g.cfg.Cookies.CSRF.Disabled:
	case o.From != nil && !o.anew && o.From.CSRF() != "":
		w.string("csrf", o.From.CSRF())
	default:
		w.id("csrf", &csrf)
	}
	switch {
	case o.SessionID != "":
		w.string("sid", o.SessionID)
	case !c.OmitSession:
		w.id("sid", &session)
	}
	if o.Generation.known {
		w.int("gen", o.Generation.value)
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

// writeIdentity writes the identity claim: text, unless package flask wants JSON.
func (g *Gate) writeIdentity(w *claimWriter, identity any) {
	if s, ok := identity.(string); ok {
		w.string(g.identityClaim, s)
	} else if w.name(g.identityClaim) {
		w.value(g.identityClaim, identity)
	}
}
