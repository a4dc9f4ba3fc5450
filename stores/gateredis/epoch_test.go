//go:build unix

package gateredis_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
	"github.com/jwtgate/gate/stores/storekit"
)

// fresh is a token issued some seconds from now, which no epoch is younger than.
func fresh(id string) *gate.Token {
	now := time.Now().Add(storekit.DefaultSkew + 2*time.Second).Truncate(time.Second)
	return &gate.Token{ID: id, Subject: "alice", SessionID: "s-" + id, IssuedAt: now, Expiry: now.Add(time.Hour), Type: gate.Access}
}

// aged is one that was issued a minute ago.
func aged(id string) *gate.Token {
	t := fresh(id)
	t.IssuedAt = t.IssuedAt.Add(-time.Minute)
	return t
}

func want(t *testing.T, s *gateredis.Store, tok *gate.Token, blocked bool, err error, when string) {
	t.Helper()
	got, gotErr := s.Blocked(t.Context(), tok)
	if got != blocked || !errors.Is(gotErr, err) {
		t.Errorf("%s: Blocked = %v, %v; want %v, %v", when, got, gotErr, blocked, err)
	}
}

// TestFirstUse: processes that begin at once agree on one epoch.
func TestFirstUse(t *testing.T) {
	for name, open := range map[string]func(testing.TB) rueidis.Client{
		"single":  func(t testing.TB) rueidis.Client { _, c := single(t, servers.Durable...); return c },
		"cluster": cluster,
	} {
		t.Run(name, func(t *testing.T) {
			client := open(t)
			var wg sync.WaitGroup
			stores := make([]*gateredis.Store, 16)
			for i := range stores {
				stores[i] = mustNew(t, client, gateredis.Options{})
				wg.Go(func() {
					if err := stores[i].Check(t.Context()); err != nil {
						t.Errorf("Check: %v", err)
					}
				})
			}
			wg.Wait()
			for _, s := range stores {
				want(t, s, fresh("a"), false, nil, "first use")
			}
		})
	}
}

// TestFirstUseSeenInPart: the nodes of a Cluster answer at different times, so that one
// process may see some marks of the others, and no longer the elected one.
func TestFirstUseSeenInPart(t *testing.T) {
	r, client := single(t, servers.Durable...)
	want(t, mustNew(t, client, gateredis.Options{}), fresh("a"), false, nil, "another process")
	const late = "gate:{0}se:epoch"
	mark, err := client.Do(t.Context(), client.B().Get().Key(late).Build()).ToString()
	if err != nil {
		t.Fatal(err)
	}
	for _, seen := range []string{"", "OTHER;1;1;0;begun"} {
		hooked := &between{Client: client, last: "elect"}
		s := mustNew(t, hooked, gateredis.Options{})
		r.CLI("DEL", late)
		if seen != "" {
			r.CLI("SET", late, seen)
		}
		comes := func() { r.CLI("SET", late, mark) }
		hooked.next.Store(&comes)
		want(t, s, fresh("a"), false, nil, "the mark comes after it was read")
		if hooked.next.Load() != nil {
			t.Error("the marks were read otherwise")
		}
	}
	r.CLI("DEL", late)
	want(t, mustNew(t, client, gateredis.Options{}), fresh("a"), false, stores.ErrWiped, "the mark does not come")
}

