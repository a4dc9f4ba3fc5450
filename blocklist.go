package gate

import (
	"context"
	"fmt"
)

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

// A GenerationReader is a blocklist that counts, for each subject, how often all its
// tokens were revoked. A token with a generation ([Token.Generation]) below that of its
// subject is revoked, whatever the clocks of the machines say.
type GenerationReader interface {
	// Generation returns the subject's generation as the store itself has it, never a
	// copy or cache; 0 where nothing was revoked.
	Generation(ctx context.Context, subject string) (int64, error)
}

// A DirectBlocklist is a blocklist in front of which copies or caches answer.
type DirectBlocklist interface {
	// BlockedDirect is Blocked answered by the store itself, never by a copy or cache.
	BlockedDirect(ctx context.Context, t *Token) (bool, error)
}

// A Generation is what [Gate.Generation] has read, for [TokenOptions.Generation]. The
// zero value is "not read".
type Generation struct {
	subject string
	value   int64
	known   bool
}

// powers are what a blocklist can do beyond Blocked.
type powers struct {
	generations GenerationReader
	direct      DirectBlocklist
}

// powersOf looks through wrappers, which have a method Unwrap() Blocklist. The
// outermost that has a power is asked.
func powersOf(b Blocklist) (p powers) {
	for b != nil {
		if g, ok := b.(GenerationReader); ok && p.generations == nil {
			p.generations = g
		}
		if d, ok := b.(DirectBlocklist); ok && p.direct == nil {
			p.direct = d
		}
		wrapper, ok := b.(interface{ Unwrap() Blocklist })
		if !ok {
			break
		}
		b = wrapper.Unwrap()
	}
	return p
}

// Generation reads the generation of a subject from the blocklist, for a login that
// checks a password: read it before the password, and hand it over in
// [TokenOptions.Generation], so that a login which has checked the old password does
// not outlive its change. Where the blocklist has no generations, or
// [Create.OmitGeneration] is set, it returns the zero value. The error is the store's.
func (g *Gate) Generation(ctx context.Context, subject string) (Generation, error) {
	if g.powers.generations == nil || g.cfg.Create.OmitGeneration {
		return Generation{}, nil
	}
	n, err := g.powers.generations.Generation(ctx, subject)
	if err == nil && n < 0 {
		err = fmt.Errorf("the generation of a subject is negative (%d)", n)
	}
	if err != nil {
		return Generation{}, &unavailableError{what: "blocklist", err: err, ours: true}
	}
	return Generation{subject, n, true}, nil
}

// checkBlocklist is step 6.
func (g *Gate) checkBlocklist(ctx context.Context, t *Token, p *Policy) error {
	list := t.from.Blocklist
	if list == nil || p.SkipBlocklist {
		return nil
	}
	switch blocked, err := list.Blocked(ctx, t); {
	case err != nil:
		return &unavailableError{what: "blocklist", err: err, ours: true}
	case blocked:
		return refuse(ErrRevoked, "revoked")
	}
	return nil
}
