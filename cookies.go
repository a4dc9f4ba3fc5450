package gate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Cookies names and scopes the cookies that carry tokens. The zero value makes them
// Secure, HttpOnly, SameSite=Lax, of the host alone and of the browser session.
type Cookies struct {
	// Access and Refresh are the names and paths for the two types of token.
	Access, Refresh CookieNames
	// Domain widens the cookies to the subdomains of a domain.
	Domain string
	// SameSite is http.SameSiteLaxMode unless set. http.SameSiteDefaultMode writes
	// no attribute.
	SameSite http.SameSite
	// Insecure also sends the cookies over plain HTTP: for development.
	Insecure bool
	// MaxAge keeps the cookies that long; 0 until the browser closes.
	MaxAge time.Duration
	// CSRF sets the double submit check.
	CSRF CSRF
}

// CookieNames are the names that belong to one type of token. Empty fields have the
// defaults of Flask-JWT-Extended: "access_token_cookie", "csrf_access_token" (and
// "refresh_token_cookie", "csrf_refresh_token"), "/", "X-CSRF-TOKEN" and "csrf_token".
type CookieNames struct {
	Name, Path         string // the HttpOnly cookie with the token
	CSRFName, CSRFPath string // the readable cookie with the CSRF value
	CSRFHeader         string // the header that repeats it
	CSRFField          string // the form field that repeats it
}

func (c Cookies) withDefaults() Cookies {
	c.Access = c.Access.withDefaults("access")
	c.Refresh = c.Refresh.withDefaults("refresh")
	setDefault(&c.SameSite, http.SameSiteLaxMode)
	c.CSRF.Methods = slices.Clone(c.CSRF.Methods)
	c.CSRF.TrustedOrigins = slices.Clone(c.CSRF.TrustedOrigins)
	return c
}

func (n CookieNames) withDefaults(kind string) CookieNames {
	setDefault(&n.Name, kind+"_token_cookie")
	setDefault(&n.Path, "/")
	setDefault(&n.CSRFName, "csrf_"+kind+"_token")
	setDefault(&n.CSRFPath, "/")
	setDefault(&n.CSRFHeader, "X-CSRF-TOKEN")
	setDefault(&n.CSRFField, "csrf_token")
	n.CSRFHeader = http.CanonicalHeaderKey(n.CSRFHeader)
	return n
}

// names are those of a type of token.
func (c *Cookies) names(typ TokenType) *CookieNames {
	if typ == Refresh {
		return &c.Refresh
	}
	return &c.Access
}

// check refuses cookies that a browser would drop or that could not be told apart.
func (c *Cookies) check() error {
	if c.SameSite == http.SameSiteNoneMode && c.Insecure {
		return errors.New("Cookies: SameSite=None needs Secure cookies; browsers refuse them otherwise")
	}
	if err := c.CSRF.check(); err != nil {
		return err
	}
	if err := checkMaxAge(c.MaxAge); err != nil {
		return err
	}
	if c.SameSite < http.SameSiteDefaultMode || c.SameSite > http.SameSiteNoneMode {
		return errors.New("Cookies.SameSite is not a constant of net/http")
	}
	all := c.all()
	for i, k := range all {
		if err := c.checkCookie(k.name, k.path, c.Domain); err != nil {
			return err
		}
		if slices.ContainsFunc(all[:i], func(o namedPath) bool { return o.name == k.name }) {
			return fmt.Errorf("Cookies: two cookies have the name %q", k.name)
		}
	}
	return nil
}

func checkMaxAge(d time.Duration) error {
	if d < 0 || 0 < d && d < time.Second {
		return errors.New("Cookies: MaxAge is negative or less than a second; browsers would drop the cookies")
	}
	return nil
}

type namedPath struct{ name, path string }

// all are the cookies in use.
func (c *Cookies) all() []namedPath {
	a, r := c.Access, c.Refresh
	all := []namedPath{{a.Name, a.Path}, {r.Name, r.Path}}
	if !c.CSRF.Disabled && !c.CSRF.OmitCookie {
		all = append(all, namedPath{a.CSRFName, a.CSRFPath}, namedPath{r.CSRFName, r.CSRFPath})
	}
	return all
}

