package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jwtgate/gate/internal/compat"
	"github.com/jwtgate/gate/keys"
)

// NoExpiry is a lifetime without end, for tokens that never expire: dangerous, and
// so a name that has to be written. Their acceptance has to be allowed as well, by
// [Lenient.NoExpiry].
const NoExpiry time.Duration = -1 << 63

// Config is the configuration of a [Gate]. Only Keys or Issuers is required; the zero value of
// every other field is the safe one.
type Config struct {
	// Keys hands out the keys that sign and verify: a *keys.Key, a *keys.Set, or a
	// source of your own.
	//
	// It may be nil where Issuers are set: such a gate creates no tokens.
	Keys keys.Source
	// Issuers are others whose tokens are accepted beside the gate's own.
	Issuers []Issuer
	// Create says what is written into tokens.
	Create Create
	// Accept says what is demanded of tokens.
	Accept Accept
	// Locations are the places where a token may be, in the order they are tried.
	// Default: FromHeader("Authorization", "Bearer").
	Locations []Location
	// Cookies names and scopes the cookies that carry tokens.
	Cookies Cookies
	// Blocklist holds the revoked tokens; nil revokes nothing.
	Blocklist Blocklist
	// Verify has the application's own word on a token that is otherwise good. An
	// error refuses it ([ErrRejected]) and stands in [Error.Err].
	Verify func(ctx context.Context, t *Token) error
	// LoadUser loads what [User] returns. Nobody found is nil, a nil pointer or
	// [ErrNoUser]; any other error is a failure of the store (503).
	LoadUser func(ctx context.Context, t *Token) (any, error)
	// Prepare may change a token that is being created, last before it is signed.
	Prepare func(ctx context.Context, d *Draft) error
	// OnError answers a request that is refused. Default: JSONErrors("msg"). r is
	// nil where the request did not come through net/http.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
	// Challenge adds to the WWW-Authenticate header of answers.
	Challenge Challenge
	// OnEvent is told what happens: see [Event]. It is called from the goroutine of the
	// request, by several at once, and should be quick. [SlogEvents] makes one.
	OnEvent func(context.Context, Event)
	// Clock tells the time, for tests. Default: time.Now.
	Clock func() time.Time
}

// Create says what is written into tokens.
type Create struct {
	// AccessLifetime and RefreshLifetime are how long tokens live. Defaults: 15
	// minutes and 30 days. NoExpiry writes no "exp".
	AccessLifetime, RefreshLifetime time.Duration
	// Issuer is "iss"; empty writes none.
	Issuer string
	// Audience is "aud"; empty writes none. A single one is written as a string,
	// unless AudienceArray is set.
	Audience      []string
	AudienceArray bool
	// IdentityClaim holds the identity. Default: "sub". Any other name is one that no
	// other claim of the gate has, in printable ASCII.
	IdentityClaim string
	// Types are the application's own types of token, such as "reset". [Gate.Issue]
	// makes them, and [Policy.Type] asks for them.
	Types []TokenType
	// OmitSession writes no "sid" of its own accord. Such a token belongs to no
	// session unless [TokenOptions] name one.
	OmitSession bool
	// OmitGeneration neither reads nor writes "gen": while a program that writes to
	// the same blocklist does not know generations yet.
	OmitGeneration bool
	// OmitNotBefore leaves "nbf" out.
	OmitNotBefore bool
}

// Accept says what is demanded of tokens. The zero value demands "exp", "sub",
// "jti" and "type", knows no tolerance of time, and takes tokens of any issuer but,
// without Audiences, none that names an audience.
type Accept struct {
	// Issuer is the accepted value of "iss" in the gate's own tokens. Default:
	// Create.Issuer. Where both are empty any "iss" is accepted, and with Config.Issuers
	// none.
	Issuer string
	// Audiences: one of them must stand in "aud". Default: Create.Audience.
	Audiences []string
	// HeaderTypes are the accepted values of the header "typ", in lower case and
	// without "application/". Default: "jwt", "at+jwt" or none.
	HeaderTypes []string
	// Skew is how far ahead "iat" and "nbf" may be, since clocks differ. 0 is a minute;
	// a negative value is none.
	Skew time.Duration
	// Leeway accepts a token that much longer than "exp" says. It must be less than the
	// lifetime of access tokens, and takes the place of Skew where it is larger.
	Leeway time.Duration
	// MaxLifetime bounds how far ahead "exp" may be. Default: ten years, which finds
	// milliseconds given for seconds. NoExpiry: no bound.
	MaxLifetime time.Duration
	// Limits bound what is read.
	Limits Limits
	// Lenient takes tokens that the zero value refuses.
	Lenient Lenient
}

