package gate

import (
	"context"
	"errors"
	"reflect"
)

// checkVerify is step 7: the application's own check.
func (g *Gate) checkVerify(ctx context.Context, t *Token) error {
	if g.cfg.Verify == nil {
		return nil
	}
	return hookError(g.cfg.Verify(ctx, t))
}

// hookError is the error of a hook that judges a token: a refusal of the gate's own
// kinds, [Unavailable], or else ErrRejected.
func hookError(err error) error {
	var e *Error
	var u *unavailableError
	switch s := refusalOf(err); {
	case err == nil:
		return nil
	case errors.As(err, &e) && s != nil:
		own := *e // the application's may be shared
		return &own
	case errors.As(err, &u):
		return err
	case s != nil:
		return &Error{Kind: s.kind, Reason: s.reason, Err: err}
	}
	return &Error{Kind: ErrRejected, Reason: "rejected", Err: err}
}

// checkAllow is step 9: the route's own check.
func (p *Policy) checkAllow(ctx context.Context, t *Token) error {
	if p.Allow == nil {
		return nil
	}
	return hookError(p.Allow(NewContext(ctx, t), t))
}

// checkUser is step 8: the application's own user.
func (g *Gate) checkUser(ctx context.Context, t *Token) error {
	if g.cfg.LoadUser == nil {
		return nil
	}
	user, err := g.cfg.LoadUser(ctx, t)
	switch {
	case errors.Is(err, ErrNoUser) || err == nil && isNil(user):
		return &Error{Kind: ErrNoUser, Reason: "no_user"}
	case err != nil:
		return &unavailableError{what: "loading the user", err: err}
	}
	t.user = user
	return nil
}

// isNil also sees the nil in an interface: a lookup that found nobody and returned
// its nil *Account must not count as somebody.
func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func:
		return r.IsNil()
	}
	return false
}
