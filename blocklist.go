package gate

import "context"

// A Blocklist tells revoked tokens from others. Implementations must be safe for
// concurrent use, and answer for the token itself ([Token.ID]), for its session
// ([Token.SessionID]) and for everything of its subject that was issued before an
// instant, where they offer those.
type Blocklist interface {
	// Blocked reports whether t was revoked. An error means that nobody knows: the
	// request is denied with 503. What the route demands is in [Token.Policy].
	Blocked(ctx context.Context, t *Token) (bool, error)
}

// BlocklistFunc makes a [Blocklist] of a function.
type BlocklistFunc func(ctx context.Context, t *Token) (bool, error)

// Blocked calls f.
func (f BlocklistFunc) Blocked(ctx context.Context, t *Token) (bool, error) { return f(ctx, t) }

// checkBlocklist is room 6.
func (g *Gate) checkBlocklist(ctx context.Context, t *Token, p Policy) error {
	if g.cfg.Blocklist == nil || p.SkipBlocklist {
		return nil
	}
	switch blocked, err := g.cfg.Blocklist.Blocked(ctx, t); {
	case err != nil:
		return failed("blocklist", err)
	case blocked:
		return refuse(ErrRevoked, "revoked")
	}
	return nil
}
