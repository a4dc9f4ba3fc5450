package gate

import (
	"context"
	"net/http"
)

// tokenKey is the key of the request's token in its context. A nil *Token is stored
// for a visitor without a token on an optional route.
type tokenKey struct{}

// NewContext returns a context that carries t, as Require does: for adapters and
// for tests of handlers.
func NewContext(ctx context.Context, t *Token) context.Context {
	return context.WithValue(ctx, tokenKey{}, t)
}

// FromContext returns the token of the request. ok is false when there is none: an
// anonymous visitor of an optional route, or a handler that no guard stands before; [Guarded] tells the first from
// the others.
func FromContext(ctx context.Context) (t *Token, ok bool) {
	t, _ = ctx.Value(tokenKey{}).(*Token)
	return t, t != nil
}

// Guarded reports whether a guard has let this request through, with a token or,
// where the policy is optional, without.
func Guarded(ctx context.Context) bool {
	_, ok := ctx.Value(tokenKey{}).(*Token)
	return ok
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
