//go:build unix

package gateredis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
	"github.com/jwtgate/gate/stores/storekit"
)

// TestReplicas: a change that too few replicas have is an error, and the same call
// again, once they have it, is none.
func TestReplicas(t *testing.T) {
	master, client := single(t, servers.Durable...)
	s := mustNew(t, client, gateredis.Options{Replicas: 1, Timeout: 2 * time.Second})
	tok := fresh("a")
	if err := s.RevokeToken(t.Context(), tok, stores.Note{}); !errors.Is(err, gateredis.ErrReplicas) {
		t.Fatalf("RevokeToken without replica = %v, want ErrReplicas", err)
	}
	want(t, s, tok, true, nil, "on the master")
	host, port, _ := strings.Cut(master.Addr, ":")
	servers.StartRedis(t, append(servers.Durable, "--replicaof", host+" "+port)...)
	servers.Eventually(t, 20*time.Second, func() error { return s.RevokeToken(t.Context(), tok, stores.Note{}) })
	if err := s.RestoreToken(t.Context(), tok.ID); err != nil {
		t.Errorf("RestoreToken = %v", err)
	}
}

func TestEntry(t *testing.T) {
	r, client := single(t, servers.Durable...)
	s := mustNew(t, client, gateredis.Options{})
	note := stores.Note{By: "admin", Why: "stolen\nphone"}
	tok := fresh("a")
	if err := s.RevokeToken(t.Context(), tok, note); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeSubject(t.Context(), "alice", stores.SubjectOptions{ExceptSession: "mine"}, note); err != nil {
		t.Fatal(err)
	}
	e, ok, err := s.Entry(t.Context(), stores.Token, "a")
	if err != nil || !ok || e.Note != note || e.Until.Before(tok.Expiry) || e.At.IsZero() || e.Kind != stores.Token {
		t.Errorf("Entry of the token = %+v, %v, %v", e, ok, err)
	}
	e, ok, err = s.Entry(t.Context(), stores.Subject, "alice")
	if err != nil || !ok || e.Note != note || e.Before.IsZero() || !e.AllBefore.IsZero() || e.ExceptSession != storekit.HashID(stores.Session, "", "mine") {
		t.Errorf("Entry of the subject = %+v, %v, %v", e, ok, err)
	}
	if err := s.RevokeToken(t.Context(), nil, note); !errors.Is(err, stores.ErrNoID) {
		t.Errorf("RevokeToken of no token = %v, want ErrNoID", err)
	}
	if _, ok, err := s.Entry(t.Context(), stores.Session, "none"); ok || err != nil {
		t.Errorf("Entry of nothing = %v, %v", ok, err)
	}
	if _, _, err := s.Entry(t.Context(), stores.Session, ""); !errors.Is(err, stores.ErrNoID) {
		t.Errorf("Entry of no identifier = %v, want ErrNoID", err)
	}
	for _, key := range strings.Fields(r.CLI("KEYS", "*")) {
		if strings.Contains(key, "alice") || !strings.HasPrefix(key, "gate:") {
			t.Errorf("key %q", key)
		}
	}
}

// TestServerExpires: the server itself removes what has gone, so that it does not fill.
func TestServerExpires(t *testing.T) {
	r, client := single(t, servers.Durable...)
	s := mustNew(t, client, gateredis.Options{Leeway: 3 * time.Second})
	tok := fresh("a")
	tok.Expiry = time.Now()
	if err := s.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
		t.Fatal(err)
	}
	if got := r.CLI("KEYS", "gate:*to:????????????*"); got == "" {
		t.Error("nothing was stored")
	}
	servers.Eventually(t, 30*time.Second, func() error {
		if got := r.CLI("KEYS", "gate:*to:????????????*"); got != "" {
			return errors.New("the entry is still there: " + got)
		}
		return nil
	})
}

