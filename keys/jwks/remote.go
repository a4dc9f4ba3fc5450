// Package jwks fetches the JWK Sets of other issuers, and has handlers that publish your
// own set.
//
// A [Remote] is a keys.Source with the keys from the URL of an issuer:
//
//	remote, err := jwks.New("https://issuer.example/jwks.json", jwks.Options{})
//	go remote.Run(ctx)
//	g, err := gate.New(gate.Config{Issuers: []gate.Issuer{
//		{Name: "https://issuer.example", Keys: remote, Audiences: []string{"orders"}},
//	}})
//
// A service can also use a Remote in Config.Keys, if it only accepts the tokens of one
// other service. Then "iss" and "aud" are checked only if Config.Accept or Config.Create
// names them.
//
// [Handler] publishes the keys of a keys.Ring or keys.Set. [Metadata] publishes the
// document that leads other services to these keys.
package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jwtgate/gate/internal/keyhook"
	"github.com/jwtgate/gate/internal/safehttp"
	"github.com/jwtgate/gate/keys"
)

// Options are the settings of a [Remote]. The zero value works for a public issuer.
type Options struct {
	// Algorithms are for keys without an algorithm, as in [keys.ParseSet]. The keys of
	// Microsoft Entra need keys.RS256.
	Algorithms []keys.Algorithm
	// TryWithoutKeyID tries all keys of the set on a token without "kid", as
	// [keys.Set.TryWithoutKeyID] does. It is for issuers that write no "kid" into tokens
	// although their keys have one. Such a token fetches nothing: it is refused until the
	// next fetch if its key is new.
	TryWithoutKeyID bool
	// InsecureLoopback allows an http URL, and addresses of this machine. It is for
	// development and tests.
	InsecureLoopback bool
	// Networks are the private networks in which the issuer may be. Other private, local
	// and reserved addresses are refused.
	Networks []netip.Prefix
	// Client replaces the HTTP client of this package. Then the caller decides which
	// schemes, addresses, redirects and proxies are allowed. The limits on time, bytes and
	// keys stay.
	Client *http.Client
	// Refresh is the longest time from one fetch to the next. After it, a key that the
	// issuer removed from its set is refused. The issuer's Cache-Control or Expires can
	// shorten it to a third. 0 is 15 minutes.
	Refresh time.Duration
	// Cooldown is the shortest time from one fetch to the next. A token with an unknown
	// "kid" that comes sooner is refused without a fetch. 0 is 30 seconds.
	Cooldown time.Duration
	// MaxStale is how long the keys are used while the issuer does not answer. After it, or
	// with Run at most Timeout later, requests with tokens get 503. 0 is 24 hours.
	MaxStale time.Duration
	// Timeout limits a whole fetch. 0 is 5 seconds.
	Timeout time.Duration
	// OnEvent is called for each fetch, in the goroutine that fetched.
	OnEvent func(context.Context, Event)
	// Clock returns the time; nil is time.Now.
	Clock func() time.Time
}

// Names of events.
const (
	Refreshed = "keys.refreshed" // the set was fetched
	Failed    = "keys.failed"    // the fetch failed; the old keys are used until MaxStale
	Exposed   = "keys.exposed"   // the set has a private key or secret, see keys.ErrExposed
)

// Event is something that happened to a [Remote].
type Event struct {
	Name string
	URL  string
	Keys int   // the number of keys in use
	Err  error // the error, for Failed and Exposed
}

// Health is the state of a [Remote].
type Health struct {
	// Keys is the number of keys in use; 0 before the first fetch.
	Keys int
	// Skipped has the keys of the set that cannot be used, with the reasons.
	Skipped []keys.Skipped
	// Fetched is when the set was fetched, Due is when it will be fetched again, and
	// Closed is when it must not be used any more.
	Fetched, Due, Closed time.Time
	// Failures counts the fetches that have failed since the last successful one. Err is
	// the error of the last one.
	Failures int
	Err      error
}

// A Remote is a [keys.Source] that verifies tokens with the JWK Set from a URL. It never
// signs. It is safe for concurrent use.
//
// The set is fetched for the first token. It is used as long as its HTTP headers say,
// within the limits of Options.Refresh. There is only one fetch at a time. While
// [Remote.Run] runs, tokens with a known key never wait for a fetch. Without Run, one such
// token fetches the set each time it is due, and the others do not wait.
//
// A token with an unknown "kid" causes a fetch, but there is at most one fetch in
// Options.Cooldown for all such tokens together. Within the cooldown such a token is
// refused at once. So forged tokens neither wait nor reach the issuer.
//
// If a fetch fails, or the answer is no JWK Set or has no usable key, the old keys are
// used until Options.MaxStale. After that, and before the first successful fetch, requests
// with tokens get 503.
//
// At most 1 MiB and 100 keys are read. Only https is used, redirects stay on the same
// origin, and private, local and reserved addresses are refused. Options can allow more.
// [keys.ParsePublicSet] reads the set. In a set that all tenants of Microsoft Entra share
// (keys with an "issuer" that has {tenantid}), a key whose "issuer" is that of one tenant
// verifies the tokens of this tenant only.
type Remote struct {
	url    string
	o      Options
	real   bool // whether the clock is time.Now, as Run's timers need
	client *http.Client
	state  atomic.Pointer[state] // nil before the first set
	// live is the same as state while Run keeps it up to date, and nil otherwise. Run sets it
	// to nil when the set is too old, so that requests need no clock.
	live    atomic.Pointer[state]
	running atomic.Int32 // how many calls of Run have not returned
	waiting atomic.Int32 // how many requests with an unknown kid wait

	mu       sync.Mutex // guards the fields below, and changes of state and live
	flight   *flight    // the fetch that is running, or nil
	next     time.Time  // no fetch begins before this time
	failures int
	err      error // the error of the last fetch
}

