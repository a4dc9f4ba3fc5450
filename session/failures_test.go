package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// failing is a store of which some methods fail.
type failing struct {
	*gatemem.Store
	fail map[string]bool
}

var errAway = errors.New("the store is away")

func (s *failing) err(method string) error {
	if s.fail[method] {
		return errAway
	}
	return nil
}

func (s *failing) RevokeSession(ctx context.Context, id string, n stores.Note) error {
	if err := s.err("RevokeSession"); err != nil {
		return err
	}
	return s.Store.RevokeSession(ctx, id, n)
}

func (s *failing) RevokeSubject(ctx context.Context, subject string, o stores.SubjectOptions, n stores.Note) error {
	if err := s.err("RevokeSubject"); err != nil {
		return err
	}
	return s.Store.RevokeSubject(ctx, subject, o, n)
}

func (s *failing) RemoveSession(ctx context.Context, subject, id string) (bool, error) {
	if err := s.err("RemoveSession"); err != nil {
		return false, err
	}
	return s.Store.RemoveSession(ctx, subject, id)
}

func (s *failing) RemoveRevoked(ctx context.Context, subject string) error {
	if err := s.err("RemoveRevoked"); err != nil {
		return err
	}
	return s.Store.RemoveRevoked(ctx, subject)
}

func (s *failing) Sessions(ctx context.Context, subject string) ([]stores.SessionRecord, error) {
	if err := s.err("Sessions"); err != nil {
		return nil, err
	}
	return s.Store.Sessions(ctx, subject)
}

func (s *failing) AddSession(ctx context.Context, r stores.SessionRecord, l stores.SessionLimit) ([]string, error) {
	if err := s.err("AddSession"); err != nil {
		return nil, err
	}
	return s.Store.AddSession(ctx, r, l)
}

func (s *failing) Redeem(ctx context.Context, t *gate.Token, n stores.Note) (bool, error) {
	if err := s.err("Redeem"); err != nil {
		return false, err
	}
	return s.Store.Redeem(ctx, t, n)
}

// newFailing is newFixture on a store that tests make fail.
func newFailing(t *testing.T, cfg gate.Config, o session.Options) (*fixture, *failing) {
	t.Helper()
	f := newFixture(t, gate.Config{}, session.Options{})
	s := &failing{f.store, map[string]bool{}}
	cfg.Keys, cfg.Blocklist, cfg.Clock, cfg.OnEvent = must(keys.Generate(keys.HS256)), s, f.clock.Now, f.events.add
	f.gate = must(gate.New(cfg))
	f.Manager = must(session.New(f.gate, s, o))
	return f, s
}

// TestStoreFails: where the store cannot do what was asked for the error says so, and is
// no refusal.
func TestStoreFails(t *testing.T) {
	f, s := newFailing(t, onceConfig, session.Options{MaxSessions: 1})
	p := f.start(t)
	once := must(session.NewOneTime(f.gate, s, "once"))
	raw := must(once.Issue(t.Context(), "alice", reset, session.OneTimeOptions{ExpiresIn: grace}))
	sid := p.AccessToken().SessionID
	for _, tt := range []struct {
		method string
		call   func() error
	}{
		{"Redeem", func() error { _, err := once.Redeem(t.Context(), raw, reset); return err }},
		{"AddSession", func() error { _, err := f.Start(t.Context(), "bob", session.Login{}); return err }},
		{"RevokeSession", func() error { _, err := f.Start(t.Context(), "alice", session.Login{}); return err }}, // of the oldest
		{"Sessions", func() error { _, err := f.List(t.Context(), "alice"); return err }},
		{"Sessions", func() error { return f.End(t.Context(), "alice", sid) }},
		{"RevokeSession", func() error { return f.End(t.Context(), "alice", sid) }},
		{"RemoveSession", func() error { return f.End(t.Context(), "alice", sid) }},
		{"RevokeSubject", func() error { return f.EndAll(t.Context(), "alice") }},
		{"RemoveRevoked", func() error { return f.EndOthers(t.Context(), "alice", sid) }},
	} {
		s.fail = map[string]bool{tt.method: true}
		if err := tt.call(); !errors.Is(err, errAway) || gate.StatusCode(err) != 503 {
			t.Errorf("without %s: %v (%d)", tt.method, err, gate.StatusCode(err))
		}
		s.fail = nil
	}
}

// TestUnfinishedEnd: a process that dies, or loses the store, between the end of a session
// and its revocation leaves that to the next one who meets the session.
func TestUnfinishedEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		meet func(f *fixture, ctx context.Context, p *session.Pair) error
	}{
		{"a refresh", func(f *fixture, ctx context.Context, p *session.Pair) error {
			_, err := f.Refresh(ctx, p.Refresh(), nil)
			if !errors.Is(err, session.ErrEnded) {
				return err
			}
			return nil
		}},
		{"a list", func(f *fixture, ctx context.Context, _ *session.Pair) error {
			list, err := f.List(ctx, "alice")
			if len(list) != 0 {
				return errors.New("the ended session is listed")
			}
			return err
		}},
		{"a login", func(f *fixture, ctx context.Context, _ *session.Pair) error {
			_, err := f.Start(ctx, "alice", session.Login{})
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, s := newFailing(t, gate.Config{}, session.Options{})
			p := f.start(t)
			next := f.refresh(t, p.Refresh())
			f.clock.Advance(grace)
			s.fail = map[string]bool{"RevokeSession": true}
			if _, err := f.Refresh(t.Context(), p.Refresh(), nil); !errors.Is(err, errAway) {
				t.Fatalf("reuse while the store fails: %v", err)
			}
			s.fail = nil
			if err := f.access(t, next); err != nil {
				t.Fatalf("nothing is left to do: %v", err)
			}
			if err := tt.meet(f, t.Context(), next); err != nil {
				t.Fatal(err)
			}
			if err := f.access(t, next); !errors.Is(err, gate.ErrRevoked) {
				t.Errorf("the access token after %s: %v", tt.name, err)
			}
			if n := f.events.count(session.RefreshReused); n != 1 {
				t.Errorf("%d events of one reuse", n)
			}
		})
	}
}

