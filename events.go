package gate

import (
	"context"
	"errors"
)

// An Event is something that happened in a gate or in a package that uses it. It has no
// token text and no secret.
type Event struct {
	// Name says what happened: one of the constants, or a name of another package.
	Name string
	// Token is the token of the event; nil if none was verified.
	Token *Token
	// Err is what went wrong: an [*Error] for a refusal.
	Err error
}

// The names of a gate's events. They do not change once released.
const (
	TokenCreated   = "token.created"
	TokenAccepted  = "token.accepted"
	TokenRefused   = "token.refused"   // Err is an *Error; a request without a token too, unless the policy lets it pass
	TokenRenewed   = "token.renewed"   // Token is the new one
	RenewalFailed  = "renewal.failed"  // the old cookie stays; the client is not told
	CheckFailed    = "check.failed"    // a store, key source or hook could not answer: 503
	CookiesCleared = "cookies.cleared" // of a refused token, on a public page
)

// Emit passes e to [Config.OnEvent], for packages that use a gate.
func (g *Gate) Emit(ctx context.Context, e Event) {
	if g.cfg.OnEvent != nil {
		g.cfg.OnEvent(ctx, e)
	}
}

// emitVerdict emits the result of a check. There is no event for a request without a token
// that the policy accepts.
func (g *Gate) emitVerdict(ctx context.Context, t *Token, err error) {
	switch {
	case err != nil && refusalOf(err) == nil:
		g.Emit(ctx, Event{Name: CheckFailed, Err: err})
	case err != nil:
		e := Event{Name: TokenRefused, Err: err}
		if refused := (*Error)(nil); errors.As(err, &refused) {
			e.Token = refused.Token
		}
		g.Emit(ctx, e)
	case t != nil:
		g.Emit(ctx, Event{Name: TokenAccepted, Token: t})
	}
}
