package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jwtgate/gate/keys"
)

// checkIssuers refuses issuers that cannot be told apart, from each other or from the
// gate itself; names are more names of its own tokens.
func (c *Config) checkIssuers(names []string) error {
	for n := range c.Issuers {
		if err := c.Issuers[n].check(); err != nil {
			return fmt.Errorf("Config.Issuers[%d] (%q): %w", n, c.Issuers[n].Name, err)
		}
	}
	return cmp.Or(c.checkIssuerNames(names), c.checkIssuerKeys())
}

func (i *Issuer) check() error {
	switch {
	case i.Name == "":
		return errors.New("no Name; it is the iss of the issuer's tokens")
	case !plainIssuer(i.Name):
		return errors.New("the Name may hold {tenantid} once, as a whole segment of the path of a URL, and no other braces")
	case isNil(i.Keys):
		return errors.New("no Keys; set the keys that verify its tokens")
	case i.Blocklist != nil && isNil(i.Blocklist):
		return fmt.Errorf("the Blocklist is a nil %T; leave the field nil for Config.Blocklist", i.Blocklist)
	case len(i.Audiences) == 0 && !i.Lenient.AnyOrigin:
		return errors.New("no Audiences: tokens for every other service would be accepted; name this service, or set Lenient.AnyOrigin")
	case i.FreshFor < 0:
		return fmt.Errorf("FreshFor is %v; it is how long tokens are fresh after the login", i.FreshFor)
	case slices.Contains(i.Audiences, ""):
		return errors.New("the Audiences hold an empty one")
	case slices.ContainsFunc(i.HeaderTypes, badHeaderType):
		return errors.New(`the HeaderTypes must hold names in lower case, without "application/"`)
	case !plainName(i.IdentityClaim) || ownClaim(i.IdentityClaim):
		return fmt.Errorf("the IdentityClaim is %q; it must be a claim without another meaning, in printable ASCII", i.IdentityClaim)
	}
	return nil
}

// plainIssuer reports whether a name is text, or a URL with the tenantMark as one
// segment of its path.
func plainIssuer(name string) bool {
	if !strings.ContainsAny(name, "{}") {
		return true
	}
	before, after, _ := strings.Cut(name, tenantMark)
	scheme, host, isURL := strings.Cut(before, "://")
	host, _, hasPath := strings.Cut(host, "/")
	return isURL && scheme != "" && hasPath && host != "" && strings.HasSuffix(before, "/") &&
		(after == "" || after[0] == '/') && !strings.ContainsAny(before+after, "{}")
}

func (c *Config) checkIssuerNames(names []string) error {
	names = append([]string{c.Create.Issuer, c.Accept.Issuer}, names...)
	for n := range c.Issuers {
		name := c.Issuers[n].Name
		for _, own := range names {
			if overlap(name, own) {
				return fmt.Errorf("Config.Issuers[%d] has the name of the gate's own tokens, %q", n, own)
			}
		}
		for m := range n {
			if other := c.Issuers[m].Name; overlap(name, other) {
				return fmt.Errorf("Config.Issuers[%d] and [%d] may have the same name: %q and %q", m, n, other, name)
			}
		}
	}
	return nil
}

// overlap reports whether one "iss" can be of both names.
func overlap(a, b string) bool {
	return slices.EqualFunc(strings.Split(a, "/"), strings.Split(b, "/"), func(x, y string) bool {
		return x == y || x == tenantMark && isTenant(y) || y == tenantMark && isTenant(x)
	})
}

// checkIssuerKeys refuses a key of two issuers: each could sign tokens of the other. It sees
// the keys of sources that can list them, as keys.Key and keys.Set.
func (c *Config) checkIssuerKeys() error {
	seen := listed(c.Keys)
	for n := range c.Issuers {
		its := listed(c.Issuers[n].Keys)
		for _, k := range its {
			if slices.ContainsFunc(seen, func(o *keys.Key) bool { return sameKey(o, k) }) {
				return fmt.Errorf("Config.Issuers[%d] (%q) has a key of another issuer or of the gate itself: %v", n, c.Issuers[n].Name, k)
			}
		}
		seen = append(seen, its...)
	}
	return nil
}

func listed(source keys.Source) []*keys.Key {
	switch s := source.(type) {
	case *keys.Key:
		return []*keys.Key{s}
	case interface{ Keys() []*keys.Key }:
		return s.Keys()
	}
	return nil
}

// sameKey compares public keys by thumbprint, and secrets by what they sign.
func sameKey(a, b *keys.Key) bool {
	if a.Public() != nil || b.Public() != nil {
		return a.Thumbprint() == b.Thumbprint()
	}
	const probe = "gate: are these the same secret?"
	sig, _ := a.Sign(context.Background(), probe)
	return a.Algorithm() == b.Algorithm() && b.Verify(probe, sig)
}
