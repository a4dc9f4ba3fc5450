package session

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

// Options are the options of [New]. The zero value suits most applications.
type Options struct {
	// Idle is the lifetime of refresh tokens. A session that is not refreshed for this long
	// is over. Default: the gate's Create.RefreshLifetime.
	Idle time.Duration
	// Absolute is the longest time that a session lasts, also with refreshes. None of its
	// tokens lives longer (RFC 9700 section 4.14.2). Default: 90 days. [gate.NoExpiry] means
	// no limit.
	Absolute time.Duration
	// Grace is how long a refresh token is still accepted after its first use, from another
	// tab or from a client that did not get the answer. The answer then has the same new
	// token. A use after this time counts as theft, and the session ends. Default: 10
	// seconds.
	Grace time.Duration
	// MaxSessions is the largest number of open sessions of one user. Default: 100. A
	// negative value means no limit.
	MaxSessions int
	// RefuseNew refuses a login beyond MaxSessions with [stores.ErrTooManySessions]. By
	// default the login succeeds and the oldest session is ended.
	RefuseNew bool
	// Delivery says how clients get their tokens and how they send the refresh token.
	// Default: [JSON].
	Delivery Delivery
	// Device describes the device of a request. It is called at each refresh by
	// [Manager.Handler] and [Manager.Renew], and its result is stored. [DeviceOf] can be used
	// here. Default: the description of [Login.Device] stays.
	Device func(gate.Request) Device
	// Timeout limits a refresh or a logout, since these go on when the client has
	// disconnected. Default: 10 seconds.
	Timeout time.Duration
}

// Device describes the device of a session. The application decides what it contains.
type Device = stores.Device

// Manager starts, refreshes, lists and ends sessions. Use [New] to make one. It is safe
// for concurrent use and starts no goroutine. Its only state is the refreshes in progress.
type Manager struct {
	gate  *gate.Gate
	store stores.Sessions
	o     Options
	limit stores.SessionLimit

	clock     func() time.Time
	access    time.Duration // lifetime of an access token
	leeway    time.Duration // how long the gate accepts expired tokens
	names     gate.Cookies
	locations []gate.Location // of refresh tokens

	mu      sync.Mutex
	flights map[string]*flight
}

// New returns a manager that keeps sessions in store. The gate g makes and checks their
// tokens. New opens no connection. It returns an error for options that contradict each
// other. The store must be the gate's blocklist, directly or in a wrapper such as
// [stores.Breaker]; otherwise the gate would accept tokens of a session that was ended in
// the store, so New returns an error.
func New(g *gate.Gate, store stores.Sessions, o Options) (*Manager, error) {
	if g == nil {
		return nil, errors.New("session: the gate is nil")
	}
	cfg := g.Config()
	setDefault(&o.Idle, cfg.Create.RefreshLifetime)
	setDefault(&o.Absolute, 90*24*time.Hour)
	setDefault(&o.Grace, 10*time.Second)
	setDefault(&o.Timeout, 10*time.Second)
	setDefault(&o.MaxSessions, 100)
	m := &Manager{
		gate: g, store: store, o: o, limit: stores.SessionLimit{Max: max(o.MaxSessions, 0), Evict: !o.RefuseNew},
		clock: cfg.Clock, access: cfg.Create.AccessLifetime, leeway: cfg.Accept.Leeway, names: cfg.Cookies, flights: make(map[string]*flight),
	}
	m.locations = o.Delivery.refreshLocations()
	if err := o.check(&cfg); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	if !sameStore(store, cfg.Blocklist) {
		return nil, errOtherStore
	}
	return m, nil
}

var errOtherStore = errors.New("session: the store is not the blocklist of the gate: set gate.Config.Blocklist to the same pointer, or to a wrapper of it with a method Unwrap")

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (o *Options) check(cfg *gate.Config) error {
	switch {
	case o.Idle < time.Second || cfg.Create.AccessLifetime == gate.NoExpiry:
		return errors.New("sessions need tokens that expire: set Options.Idle to a second or more, and the gate's Create.AccessLifetime")
	case o.Absolute != gate.NoExpiry && o.Absolute < time.Second:
		return fmt.Errorf("Options.Absolute is %v; tokens count in seconds, and gate.NoExpiry is no bound", o.Absolute)
	case o.Grace < time.Millisecond || o.Grace > o.Idle:
		return fmt.Errorf("Options.Grace is %v; it must be at least a millisecond and at most Idle (%v)", o.Grace, o.Idle)
	case o.Timeout < 0:
		return errors.New("Options.Timeout is negative")
	case cfg.Accept.MaxLifetime != gate.NoExpiry && o.Idle > cfg.Accept.MaxLifetime:
		return fmt.Errorf("Options.Idle is %v, and the gate accepts no token that lives longer than %v (Accept.MaxLifetime)", o.Idle, cfg.Accept.MaxLifetime)
	}
	return o.Delivery.check(cfg)
}

// sameStore reports whether both are the same store, without wrappers. Only pointers are
// compared: two values that are equal may still be two stores.
func sameStore(store, list gate.Blocklist) bool {
	a, b := innermost(store), innermost(list)
	return a != nil && b != nil && reflect.TypeOf(a) == reflect.TypeOf(b) &&
		reflect.TypeOf(a).Kind() == reflect.Pointer && !reflect.ValueOf(a).IsNil() && a == b
}

func innermost(list gate.Blocklist) gate.Blocklist {
	for {
		wrapper, ok := list.(interface{ Unwrap() gate.Blocklist })
		if !ok {
			return list
		}
		list = wrapper.Unwrap()
	}
}
