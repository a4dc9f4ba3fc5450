// Package gateredis keeps revoked tokens in Redis or Valkey: a single server, a group
// under Sentinel, or a Cluster, whichever the client of the caller's is connected to.
//
// A check is one round trip: the token's ID, its session, its subject and the epoch
// mark are read in one pipeline. A revocation is one round trip too (two for a subject).
// There is no goroutine but those of the client.
//
// # Staleness
//
// Without [Options.CacheFor] a check asks the master, so a revocation that was
// acknowledged is seen by every check that starts afterwards, on every machine.
//
// With it checks are answered from the memory of the process where the client's
// server-assisted cache has the answer. The server pushes what has changed, usually
// within milliseconds; CacheFor is the bound where it cannot, because the wire is cut
// or the server hangs. Make such a client with [Tracking]. Where the server is gone,
// tokens stay good until CacheFor has passed, and are denied from then on.
//
// # Sessions
//
// All sessions of a subject are one hash, by their ID, in the slot of the subject's
// record ([stores.Sessions]). A refresh is one round trip; two after a reuse or a
// failover, and while the subject has a record: then it is judged in the process, by the
// server's clock, and written on the condition that neither record has changed.
//
// # What is not lost
//
// Redis is as durable as it is configured. This package refuses to work on a server
// that may evict entries, that acknowledges before it has written to the disk, or that
// is a replica, and looks again while it runs: see [Insecure]. With AOF and appendfsync
// always a crash loses nothing that was acknowledged. With everysec (refused unless
// allowed) a power cut may lose the last second or two, and so may a crash of the server
// alone: Redis acknowledges without writing while a slow disk keeps it waiting. A
// failover loses what the replica has not got, unless [Options.Replicas] waits for it.
//
// # Wiped servers
//
// A server that lost its data says "not revoked" to everything. So the first process
// leaves a mark in the store, its epoch; every process remembers it and reads it
// again with each check. When the mark is gone or another, the store was wiped, or is
// not the one it was, and everything is denied with [stores.ErrWiped] until an
// operator has decided, by [Store.AcceptWipe], which opens it for all processes.
//
// A process that starts after the wipe has nothing to remember. It begins a new epoch
// ([stores.StoreBegun], [Store.Epoch]), and takes every token that was issued before, or
// until Skew after it, for revoked: it may have been, in the epoch that is lost. Users
// log in again. With [Options.Epoch] it knows the mark from its configuration, and is
// closed at once.
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
	// Prefix begins every key. Default: "gate:". It may not hold braces.
	Prefix string
	// Scope names the name space of identifiers, where several share a server; see
	// package stores. As a secret it hides subjects that can be guessed.
	Scope stores.Scope
	// Leeway, MaxLifetime and Skew say how long entries live and what they cover: see
	// [storekit.Keep].
	Leeway, MaxLifetime, Skew time.Duration
	// Timeout bounds a call whose context has no deadline. Default: 250 ms. It is
	// the wait for Replicas as well.
	Timeout time.Duration
	// CacheFor lets checks be answered from the client's cache, and is how stale such
	// an answer may be at worst. Zero: every check asks the server. A second is usual.
	CacheFor time.Duration
	// Replicas is how many replicas must have a change before it counts as made (WAIT).
	// Fewer within the timeout is an error, though the master may have the change.
	Replicas int
	// Epoch is the name of the store's epoch, where the configuration is to know it:
	// letters, digits, '-', '_' and '.'. The store is closed until AcceptWipe was
	// called once, and whenever the server has no or another mark.
	Epoch string
	// TrustOlderTokens accepts tokens that were issued before the epoch of the store
	// began, or that do not say when, unless an operator has begun it (AcceptWipe, RevokeAll). Without it they count as revoked: the store may
	// be a new one in the place of one that was lost. Set it where a service that has had no
	// store gets its first one, until the tokens from before have expired.
	TrustOlderTokens bool
	// Insecure opens what is closed for safety.
	Insecure Insecure
	// OnEvent is told of what an operator should know: [stores.StoreBegun],
	// [stores.StoreWiped], [stores.StoreReopened], [stores.StoreUnsafe],
	// [stores.StoreSafe] and [stores.StoreFailing]. It has the type of
	// gate.Config.OnEvent, so that gate.SlogEvents can be given.
	OnEvent func(context.Context, gate.Event)
	// Clock tells the time, for tests. Default: time.Now. ServerClock replaces the
	// server's clock in what is done with sessions, for tests too.
	Clock, ServerClock func() time.Time
}

// Insecure are the doors to danger. The zero value keeps them shut.
type Insecure struct {
	// AllowEviction works with a maxmemory-policy other than noeviction: under
	// pressure the server makes revoked tokens good again.
	AllowEviction bool
	// AllowNoPersistence works with a server that writes nothing to disk: a restart
	// makes every revoked token good again, after an operator's AcceptWipe.
	AllowNoPersistence bool
	// AllowSnapshots works with a server that has no AOF but snapshots (RDB): a crash
	// makes the tokens good again that were revoked since the last one.
	AllowSnapshots bool
	// AllowEverysec works with a server that acknowledges before a change is on the disk
	// (appendfsync everysec or no, or no-appendfsync-on-rewrite): a crash makes the tokens
	// good again that were revoked in the last seconds.
	AllowEverysec bool
	// AllowReplica works with a client that reads from replicas: a token stays good until
	// its revocation was replicated, and for ever where the replica has lost its master.
	AllowReplica bool
	// SkipServerCheck does not look at the server's settings at all, for services that
	// forbid INFO and CONFIG. The caller vouches for a master, noeviction and persistence.
	SkipServerCheck bool
}

// Errors of this package. Others are those of package stores.
var (
	// ErrReplicas: fewer replicas than Options.Replicas have the change, or fewer than
	// the server's min-replicas-to-write are connected. The master may have the change.
	// Call again: nothing is done twice.
	ErrReplicas = errors.New("gateredis: too few replicas have the change")
	// ErrDisk: the server cannot write to its disk, and so takes no change.
	ErrDisk = errors.New("gateredis: the server cannot write to its disk")
)

// Store keeps revoked tokens. Make one with [New]. It is safe for concurrent use.
type Store struct {
	client  rueidis.Client
	o       Options
	keep    storekit.Keep
	cluster bool
	tags    []string // the groups of keys that live and die together
	state   atomic.Pointer[state]
	busy    chan struct{} // held while state is being made
	memory  *memory
	getMark []rueidis.Cacheable // one for each of tags
	steps   stepWatch
	old     atomic.Bool // a server older than Redis 7
	suffix  string      // of keys that belong to the scope and not to an identifier
	closed  atomic.Bool // a wipe was reported
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

// Tracking returns rueidis.ClientOption.ClientTrackingOptions for a client that is
// used with Options.CacheFor: the server then reports changes of all keys with the
// prefix ("" is the default one), without being told which keys a client has read.
// Without it the client asks for reports key by key: correct too, and dearer.
func Tracking(prefix string) []string {
	return []string{"PREFIX", prefixOf(prefix), "BCAST"}
}

func prefixOf(prefix string) string {
	if prefix == "" {
		return "gate:"
	}
	return prefix
}

// New returns a store on the server that client is connected to. It sends nothing:
// the server's settings and the epoch are looked at by the first call, or by
// [Store.Check], which is best called at start-up. The client stays the caller's, who
// closes it; it should have a ConnWriteTimeout of a second or two, so that a dead
// connection is not waited for long.
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
