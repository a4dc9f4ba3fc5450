package gate

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jwtgate/gate/keys"
)

// TokenOptions are options for one new token. The zero value makes a token that is not
// fresh, starts a new session, and has the lifetime in [Create].
type TokenOptions struct {
	// Fresh marks an access token as created from credentials, such as a password.
	Fresh bool
	// FreshFor makes the token fresh for this time only.
	FreshFor time.Duration
	// ExpiresIn is the lifetime, at least a second; NoExpiry writes no "exp". Default:
	// that of [Create]. Tokens of [Create.Types] have no default, so set it for them.
	ExpiresIn time.Duration
	// SessionID is "sid". Default: that of From, or a new random one unless
	// [Create.OmitSession] is set.
	SessionID string
	// From is the token that the new one replaces or continues: a refresh token, or an
	// access token that is renewed, of the same identity. The new token takes over its
	// session, login time (auth_time), CSRF value, generation, audience and the
	// application's claims. It is fresh only if Fresh or FreshFor is set. When the new
	// token is signed, From must be neither revoked nor expired.
	From *Token
	// Generation is the result of [Gate.Generation] for this login. Default: it is read
	// when the token is created. It is not used with From.
	Generation Generation
	// Cookies changes scope and lifetime of this login's cookies, for "remember me". It is
	// recorded in the token. Default: that of From, or else [Config.Cookies].
	Cookies CookieOptions
	// Claims is a map, or a struct that is a JSON object, with claims to add. They replace
	// claims of the same name. A time.Time named "exp", "nbf", "iat" or "auth_time" is
	// written as a NumericDate. See [Token.Claims] for other types.
	Claims any
	// Header has fields to add to the token's header. They replace fields of the same
	// name; an empty "typ" leaves it out. The algorithm cannot be changed.
	Header map[string]any

	renewal bool // of From: RevocationID is inherited
	anew    bool // auth_time and CSRF value of From are not taken over
	judged  bool // the caller has checked From, atomically with the purpose of the new token
}

// A Draft is a new token before it is signed, for [Config.Prepare]. Prepare may set
// Identity and add to Claims and Header.
type Draft struct {
	// Type is the type of the token. A change has no effect.
	Type TokenType
	// Identity is the identity given to the call. Set it to write another one. The key is
	// chosen by the identity given to the call.
	Identity any
	// From is TokenOptions.From, nil at a login. Do not change it.
	From *Token
	// Claims and Header are empty maps to fill. An entry replaces the gate's own and that
	// of From; an entry of the same name in TokenOptions replaces it.
	Claims, Header map[string]any

	whole bool // the caller needs the Token as well
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

// Issue creates a token of type typ for identity, and returns its text and the Token that
// a check would return. identity is a string, an integer, or an
// [encoding.TextMarshaler]. It is written as a string (RFC 7519 section 4.1.2) and must
// not be empty. Refresh tokens are never fresh.
//
// Issue returns an error for a token that this gate would refuse, and the errors of the
// key source, the blocklist and Config.Prepare. With TokenOptions.From, the error is
// [ErrRevoked] or [ErrExpired] when that token was revoked or has expired.
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
		if err := g.checkFrom(ctx, o.From); err != nil {
			return "", nil, err
		}
	}
	g.Emit(ctx, Event{Name: TokenCreated, Token: t})
	return raw, t, nil
}

// merge returns a new map: Prepare may have set one that others use.
func merge(m, wins map[string]any) map[string]any {
	if len(wins) == 0 {
		return m
	}
	all := make(map[string]any, len(m)+len(wins))
	maps.Copy(all, m)
	maps.Copy(all, wins)
	return all
}