// TestLoginMeetsEndAll: a login that looked up the old password does not outlive its
// change, and leaves no session behind.
func TestLoginMeetsEndAll(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	generation := must(f.gate.Generation(t.Context(), "alice")) // then the password is looked up
	if err := f.EndAll(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if p, err := f.Start(t.Context(), "alice", session.Login{Generation: generation}); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("Start = %v, %v", p, err)
	}
	if list := must(f.List(t.Context(), "alice")); len(list) != 0 {
		t.Errorf("List = %+v", list)
	}
	if n := f.events.count(session.SessionStarted); n != 0 {
		t.Errorf("%d events of a start", n)
	}
}

// TestRefreshMeetsEnd: a session that is ended between a refresh's check and its rotation
// stays ended.
func TestRefreshMeetsEnd(t *testing.T) {
	for name, end := range map[string]func(f *fixture, sid string) error{
		"End":    func(f *fixture, sid string) error { return f.End(context.Background(), "alice", sid) },
		"EndAll": func(f *fixture, _ string) error { return f.EndAll(context.Background(), "alice") },
	} {
		t.Run(name, func(t *testing.T) {
			var f *fixture
			var ending func() // runs after the blocklist was asked
			f = newFixture(t, gate.Config{LoadUser: func(context.Context, *gate.Token) (any, error) {
				if ending != nil {
					ending()
				}
				return "alice", nil
			}}, session.Options{})
			p := f.start(t)
			ending = func() {
				ending = nil
				if err := end(f, p.AccessToken().SessionID); err != nil {
					t.Error(err)
				}
			}
			if _, err := f.Refresh(t.Context(), p.Refresh(), nil); !errors.Is(err, session.ErrEnded) {
				t.Errorf("Refresh = %v", err)
			}
			if n := f.events.count(session.RefreshRefused); n != 1 {
				t.Errorf("%d events of a refusal", n)
			}
		})
	}
}

// TestLostRotations: a store that has lost the last rotations in a failover logs nobody
// out, and takes nothing older.
func TestLostRotations(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	first := f.start(t)
	record := must(f.store.Sessions(t.Context(), "alice"))[0]
	p := first
	for range 3 {
		p = f.refresh(t, p.Refresh())
		f.clock.Advance(grace)
	}
	if _, err := f.store.RemoveSession(t.Context(), "alice", record.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.AddSession(t.Context(), record, stores.SessionLimit{}); err != nil {
		t.Fatal(err)
	}
	got := f.refresh(t, p.Refresh())
	if got.Refresh() != p.Refresh() {
		t.Error("the adopted token was rotated")
	}
	if n := f.events.count(session.RefreshAdopted); n != 1 {
		t.Errorf("%d events %s", n, session.RefreshAdopted)
	}
	f.clock.Advance(grace)
	if _, err := f.Refresh(t.Context(), first.Refresh(), nil); !errors.Is(err, session.ErrReused) {
		t.Errorf("the token of before the failover: %v", err)
	}
}

// TestWithoutSession: a refresh token that belongs to no session is not refreshed, and a
// logout with it revokes it alone.
func TestWithoutSession(t *testing.T) {
	f := newFixture(t, gate.Config{Create: gate.Create{OmitSession: true}}, session.Options{})
	raw := must(f.gate.CreateRefreshToken(t.Context(), "alice", gate.TokenOptions{}))
	if _, err := f.Refresh(t.Context(), raw, nil); !errors.Is(err, session.ErrEnded) {
		t.Errorf("Refresh = %v", err)
	}
	r := httptest.NewRequest("POST", "/logout", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	if _, err := f.Logout(t.Context(), gate.HTTPRequest(r)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.gate.CheckToken(t.Context(), raw, gate.Policy{Type: gate.Refresh}); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("after the logout: %v", err)
	}
}

// TestOtherIssuer: the user of another issuer that has the same name is not the gate's.
func TestOtherIssuer(t *testing.T) {
	theirs := must(keys.Generate(keys.EdDSA))
	cfg := gate.Config{Create: gate.Create{Issuer: "us"}, Issuers: []gate.Issuer{{Name: "them", Keys: theirs, Audiences: []string{"us"}, Lenient: gate.Lenient{AnyType: true}}}}
	f := newFixture(t, cfg, session.Options{})
	p := f.start(t)
	them := must(gate.New(gate.Config{Keys: theirs, Create: gate.Create{Issuer: "them", Audience: []string{"us"}}, Clock: f.clock.Now}))
	forged := must(them.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{SessionID: p.AccessToken().SessionID}))
	b := f.app(t)
	for _, route := range []string{"POST /auth/logout", "POST /auth/logout/all", "POST /auth/logout/others", "GET /auth/sessions", "DELETE /auth/sessions/" + p.AccessToken().SessionID} {
		method, path, _ := strings.Cut(route, " ")
		if a := b.do(method, path, "", "Authorization", "Bearer "+forged); a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", route, a.status, a.body)
		}
	}
	if err := f.access(t, p); err != nil {
		t.Errorf("the gate's own session: %v", err)
	}
}