// Limits bound the cost of a token, good or bad. Zero fields have the defaults.
type Limits struct {
	TokenBytes    int // of the whole token: 8192
	Depth         int // levels of nesting in its claims: 64
	Members       int // members and elements in its claims: 1024
	KeyCandidates int // keys that are tried on one token: 8
	BodyBytes     int // of a JSON or form body that is searched: 256 KiB
	// CacheEntries and CacheBytes bound the cache of verified tokens, which spares
	// the signature check of asymmetric keys, and nothing else, on a token that was
	// seen before: 10,000 and 16 MiB. Negative CacheEntries turn it off;
	// less than 32 count as 32.
	CacheEntries, CacheBytes int
}

var defaultLimits = Limits{
	TokenBytes: 8 << 10, Depth: 64, Members: 1024, KeyCandidates: 8, BodyBytes: 256 << 10,
	CacheEntries: 10_000, CacheBytes: 16 << 20,
}

// Lenient takes tokens that the zero value refuses: for tokens of other systems.
// Package flask sets what Flask-JWT-Extended's tokens need.
type Lenient struct {
	NoExpiry      bool // "exp" may be missing
	NoID          bool // "jti" may be missing: such a token cannot be revoked by itself
	AnySubject    bool // "sub" may be of any JSON type; read it with Token.Identity
	AnyType       bool // a missing "type", or one that this gate does not issue, counts as access
	AnyFresh      bool // a "fresh" of a wrong type counts as not fresh
	AnyOrigin     bool // Issuer and Audiences have no defaults; unset, they are not checked
	AnyHeaderType bool // "typ" is not looked at

	// AnyContentType is for issuers that write "cty": "JWT" over plain claims, which
	// RFC 7519 section 5.2 advises against. A nested token is not opened.
	AnyContentType bool
}

// A Gate creates and checks tokens. It is made by [New], holds no state that
// changes but a bounded cache, and is safe for concurrent use.
type Gate struct {
	cfg           Config
	compat        compat.Options
	powers        powers
	identityClaim string
	acceptsJWT    bool // tokens with the header of keys.Key.Header
	contradicts   bool // Create and Accept may: every token is read back
	issuers       *issuers
	match         headerMatcher
	cache         *tokenCache
	scratch       sync.Pool
	maxAge        int64 // RFC 9470, of not fresh answers: the lifetime of an access token
}

// New returns a Gate. It copies cfg, opens nothing and starts no goroutine. It
// refuses a configuration that is contradictory or cannot be safe.
func New(cfg Config) (*Gate, error) { return newGate(cfg, compat.Options{}) }

func init() {
	compat.New = func(config any, o compat.Options) (any, error) { return newGate(config.(Config), o) }
}

func newGate(cfg Config, o compat.Options) (*Gate, error) {
	cfg = cfg.withDefaults()
	err := cfg.check()
	if err == nil {
		err = cfg.checkIssuers(o.Issuers)
	}
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	g := &Gate{cfg: cfg, compat: o, powers: powersOf(cfg.Blocklist), identityClaim: cfg.Create.IdentityClaim, issuers: newIssuers(&cfg, o.Issuers)}
	g.contradicts = cfg.Accept.Issuer != cfg.Create.Issuer || !slices.Equal(cfg.Accept.Audiences, cfg.Create.Audience)
	g.scratch.New = newScratch
	if g.acceptsJWT = g.issuers.own.acceptsType("JWT"); g.acceptsJWT {
		g.match = matcher(cfg.Keys)
	}
	if cfg.Accept.Limits.CacheEntries > 0 {
		g.cache = newTokenCache(cfg.Accept.Limits.CacheEntries, cfg.Accept.Limits.CacheBytes)
	}
	if cfg.Create.AccessLifetime != NoExpiry {
		g.maxAge = int64(cfg.Create.AccessLifetime / time.Second)
	}
	return g, nil
}

