package gate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// check returns an error for a configuration that contradicts itself or is not safe.
func (c *Config) check() error {
	switch {
	case isNil(c.Keys) && (c.Keys != nil || len(c.Issuers) == 0):
		return errors.New("Config.Keys is nil; set a key, for example from keys.HMAC, or Config.Issuers to accept the tokens of others alone")
	case c.Blocklist != nil && isNil(c.Blocklist):
		return fmt.Errorf("Config.Blocklist is a nil %T; leave the field nil to revoke nothing", c.Blocklist)
	case len(c.Locations) == 0:
		return errors.New("Config.Locations is empty; leave it nil for the Authorization header")
	case locationFault(c.Locations) != "":
		return errors.New("Config.Locations " + locationFault(c.Locations))
	case !plainName(c.Create.IdentityClaim):
		return fmt.Errorf("Create.IdentityClaim %q must be printable ASCII without quotes or backslashes", c.Create.IdentityClaim)
	case ownClaim(c.Create.IdentityClaim):
		return fmt.Errorf("Create.IdentityClaim is %q, a claim of another meaning", c.Create.IdentityClaim)
	case slices.ContainsFunc(c.Create.Types, badType):
		return errors.New(`Create.Types must hold names in printable ASCII other than "access", "refresh" and "*"`)
	case slices.ContainsFunc(c.Accept.HeaderTypes, badHeaderType):
		return errors.New(`Accept.HeaderTypes must hold names in lower case, without "application/"`)
	}
	for _, s := range []string{c.Challenge.Realm, c.Challenge.ResourceMetadata} {
		if !plainName(s) {
			return fmt.Errorf("Config.Challenge: %q must be printable ASCII without quotes or backslashes", s)
		}
	}
	return cmp.Or(c.checkTimes(), c.Accept.Limits.check(), c.Cookies.check())
}

// plainName reports whether s needs no escapes in JSON and in header parameters.
func plainName(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f || r == '"' || r == '\\' })
}

func badType(typ TokenType) bool {
	return typ == "" || typ == Access || typ == Refresh || typ == AnyTokenType || !plainName(string(typ))
}

func badHeaderType(s string) bool {
	return s == "" || s != strings.ToLower(s) || strings.HasPrefix(s, "application/")
}

func (c *Config) checkTimes() error {
	access, refresh, leeway, bound := c.Create.AccessLifetime, c.Create.RefreshLifetime, c.Accept.Leeway, c.Accept.MaxLifetime
	switch {
	case leeway < 0:
		return errors.New("Accept.Leeway is negative")
	case leeway > 0 && access > 0 && leeway >= access:
		return fmt.Errorf("Accept.Leeway (%v) must be less than the lifetime of access tokens (%v)", leeway, access)
	case bound < 0 && bound != NoExpiry:
		return errors.New("Accept.MaxLifetime is negative; use NoExpiry for no bound")
	case !c.Accept.Lenient.NoExpiry && (access == NoExpiry || refresh == NoExpiry):
		return errors.New("Create makes tokens without exp, which Accept refuses; set a lifetime, or Accept.Lenient.NoExpiry")
	case access != NoExpiry && access < time.Second, refresh != NoExpiry && refresh < time.Second:
		return errors.New("Create has a lifetime of less than a second; tokens count in seconds, and NoExpiry is no end")
	case bound > 0 && (access > bound || refresh > bound):
		return fmt.Errorf("Create makes tokens that live longer than Accept.MaxLifetime (%v)", bound)
	}
	return nil
}

func (l *Limits) check() error {
	for _, n := range []int{l.TokenBytes, l.Depth, l.Members, l.KeyCandidates, l.BodyBytes, l.CacheBytes} {
		if n < 0 {
			return errors.New("Accept.Limits has a negative limit; leave it 0 for the default")
		}
	}
	return nil
}
