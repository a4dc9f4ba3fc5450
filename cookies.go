package gate

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Cookies has names and scope of the cookies that carry tokens. With the zero value they
// are Secure, HttpOnly, SameSite=Lax, for this host only, and end when the browser closes.
type Cookies struct {
	// Access and Refresh are the names and paths for the two types of token.
	Access, Refresh CookieNames
	// Domain widens the cookies to the subdomains of a domain.
	Domain string
	// Former lists scopes that the cookies had before. When you change Domain or a path, list
	// the old ones here for as long as old cookies may live: they are cleared whenever
	// cookies are set or cleared. Otherwise browsers send both old and new cookies.
	Former []CookieScope
	// SameSite is http.SameSiteLaxMode unless set. http.SameSiteDefaultMode writes
	// no attribute.
	SameSite http.SameSite
	// Insecure also sends the cookies over plain HTTP: for development.
	Insecure bool
	// Partitioned keeps the cookies apart for each top-level site that embeds this one
	// (CHIPS). It needs SameSite: http.SameSiteNoneMode.
	Partitioned bool
	// MaxAge is how long a browser keeps a cookie. 0: until it closes. [UntilExpiry]: until
	// the token expires.
	MaxAge time.Duration
	// CSRF protects requests with these cookies.
	CSRF CSRF
}

// UntilExpiry is a MaxAge: the cookie ends when its token expires, or when the browser
// closes for a token without "exp".
const UntilExpiry time.Duration = -1<<63 + 1

// A CookieScope is a Domain and Path that cookies had before. An empty Domain means the
// host only; an empty Path means the path in [CookieNames].
type CookieScope struct{ Domain, Path string }

// CookieNames has the names for one type of token. Empty fields have the
// defaults of Flask-JWT-Extended: "access_token_cookie", "csrf_access_token" (and
// "refresh_token_cookie", "csrf_refresh_token"), "/", "X-CSRF-TOKEN" and "csrf_token". Two
// cookies may have one name if no path gets both.
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
	c.Former = slices.Clone(c.Former)
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

// names returns the names for a type of token.
func (c *Cookies) names(typ TokenType) *CookieNames {
	if typ == Refresh {
		return &c.Refresh
	}
	return &c.Access
}

// check returns an error for cookies that a browser would drop, or would send twice under
// one name.
func (c *Cookies) check() error {
	if c.SameSite == http.SameSiteNoneMode && c.Insecure {
		return errors.New("Cookies: SameSite=None needs Secure cookies; browsers refuse them otherwise")
	}
	if c.Partitioned && c.SameSite != http.SameSiteNoneMode {
		return errors.New("Cookies: Partitioned needs SameSite: http.SameSiteNoneMode; other cookies are never sent from inside another site")
	}
	if err := cmp.Or(c.CSRF.check(), checkMaxAge(c.MaxAge), c.checkFormer()); err != nil {
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
		if slices.ContainsFunc(all[:i], k.meets) {
			return fmt.Errorf("Cookies: two cookies have the name %q, and browsers send both to some path", k.name)
		}
	}
	return nil
}

func (c *Cookies) checkFormer() error {
	for _, s := range c.Former {
		probe := http.Cookie{Name: "x", Domain: s.Domain, Path: s.Path}
		if err := probe.Valid(); err != nil || s.Path != "" && s.Path[0] != '/' {
			return fmt.Errorf("Cookies.Former holds %+v, which no cookie can have had", s)
		}
	}
	return nil
}

func checkMaxAge(d time.Duration) error {
	if d != UntilExpiry && (d < 0 || 0 < d && d < time.Second) {
		return errors.New("Cookies: MaxAge is negative or less than a second; browsers would drop the cookies")
	}
	return nil
}

type namedPath struct{ name, path string }

// meets reports whether a request can have both cookies under one name.
func (k namedPath) meets(o namedPath) bool {
	return k.name == o.name && (within(k.path, o.path) || within(o.path, k.path))
}

// within reports whether a cookie of a path is sent to another path (RFC 6265 section
// 5.1.4).
func within(path, cookie string) bool {
	rest, ok := strings.CutPrefix(path, cookie)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(cookie, "/"))
}

// all returns name and path of all cookies in use.
func (c *Cookies) all() []namedPath {
	a, r := c.Access, c.Refresh
	all := []namedPath{{a.Name, a.Path}, {r.Name, r.Path}}
	if c.hasCSRFCookie() {
		all = append(all, namedPath{a.CSRFName, a.CSRFPath}, namedPath{r.CSRFName, r.CSRFPath})
	}
	return all
}

func (c *Cookies) hasCSRFCookie() bool { return !c.CSRF.Disabled && !c.CSRF.OmitCookie }

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
