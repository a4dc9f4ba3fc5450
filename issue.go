package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"
	"github.com/jwtgate/gate/internal/judged"
)

func init() { judged.Mark = func(options any) { options.(*TokenOptions).judged = true } }

// checkOptions returns an error for options that this gate cannot use, and clears the
// freshness of refresh tokens.
func (g *Gate) checkOptions(typ TokenType, o *TokenOptions) error {
	if err := g.cfg.Cookies.checkOptions(o.Cookies); err != nil {
		return err
	}
	bound := g.cfg.Accept.MaxLifetime
	switch in := o.ExpiresIn; {
	case !g.issues(typ):
		return fmt.Errorf("type %q is no type of this gate; list it in Create.Types", typ)
	case typ == Refresh:
		o.Fresh, o.FreshFor = false, 0
	case typ != Access && in == 0:
		return fmt.Errorf("tokens of type %q have no default lifetime; set ExpiresIn", typ)
	}
	switch in := o.ExpiresIn; {
	case in == 0 || in == NoExpiry || g.compat.AnyIdentity:
	case in < time.Second:
		return fmt.Errorf("ExpiresIn is %v; tokens count in seconds", in)
	case bound != NoExpiry && in > bound:
		return fmt.Errorf("ExpiresIn is %v, and this gate accepts %v (Accept.MaxLifetime)", in, bound)
	}
	return nil
}

// draft completes d: the identity as text, and the claims of the application.
func (g *Gate) draft(ctx context.Context, d *Draft, o *TokenOptions) error {
	given, err := claimsOf(o.Claims)
	if err != nil {
		return fmt.Errorf("gate: creating a token: %w", err)
	}
	d.From, d.Claims, d.Header = o.From, given, o.Header
	if g.cfg.Prepare != nil {
		prepared := *d // a copy, so that d itself is never an allocation
		prepared.Claims, prepared.Header = map[string]any{}, map[string]any{}
		if err := g.cfg.Prepare(ctx, &prepared); err != nil {
			return fmt.Errorf("gate: Prepare: %w", err)
		}
		d.Identity, d.Claims, d.Header = prepared.Identity, merge(prepared.Claims, given), merge(prepared.Header, o.Header)
	}
	if o.Cookies != (CookieOptions{}) {
		d.Claims = merge(d.Claims, map[string]any{cookieScope: o.Cookies.claim()})
	}
	if err := g.identify(d); err != nil {
		return fmt.Errorf("gate: creating a token: %w", err)
	}
	if o.From != nil {
		return g.inherit(d, o)
	}
	return nil
}

// identify sets d.Identity to the text that will be written.
func (g *Gate) identify(d *Draft) error {
	if g.compat.AnyIdentity {
		return nil
	}
	if len(d.Claims) > 0 {
		if v, ok := d.Claims[g.identityClaim]; ok {
			d.Identity = v
		}
	}
	if s, ok := d.Identity.(string); ok && s != "" {
		return nil // as it is: a copy would be an allocation
	}
	text, err := identityText(d.Identity)
	d.Identity = text
	return err
}

// inherit takes over the login of o.From.
func (g *Gate) inherit(d *Draft, o *TokenOptions) error {
	from := o.From
	if from.VerifiedIssuer() != "" {
		return errors.New("gate: creating a token: TokenOptions.From is a token of another issuer; it opens what it opens, and gives no token of this gate")
	}
	if !g.compat.AnyIdentity {
		if key, err := from.SubjectKey(); err != nil || key != d.Identity {
			return errors.New("gate: creating a token: TokenOptions.From is of another identity, or of none")
		}
	}
	var members map[string]jsontext.Value
	_ = json.Unmarshal([]byte(from.hides().payload), &members) // was read before
	claims := make(map[string]any, len(members)+1)
	if !from.IssuedAt.IsZero() && !o.anew {
		claims["auth_time"] = from.IssuedAt.Unix()
	}
	scratch := newToken()
	for name, v := range members {
		if name == "aud" || name != g.identityClaim && !scratch.owns(name) {
			claims[name] = v
		}
	}
	if o.renewal {
		claims[renewedFrom] = from.RevocationID()
	}
	d.Claims = merge(claims, d.Claims)
	setDefault(&o.SessionID, from.SessionID)
	return nil
}

// generationFor sets o.Generation to the generation of the login.
func (g *Gate) generationFor(ctx context.Context, d *Draft, o *TokenOptions) error {
	subject, _ := d.Identity.(string)
	_, taken := d.Claims["gen"]
	switch {
	case g.cfg.Create.OmitGeneration || g.powers.generations == nil:
		o.Generation = Generation{}
	case taken:
		return errors.New(`gate: creating a token: the claim "gen" is the blocklist's; give yours another name`)
	case o.From != nil:
		o.Generation.value, o.Generation.known = o.From.Generation()
	case !o.Generation.known:
		var err error
		o.Generation, err = g.Generation(ctx, subject)
		return err
	case o.Generation.subject != subject:
		return errors.New("gate: creating a token: TokenOptions.Generation was read for another subject")
	}
	return nil
}

// checkFrom checks the token that a new token was made from. The new token is signed
// before: a RevokeSubject that this check misses comes after the new token's "iat" and so
// covers it. The store must answer, not a cache, and as strictly as for a refresh token,
// since the new token may live longer than an outage.
func (g *Gate) checkFrom(ctx context.Context, from *Token) error {
	t := from.clone()
	t.demands = demands{typ: Refresh}
	var blocked bool
	var err error
	switch {
	case g.powers.direct != nil:
		blocked, err = g.powers.direct.BlockedDirect(ctx, t)
	case g.cfg.Blocklist != nil:
		blocked, err = g.cfg.Blocklist.Blocked(ctx, t)
	}
	switch {
	case err != nil:
		return &unavailableError{what: "blocklist", err: err, ours: true}
	case blocked:
		return located(refuse(ErrRevoked, "revoked"), from.Location(), from)
	case g.expired(from, g.cfg.Clock()):
		return located(refuse(ErrExpired, "expired"), from.Location(), from)
	}
	return nil
}

// read returns the token that a check of these claims would return, or an error if the
// check would refuse them. A token with "nbf" in the future is checked as of that time.
func (g *Gate) read(claims []byte, typ TokenType, now time.Time) (*Token, error) {
	t, refused := g.parse(slices.Clone(claims), g.identityClaim)
	if refused != nil {
		return nil, wouldRefuse(refused)
	}
	t.from = g.issuers.own
	first := now
	if t.NotBefore.After(first) {
		first = t.NotBefore
	}
	if g.compat.AnyIdentity {
		return t, nil
	}
	if refused := g.checkClaims(t, first); refused != nil {
		return nil, wouldRefuse(refused)
	}
	switch csrf := !g.cfg.Cookies.CSRF.Disabled; {
	case t.IssuedAt.After(now.Add(g.cfg.Accept.Skew)):
		return nil, wouldRefuse(refuse(ErrInvalid, "iat_future"))
	case !t.Expiry.IsZero() && !t.Expiry.After(first):
		return nil, errors.New("its exp is not after the time now, or not after its nbf")
	case t.Type != typ:
		return nil, fmt.Errorf("its type would be %q and not %q", t.Type, typ)
	case csrf && t.csrf == "":
		return nil, errors.New("its csrf is empty or no string")
	case t.claims.have&claimSid != 0 && t.SessionID == "":
		return nil, errors.New("its sid is empty; leave it out, or set Create.OmitSession")
	}
	return t, nil
}

func wouldRefuse(e *Error) error {
	return fmt.Errorf("this gate would refuse it: %s", e.Message())
}