// TestForeignValue: what this package has not written is no answer.
func TestForeignValue(t *testing.T) {
	r, client := single(t, servers.Durable...)
	s := mustNew(t, client, gateredis.Options{})
	tok := fresh("a")
	for _, tt := range []struct {
		kind stores.Kind
		id   string
	}{{stores.Token, tok.ID}, {stores.Session, tok.SessionID}, {stores.Subject, tok.Subject}} {
		key := "gate:{0}" + string(tt.kind[:2]) + ":" + storekit.HashID(tt.kind, "", tt.id)
		for _, value := range []string{"x", "1\x002", "x\x001\x00a\x00b"} {
			if err := client.Do(t.Context(), client.B().Set().Key(key).Value(value).Build()).Error(); err != nil {
				t.Fatal(err)
			}
			if blocked, err := s.Blocked(t.Context(), tok); blocked || err == nil {
				t.Errorf("%s %q: Blocked = %v, %v; want an error", tt.kind, value, blocked, err)
			}
			if _, _, err := s.Entry(t.Context(), tt.kind, tt.id); err == nil {
				t.Errorf("%s %q: Entry is no error", tt.kind, value)
			}
			if tt.kind == stores.Subject {
				if err := s.RevokeSubject(t.Context(), tt.id, stores.SubjectOptions{}, stores.Note{}); err == nil {
					t.Errorf("%q: RevokeSubject is no error", value)
				}
			}
		}
		r.CLI("DEL", key)
		r.CLI("RPUSH", key, "list")
		if blocked, err := s.Blocked(t.Context(), tok); blocked && err != nil {
			t.Errorf("%s of another type: Blocked = %v, %v", tt.kind, blocked, err)
		}
		r.CLI("DEL", key)
	}
}

// TestFull: no space is an error of its own, and nothing is dropped for it.
func TestFull(t *testing.T) {
	r, client := single(t, servers.Durable...)
	s := mustNew(t, client, gateredis.Options{})
	tok := fresh("a")
	if err := s.RevokeToken(t.Context(), tok, stores.Note{}); err != nil {
		t.Fatal(err)
	}
	r.CLI("CONFIG", "SET", "maxmemory", "1")
	if err := s.RevokeToken(t.Context(), fresh("b"), stores.Note{}); !errors.Is(err, stores.ErrFull) {
		t.Errorf("RevokeToken on a full server = %v, want ErrFull", err)
	}
	want(t, s, tok, true, nil, "on a full server")
}

// TestErrorsNameNobody: errors end up in logs.
func TestErrorsNameNobody(t *testing.T) {
	r, client := single(t, servers.Durable...)
	s := mustNew(t, client, gateredis.Options{})
	want(t, s, fresh("a"), false, nil, "before")
	tok := &gate.Token{ID: "secret-jti", SessionID: "secret-sid", Subject: "secret-sub", IssuedAt: time.Now().Add(time.Second), Expiry: time.Now().Add(time.Hour)}
	r.CLI("CONFIG", "SET", "maxmemory", "1")
	var errs []error
	note := stores.Note{By: "secret-by"}
	all := func(limit time.Duration) {
		for _, call := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := s.Blocked(ctx, tok); return err },
			func(ctx context.Context) error { return s.RevokeToken(ctx, tok, note) },
			func(ctx context.Context) error { return s.RevokeSession(ctx, tok.SessionID, note) },
			func(ctx context.Context) error {
				return s.RevokeSubject(ctx, tok.Subject, stores.SubjectOptions{ExceptSession: tok.SessionID}, note)
			},
			func(ctx context.Context) error { return s.RestoreToken(ctx, tok.ID) },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			errs = append(errs, call(ctx))
			cancel()
		}
	}
	all(time.Minute)
	r.Freeze()
	all(100 * time.Millisecond)
	r.Kill()
	all(100 * time.Millisecond)
	for _, err := range errs {
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("an error names somebody: %v", err)
		}
	}
	if errs[len(errs)-1] == nil || errs[len(errs)-5] == nil {
		t.Error("a dead server is no error")
	}
}

// TestTimeout: a call without a deadline has that of the store.
func TestTimeout(t *testing.T) {
	r, client := single(t, servers.Durable...)
	plain := mustNew(t, client, gateredis.Options{Timeout: time.Second})
	cached := mustNew(t, client, gateredis.Options{Timeout: time.Second, CacheFor: 100 * time.Millisecond})
	want(t, plain, fresh("a"), false, nil, "before")
	want(t, cached, fresh("a"), false, nil, "before")
	r.Freeze()
	defer r.Thaw()
	time.Sleep(150 * time.Millisecond) // what was cached has ended
	for _, s := range []*gateredis.Store{plain, cached} {
		start := time.Now()
		_, err := s.Blocked(context.Background(), fresh("a"))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 20*time.Second {
			t.Errorf("Blocked on a frozen server = %v after %v, want DeadlineExceeded", err, time.Since(start))
		}
	}
}

