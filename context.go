package gate

import (
	"context"
	"net/http"
)

// tokenContext is a context in which a guard has put its token. It is one piece of
// memory for two keys: the innermost guard, and the innermost one of a gate.
type tokenContext struct {
	context.Context
	gate  *issuers // those of the gate, which no other has; nil: of every gate
	t     *Token
	guard bool // false hides the tokens of guards further out
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

// NewContext returns a context that carries t, as Require does: for adapters and
// for tests of handlers. A nil t stands for a visitor without a token.
func NewContext(ctx context.Context, t *Token) context.Context {
	c := &tokenContext{Context: ctx, t: t, guard: true}
	if t != nil && t.hides().from != nil {
		c.gate = t.hides().from.all
	}
	return c
}

// FromContext returns the token with which the innermost guard has let the request
// through. ok is false when there is none: for a visitor without a token on a route
// whose policy is Optional or Public, or in a handler that has no guard; [Guarded]
// tells the two apart. Where guards of several gates are nested, [Gate.FromContext]
// returns the token of one of them.
func FromContext(ctx context.Context) (t *Token, ok bool) { return tokenOf(ctx, tokenKey{}) }

// FromContext returns the token with which the innermost guard of g has let the
// request through, whatever the guards of other gates have found.
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

// Guarded reports whether a guard has let this request through, with a token or,
// where the policy is Optional or Public, without.
func Guarded(ctx context.Context) bool {
	c, _ := ctx.Value(tokenKey{}).(*tokenContext)
	return c != nil && c.guard
}

// User returns what Config.LoadUser loaded for this request, if it is a T.
func User[T any](ctx context.Context) (user T, ok bool) {
	if t, found := FromContext(ctx); found {
		user, ok = t.hides().user.(T)
	}
	return user, ok
}

// serveWith calls next with a copy of r that has ctx, and hands back what handlers put
// on the copy that net/http and outer middleware look for on r: the parsed form, whose
// temporary files the server removes, and the pattern that a router matched.
func serveWith(ctx context.Context, next http.Handler, w http.ResponseWriter, r *http.Request) {
	inner := r.WithContext(ctx)
	defer func() { r.MultipartForm, r.Pattern = inner.MultipartForm, inner.Pattern }()
	next.ServeHTTP(w, inner)
}
