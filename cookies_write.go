package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// CookieOptions changes the scope of the cookies of one login. Zero fields mean the value in
// [Cookies].
//
// In [TokenOptions], the options are recorded in the token (claim "cookie_scope").
// AccessCookies, RefreshCookies and [Gate.Renew] then use them; Renew counts MaxAge from
// the login. As an argument of AccessCookies or RefreshCookies they apply to that call
// only, not to later renewals.
type CookieOptions struct {
	// MaxAge replaces Cookies.MaxAge: how long a browser keeps the login.
	MaxAge time.Duration
	// Domain replaces Cookies.Domain. List all domains that you use here in Cookies.Former,
	// so that a later login clears the cookies.
	Domain string
}

// cookieScope is the claim that records CookieOptions in a token.
const cookieScope = "cookie_scope"

type cookieClaim struct {
	Domain string `json:"domain,omitzero"`
	MaxAge int64  `json:"max_age,omitzero"` // in seconds; -1 is UntilExpiry
}

func (o CookieOptions) claim() cookieClaim {
	if o.MaxAge == UntilExpiry {
		return cookieClaim{o.Domain, -1}
	}
	return cookieClaim{o.Domain, int64(o.MaxAge / time.Second)}
}

// CookieOptions returns the [TokenOptions].Cookies of the login of t, for
// [Gate.ClearCookies] at logout.
func (t *Token) CookieOptions() CookieOptions {
	var claims struct {
		Scope cookieClaim `json:"cookie_scope"`
	}
	if t.Claims(&claims) != nil {
		return CookieOptions{} // a claim of the application's own
	}
	o := CookieOptions{time.Duration(claims.Scope.MaxAge) * time.Second, claims.Scope.Domain}
	if claims.Scope.MaxAge == -1 {
		o.MaxAge = UntilExpiry
	}
	return o
}

// AccessCookies returns the cookies that carry an access token to a browser: the
// HttpOnly token cookie and, unless CSRF protection is off or [CSRF.OmitCookie] is
// set, the readable CSRF cookie. Before them, the list has cookies that clear those of
// other scopes ([Cookies.Former] and, where there is a Domain, the host alone). The scope
// is that of o, or else the one recorded in the token, or else that of [Cookies].
//
// With a CSRF cookie, AccessCookies checks the token like [Gate.Decode] and returns its
// errors. It does not check the type. A cookie that browsers would drop, for example one
// over 4,096 bytes, is an error. Write the cookies with [SetCookies].
func (g *Gate) AccessCookies(ctx context.Context, raw string, o CookieOptions) ([]*http.Cookie, error) {
	return g.cookies(ctx, raw, Access, o)
}

// RefreshCookies is [Gate.AccessCookies] for a refresh token.
func (g *Gate) RefreshCookies(ctx context.Context, raw string, o CookieOptions) ([]*http.Cookie, error) {
	return g.cookies(ctx, raw, Refresh, o)
}

func (g *Gate) cookies(ctx context.Context, raw string, typ TokenType, o CookieOptions) ([]*http.Cookie, error) {
	if err := g.cfg.Cookies.checkOptions(o); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	t, err := g.Decode(ctx, raw, DecodeOptions{})
	if err != nil && g.cfg.Cookies.hasCSRFCookie() {
		return nil, err
	}
	return g.cookiesOf(t, raw, typ, o)
}

// cookiesOf returns the cookies for a token. t is nil if the token was not checked, which
// is allowed where there is no CSRF cookie.
func (g *Gate) cookiesOf(t *Token, raw string, typ TokenType, o CookieOptions) ([]*http.Cookie, error) {
	if t == nil {
		t = &Token{}
	}
	recorded := t.CookieOptions()
	setDefault(&o.Domain, recorded.Domain)
	setDefault(&o.Domain, g.cfg.Cookies.Domain)
	list := g.newCookies(typ, o.Domain, "")
	list[0].Value = raw
	if len(list) > 1 {
		if t.CSRF() == "" {
			return nil, refuseName(ErrInvalid, "csrf_claim_missing", "csrf")
		}
		list[1].Value = t.CSRF()
	}
	until, err := g.cookieEnd(t, o.MaxAge, recorded.MaxAge)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if !until.IsZero() {
			c.Expires = until
			c.MaxAge = int(until.Sub(g.cfg.Clock().Truncate(time.Second)) / time.Second)
		}
		if err := g.cfg.Cookies.checkSize(c); err != nil {
			return nil, fmt.Errorf("gate: %w", err)
		}
	}
	return append(g.clearScopes(typ, g.otherScopes(o.Domain)), list...), nil
}

// cookieEnd returns when cookies that are set now end; zero: when the browser closes.
func (g *Gate) cookieEnd(t *Token, call, recorded time.Duration) (time.Time, error) {
	now := g.cfg.Clock()
	until := time.Time{}
	switch d := cmp.Or(call, recorded, g.cfg.Cookies.MaxAge); {
	case d == UntilExpiry && t.Expiry.IsZero():
	case d == UntilExpiry:
		until = t.Expiry
	case call == 0 && recorded != 0:
		until = login(t).Add(d)
	case d != 0:
		until = now.Add(d)
	}
	if !until.IsZero() && until.Before(now.Truncate(time.Second).Add(time.Second)) {
		return until, errors.New("gate: the cookies of this login have ended (CookieOptions.MaxAge)")
	}
	return until, nil
}