var _ keys.Source = (*Remote)(nil)

// state is one set, as it was fetched. It does not change.
type state struct {
	set                  *keys.Set
	issuers              keyIssuers              // nil if the set has no tenants
	forHeader            keyhook.Find[*keys.Key] // of set; nil with issuers, since the claims decide too
	etag                 string
	fetched, due, closed time.Time
}

// New returns a Remote for the URL. It does not fetch the set yet.
func New(url string, o Options) (*Remote, error) {
	real := o.Clock == nil
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	rules := &safehttp.Rules{InsecureLoopback: o.InsecureLoopback, Networks: o.Networks, OwnClient: o.Client != nil, Timeout: o.Timeout}
	u, err := rules.Parse("the URL of the set", url)
	if err != nil {
		return nil, fmt.Errorf("keys/jwks: %w", err)
	}
	r := &Remote{url: u.String(), o: o, real: real, client: o.Client}
	if r.client == nil {
		r.client = rules.Client(u.Scheme == "http")
	}
	return r, nil
}

func (o Options) withDefaults() (Options, error) {
	o.Algorithms, o.Networks = slices.Clone(o.Algorithms), slices.Clone(o.Networks)
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&o.Refresh, 15 * time.Minute}, {&o.Cooldown, 30 * time.Second}, {&o.MaxStale, 24 * time.Hour}, {&o.Timeout, 5 * time.Second}} {
		if *d.field == 0 {
			*d.field = d.value
		}
		if *d.field < 0 {
			return o, errors.New("keys/jwks: a duration of Options is negative; leave it out for its default")
		}
	}
	if o.Cooldown > o.Refresh || o.Refresh > o.MaxStale {
		return o, fmt.Errorf("keys/jwks: Options needs Cooldown <= Refresh <= MaxStale, and has %s, %s and %s", o.Cooldown, o.Refresh, o.MaxStale)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.OnEvent == nil {
		o.OnEvent = func(context.Context, Event) {}
	}
	return o, nil
}

// SigningKey implements [keys.Source]. It always returns an error: a Remote never signs.
func (r *Remote) SigningKey(context.Context, any) (*keys.Key, error) {
	return nil, keys.ErrCannotSign
}

// VerificationKeys implements [keys.Source] as [keys.Set.VerificationKeys] does.
func (r *Remote) VerificationKeys(ctx context.Context, u keys.Unverified) ([]*keys.Key, error) {
	s, err := r.usable(ctx)
	if err != nil {
		return nil, err
	}
	// A set never fails.
	found, _ := s.set.VerificationKeys(ctx, u)
	if len(found) == 0 && u.KeyID() != "" {
		if err := r.refresh(ctx, joinFew); err != nil {
			return nil, err
		}
		s = r.state.Load()
		found, _ = s.set.VerificationKeys(ctx, u)
	}
	return s.issuers.filter(found, u), nil
}

// usable returns the set to use. It fetches the set if needed.
func (r *Remote) usable(ctx context.Context) (*state, error) {
	if s := r.live.Load(); s != nil {
		return s, nil
	}
	s, now := r.state.Load(), r.o.Clock()
	switch {
	case s == nil || !now.Before(s.closed):
		if err := r.refresh(ctx, join); err != nil {
			return nil, err
		}
	case r.mustFetch(s, now):
		// If this fails, OnEvent is called, and the keys are still used.
		_ = r.refresh(ctx, leave)
	default:
		return s, nil
	}
	return r.state.Load(), nil
}

// mustFetch reports whether this request has to fetch the set, because the set is due and
// Run is not running.
func (r *Remote) mustFetch(s *state, now time.Time) bool {
	return !now.Before(s.due) && r.running.Load() == 0
}

func init() {
	keyhook.Register(func(source any) any {
		if r, ok := source.(*Remote); ok {
			return r.forHeader
		}
		return nil
	})
}

// forHeader returns the key whose tokens have exactly this encoded header, or nil. The
// time is that of time.Now, if it had to be asked.
func (r *Remote) forHeader(segment string) (k *keys.Key, read time.Time) {
	s := r.live.Load()
	if s != nil && s.forHeader != nil {
		return s.forHeader(segment)
	}
	if s = r.state.Load(); s == nil || s.forHeader == nil {
		return nil, read
	}
	if k, _ = s.forHeader(segment); k == nil {
		return nil, read
	}
	now := r.o.Clock()
	if r.real {
		read = now
	}
	if !now.Before(s.closed) || r.mustFetch(s, now) {
		return nil, read
	}
	return k, read
}

// Ready returns an error if no token can be verified now. It fetches the set if there is
// none yet.
func (r *Remote) Ready(ctx context.Context) error {
	_, err := r.usable(ctx)
	return err
}

// Health returns the state of the set.
func (r *Remote) Health() Health {
	r.mu.Lock()
	h := Health{Failures: r.failures, Err: r.err}
	r.mu.Unlock()
	if s := r.state.Load(); s != nil {
		h.Keys, h.Skipped = len(s.set.Keys()), s.set.Skipped()
		h.Fetched, h.Due, h.Closed = s.fetched, s.due, s.closed
	}
	return h
}