// TestFirstUseBroken: a process that died while it wrote the marks is no wipe.
func TestFirstUseBroken(t *testing.T) {
	client := cluster(t)
	set := func(key string) {
		if err := client.Do(t.Context(), client.B().Set().Key(key).Value("NAME;1;1;0;begun").Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	set("gate:{A}elect")
	set("gate:{B}epoch")
	set("gate:{z}epoch")
	want(t, mustNew(t, client, gateredis.Options{}), fresh("a"), false, nil, "after half a beginning")
	set("gate:{C}epoch")
	if got, _ := client.Do(t.Context(), client.B().Exists().Key("gate:{A}elect").Build()).AsInt64(); got != 0 {
		t.Error("the elected mark is left behind")
	}
}

func TestWiped(t *testing.T) {
	r, client := single(t, servers.Durable...)
	a, b := mustNew(t, client, gateredis.Options{}), mustNew(t, client, gateredis.Options{})
	want(t, a, fresh("a"), false, nil, "before")
	want(t, b, fresh("a"), false, nil, "before")
	r.CLI("FLUSHALL")
	want(t, a, fresh("a"), false, stores.ErrWiped, "wiped")
	if err := a.RevokeToken(t.Context(), fresh("b"), stores.Note{}); !errors.Is(err, stores.ErrWiped) {
		t.Errorf("RevokeToken on a wiped store = %v, want ErrWiped", err)
	}
	if err := a.Check(t.Context()); !errors.Is(err, stores.ErrWiped) {
		t.Errorf("Check of a wiped store = %v, want ErrWiped", err)
	}
	// A new process begins anew, without the tokens from before.
	c := mustNew(t, client, gateredis.Options{})
	want(t, c, fresh("a"), false, nil, "new process, new token")
	want(t, c, aged("a"), true, nil, "new process, old token")
	noDate := fresh("a")
	noDate.IssuedAt = time.Time{}
	want(t, c, noDate, true, nil, "new process, token without iat")
	want(t, mustNew(t, client, gateredis.Options{TrustOlderTokens: true}), aged("a"), false, nil, "new process that trusts")
	// It is another epoch than that of the old ones, until an operator accepts it.
	want(t, b, fresh("a"), false, stores.ErrWiped, "old process, new epoch")
	if err := a.AcceptWipe(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	want(t, a, aged("a"), false, nil, "accepted")
	want(t, b, aged("a"), false, nil, "accepted elsewhere")
	want(t, c, aged("a"), false, nil, "accepted by a process of the epoch before")
}

func TestAcceptWipeNotBefore(t *testing.T) {
	r, client := single(t, servers.Durable...)
	a, b := mustNew(t, client, gateredis.Options{}), mustNew(t, client, gateredis.Options{})
	want(t, b, fresh("a"), false, nil, "before")
	want(t, a, fresh("a"), false, nil, "before")
	r.CLI("FLUSHALL")
	if err := a.AcceptWipe(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*gateredis.Store{a, b} {
		want(t, s, aged("a"), true, nil, "token from before")
		want(t, s, fresh("a"), false, nil, "token from after")
	}
}

// TestPartlyWiped: on a Cluster one master may lose its data and the others not.
func TestPartlyWiped(t *testing.T) {
	client := cluster(t)
	s := mustNew(t, client, gateredis.Options{})
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, node := range client.Nodes() {
		if err := node.Do(t.Context(), node.B().Flushall().Build()).Error(); err != nil {
			t.Fatal(err)
		}
		break
	}
	if err := s.Check(t.Context()); !errors.Is(err, stores.ErrWiped) {
		t.Errorf("Check = %v, want ErrWiped", err)
	}
	other := mustNew(t, client, gateredis.Options{})
	if err := other.Check(t.Context()); !errors.Is(err, stores.ErrWiped) {
		t.Errorf("Check of a new process = %v, want ErrWiped", err)
	}
	if err := other.AcceptWipe(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*gateredis.Store{s, other} {
		if err := s.Check(t.Context()); err != nil {
			t.Errorf("Check after AcceptWipe = %v", err)
		}
	}
}

func TestNamedEpoch(t *testing.T) {
	r, client := single(t, servers.Durable...)
	o := gateredis.Options{Epoch: "prod-1"}
	s := mustNew(t, client, o)
	want(t, s, fresh("a"), false, stores.ErrWiped, "before it has begun")
	if err := s.AcceptWipe(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	want(t, s, aged("a"), false, nil, "begun")
	want(t, mustNew(t, client, o), aged("a"), false, nil, "a new process")
	want(t, mustNew(t, client, gateredis.Options{Epoch: "prod-2"}), aged("a"), false, stores.ErrWiped, "another name")
	r.CLI("FLUSHALL")
	want(t, s, fresh("a"), false, stores.ErrWiped, "wiped")
	want(t, mustNew(t, client, o), fresh("a"), false, stores.ErrWiped, "wiped, a new process")
}

// TestUnsafe: servers that may lose entries are refused, while they run too.
func TestUnsafe(t *testing.T) {
	for _, tt := range []struct {
		name     string
		args     []string
		insecure gateredis.Insecure
		want     string // in the error; "": none
	}{
		{"durable", servers.Durable, gateredis.Insecure{}, ""},
		{"everysec", servers.Everysec, gateredis.Insecure{}, "everysec"},
		{"everysec, allowed", servers.Everysec, gateredis.Insecure{AllowEverysec: true}, ""},
		{"no fsync while rewriting", append(servers.Durable, "--no-appendfsync-on-rewrite", "yes"), gateredis.Insecure{}, "no-appendfsync-on-rewrite"},
		{"evicting", []string{"--maxmemory-policy", "volatile-ttl", "--appendonly", "yes"}, gateredis.Insecure{}, "volatile-ttl"},
		{"evicting, allowed", []string{"--maxmemory-policy", "volatile-ttl", "--appendonly", "yes"}, gateredis.Insecure{AllowEviction: true, AllowEverysec: true}, ""},
		{"nothing on disk", servers.Forgetful, gateredis.Insecure{}, "appendonly"},
		{"nothing on disk, snapshots allowed", servers.Forgetful, gateredis.Insecure{AllowSnapshots: true}, "snapshots"},
		{"nothing on disk, allowed", servers.Forgetful, gateredis.Insecure{AllowNoPersistence: true}, ""},
		{"snapshots", []string{"--save", "60 1"}, gateredis.Insecure{}, "AllowSnapshots"},
		{"snapshots, allowed", []string{"--save", "60 1"}, gateredis.Insecure{AllowSnapshots: true}, ""},
		{"INFO forbidden", append(servers.Durable, "--rename-command", "INFO", ""), gateredis.Insecure{}, "SkipServerCheck"},
		{"INFO forbidden, check skipped", append(servers.Durable, "--rename-command", "INFO", ""), gateredis.Insecure{SkipServerCheck: true}, ""},
		{"CONFIG forbidden", append(servers.Durable, "--rename-command", "CONFIG", ""), gateredis.Insecure{}, "SkipServerCheck"},
		{"CONFIG forbidden, snapshots", []string{"--save", "60 1", "--rename-command", "CONFIG", ""}, gateredis.Insecure{AllowSnapshots: true}, "SkipServerCheck"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, client := single(t, tt.args...)
			s := mustNew(t, client, gateredis.Options{Insecure: tt.insecure})
			_, err := s.Blocked(t.Context(), fresh("a"))
			checkErr := s.Check(t.Context())
			if tt.want == "" {
				if err != nil || checkErr != nil {
					t.Errorf("Blocked: %v, Check: %v; want nil", err, checkErr)
				}
				return
			}
			for _, err := range []error{err, checkErr, s.RevokeToken(t.Context(), fresh("a"), stores.Note{})} {
				if !errors.Is(err, stores.ErrUnsafe) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error = %v, want ErrUnsafe with %q", err, tt.want)
				}
			}
		})
	}
}

// TestUnsafeLater: a setting that is changed under a running store closes it.
func TestUnsafeLater(t *testing.T) {
	r, client := single(t, servers.Durable...)
	s := mustNew(t, client, gateredis.Options{})
	want(t, s, fresh("a"), false, nil, "before")
	r.CLI("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	if err := s.Check(t.Context()); !errors.Is(err, stores.ErrUnsafe) {
		t.Errorf("Check = %v, want ErrUnsafe", err)
	}
	want(t, s, fresh("a"), false, stores.ErrUnsafe, "changed")
	r.CLI("CONFIG", "SET", "maxmemory-policy", "noeviction")
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("Check of a server that was mended = %v", err)
	}
	want(t, s, fresh("a"), false, nil, "mended")
}

// TestNodeDown: a node that is down does not keep a new process out.
func TestNodeDown(t *testing.T) {
	c := servers.StartCluster(t, 3, 1, servers.Durable...)
	for _, n := range c.Nodes[3:] { // whose masters do without them
		n.Kill()
		break
	}
	client := connect(t, rueidis.ClientOption{InitAddress: c.Addrs()})
	s := mustNew(t, client, gateredis.Options{})
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("Check with one replica down = %v", err)
	}
	want(t, s, fresh("a"), false, nil, "one replica down")
	for _, n := range c.Nodes {
		n.Kill()
	}
	short := mustNew(t, client, gateredis.Options{Timeout: 300 * time.Millisecond})
	if err := short.Check(t.Context()); err == nil || errors.Is(err, stores.ErrUnsafe) || errors.Is(err, stores.ErrWiped) {
		t.Errorf("Check with all nodes down = %v, want the wire's error", err)
	}
}

func TestNew(t *testing.T) {
	_, client := single(t, servers.Durable...)
	for _, tt := range []struct {
		name   string
		client rueidis.Client
		o      gateredis.Options
	}{
		{"no client", nil, gateredis.Options{}},
		{"braces", client, gateredis.Options{Prefix: "a{b}"}},
		{"negative timeout", client, gateredis.Options{Timeout: -1}},
		{"negative CacheFor", client, gateredis.Options{CacheFor: -1}},
		{"negative Replicas", client, gateredis.Options{Replicas: -1}},
		{"negative Leeway", client, gateredis.Options{Leeway: -1}},
		{"epoch of other characters", client, gateredis.Options{Epoch: "a;b"}},
	} {
		if _, err := gateredis.New(tt.client, tt.o); err == nil {
			t.Errorf("%s: New succeeds", tt.name)
		}
	}
	if got := strings.Join(gateredis.Tracking(""), " "); got != "PREFIX gate: BCAST" {
		t.Errorf("Tracking = %q", got)
	}
}
