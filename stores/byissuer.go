package stores

import (
	"context"
	"errors"
	"maps"

	"github.com/jwtgate/gate"
)

// ByIssuer returns a blocklist that asks the one of the token's issuer ("iss"), for a
// gate that accepts the tokens of several. A token of any other issuer is an error,
// and so denied. It hands on what the route demands to blocklists that want to know,
// as [Guarded] does. The map is copied.
func ByIssuer(lists map[string]gate.Blocklist) gate.Blocklist {
	return byIssuer(maps.Clone(lists))
}

type byIssuer map[string]gate.Blocklist

func (m byIssuer) list(t *gate.Token) (gate.Blocklist, error) {
	if l := m[t.Issuer]; l != nil {
		return l, nil
	}
	return nil, errors.New("stores: ByIssuer has no store for the token's issuer")
}

// Blocked asks the blocklist of the token's issuer.
func (m byIssuer) Blocked(ctx context.Context, t *gate.Token) (bool, error) {
	l, err := m.list(t)
	if err != nil {
		return false, err
	}
	return l.Blocked(ctx, t)
}

// BlockedFor is Blocked with the policy of the route.
func (m byIssuer) BlockedFor(ctx context.Context, t *gate.Token, p gate.Policy) (bool, error) {
	l, err := m.list(t)
	if err != nil {
		return false, err
	}
	return askFor(l)(ctx, t, p)
}

// policyBlocklist is what the gate looks for in a blocklist.
type policyBlocklist interface {
	BlockedFor(ctx context.Context, t *gate.Token, p gate.Policy) (bool, error)
}
