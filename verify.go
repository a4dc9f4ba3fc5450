package gate

import (
	"context"
	"errors"
	"reflect"
)

// checkVerify is step 7: a check by the application.
func (g *Gate) checkVerify(ctx context.Context, t *Token) error {
	if g.cfg.Verify == nil {
		return nil
	}
	return hookError(g.cfg.Verify(ctx, t))
}

// hookError returns the error for err of Verify or Allow: a refusal of the kind of err,
// err if it is [Unavailable], or else ErrRejected.
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

// checkAllow is step 9: a check by the route.
func (p *Policy) checkAllow(ctx context.Context, t *Token) error {
	if p.Allow == nil {
		return nil
	}
	return hookError(p.Allow(NewContext(ctx, t), t))
}

// checkUser is step 8: it loads the user.
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

// isNil also finds a nil pointer in an interface: a LoadUser that returns a nil *Account
// has found no user.
func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func:
		return r.IsNil()
	}
	return false
}
