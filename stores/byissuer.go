package stores

import (
	"context"
	"maps"

	"github.com/jwtgate/gate"
)

// ByIssuer returns a blocklist that asks own about the gate's own tokens, and others
// about tokens of other issuers, by the name of the issuer that verified the token
// ([gate.Token.VerifiedIssuer]). A token of an issuer without a store is an error
// ([ErrNoStore]), so the request is denied. The map is copied.
func ByIssuer(own gate.Blocklist, others map[string]gate.Blocklist) gate.Blocklist {
	return &byIssuer{own, maps.Clone(others)}
}

type byIssuer struct {
	own    gate.Blocklist
	others map[string]gate.Blocklist
}

var _ MemoryBlocklist = (*byIssuer)(nil)

// Unwrap returns the store of the gate's own tokens.
func (b *byIssuer) Unwrap() gate.Blocklist { return b.own }

// of returns the store of a token, or nil.
func (b *byIssuer) of(t *gate.Token) gate.Blocklist {
	if issuer := t.VerifiedIssuer(); issuer != "" {
		return b.others[issuer]
	}
	return b.own
}

func (b *byIssuer) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	list := b.of(t)
	if list == nil {
		return false, ErrNoStore
	}
	return list.Blocked(ctx, t)
}

// BlockedDirect is Blocked answered by the store itself.
func (b *byIssuer) BlockedDirect(ctx context.Context, t *gate.Token) (bool, error) {
	list := b.of(t)
	if list == nil {
		return false, ErrNoStore
	}
	return direct(list)(ctx, t)
}

// Recall implements [MemoryBlocklist] where the token's store does.
func (b *byIssuer) Recall(t *gate.Token) (blocked, known bool) {
	if m, ok := b.of(t).(MemoryBlocklist); ok {
		return m.Recall(t)
	}
	return false, false
}

// direct is how a blocklist itself is asked, and not its cache.
func direct(list gate.Blocklist) func(context.Context, *gate.Token) (bool, error) {
	if d, ok := list.(interface {
		BlockedDirect(context.Context, *gate.Token) (bool, error)
	}); ok {
		return d.BlockedDirect
	}
	return list.Blocked
}
