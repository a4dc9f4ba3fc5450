package gate

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// CSRF has the options for the protection against cross-site request forgery, for
// requests whose token is in a cookie. Two checks apply to every method except GET, HEAD,
// OPTIONS and TRACE. First, the request must come from a
// page of the same origin, by the rules of [http.CrossOriginProtection]. Second, it must
// repeat, in a header or form field, the CSRF value that is signed in the token (double
// submit). For a WebSocket handshake, or a GET with an Upgrade header, only the first
// check is made, since a page cannot add headers to it.
type CSRF struct {
	// Disabled turns both checks off and leaves the CSRF value out of tokens.
	Disabled bool
	// SkipCheck turns both checks off but still writes the value into tokens and cookies.
	SkipCheck bool
	// OriginOnly makes the first check only, for pages that cannot send the value. It
	// refuses a request without Sec-Fetch-Site and Origin, as browsers before 2020 may
	// send it.
	OriginOnly bool
	// TrustedOrigins lists other origins whose pages may send requests, such as
	// "https://app.example.com". The double submit check still applies to them.
	TrustedOrigins []string
	// Methods lists the methods to check. Default: all except the four above.
	Methods []string
	// Form also accepts the value in a form field (urlencoded or multipart) when the
	// header is absent. The handler can still read the body.
	Form bool
	// OmitCookie sets no cookie with the value. Give [Token.CSRF] to pages yourself.
	OmitCookie bool
}

// check reports an error for settings that cannot work.
func (c *CSRF) check() error {
	if c.Methods != nil && len(c.Methods) == 0 {
		return errors.New("Cookies.CSRF.Methods is empty; leave it nil, or set SkipCheck or Disabled to give the protection up")
	}
	if slices.ContainsFunc(c.Methods, func(m string) bool { return m == "" || m != strings.ToUpper(m) }) {
		return errors.New("Cookies.CSRF.Methods must hold methods in upper case, as requests have them")
	}
	if c.OriginOnly && (c.Disabled || c.SkipCheck) {
		return errors.New("Cookies.CSRF.OriginOnly has no effect with Disabled or SkipCheck; set one of them")
	}
	for _, origin := range c.TrustedOrigins {
		if !isOrigin(origin) {
			return fmt.Errorf("Cookies.CSRF.TrustedOrigins: %q is not an origin as browsers write it, such as https://app.example.com or http://localhost:3000", origin)
		}
	}
	return nil
}

// isOrigin reports whether s is a scheme and a host, in lower case and without the
// scheme's own port. A browser sends no other spelling.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || s != strings.ToLower(s) || s != u.Scheme+"://"+u.Host {
		return false
	}
	return !(u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80")
}

// checks reports which of the two checks apply to a request.
func (c *CSRF) checks(r Request) (origin, value bool) {
	switch {
	case c.Disabled || c.SkipCheck:
		return false, false
	case isHandshake(r):
		return true, c.Methods != nil && c.applies(r.Method()) && !c.OriginOnly
	}
	applies := c.applies(r.Method())
	return applies, applies && !c.OriginOnly
}

// applies reports whether requests with this method are checked.
func (c *CSRF) applies(method string) bool {
	if c.Methods != nil {
		return slices.Contains(c.Methods, strings.ToUpper(method)) // "post" may be POST to a handler
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// isHandshake reports whether r opens a WebSocket (RFC 6455, or RFC 8441 where net/http
// has the protocol as a header) or asks for another protocol.
func isHandshake(r Request) bool {
	switch r.Method() {
	case http.MethodGet:
		return strings.Join(r.Header("Upgrade"), "") != ""
	case http.MethodConnect:
		return len(r.Header(":protocol")) > 0
	}
	return false
}

// checkOrigin refuses a request that comes from a page of another origin.
func (c *CSRF) checkOrigin(r Request) *Error {
	origin := strings.Join(r.Header("Origin"), ", ")
	site := strings.Join(r.Header("Sec-Fetch-Site"), ", ")
	switch {
	case len(origin) > maxOrigin:
		return refuse(ErrCSRF, "csrf_origin")
	case slices.Contains(c.TrustedOrigins, origin):
		return nil
	case site == "same-origin" || site == "none":
		return nil
	case site != "":
		return refuse(ErrCSRF, "csrf_origin")
	case origin == "" && c.OriginOnly && !isHandshake(r):
		return refuse(ErrCSRF, "csrf_origin_missing")
	case origin == "":
		return nil // no browser of today, or the same origin
	}
	if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Host != r.Host() {
		return refuse(ErrCSRF, "csrf_origin")
	}
	return nil
}

// checkSender checks the origin of a request before its token is read, and returns the
// CSRF value to compare with the token's.
func (g *Gate) checkSender(r Request, want TokenType) (value string, compare bool, refused *Error) {
	c := &g.cfg.Cookies.CSRF
	origin, double := c.checks(r)
	if origin && !g.compat.SkipOrigin {
		refused = c.checkOrigin(r)
	}
	if refused == nil && double {
		value, refused = g.submitted(r, g.cfg.Cookies.names(want))
	}
	return value, double, refused
}

// submitted returns the CSRF value that the request repeats. A request without one is
// refused before its token is read.
func (g *Gate) submitted(r Request, n *CookieNames) (string, *Error) {
	if v := r.Header(n.CSRFHeader); len(v) > 0 && v[0] != "" {
		return v[0], nil
	}
	if !g.cfg.Cookies.CSRF.Form {
		return "", refuseName(ErrCSRF, "csrf_missing", n.CSRFHeader)
	}
	v, err := formValue(r, n.CSRFField, g.cfg.Accept.Limits.BodyBytes)
	switch {
	case err != nil && err.Kind == ErrCSRF:
		return "", err.withHint(", or send the value in the " + n.CSRFHeader + " header")
	case err == nil && v == "":
		return "", refuseName(ErrCSRF, "csrf_missing", n.CSRFHeader).withHint(" or the form field " + n.CSRFField)
	}
	return v, err
}

// CSRFInput returns a hidden input element with the CSRF value of the request's token,
// for forms in pages: <input type="hidden" name="csrf_token" value="...">. It is empty
// where the request has no token or [CSRF].Disabled is set. It is safe HTML: html/template
// takes it as template.HTML(g.CSRFInput(ctx)). Set [CSRF].Form: without it the gate does not
// read the field, and refuses the form with "csrf_missing".
func (g *Gate) CSRFInput(ctx context.Context) string {
	t, ok := FromContext(ctx)
	if !ok || t.CSRF() == "" {
		return ""
	}
	name := g.cfg.Cookies.names(t.Type).CSRFField
	return `<input type="hidden" name="` + html.EscapeString(name) + `" value="` + html.EscapeString(t.CSRF()) + `">`
}

// checkCSRF is step 4. An empty claim matches nothing.
func (f *found) checkCSRF(t *Token) *Error {
	switch {
	case !f.check:
		return nil
	case t.claims.have&claimCSRF == 0:
		return refuseName(ErrInvalid, "csrf_claim_missing", "csrf")
	case t.claims.bad&claimCSRF != 0:
		return refuse(ErrInvalid, "csrf_claim_type")
	case t.csrf == "" || subtle.ConstantTimeCompare([]byte(t.csrf), []byte(f.csrf)) != 1:
		return refuse(ErrCSRF, "csrf_mismatch")
	}
	return nil
}