// Config returns a copy of the gate's configuration, with its defaults filled in, for
// packages that work with a gate.
func (g *Gate) Config() Config {
	c := g.cfg
	c.Create.Audience, c.Create.Types = slices.Clone(c.Create.Audience), slices.Clone(c.Create.Types)
	c.Accept.Audiences, c.Accept.HeaderTypes = slices.Clone(c.Accept.Audiences), slices.Clone(c.Accept.HeaderTypes)
	if c.Accept.Skew == 0 {
		c.Accept.Skew = -1 // none, and not the default
	}
	c.Cookies = c.Cookies.withDefaults()
	c.Issuers, c.Locations = slices.Clone(c.Issuers), slices.Clone(c.Locations)
	return c
}

// String tells nothing: the cache holds tokens.
func (g *Gate) String() string { return "gate.Gate" }

// withDefaults returns a copy that shares no slice with the caller's.
func (c Config) withDefaults() Config {
	setDefault(&c.Create.AccessLifetime, 15*time.Minute)
	setDefault(&c.Create.RefreshLifetime, 30*24*time.Hour)
	setDefault(&c.Create.IdentityClaim, "sub")
	c.Create.Audience, c.Create.Types = slices.Clone(c.Create.Audience), slices.Clone(c.Create.Types)
	c.Accept = c.Accept.withDefaults(c.Create)
	c.Cookies = c.Cookies.withDefaults()
	c.Issuers = slices.Clone(c.Issuers)
	for n := range c.Issuers {
		c.Issuers[n] = c.Issuers[n].withDefaults()
	}
	if c.Locations == nil {
		c.Locations = []Location{FromHeader("Authorization", "Bearer")}
	}
	c.Locations = slices.Clone(c.Locations)
	if c.OnError == nil {
		c.OnError = JSONErrors("msg")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c
}

func (a Accept) withDefaults(create Create) Accept {
	if !a.Lenient.AnyOrigin {
		setDefault(&a.Issuer, create.Issuer)
	}
	if a.Audiences == nil && len(create.Audience) > 0 && !a.Lenient.AnyOrigin {
		a.Audiences = create.Audience
	}
	a.Audiences, a.HeaderTypes = slices.Clone(a.Audiences), slices.Clone(a.HeaderTypes)
	setDefault(&a.Skew, time.Minute)
	a.Skew = max(a.Skew, a.Leeway, 0)
	setDefault(&a.MaxLifetime, 10*365*24*time.Hour)
	l, d := &a.Limits, defaultLimits
	setDefault(&l.TokenBytes, d.TokenBytes)
	setDefault(&l.Depth, d.Depth)
	setDefault(&l.Members, d.Members)
	setDefault(&l.KeyCandidates, d.KeyCandidates)
	setDefault(&l.BodyBytes, d.BodyBytes)
	setDefault(&l.CacheEntries, d.CacheEntries)
	setDefault(&l.CacheBytes, d.CacheBytes)
	return a
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// check refuses what is contradictory or unsafe.
func (c *Config) check() error {
	switch {
	case isNil(c.Keys) && (c.Keys != nil || len(c.Issuers) == 0):
		return errors.New("Config.Keys is nil; set a key, for example from keys.HMAC, or Config.Issuers to accept the tokens of others alone")
	case c.Blocklist != nil && isNil(c.Blocklist):
		return fmt.Errorf("Config.Blocklist is a nil %T; leave the field nil to revoke nothing", c.Blocklist)
	case len(c.Locations) == 0:
		return errors.New("Config.Locations is empty; leave it nil for the Authorization header")
	case slices.ContainsFunc(c.Locations, func(l Location) bool { return l.find == nil }):
		return errors.New("Config.Locations holds a zero Location; make one with FromHeader, FromCookies, FromQuery, FromPath, FromJSON or LocationFunc")
	case !plainName(c.Create.IdentityClaim):
		return fmt.Errorf("Create.IdentityClaim %q must be printable ASCII without quotes or backslashes", c.Create.IdentityClaim)
	case slices.Contains(ownClaims, c.Create.IdentityClaim):
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

// ownClaims are the claims that cannot hold an identity.
var ownClaims = []string{"exp", "nbf", "iat", "iss", "aud", "jti", "sid", "type", "fresh", "csrf", "gen", renewedFrom}

// plainName reports whether JSON holds s as it is.
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
	case 0 < access && access < time.Second, 0 < refresh && refresh < time.Second:
		return errors.New("Create has a lifetime of less than a second; tokens count in seconds")
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
