// Package jwks has the JWK Sets of others behind a URL, and the handlers that publish
// your own set.
//
// A [Remote] is a keys.Source whose keys come from the URL of an issuer:
//
//	remote, err := jwks.New("https://issuer.example/jwks.json", jwks.Options{})
//	go remote.Run(ctx)
//	g, err := gate.New(gate.Config{Issuers: []gate.Issuer{
//		{Name: "https://issuer.example", Keys: remote, Audiences: []string{"orders"}},
//	}})
//
// In Config.Keys it is for a service that shares its tokens with the one that makes them:
// "iss" and "aud" are then checked only where Config.Accept or Config.Create names them.
//
// [Handler] publishes the keys of a keys.Ring or keys.Set, and [Metadata] the document
// by which others find them.
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

// Options are the rules of a [Remote]. The zero value is good for a public issuer.
type Options struct {
	// Algorithms are for keys that name none, as in [keys.ParseSet]. Microsoft Entra's
	// need keys.RS256.
	Algorithms []keys.Algorithm
	// InsecureLoopback allows a URL with http, and addresses of this machine, for
	// development and tests.
	InsecureLoopback bool
	// Networks are private networks in which the issuer may be. Without them a name that
	// leads to a private, local or reserved address is not connected to.
	Networks []netip.Prefix
	// Client is used in place of one with the rules of this package. Which schemes,
	// addresses, redirects and proxies it allows is up to the caller then; the bounds on
	// time, bytes and keys stay.
	Client *http.Client
	// Refresh is the longest time that keys are used without asking for them again: a key
	// that the issuer took out of its set is refused after it. The issuer's
	// Cache-Control or Expires can make it shorter, down to a third. 0 is 15 minutes.
	Refresh time.Duration
	// Cooldown is the shortest time from one fetch to the next. A token with an unknown
	// "kid" that comes sooner is refused without a fetch. 0 is 30 seconds.
	Cooldown time.Duration
	// MaxStale is how long the keys serve while the issuer does not answer. After it, or
	// with Run at most Timeout later, tokens are answered with 503. 0 is 24 hours.
	MaxStale time.Duration
	// Timeout is for one fetch as a whole. 0 is 5 seconds.
	Timeout time.Duration
	// OnEvent is called for fetches, in the goroutine that fetched.
	OnEvent func(context.Context, Event)
	// Clock returns the time; nil is time.Now.
	Clock func() time.Time
}

// Names of events.
const (
	Refreshed = "keys.refreshed" // the set was fetched
	Failed    = "keys.failed"    // it was not; keys from before go on to serve until MaxStale
	Exposed   = "keys.exposed"   // it shows a private key or secret to everybody, see keys.ErrExposed
)

// Event is something that happened to a [Remote].
type Event struct {
	Name string
	URL  string
	Keys int   // of the set that serves now
	Err  error // of Failed and Exposed
}

// Health is the state of a [Remote].
type Health struct {
	// Keys is how many keys serve; 0 before the first fetch.
	Keys int
	// Skipped are the keys of the set that cannot be used here, with the reasons.
	Skipped []keys.Skipped
	// Fetched is when the set was fetched, Due when it is fetched again, and Closed when
	// it serves no longer.
	Fetched, Due, Closed time.Time
	// Failures counts the fetches that have failed since the last good one, and Err is
	// why the last one did.
	Failures int
	Err      error
}

// A Remote is a [keys.Source] that verifies with the JWK Set behind a URL. It never
// signs. It is safe for concurrent use.
//
// The set is fetched when the first token comes, and kept for as long as its HTTP
// headers say, within the bounds of Options.Refresh. There is one fetch at a
// time. Tokens with a known key do not wait for it: while [Remote.Run] runs none of
// them ever fetches, and without Run one of them does each time that the set is due. A
// token with an unknown "kid" makes a fetch, at most one in Options.Cooldown for all of
// them together, and is refused at once where that is used up, so that forged tokens
// neither wait nor reach the issuer. Errors of the issuer, and answers that are no JWK
// Set or hold no usable key, change nothing until Options.MaxStale; then, and before the
// first set has come, tokens are answered with 503.
//
// At most 1 MiB and 100 keys are read. Only https is used, redirects stay on the same
// origin, and private, local and reserved addresses are refused, but for what Options
// name. The set is read by [keys.ParsePublicSet].
type Remote struct {
	url    string
	o      Options
	real   bool // the clock is time.Now, which Run's timers follow
	client *http.Client
	state  atomic.Pointer[state] // nil before the first set
	// live is state while Run keeps it up to date, and takes it away when it is too old, so
	// that requests need no clock; else nil.
	live    atomic.Pointer[state]
	running atomic.Int32 // how many calls of Run have not returned
	waiting atomic.Int32 // requests with an unknown kid that wait

	mu       sync.Mutex // guards what follows, and is held by who changes state and live
	flight   *flight    // the fetch that is on its way, or nil
	next     time.Time  // no fetch begins before
	failures int
	err      error // of the last fetch
}

var _ keys.Source = (*Remote)(nil)

// state is one set, as it was fetched. It does not change.
type state struct {
	set                  *keys.Set
	forHeader            func(segment string) *keys.Key // of set
	etag                 string
	fetched, due, closed time.Time
}

// New returns the set behind the URL. It fetches nothing yet.
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

// SigningKey implements [keys.Source]: there is none.
func (r *Remote) SigningKey(context.Context, any) (*keys.Key, error) {
	return nil, keys.ErrCannotSign
}

// VerificationKeys implements [keys.Source] as [keys.Set.VerificationKeys] does.
func (r *Remote) VerificationKeys(ctx context.Context, u keys.Unverified) ([]*keys.Key, error) {
	s, err := r.usable(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.set.VerificationKeys(ctx, u)
	if err != nil || len(found) > 0 || u.KeyID() == "" {
		return found, err
	}
	if err := r.refresh(ctx, joinFew); err != nil {
		return nil, err
	}
	return r.state.Load().set.VerificationKeys(ctx, u)
}

// usable returns the set that serves, and fetches it where it must be.
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

// mustFetch reports whether a request has to fetch the set that is due, since nobody
// else does.
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

// forHeader returns the key that writes exactly this encoded header segment, or nil.
func (r *Remote) forHeader(segment string) *keys.Key {
	if s := r.live.Load(); s != nil {
		return s.forHeader(segment)
	}
	s := r.state.Load()
	if s == nil {
		return nil
	}
	k := s.forHeader(segment)
	if k == nil {
		return nil
	}
	if now := r.o.Clock(); !now.Before(s.closed) || r.mustFetch(s, now) {
		return nil
	}
	return k
}

// Ready returns why no token can be verified now, or nil. It fetches the set where there
// is none yet.
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
