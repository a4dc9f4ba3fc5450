package gate

import (
	"context"
	"net/http"
)

// tokenContext is a context with the token of a guard. It answers for two keys, for one
// allocation: the innermost guard of all, and the innermost guard of one gate.
type tokenContext struct {
	context.Context
	gate  *issuers // identifies the gate; nil matches every gate
	t     *Token
	guard bool // false hides the tokens of outer guards
}

type (
	tokenKey     struct{}
	gateTokenKey struct{ gate *issuers }
)

// Value implements context.Context.
func (c *tokenContext) Value(key any) any {
	switch key := key.(type) {
	case tokenKey:
		return c
	case gateTokenKey:
		if c.gate == nil || c.gate == key.gate {
			return c
		}
	}
	return c.Context.Value(key)
}

// NewContext returns a context with t, for adapters and for tests of handlers. A nil t is
// for a request without a token that a guard let through.
func NewContext(ctx context.Context, t *Token) context.Context {
	c := &tokenContext{Context: ctx, t: t, guard: true}
	if t != nil && t.hides().from != nil {
		c.gate = t.hides().from.all
	}
	return c
}

// FromContext returns the token that the innermost guard ([Gate.Require]) accepted. ok is
// false where a guard let the request through without a token (Optional or Public), and
// where the handler has no guard; [Guarded] tells which. With nested guards of several
// gates, [Gate.FromContext] returns the token of one gate.
func FromContext(ctx context.Context) (t *Token, ok bool) { return tokenOf(ctx, tokenKey{}) }

// FromContext returns the token that the innermost guard of g accepted. Guards of other
// gates make no difference.
func (g *Gate) FromContext(ctx context.Context) (t *Token, ok bool) {
	return tokenOf(ctx, gateTokenKey{g.issuers})
}

func tokenOf(ctx context.Context, key any) (*Token, bool) {
	c, _ := ctx.Value(key).(*tokenContext)
	if c == nil || c.t == nil {
		return nil, false
	}
	return c.t, true
}

// Guarded reports whether a guard ([Gate.Require]) let this request through, with a token
// or, where the policy is Optional or Public, without one.
func Guarded(ctx context.Context) bool {
	c, _ := ctx.Value(tokenKey{}).(*tokenContext)
	return c != nil && c.guard
}

// User returns the user that Config.LoadUser loaded for this request. ok is false where
// none was loaded, and where it is not a T: if LoadUser returns a *Account, call
// User[*Account].
func User[T any](ctx context.Context) (user T, ok bool) {
	if t, found := FromContext(ctx); found {
		user, ok = t.hides().user.(T)
	}
	return user, ok
}

// serveWith calls next with a copy of r that has ctx. Then it copies two fields back to r:
// the parsed form, since the server removes its temporary files, and the pattern that a
// router matched, for outer middleware.
func serveWith(ctx context.Context, next http.Handler, w http.ResponseWriter, r *http.Request) {
	inner := r.WithContext(ctx)
	defer func() { r.MultipartForm, r.Pattern = inner.MultipartForm, inner.Pattern }()
	next.ServeHTTP(w, inner)
}
