package gate

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/jwtgate/gate/internal/compat"
	"github.com/jwtgate/gate/internal/keyhook"
	"github.com/jwtgate/gate/keys"
)

// NoExpiry is a lifetime without end. Tokens that never expire are dangerous, so a gate
// accepts them only where [Lenient.NoExpiry] is set as well.
const NoExpiry time.Duration = -1 << 63

// Config is the configuration of a [Gate]. Only Keys or Issuers is required; the zero value of
// every other field is the safe one.
type Config struct {
	// Keys has the keys that sign and verify: a *keys.Key, a *keys.Set, or a source that
	// you write. It may be nil where Issuers are set: such a gate creates no tokens.
	Keys keys.Source
	// Issuers lists other issuers whose tokens are accepted.
	Issuers []Issuer
	// Create says what is written into new tokens.
	Create Create
	// Accept says which tokens are accepted.
	Accept Accept
	// Locations lists where a token may be, in the order they are tried.
	// Default: FromHeader("Authorization", "Bearer").
	Locations []Location
	// Cookies has names and scope of the cookies that carry tokens.
	Cookies Cookies
	// Blocklist holds the revoked tokens; nil revokes nothing.
	Blocklist Blocklist
	// Verify is called after the token's other checks. Its error rejects the token
	// ([ErrRejected]) and is kept in [Error.Err].
	Verify func(ctx context.Context, t *Token) error
	// LoadUser loads the user that [User] returns. Return nil, a nil pointer or
	// [ErrNoUser] when there is no such user; any other error is a failure (503).
	LoadUser func(ctx context.Context, t *Token) (any, error)
	// Prepare is called before a new token is signed, and may change it.
	Prepare func(ctx context.Context, d *Draft) error
	// OnError answers a request that is refused. Default: JSONErrors("msg"). r is
	// nil where the request did not come through net/http.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
	// Challenge adds to the WWW-Authenticate header of answers.
	Challenge Challenge
	// OnEvent is called for each [Event], for logs and metrics. It is called from the
	// goroutine of the request, so it must be safe for concurrent use and should be
	// quick. [SlogEvents] makes one.
	OnEvent func(context.Context, Event)
	// Clock tells the time, for tests. Default: time.Now.
	Clock func() time.Time
}

// Create says what is written into new tokens.
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
	// IdentityClaim is the claim that holds the identity. Default: "sub". Another name
	// must be printable ASCII and not the name of another claim of the gate.
	IdentityClaim string
	// Types lists types of token that the application adds, such as "reset". [Gate.Issue]
	// creates them, and [Policy.Type] demands them.
	Types []TokenType
	// OmitSession writes no "sid" unless [TokenOptions] has a session. A token without
	// "sid" belongs to no session.
	OmitSession bool
	// OmitGeneration neither reads nor writes "gen". Set it while another program that
	// writes to the same blocklist does not support generations yet.
	OmitGeneration bool
	// OmitNotBefore leaves "nbf" out.
	OmitNotBefore bool
}

// Accept says which tokens are accepted. The zero value demands "exp", "sub", "jti" and
// "type", accepts no token after "exp", accepts any "iss", and refuses tokens that name
// an audience.
type Accept struct {
	// Issuer is the accepted value of "iss" in the gate's own tokens. Default:
	// Create.Issuer. Where both are empty, any "iss" is accepted; with Config.Issuers,
	// the gate's own tokens must then have no "iss".
	Issuer string
	// Audiences lists accepted audiences; "aud" must contain one of them. Default:
	// Create.Audience.
	Audiences []string
	// HeaderTypes lists the accepted values of the header "typ", in lower case and
	// without "application/". Default: "jwt", "at+jwt" or none.
	HeaderTypes []string
	// Skew is how far in the future "iat" and "nbf" may be, since clocks differ. Default:
	// a minute. A negative value allows nothing.
	Skew time.Duration
	// Leeway is how long after "exp" a token is still accepted. It must be less than the
	// lifetime of access tokens. Skew is never less than Leeway.
	Leeway time.Duration
	// MaxLifetime is how far in the future "exp" may be. Default: ten years, which
	// catches milliseconds written in place of seconds. NoExpiry: no limit.
	MaxLifetime time.Duration
	// Limits has the limits on size and work.
	Limits Limits
	// Lenient accepts tokens that are refused otherwise.
	Lenient Lenient
}

