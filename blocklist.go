package gate

import (
	"context"
	"fmt"
)

// A Blocklist knows which tokens were revoked: one token ([Token.RevocationID]), all tokens
// of a session ([Token.SessionID]), or all tokens of a subject issued before some time.
// Implementations must be safe for concurrent use.
type Blocklist interface {
	// Blocked reports whether t was revoked. After an error the request is denied with
	// 503. What the route demands is in [Token.Policy].
	Blocked(ctx context.Context, t *Token) (bool, error)
}

// BlocklistFunc is a function that is a [Blocklist].
type BlocklistFunc func(ctx context.Context, t *Token) (bool, error)

// Blocked calls f.
func (f BlocklistFunc) Blocked(ctx context.Context, t *Token) (bool, error) { return f(ctx, t) }

// A GenerationReader is a blocklist that counts, for each subject, how often all its
// tokens were revoked. A token whose generation ([Token.Generation]) is less than that of
// its subject is revoked. This does not depend on clocks.
type GenerationReader interface {
	// Generation returns the subject's generation from the store, not from a cache; 0 where
	// nothing was revoked.
	Generation(ctx context.Context, subject string) (int64, error)
}

// A DirectBlocklist is a blocklist that can answer from a cache or from its store.
type DirectBlocklist interface {
	// BlockedDirect is Blocked answered by the store, not by a cache.
	BlockedDirect(ctx context.Context, t *Token) (bool, error)
}

// A Generation is the result of [Gate.Generation], for [TokenOptions.Generation]. The
// zero value means that it was not read.
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

// powersOf also finds the powers of wrapped blocklists (method Unwrap() Blocklist). It
// takes the outermost that has one.
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

// Generation reads the generation of a subject from the blocklist. At a login, call it
// before you check the password and pass the result in [TokenOptions.Generation]. If the
// password is changed and all tokens are revoked meanwhile, the new token is revoked too.
// It returns the zero value where the blocklist has no generations or
// [Create.OmitGeneration] is set. The error is the store's.
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

// renewedFrom is a claim in tokens made by Renew: the ID of the first token of the chain.
const renewedFrom = "renewed_jti"

// RevocationID returns the ID by which a blocklist revokes this one token: ID or, where
// [Gate.Renew] made t, the ID of the first token of the chain. To revoke a token therefore
// revokes all tokens that were renewed from it.
func (t *Token) RevocationID() string {
	if few := t.hides().rare; few != nil && few.renewed != "" {
		return few.renewed
	}
	return t.ID
}