// maxCookie is what browsers keep (RFC 6265 section 6.1): name, value and attributes.
const maxCookie = 4096

// checkSize refuses a cookie that a browser would drop.
func (c *Cookies) checkSize(k *http.Cookie) error {
	if err := k.Valid(); err != nil {
		return err
	}
	if n := len(k.String()); n > maxCookie {
		return fmt.Errorf("the cookie %s would have %d bytes, and browsers keep no more than %d; put less into the token's claims", k.Name, n, maxCookie)
	}
	return nil
}

// checkOptions reports an error for a scope that the cookies cannot have.
func (c *Cookies) checkOptions(o CookieOptions) error {
	if err := checkMaxAge(o.MaxAge); err != nil {
		return err
	}
	if o.Domain == "" {
		return nil
	}
	for _, k := range c.all() {
		if err := c.checkCookie(k.name, k.path, o.Domain); err != nil {
			return err
		}
	}
	return nil
}

// ClearCookies returns the cookies that remove tokens of the given types from a browser;
// without types, of both. It clears the scopes of o.Domain, [Cookies].Domain, the host
// alone, and [Cookies.Former]. Pass [Token.CookieOptions] where logins choose a Domain.
// ClearCookies revokes nothing.
func (g *Gate) ClearCookies(o CookieOptions, types ...TokenType) []*http.Cookie {
	if len(types) == 0 {
		types = []TokenType{Access, Refresh}
	}
	setDefault(&o.Domain, g.cfg.Cookies.Domain)
	scopes := append([]CookieScope{{Domain: o.Domain}}, g.otherScopes(o.Domain)...)
	var list []*http.Cookie
	for _, typ := range types {
		list = append(list, g.clearScopes(typ, scopes)...)
	}
	return list
}

// otherScopes returns the scopes other than domain in which a browser may have cookies.
func (g *Gate) otherScopes(domain string) []CookieScope {
	if g.compat.OneScope {
		return nil
	}
	var other []CookieScope
	for _, s := range append([]CookieScope{{}, {Domain: g.cfg.Cookies.Domain}}, g.cfg.Cookies.Former...) {
		if (s.Path != "" || bareDomain(s.Domain) != bareDomain(domain)) && !slices.Contains(other, s) {
			other = append(other, s)
		}
	}
	return other
}

// bareDomain is a domain as browsers compare it (RFC 6265 section 5.2.3).
func bareDomain(s string) string { return strings.ToLower(strings.TrimPrefix(s, ".")) }

// clearScopes returns the cookies that clear those of a type in each scope.
func (g *Gate) clearScopes(typ TokenType, scopes []CookieScope) []*http.Cookie {
	var list []*http.Cookie
	for _, s := range scopes {
		for _, c := range g.newCookies(typ, s.Domain, s.Path) {
			if g.cfg.Cookies.checkCookie(c.Name, c.Path, c.Domain) == nil { // a __Host- cookie has one scope only
				c.Expires = time.Unix(0, 0).UTC()
				list = append(list, c)
			}
		}
	}
	return list
}

// newCookies returns the empty cookies of a type, in one scope. An empty path means the
// configured one.
func (g *Gate) newCookies(typ TokenType, domain, path string) []*http.Cookie {
	c, n := &g.cfg.Cookies, g.cfg.Cookies.names(typ)
	list := []*http.Cookie{{Name: n.Name, Path: cmp.Or(path, n.Path), HttpOnly: true}}
	if c.hasCSRFCookie() {
		list = append(list, &http.Cookie{Name: n.CSRFName, Path: cmp.Or(path, n.CSRFPath)})
	}
	for _, k := range list {
		k.Domain, k.SameSite, k.Secure, k.Partitioned = domain, c.SameSite, !c.Insecure, c.Partitioned
	}
	return list
}

// SetCookies adds cookies to a response. Call it before the header is written. If there are
// cookies, it also sets Cache-Control: no-store and removes headers that some caches obey
// in its place (RFC 9213), so that no cache stores the response.
func SetCookies(w http.ResponseWriter, cookies []*http.Cookie) {
	if len(cookies) > 0 {
		setNoStore(w.Header())
	}
	for _, c := range cookies {
		http.SetCookie(w, c)
	}
}

// setNoStore also removes headers that replace Cache-Control for some caches:
// CDN-Cache-Control, similar ones, and older ones.
func setNoStore(h http.Header) {
	for name := range h {
		switch canonical := http.CanonicalHeaderKey(name); {
		case strings.HasSuffix(canonical, "-Cache-Control"),
			canonical == "Surrogate-Control", canonical == "Edge-Control", canonical == "X-Accel-Expires":
			delete(h, name)
		}
	}
	h.Set("Cache-Control", "no-store")
}
