package gate

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// A Guard is [Gate.Require] for adapters: it checks the requests of any framework against
// one policy, and its [Verdict] says what to do. It writes no answer. It is safe for
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

// A Verdict is what a [Guard] says of a request. An adapter that calls the handler does
// what the fields and methods say, in their order.
type Verdict struct {
	// Preflight is set for a CORS preflight without a token: answer 204 with no body, and
	// do not call the handler.
	Preflight bool
	// Err refuses the request, or says that nobody knows: answer with [Gate.WriteError]
	// or [Gate.Answer], and do not call the handler. It is set for a preflight too.
	Err error
	// Token is the token with which the request is let through; nil for a visitor
	// without one.
	Token *Token
	// Vary asks for "Vary: Cookie" in the response, unless that is there.
	Vary bool
	// Private asks for "Cache-Control: private", unless the response has a Cache-Control.
	// The handler may replace it.
	Private bool

	g       *Gate
	skipped bool
	refused *Error    // the token that counts as none, whose cookies are to be cleared
	typ     TokenType // of those cookies
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
	v.Private = v.Vary && v.Token != nil
	return v
}

// Context returns the context for the handler, in which [FromContext] finds the token.
func (v *Verdict) Context(ctx context.Context) context.Context {
	if v.skipped { // without the token of a guard further out
		return &tokenContext{Context: ctx}
	}
	return &tokenContext{ctx, v.g.issuers, v.Token, true}
}

// Mark does what Vary and Private ask for, where the framework has an http.Header. Call
// it before the handler.
func (v *Verdict) Mark(h http.Header) {
	if v.Vary && !slices.Contains(h["Vary"], "Cookie") {
		h.Add("Vary", "Cookie")
	}
	if v.Private && h["Cache-Control"] == nil {
		h.Set("Cache-Control", "private")
	}
}

// Clears reports whether there may be cookies to clear ([Verdict.ClearCookies]): those of
// a token that was refused where the policy is Public.
func (v *Verdict) Clears() bool { return v.refused != nil }

// ClearCookies returns the cookies that remove the refused token from the browser. Call
// it once, after the handler and before the header is sent. sent are the values of the
// response's Set-Cookie: the cookies are left alone where the handler has set them, as a
// login on the same page does.
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