// Limits limits what one token can cost, good or bad. Zero fields have the defaults.
type Limits struct {
	TokenBytes    int // of the whole token: 8192
	Depth         int // levels of nesting in its claims: 64
	Members       int // members and elements in its claims: 1024
	KeyCandidates int // keys that are tried on one token: 8
	BodyBytes     int // of a JSON or form body that is searched: 256 KiB
	// CacheEntries and CacheBytes limit the cache of verified tokens: 10,000 and 16 MiB.
	// A token in the cache needs no signature check (asymmetric keys only); all other
	// checks are done on every request. Negative CacheEntries turn the cache off; less
	// than 32 count as 32.
	CacheEntries, CacheBytes int
}

var defaultLimits = Limits{
	TokenBytes: 8 << 10, Depth: 64, Members: 1024, KeyCandidates: 8, BodyBytes: 256 << 10,
	CacheEntries: 10_000, CacheBytes: 16 << 20,
}

// Lenient accepts tokens that are refused otherwise, for tokens of other systems.
// Package flask sets the fields that tokens of Flask-JWT-Extended need.
type Lenient struct {
	NoExpiry      bool // "exp" may be missing
	NoID          bool // "jti" may be missing; such a token cannot be revoked alone
	AnySubject    bool // "sub" may be of any JSON type; read it with Token.Identity
	AnyType       bool // a missing "type", or one that this gate does not issue, counts as access
	AnyFresh      bool // a "fresh" of a wrong type counts as not fresh
	AnyOrigin     bool // Issuer and Audiences have no defaults; unset, they are not checked
	AnyHeaderType bool // any "typ" is accepted

	// AnyContentType is for issuers that write "cty": "JWT" over plain claims, which
	// RFC 7519 section 5.2 advises against. A nested token is not opened.
	AnyContentType bool
}

// A Gate creates and checks tokens. [New] makes one. It is safe for concurrent use. Its
// only state that changes is a cache of limited size.
type Gate struct {
	cfg           Config
	compat        compat.Options
	powers        powers
	identityClaim string
	acceptsJWT    bool // the header of keys.Key.Header is accepted
	readsBack     bool // Create and Accept differ: every new token is checked
	issuers       *issuers
	match         keyhook.Find[*keys.Key] // the shortcut of the key source, or nil
	ownClock      bool                    // Config.Clock is not time.Now
	cache         *tokenCache
	scratch       sync.Pool
}

// New returns a Gate. It copies cfg, opens no file or connection and starts no goroutine.
// It returns an error for a configuration that contradicts itself or is not safe.
func New(cfg Config) (*Gate, error) { return newGate(cfg, compat.Options{}) }

func init() {
	compat.New = func(config any, o compat.Options) (any, error) { return newGate(config.(Config), o) }
	compat.PeekHeader = peekHeader
	compat.OptionsOf = func(g any) compat.Options { return g.(*Gate).compat }
}

func newGate(cfg Config, o compat.Options) (*Gate, error) {
	ownClock := cfg.Clock != nil
	cfg = cfg.withDefaults()
	err := cfg.check()
	if err == nil {
		err = cfg.checkIssuers(o.Issuers)
	}
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	g := &Gate{cfg: cfg, ownClock: ownClock, compat: o, powers: powersOf(cfg.Blocklist), identityClaim: cfg.Create.IdentityClaim, issuers: newIssuers(&cfg, o.Issuers)}
	g.readsBack = cfg.Accept.Issuer != cfg.Create.Issuer || !slices.Equal(cfg.Accept.Audiences, cfg.Create.Audience)
	g.scratch.New = newScratch
	if g.acceptsJWT = g.issuers.own.acceptsType("JWT"); g.acceptsJWT {
		g.match, _ = keyhook.ByHeader(cfg.Keys).(keyhook.Find[*keys.Key])
	}
	if cfg.Accept.Limits.CacheEntries > 0 {
		g.cache = newTokenCache(cfg.Accept.Limits.CacheEntries, cfg.Accept.Limits.CacheBytes)
	}
	return g, nil
}

// Config returns a copy of the gate's configuration with its defaults, for packages that
// use a gate.
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

// String keeps the gate's keys and cached tokens out of logs.
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