// checkCookie applies the rules of cookie names and prefixes (RFC 6265bis section
// 4.1.3).
func (c *Cookies) checkCookie(name, path, domain string) error {
	probe := http.Cookie{Name: name, Path: path, Domain: domain, Value: "x"}
	prefixed := strings.ToLower(name) // as browsers compare prefixes
	switch {
	case probe.Valid() != nil:
		return fmt.Errorf("Cookies: %w", probe.Valid())
	case !strings.HasPrefix(path, "/"):
		return fmt.Errorf("Cookies: the path %q of %s does not start with a slash", path, name)
	case strings.HasPrefix(prefixed, "__host-") && (domain != "" || path != "/" || c.Insecure):
		return fmt.Errorf("Cookies: %s needs Path=/, no Domain, and Secure; use __Secure- for a narrower path", name)
	case strings.HasPrefix(prefixed, "__secure-") && c.Insecure:
		return fmt.Errorf("Cookies: %s needs Secure", name)
	}
	return nil
}

// CookieOptions change the cookies of one call. The zero value keeps to [Cookies].
type CookieOptions struct {
	MaxAge time.Duration // in place of Cookies.MaxAge
	Domain string        // in place of Cookies.Domain
}

// AccessCookies returns the cookies that carry an access token to a browser: the
// HttpOnly token cookie and, unless CSRF protection is off or [CSRF.OmitCookie] is
// set, the readable CSRF cookie. Making the latter checks the token, with the
// errors of [Gate.Decode]. It does not look at the token's type. Write the cookies
// with [SetCookies].
func (g *Gate) AccessCookies(ctx context.Context, raw string, o CookieOptions) ([]*http.Cookie, error) {
	return g.cookies(ctx, raw, Access, o)
}

// RefreshCookies is [Gate.AccessCookies] for a refresh token.
func (g *Gate) RefreshCookies(ctx context.Context, raw string, o CookieOptions) ([]*http.Cookie, error) {
	return g.cookies(ctx, raw, Refresh, o)
}

func (g *Gate) cookies(ctx context.Context, raw string, typ TokenType, o CookieOptions) ([]*http.Cookie, error) {
	if err := checkMaxAge(o.MaxAge); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	list := g.recipe(typ, o)
	list[0].Value = raw
	if len(list) > 1 {
		t, err := g.Decode(ctx, raw, DecodeOptions{})
		if err != nil {
			return nil, err
		}
		if t.csrf == "" {
			return nil, refuseName(ErrInvalid, "csrf_claim_missing", "csrf")
		}
		list[1].Value = t.csrf
	}
	setDefault(&o.MaxAge, g.cfg.Cookies.MaxAge)
	for _, c := range list {
		if o.MaxAge != 0 {
			c.MaxAge = int(o.MaxAge / time.Second)
			c.Expires = g.cfg.Clock().Add(o.MaxAge)
		}
		if err := c.Valid(); err != nil {
			return nil, fmt.Errorf("gate: %w", err)
		}
		if err := g.cfg.Cookies.checkCookie(c.Name, c.Path, c.Domain); err != nil {
			return nil, fmt.Errorf("gate: %w", err)
		}
	}
	return list, nil
}

// ClearCookies returns the cookies that remove the tokens of the given types, or of
// both, from a browser, with the scope they were set with. Clearing cookies revokes
// nothing.
func (g *Gate) ClearCookies(o CookieOptions, types ...TokenType) []*http.Cookie {
	if len(types) == 0 {
		types = []TokenType{Access, Refresh}
	}
	var list []*http.Cookie
	for _, typ := range types {
		list = append(list, g.recipe(typ, o)...)
	}
	for _, c := range list {
		c.Expires = time.Unix(0, 0).UTC()
	}
	return list
}

// recipe is the one place that says what the cookies of a type look like.
func (g *Gate) recipe(typ TokenType, o CookieOptions) []*http.Cookie {
	c, n := &g.cfg.Cookies, g.cfg.Cookies.names(typ)
	setDefault(&o.Domain, c.Domain)
	list := []*http.Cookie{{Name: n.Name, Path: n.Path, HttpOnly: true}}
	if !c.CSRF.Disabled && !c.CSRF.OmitCookie {
		list = append(list, &http.Cookie{Name: n.CSRFName, Path: n.CSRFPath})
	}
	for _, k := range list {
		k.Domain, k.SameSite, k.Secure = o.Domain, c.SameSite, !c.Insecure
	}
	return list
}

// SetCookies adds cookies to a response, before its header is written.
func SetCookies(w http.ResponseWriter, cookies []*http.Cookie) {
	for _, c := range cookies {
		http.SetCookie(w, c)
	}
}
