package stores

import (
	"context"
	"errors"
	"maps"

	"github.com/jwtgate/gate"
)

// ByIssuer returns a blocklist that asks the one of the token's issuer ("iss"), for a
// gate that accepts the tokens of several. A token of any other issuer is an error,
// and so denied. The map is copied.
func ByIssuer(lists map[string]gate.Blocklist) gate.Blocklist {
	lists = maps.Clone(lists)
	return gate.BlocklistFunc(func(ctx context.Context, t *gate.Token) (bool, error) {
		if l := lists[t.Issuer]; l != nil {
			return l.Blocked(ctx, t)
		}
		return false, errIssuer
	})
}

var errIssuer = errors.New("stores: ByIssuer has no store for the token's issuer")
