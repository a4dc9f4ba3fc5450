// Package gateredis keeps revoked tokens in Redis or Valkey. The caller's client may be
// connected to a single server, a group with Sentinel, or a Cluster.
//
// A check is one round trip: it reads the token's ID, its session, its subject and the
// epoch mark in one pipeline. A revocation is one round trip too, and two for a subject.
// The package starts no goroutine; the client has its own.
//
// # Staleness
//
// Without [Options.CacheFor] every check asks the master. So a check that starts after a
// revocation was acknowledged sees it, on every machine.
//
// With CacheFor, checks are answered from the memory of the process if the client's
// server-assisted cache has the answer. The server reports changes to the client, usually
// within milliseconds. If it cannot, because the connection is cut or the server hangs,
// an answer is at most CacheFor old. After that, tokens are denied until the server
// answers again. Make such a client with [Tracking].
//
// # Sessions
//
// All sessions of a subject ([stores.Sessions]) are fields of one Redis hash, in the slot
// of the subject's record. A refresh is one round trip. It is more than one after a reuse
// or a failover, and while the subject has a record. Then the process decides, by the
// server's clock, and writes on the condition that neither record has changed.
//
// # What is not lost
//
// The settings of Redis decide how durable it is. This package refuses a server that may
// evict entries, that acknowledges before it has written to the disk, or that is a
// replica. It checks this again while it runs: see [Insecure]. With AOF and appendfsync
// always, a crash loses no acknowledged revocation. With everysec, which is refused
// unless allowed, a power cut may lose the last second or two. A crash of the server may
// lose as much, because Redis acknowledges before it writes while the disk is slow. A
// failover loses what the replica has not received, unless [Options.Replicas] is set.
//
// # Wiped servers
//
// A server that lost its data would answer "not revoked" for every token. So the first
// process writes a mark to the server, the epoch. Every process remembers the mark and
// reads it with each check. If the mark is missing or has changed, the server has lost
// its data or is another server. Then every check returns [stores.ErrWiped], until an
// operator calls [Store.AcceptWipe], which opens the store for all processes.
//
// A process that starts after the wipe does not know the old mark. It begins a new epoch
// ([stores.StoreBegun], [Store.Epoch]). Tokens issued before it, or in the Skew after its
// begin, count as revoked, because they may have been revoked in the lost epoch; users
// log in again. With [Options.Epoch] the process knows the mark from its configuration,
// and its checks return ErrWiped at once.
package gateredis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Options are for [New]. The zero value is safe.
type Options struct {
	// Prefix is the beginning of every key. Default: "gate:". It must not contain braces.
	Prefix string
	// Scope is the name space of the identifiers, for several gates that share a server:
	// see package stores. A secret scope also hides subjects that can be guessed.
	Scope stores.Scope
	// Leeway, MaxLifetime and Skew say how long entries live and what they cover: see
	// [storekit.Keep].
	Leeway, MaxLifetime, Skew time.Duration
	// Timeout limits a call whose context has no deadline, and the wait for Replicas.
	// Default: 250 ms.
	Timeout time.Duration
	// CacheFor allows answers from the client's cache that are at most this old. One
	// second is a usual value. Zero: every check asks the server.
	CacheFor time.Duration
	// Replicas is how many replicas must confirm a change (WAIT). If fewer confirm it
	// within the timeout, the call returns [ErrReplicas], but the master may have the
	// change.
	Replicas int
	// Epoch sets the name of the store's epoch: letters, digits, '-', '_' and '.'. Checks
	// return [stores.ErrWiped] until AcceptWipe was called once, and whenever the server
	// has no mark or the mark of another epoch. Empty: the store chooses the name.
	Epoch string
	// TrustOlderTokens accepts tokens that were issued before the epoch of the store
	// began, and tokens without "iat". It has no effect on an epoch that AcceptWipe or
	// RevokeAll began. Otherwise such tokens count as revoked, because the store may
	// replace one that was lost. Set it when a service gets its first store, and remove it
	// when the older tokens have expired.
	TrustOlderTokens bool
	// Insecure allows servers that can let revoked tokens in.
	Insecure Insecure
	// OnEvent is called for each event that an operator should know: [stores.StoreBegun],
	// [stores.StoreWiped], [stores.StoreReopened], [stores.StoreUnsafe],
	// [stores.StoreSafe] and [stores.StoreFailing]. It has the type of
	// gate.Config.OnEvent, so that gate.SlogEvents can be given.
	OnEvent func(context.Context, gate.Event)
	// Clock returns the time. Default: time.Now. ServerClock replaces the server's clock
	// for sessions. Both are for tests.
	Clock, ServerClock func() time.Time
}

