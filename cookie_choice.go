package gate

import (
	"context"
	"errors"
	"slices"
)

// cookieChoice has the values of a cookie that came more than once.
type cookieChoice struct {
	name   string
	values []string
}

// maxSameName is how many different cookies of one name are looked at.
const maxSameName = 4

// inCookie returns the token in the cookies of one name.
func inCookie(values []string, name string) (raw string, choice *cookieChoice, err *Error) {
	if len(values) == 1 && values[0] != "" {
		return values[0], nil, nil
	}
	var distinct []string
	for _, v := range values {
		if v != "" && len(distinct) <= maxSameName && !slices.Contains(distinct, v) {
			distinct = append(distinct, v)
		}
	}
	switch n := len(distinct); {
	case n == 0:
		return "", nil, refuseName(ErrMissing, "missing_cookie", name)
	case n > maxSameName:
		return "", nil, refuseName(ErrInvalid, "ambiguous", name)
	case n > 1:
		return distinct[0], &cookieChoice{name, distinct}, nil
	}
	return distinct[0], nil, nil
}

// chooseCookie chooses the token of a request whose cookie came more than once. That
// happens when the scope of cookies was changed, or when another host of the domain set
// one in an attack. Only tokens that pass signature, claims and expiry count. Of several
// tokens of one login it takes the youngest; tokens of different logins are ambiguous.
//
// It does not ask the blocklist: if the real cookie was revoked, that of an attacker must
// not be used in its place. Where expired tokens are allowed, they count if no other does.
func (g *Gate) chooseCookie(ctx context.Context, f *found) error {
	raw, err := g.youngest(ctx, f, false)
	if err == nil && raw == "" && f.allowExpired {
		raw, err = g.youngest(ctx, f, true)
	}
	if err == nil && raw == "" {
		err = f.ambiguous()
	}
	f.raw = raw
	return err
}

// youngest returns the youngest token that counts, or "" for none.
func (g *Gate) youngest(ctx context.Context, f *found, expired bool) (string, error) {
	var best *Token
	var chosen string
	for _, raw := range f.choice.values {
		t, err := g.checkFound(ctx, &found{raw: raw, location: f.location, allowExpired: expired}, nil)
		var refused *Error
		switch {
		case errors.As(err, &refused):
			continue
		case err != nil:
			return "", err
		case best != nil && !sameLogin(best, t):
			return "", f.ambiguous()
		}
		if best == nil || !t.IssuedAt.Before(best.IssuedAt) {
			best, chosen = t, raw
		}
	}
	return chosen, nil
}

func (f *found) ambiguous() error {
	return located(refuseName(ErrInvalid, "ambiguous", f.choice.name), f.location, nil)
}

// sameLogin reports whether two tokens are of one identity and session.
func sameLogin(a, b *Token) bool {
	x, y := a.identity(), b.identity()
	return x.Kind == y.Kind && x.Str == y.Str && a.Subject == b.Subject && a.SessionID == b.SessionID &&
		a.Issuer == b.Issuer && a.VerifiedIssuer() == b.VerifiedIssuer()
}
