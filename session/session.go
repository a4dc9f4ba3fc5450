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

// Options of a [Manager]. The zero value is good for most applications.
type Options struct {
	// Idle is how long a session lasts without a refresh: the lifetime of its refresh
	// tokens. Default: the gate's Create.RefreshLifetime.
	Idle time.Duration
	// Absolute is how long a session lasts at most, whatever its user does: no token of it
	// lives longer (RFC 9700 section 4.14.2). Default: 90 days. [gate.NoExpiry]: no bound.
	Absolute time.Duration
	// Grace is for how long, after a refresh, the refresh token that was used is still
	// taken: by another tab, or by a client that did not get the answer. It gets the same
	// new token then. Later it is a stolen token, and the session ends. Default: 10 seconds.
	Grace time.Duration
	// MaxSessions is how many sessions a user may have at once. Default: 100. Negative: any
	// number.
	MaxSessions int
	// RefuseNew refuses a login beyond MaxSessions with [stores.ErrTooManySessions]. Without
	// it the oldest session is ended.
	RefuseNew bool
	// Delivery is the way in which clients get their tokens and bring back their refresh
	// token.
	Delivery Delivery
	// Device returns what to keep of the device at each refresh by [Manager.Handler] and
	// [Manager.Renew]; [DeviceOf] is one. nil keeps what [Login.Device] has said.
	Device func(gate.Request) Device
	// Timeout bounds a refresh or logout, which goes on when the client has left. Default:
	// 10 seconds.
	Timeout time.Duration
}

// Device describes the device of a session, as the application likes.
type Device = stores.Device

// Manager starts, refreshes, lists and ends sessions. Make one with [New]. It is safe for
// concurrent use, has no state but the refreshes that are under way, and starts no
// goroutine.
type Manager struct {
	gate  *gate.Gate
	store stores.Sessions
	o     Options
	limit stores.SessionLimit

	clock     func() time.Time
	access    time.Duration // lifetime of an access token
	leeway    time.Duration // for how long the gate takes expired tokens
	names     gate.Cookies
	locations []gate.Location // of refresh tokens

	mu      sync.Mutex
	flights map[string]*flight
}

// New returns a manager of the sessions in store, whose tokens g makes and checks. It
// opens nothing. It refuses options that are contradictory, and a store that is not the
// gate's blocklist (behind wrappers such as [stores.Breaker]): a session that was ended in
// one store would go on in the other.
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

// sameStore reports whether both lead to one store. Only pointers are compared: two values
// that are equal may still be two stores.
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