// Insecure allows servers that can let revoked tokens in. The zero value refuses them.
type Insecure struct {
	// AllowEviction allows a maxmemory-policy other than noeviction. When memory is short,
	// the server removes entries, and revoked tokens are accepted again.
	AllowEviction bool
	// AllowNoPersistence allows a server that writes nothing to disk. A restart loses all
	// revocations, and after AcceptWipe with the zero time those tokens are accepted again.
	AllowNoPersistence bool
	// AllowSnapshots allows a server with snapshots (RDB) and without AOF. After a crash,
	// tokens that were revoked since the last snapshot are accepted again.
	AllowSnapshots bool
	// AllowEverysec allows a server that acknowledges before a change is on the disk
	// (appendfsync everysec or no, or no-appendfsync-on-rewrite). After a crash, tokens
	// that were revoked in the last seconds are accepted again.
	AllowEverysec bool
	// AllowReplica allows a client that reads from replicas. A revoked token is accepted
	// until the replica has the revocation. If the replica has lost its master, that is
	// never.
	AllowReplica bool
	// SkipServerCheck skips the check of the server's settings, for services that forbid
	// INFO and CONFIG. The caller must make sure that the server is a master with
	// noeviction and persistence.
	SkipServerCheck bool
}

// Errors of this package. Others are those of package stores.
var (
	// ErrReplicas means that fewer replicas than Options.Replicas have the change, or that
	// fewer than the server's min-replicas-to-write are connected. The master may have the
	// change. It is safe to call again.
	ErrReplicas = errors.New("gateredis: too few replicas have the change")
	// ErrDisk means that the server cannot write to its disk and accepts no change.
	ErrDisk = errors.New("gateredis: the server cannot write to its disk")
)

// Store keeps revoked tokens. Make one with [New]. It is safe for concurrent use.
type Store struct {
	client  rueidis.Client
	o       Options
	keep    storekit.Keep
	cluster bool
	tags    []string // one for each group of keys, which are all on the same server
	state   atomic.Pointer[state]
	busy    chan struct{} // full while one goroutine looks at the server
	memory  *memory
	getMark []rueidis.Cacheable // one for each of tags
	steps   stepWatch
	old     atomic.Bool // a server older than Redis 7
	oneMark string      // the key of the mark of a single server; "" on a Cluster
	suffix  string      // the end of keys that belong to the scope and not to an identifier
	closed  atomic.Bool // whether a wipe was reported
	writes  writeStats
}

var (
	_ stores.Sessions        = (*Store)(nil)
	_ stores.MemoryBlocklist = (*Store)(nil)
	_ stores.BatchRevoker    = (*Store)(nil)
	_ stores.Inspector       = (*Store)(nil)
	_ gate.GenerationReader  = (*Store)(nil)
	_ gate.DirectBlocklist   = (*Store)(nil)
	_ gate.Readier           = (*Store)(nil)
)

// Tracking returns rueidis.ClientOption.ClientTrackingOptions for a client that is used
// with Options.CacheFor. With them the server reports changes of all keys with the prefix
// ("" is the default prefix). Without them the server has to remember which keys the
// client has read. That is correct too, but costs more.
func Tracking(prefix string) []string {
	return []string{"PREFIX", prefixOf(prefix), "BCAST"}
}

func prefixOf(prefix string) string {
	if prefix == "" {
		return "gate:"
	}
	return prefix
}

// New returns a store on the server that client is connected to. It sends nothing. The
// first call checks the server's settings and the epoch; call [Store.Check] at start-up to
// do so early. The caller closes the client. Give the client a ConnWriteTimeout of one or
// two seconds, so that calls do not wait long for a dead connection.
func New(client rueidis.Client, o Options) (*Store, error) {
	o.Prefix = prefixOf(o.Prefix)
	if o.Timeout == 0 {
		o.Timeout = 250 * time.Millisecond
	}
	keep, err := storekit.Keep{Leeway: o.Leeway, MaxLifetime: o.MaxLifetime, Skew: o.Skew}.WithDefaults()
	if err != nil {
		return nil, fmt.Errorf("gateredis: %w", err)
	}
	switch {
	case client == nil:
		return nil, errors.New("gateredis: the client is nil")
	case strings.ContainsAny(o.Prefix, "{}"):
		return nil, errors.New("gateredis: Prefix may not hold braces, which choose slots of a Cluster")
	case o.Timeout < 0 || o.CacheFor < 0 || o.Replicas < 0:
		return nil, errors.New("gateredis: Timeout, CacheFor or Replicas is negative")
	case o.Epoch != "" && !validName(o.Epoch):
		return nil, errors.New("gateredis: Epoch may hold only letters, digits, '-', '_' and '.'")
	}
	s := &Store{
		client: client, o: o, keep: keep, busy: make(chan struct{}, 1),
		cluster: client.Mode() == rueidis.ClientModeCluster, tags: []string{"0"},
	}
	if o.Scope.Text() != "" {
		s.suffix = ":" + storekit.HashID("epoch", o.Scope.Text(), "")
	}
	if s.cluster {
		s.tags = strings.Split(hashAlphabet, "")
	} else {
		s.oneMark = s.markKey(s.tags[0])
	}
	if o.CacheFor > 0 {
		s.memory, s.steps.start = newMemory(), time.Now()
		for _, tag := range s.tags {
			s.getMark = append(s.getMark, client.B().Get().Key(s.markKey(tag)).Cache().ToStaticTTL().Pin())
		}
	}
	return s, nil
}

func (s *Store) now() time.Time {
	if s.o.Clock != nil {
		return s.o.Clock()
	}
	return time.Now()
}