// TestCache: another process's changes end what this one remembers.
func TestCache(t *testing.T) {
	for name, open := range map[string]func(testing.TB) func() rueidis.Client{
		"single": func(t testing.TB) func() rueidis.Client {
			r, _ := single(t, servers.Durable...)
			return func() rueidis.Client {
				return connect(t, rueidis.ClientOption{InitAddress: []string{r.Addr}, ForceSingleClient: true})
			}
		},
		"single, asked key by key": func(t testing.TB) func() rueidis.Client {
			r, _ := single(t, servers.Durable...)
			return func() rueidis.Client {
				client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{r.Addr}, ForceSingleClient: true})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(client.Close)
				return client
			}
		},
		"cluster": func(t testing.TB) func() rueidis.Client {
			c := servers.StartCluster(t, 3, 0, servers.Durable...)
			return func() rueidis.Client { return connect(t, rueidis.ClientOption{InitAddress: c.Addrs()}) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := open(t)
			const stale = time.Minute // so that nothing ends by itself
			writer, reader := mustNew(t, client(), gateredis.Options{TrustOlderTokens: true}), mustNew(t, client(), gateredis.Options{CacheFor: stale, TrustOlderTokens: true})
			for i := range 50 {
				tok := fresh(fmt.Sprint(i))
				tok.Subject, tok.IssuedAt = fmt.Sprint("user-", i), time.Now()
				for _, change := range []struct {
					blocked bool
					make    func() error
				}{
					{false, func() error { return nil }},
					{true, func() error { return writer.RevokeToken(t.Context(), tok, stores.Note{}) }},
					{false, func() error { return writer.RestoreToken(t.Context(), tok.ID) }},
					{true, func() error { return writer.RevokeSession(t.Context(), tok.SessionID, stores.Note{}) }},
					{false, func() error { return writer.RestoreSession(t.Context(), tok.SessionID) }},
					{true, func() error {
						return writer.RevokeSubject(t.Context(), tok.Subject, stores.SubjectOptions{}, stores.Note{})
					}},
					{false, func() error { return writer.RestoreSubject(t.Context(), tok.Subject) }},
				} {
					if err := change.make(); err != nil {
						t.Fatal(err)
					}
					servers.Eventually(t, stale/4, func() error {
						if got, err := reader.Blocked(t.Context(), tok); got != change.blocked || err != nil {
							return fmt.Errorf("Blocked = %v, %v; want %v", got, err, change.blocked)
						}
						return nil
					})
					want(t, reader, tok, change.blocked, nil, "asked again")
				}
			}
		})
	}
}

// TestSessionsByServersClock: a node whose clock is hours off judges grace periods, and
// the end of a session, as the others do.
func TestSessionsByServersClock(t *testing.T) {
	_, client := single(t, servers.Durable...)
	off := func() time.Time { return time.Now().Add(-3 * time.Hour) }
	for name, s := range map[string]*gateredis.Store{
		"right":     mustNew(t, client, gateredis.Options{TrustOlderTokens: true}),
		"hours off": mustNew(t, client, gateredis.Options{TrustOlderTokens: true, Clock: off}),
	} {
		now := time.Now().Truncate(time.Second)
		r := stores.SessionRecord{ID: name, Subject: "alice", Live: "first", Generation: stores.NoGeneration, Issued: now, Expires: now.Add(time.Hour), End: now.Add(time.Hour)}
		if _, err := s.AddSession(t.Context(), r, stores.SessionLimit{}); err != nil {
			t.Fatal(err)
		}
		tok := &gate.Token{ID: "first", SessionID: name, Subject: "alice", IssuedAt: now, Expiry: r.Expires}
		for _, want := range []stores.Outcome{stores.SessionRotated, stores.SessionReplayed} {
			out, err := s.Rotate(t.Context(), stores.Rotation{Token: tok, Grace: time.Minute})
			if err != nil || out.Outcome != want {
				t.Errorf("%s: Rotate = %+v, %v; want outcome %d", name, out, err, want)
			}
			if d := time.Until(out.Session.GraceEnd); d < 50*time.Second || d > 70*time.Second {
				t.Errorf("%s: the grace period ends in %v, want a minute", name, d)
			}
		}
	}
}
