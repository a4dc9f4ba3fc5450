package gate

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// CSRF sets the double submit check of tokens in cookies: the request repeats, in a
// header or form field that another site cannot write, the value that stands signed
// in the token. The zero value protects every method but GET, HEAD, OPTIONS and
// TRACE.
type CSRF struct {
	// Disabled turns the protection off: tokens carry no value, nothing is compared.
	Disabled bool
	// SkipCheck writes the value into tokens and cookies but compares nothing.
	SkipCheck bool
	// Methods are the methods that are checked, in place of all unsafe ones.
	Methods []string
	// Form also takes the value from a form field (urlencoded or multipart) when
	// the header is absent. The body stays readable for the handler.
	Form bool
	// OmitCookie sets no cookie with the value: hand [Token.CSRF] to pages yourself.
	OmitCookie bool
}

// applies reports whether requests with this method are checked.
func (c *CSRF) applies(method string) bool {
	switch {
	case c.Disabled || c.SkipCheck:
		return false
	case c.Methods != nil:
		return slices.Contains(c.Methods, strings.ToUpper(method)) // "post" may be POST to a handler
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// submitted is the value that the request repeats. A request without one is refused
// before its token is looked at.
func (g *Gate) submitted(r Request, n *CookieNames) (string, *Error) {
	if v := r.Header(n.CSRFHeader); len(v) > 0 && v[0] != "" {
		return v[0], nil
	}
	if g.cfg.Cookies.CSRF.Form {
		v, err := formValue(r, n.CSRFField, g.cfg.Accept.Limits.BodyBytes)
		if err != nil || v != "" {
			return v, err
		}
	}
	return "", refuseName(ErrCSRF, "csrf_missing", n.CSRFHeader)
}

// matchCSRF is room 4. An empty claim matches nothing.
func (f *found) matchCSRF(t *Token) *Error {
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
