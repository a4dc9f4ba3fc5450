//go:build unix

package gateredis_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// events are the names of what a store has reported.
type events struct {
	mu  sync.Mutex
	all []string
}

func (e *events) on(_ context.Context, ev gate.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev.Name)
}

func (e *events) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.all
	e.all = nil
	return all
}

// TestPartOfDataGone: what is left when a part of the keys has gone is no store, and
// AcceptWipe is the way back, as the message says.
func TestPartOfDataGone(t *testing.T) {
	r, client := single(t, servers.Durable...)
	for _, tt := range []struct {
		name string
		harm func()
	}{
		{"entries without their mark", func() { r.CLI("DEL", "gate:{0}epoch") }},
		{"a mark without the tokens", func() { removeAll(r, "gate:{0}to:*") }},
		{"a mark without the sessions", func() { removeAll(r, "gate:{0}se:*") }},
		{"a mark without the subjects", func() { removeAll(r, "gate:{0}su:*") }},
		{"a mark of another type", func() { r.CLI("DEL", "gate:{0}epoch"); r.CLI("HSET", "gate:{0}epoch", "a", "b") }},
		{"a mark that is none", func() { r.CLI("SET", "gate:{0}epoch", "x") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.CLI("FLUSHALL")
			s := mustNew(t, client, gateredis.Options{TrustOlderTokens: true})
			tok := aged("a")
			if err := s.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
				t.Fatal(err)
			}
			want(t, s, tok, true, nil, "before")
			tt.harm()
			for name, s := range map[string]*gateredis.Store{"running": s, "new": mustNew(t, client, gateredis.Options{TrustOlderTokens: true})} {
				err := s.Check(t.Context())
				if !errors.Is(err, stores.ErrWiped) || !strings.Contains(err.Error(), "AcceptWipe") {
					t.Errorf("%s process: Check = %v, want ErrWiped that names AcceptWipe", name, err)
				}
				want(t, s, tok, false, stores.ErrWiped, name+" process")
			}
			if err := s.AcceptWipe(t.Context(), time.Time{}); err != nil {
				t.Fatal(err)
			}
			want(t, s, tok, tt.name != "a mark without the tokens", nil, "accepted")
			if err := s.Check(t.Context()); err != nil {
				t.Errorf("Check after AcceptWipe = %v", err)
			}
		})
	}
}

func removeAll(r *servers.Redis, pattern string) {
	r.CLI(append([]string{"DEL"}, strings.Fields(r.CLI("KEYS", pattern))...)...)
}

// TestEntryOfAnotherType: a key of another type is no answer, whichever way it is read,
// and the way back is the one that the message names.
func TestEntryOfAnotherType(t *testing.T) {
	r, client := single(t, servers.Durable...)
	for _, cacheFor := range []time.Duration{0, time.Second} {
		s := mustNew(t, client, gateredis.Options{CacheFor: cacheFor, TrustOlderTokens: true})
		tok := aged(fmt.Sprint("a", cacheFor))
		if err := s.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
			t.Fatal(err)
		}
		e, _, err := s.Entry(t.Context(), stores.Token, tok.ID)
		if err != nil {
			t.Fatal(err)
		}
		key := "gate:{0}to:" + e.ID
		r.CLI("DEL", key)
		r.CLI("HSET", key, "a", "b")
		servers.Eventually(t, 5*time.Second, func() error {
			if blocked, err := s.Blocked(t.Context(), tok); err == nil {
				return fmt.Errorf("Blocked = %v, nil", blocked)
			}
			return nil
		})
		_, err = s.BlockedDirect(t.Context(), tok)
		if err == nil || !strings.Contains(err.Error(), "restore the token") {
			t.Errorf("BlockedDirect = %v, want an error with the way back", err)
		}
		if err := s.RestoreToken(t.Context(), tok.ID); err != nil {
			t.Errorf("RestoreToken = %v", err)
		}
		if err := s.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
			t.Errorf("RevokeToken again = %v", err)
		}
		want(t, s, tok, true, nil, "revoked again")
	}
}

