package jwks

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"
	"github.com/jwtgate/gate/keys"
)

// tenantMark is what Microsoft Entra writes for every tenant, in a set that all of them
// share.
const tenantMark = "{tenantid}"

// keyIssuers has the issuers that use a key, by its ID, from the member "issuer" of the
// keys. In the set that all tenants of Entra share, most keys are for every tenant, and
// some for one alone, such as that of personal accounts. A service that accepts many
// tenants must not accept the token of another tenant by such a key.
type keyIssuers map[string][]string

// readIssuers returns the issuers of the keys in a set, or nil for a set that tenants do
// not share. Nobody else writes the mark, so other sets may use "issuer" as they like.
func readIssuers(text []byte) (keyIssuers, error) {
	if !bytes.Contains(text, []byte(tenantMark)) {
		return nil, nil
	}
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("the issuers of the keys cannot be read: %w", err)
	}
	issuers := make(keyIssuers)
	for _, text := range set.Keys {
		var k struct {
			ID     string `json:"kid"`
			Issuer any    `json:"issuer"`
		}
		if json.Unmarshal(text, &k) != nil {
			continue // not in the set either
		}
		issuer, _ := k.Issuer.(string)
		issuers[k.ID] = append(issuers[k.ID], issuer)
	}
	return issuers, nil
}

// filter drops the keys that the issuer of a token does not use. The claims are not
// verified yet; they are the same when the signature holds.
func (i keyIssuers) filter(found []*keys.Key, u keys.Unverified) []*keys.Key {
	if !slices.ContainsFunc(found, i.limited) {
		return found
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	if u.Claims(&c) != nil {
		return nil // refused, as a token without a key
	}
	return slices.DeleteFunc(found, func(k *keys.Key) bool {
		return i.limited(k) && !slices.ContainsFunc(i[k.ID()], func(issuer string) bool { return uses(issuer, c.Issuer) })
	})
}

// uses reports whether tokens with this "iss" are those of an issuer in a set. Tokens of
// version 1.0 have another name of the same tenant: https://sts.windows.net/TENANT/.
func uses(issuer, iss string) bool {
	p := strings.Split(iss, "/")
	v1 := len(p) == 5 && p[3] != "" && p[4] == ""
	return issuer == iss || v1 && strings.Contains(issuer, "/"+p[3]+"/")
}

// limited reports whether only some tenants use a key.
func (i keyIssuers) limited(k *keys.Key) bool {
	anyTenant := func(issuer string) bool { return issuer == "" || strings.Contains(issuer, tenantMark) }
	return len(i[k.ID()]) > 0 && !slices.ContainsFunc(i[k.ID()], anyTenant)
}
