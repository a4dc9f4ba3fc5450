package gate

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// A Guard checks the requests of any framework against one policy. Adapters use it to do
// what [Gate.Require] does. It returns a [Verdict] and writes no answer. It is safe for
// concurrent use.
type Guard struct {
	g      *Gate
	p      Policy
	varies bool
}

// Guard returns the guard of p. It panics when no token can meet p.
func (g *Gate) Guard(p Policy) *Guard {
	if err := cmp.Or(g.checkPossible(&p), g.checkPlaces(&p)); err != nil {
		panic(err)
	}
	varies := slices.ContainsFunc(g.locations(&p), func(l Location) bool { return l.csrf })
	return &Guard{g, p, varies && !g.compat.NoCaching}
}

// A Verdict is the result of [Guard.Check]. An adapter follows its fields and methods in
// the order in which they are declared.
type Verdict struct {
	// Preflight is set for a CORS preflight without a token: answer 204 with no body, and
	// do not call the handler.
	Preflight bool
	// Err is set if the request is refused, or if a store, key source or hook failed: answer
	// with [Gate.WriteError] or [Gate.Answer], and do not call the handler. It is set for a
	// preflight too.
	Err error
	// Token is the accepted token. It is nil if the policy accepts requests without one and
	// there is none.
	Token *Token
	// Vary means: add "Vary: Cookie" to the response, unless it is there already.
	Vary bool
	// NoStore means: set "Cache-Control: no-store", unless the response has a Cache-Control.
	// The handler may replace it.
	NoStore bool

	g       *Gate
	skipped bool
	refused *Error    // a bad token that a Public policy ignores; its cookies are cleared
	typ     TokenType // the type of the token in those cookies
}

// Check checks a request.
func (d *Guard) Check(ctx context.Context, r Request) Verdict {
	if d.g.skips(r) {
		return Verdict{g: d.g, skipped: true}
	}
	v := Verdict{g: d.g}
	v.Token, v.Err = d.g.check(ctx, r, &d.p)
	switch {
	case d.p.passes(v.Err):
		v.refused, v.typ = d.g.clearingOf(r, v.Err, &d.p)
		v.Err = nil
	case v.Err != nil:
		v.Preflight = preflight(r) && errors.Is(v.Err, ErrMissing)
		return v
	}
	v.Vary = d.varies && (v.Token == nil || v.Token.location == "cookie")
	v.NoStore = v.Vary && v.Token != nil
	return v
}

// Context returns the context for the handler. [FromContext] finds the token there.
func (v *Verdict) Context(ctx context.Context) context.Context {
	if v.skipped { // hide the token of an outer guard
		return &tokenContext{Context: ctx}
	}
	return &tokenContext{ctx, v.g.issuers, v.Token, true}
}

// Mark sets the headers for Vary and NoStore, for frameworks that use http.Header. Call it
// before the handler.
func (v *Verdict) Mark(h http.Header) {
	if v.Vary && !slices.Contains(h["Vary"], "Cookie") {
		h.Add("Vary", "Cookie")
	}
	if v.NoStore && h["Cache-Control"] == nil {
		h.Set("Cache-Control", "no-store")
	}
}

// Clears reports whether [Verdict.ClearCookies] may return cookies. That is so for a bad
// token in a cookie if the policy is Public.
func (v *Verdict) Clears() bool { return v.refused != nil }

// ClearCookies returns the cookies that remove the refused token from the browser. Call it
// once, after the handler and before the header is sent. sent has the values of Set-Cookie
// in the response. If the handler has set the cookies itself, for example by a login on
// the same page, ClearCookies returns nil.
func (v *Verdict) ClearCookies(ctx context.Context, sent []string) []*http.Cookie {
	if v.refused == nil || setsCookie(sent, v.g.cfg.Cookies.names(v.typ).Name) {
		return nil
	}
	var o CookieOptions
	if v.refused.Token != nil {
		o = v.refused.Token.CookieOptions()
	}
	v.g.Emit(ctx, Event{Name: CookiesCleared, Token: v.refused.Token, Err: v.refused})
	return v.g.ClearCookies(o, v.typ)
}

// setsCookie reports whether one of the values of Set-Cookie sets or clears the cookie.
func setsCookie(sent []string, name string) bool {
	return slices.ContainsFunc(sent, func(s string) bool { return strings.HasPrefix(s, name) && strings.HasPrefix(s[len(name):], "=") })
}