// TestScopesApart: stores of one server do not open one another.
func TestScopesApart(t *testing.T) {
	r, client := single(t, servers.Durable...)
	a, b := mustNew(t, client, gateredis.Options{Scope: stores.NewScope("a")}), mustNew(t, client, gateredis.Options{Scope: stores.NewScope("b")})
	other := mustNew(t, client, gateredis.Options{Prefix: "other:"})
	for _, s := range []*gateredis.Store{a, b, other} {
		want(t, s, fresh("x"), false, nil, "before")
	}
	r.CLI("FLUSHALL")
	if err := a.AcceptWipe(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	want(t, a, fresh("x"), false, nil, "accepted")
	want(t, b, fresh("x"), false, stores.ErrWiped, "another scope")
	want(t, other, fresh("x"), false, stores.ErrWiped, "another prefix")
}

// TestEvents: what an operator should know is reported once.
func TestEvents(t *testing.T) {
	r, client := single(t, servers.Durable...)
	var ev events
	s := mustNew(t, client, gateredis.Options{OnEvent: ev.on})
	expect := func(when string, names ...string) {
		t.Helper()
		if got := ev.take(); !slices.Equal(got, names) {
			t.Errorf("%s: events %q, want %q", when, got, names)
		}
	}
	before := time.Now()
	want(t, s, fresh("a"), false, nil, "first use")
	expect("first use", stores.StoreBegun)
	name, begun, err := s.Epoch(t.Context())
	if err != nil || name == "" || begun.Before(before.Add(-time.Second)) || begun.After(time.Now().Add(time.Second)) {
		t.Errorf("Epoch = %q, %v, %v", name, begun, err)
	}
	if err := s.Ready(t.Context(), gate.Needs{}); !errors.Is(err, stores.ErrYoung) {
		t.Errorf("Ready of an epoch that began just now = %v, want ErrYoung", err)
	}
	if err := mustNew(t, client, gateredis.Options{TrustOlderTokens: true}).Ready(t.Context(), gate.Needs{}); err != nil {
		t.Errorf("Ready of a store that trusts older tokens = %v", err)
	}
	r.CLI("FLUSHALL")
	for range 3 {
		want(t, s, fresh("a"), false, stores.ErrWiped, "wiped")
	}
	expect("wiped", stores.StoreWiped)
	if err := s.AcceptWipe(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	want(t, s, fresh("a"), false, nil, "accepted")
	expect("accepted", stores.StoreReopened)
	r.CLI("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	_ = s.Check(t.Context())
	want(t, s, fresh("a"), false, stores.ErrUnsafe, "unsafe")
	expect("unsafe", stores.StoreUnsafe)
	r.CLI("CONFIG", "SET", "maxmemory-policy", "noeviction")
	servers.Eventually(t, 5*time.Second, func() error { _, err := s.Blocked(t.Context(), fresh("a")); return err })
	expect("safe", stores.StoreSafe)
}

// TestNewEpochTellsGenerations: after a wipe a login is good at once, and one from
// before is not, also in the same second.
func TestNewEpochTellsGenerations(t *testing.T) {
	r, client := single(t, servers.Durable...)
	before := mustNew(t, client, gateredis.Options{})
	g := newGate(t, before)
	old, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(g *gate.Gate, raw string, want error, when string) {
		t.Helper()
		if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", when, err, want)
		}
	}
	check(g, old, nil, "a login right after the first start")
	r.CLI("FLUSHALL")
	g = newGate(t, mustNew(t, client, gateredis.Options{}))
	check(g, old, gate.ErrRevoked, "a login from before the wipe")
	login, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	check(g, login, nil, "a login after the wipe")
}

func newGate(t *testing.T, list gate.Blocklist) *gate.Gate {
	t.Helper()
	g, err := gate.New(gate.Config{Keys: testKey(t), Blocklist: list})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestWritesShow: health says why no revocation can be taken, with an error of its own
// for each cause, and so does the revocation.
func TestWritesShow(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		harm func(*servers.Redis)
		want error
		kept bool // sessions and subjects can be revoked all the same
	}{
		{"too few replicas", nil, func(r *servers.Redis) { r.CLI("CONFIG", "SET", "min-replicas-to-write", "1") }, gateredis.ErrReplicas, false},
		{"out of memory", nil, func(r *servers.Redis) { r.CLI("CONFIG", "SET", "maxmemory", "1") }, stores.ErrFull, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, client := single(t, append(servers.Durable, tt.args...)...)
			var ev events
			s := mustNew(t, client, gateredis.Options{OnEvent: ev.on, TrustOlderTokens: true})
			if err := s.RevokeToken(t.Context(), fresh("a"), stores.Note{}); err != nil {
				t.Fatal(err)
			}
			ev.take()
			tt.harm(r)
			if err := s.Check(t.Context()); !errors.Is(err, tt.want) {
				t.Errorf("Check = %v, want %v", err, tt.want)
			}
			for range 3 {
				if err := s.RevokeToken(t.Context(), fresh("b"), stores.Note{}); !errors.Is(err, tt.want) {
					t.Errorf("RevokeToken = %v, want %v", err, tt.want)
				}
			}
			if got := ev.take(); !slices.Equal(got, []string{stores.StoreFailing}) {
				t.Errorf("events %q, want one %q", got, stores.StoreFailing)
			}
			st := s.Stats()
			if st.Failed != 3 || !errors.Is(st.LastError, tt.want) || st.FailedAt.IsZero() || st.Writes != 1 || st.Waited == 0 {
				t.Errorf("Stats = %+v, want one write and three that failed", st)
			}
			err := s.RevokeSession(t.Context(), "s", stores.Note{})
			if err2 := s.RevokeSubject(t.Context(), "alice", stores.SubjectOptions{}, stores.Note{}); (err == nil) != tt.kept || (err2 == nil) != tt.kept {
				t.Errorf("RevokeSession = %v, RevokeSubject = %v; want success: %v", err, err2, tt.kept)
			}
			want(t, s, fresh("a"), true, nil, "what was revoked before")
		})
	}
}

// leastPrivileges returns the rules of the user that docs/production.md shows.
func leastPrivileges(t *testing.T) []string {
	t.Helper()
	command, err := os.ReadFile("testdata/user.acl")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, found := strings.Cut(string(command), ">password ")
	if !found {
		t.Fatalf("testdata/user.acl has no password: %s", command)
	}
	return strings.Fields(rules)
}

// TestLeastPrivileges runs a store as a user that may do no more than is documented,
// with and without a cache.
func TestLeastPrivileges(t *testing.T) {
	r, _ := single(t, servers.Durable...)
	r.CLI(append([]string{"ACL", "SETUSER", "gate", "on", ">secret"}, leastPrivileges(t)...)...)
	client := connect(t, rueidis.ClientOption{InitAddress: []string{r.Addr}, ForceSingleClient: true, Username: "gate", Password: "secret"})
	for _, cacheFor := range []time.Duration{0, time.Second} {
		s := mustNew(t, client, gateredis.Options{CacheFor: cacheFor, Scope: stores.NewScope(fmt.Sprint(cacheFor))})
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		tok := fresh("a")
		for name, err := range map[string]error{
			"RevokeToken":   s.RevokeToken(t.Context(), tok, stores.Note{}),
			"RevokeSession": s.RevokeSession(t.Context(), "s", stores.Note{}),
			"RevokeSubject": s.RevokeSubject(t.Context(), "alice", stores.SubjectOptions{}, stores.Note{}),
			"RestoreToken":  s.RestoreToken(t.Context(), "b"),
			"AcceptWipe":    s.AcceptWipe(t.Context(), time.Now()),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		want(t, s, tok, true, nil, "revoked")
		if _, err := s.Generation(t.Context(), "alice"); err != nil {
			t.Errorf("Generation: %v", err)
		}
	}
	// Without one of them the store says which is missing, and is closed.
	for _, command := range []string{"info", "config|get", "eval_ro"} {
		user := "no-" + strings.ReplaceAll(command, "|", "-")
		r.CLI(append(append([]string{"ACL", "SETUSER", user, "on", ">secret"}, leastPrivileges(t)...), "-"+command)...)
		c := connect(t, rueidis.ClientOption{InitAddress: []string{r.Addr}, ForceSingleClient: true, Username: user, Password: "secret"})
		if err := mustNew(t, c, gateredis.Options{}).Check(t.Context()); !errors.Is(err, stores.ErrUnsafe) {
			t.Errorf("without %s: Check = %v, want ErrUnsafe", command, err)
		}
	}
}
