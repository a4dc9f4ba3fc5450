package gatetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// reader skips a check of generations for a store that has none: an optional power.
func (s *suite) reader() gate.GenerationReader {
	r, ok := s.store.(gate.GenerationReader)
	if !ok {
		s.Skip("this store is no gate.GenerationReader")
	}
	return r
}

// generation reads that of a subject.
func (s *suite) generation(subject string) int64 {
	s.Helper()
	gen, err := s.reader().Generation(s.Context(), subject)
	s.ok(err, "Generation")
	return gen
}

// minted is a token of a gate with any claims, so that it may have a generation and an
// identity of any form. What claims does not name is as in NewToken.
func (s *suite) minted(create gate.Create, claims map[string]any) *gate.Token {
	s.Helper()
	tok, err := mintedToken(s.T, s.clock, create, claims)
	s.ok(err, "a token of the suite")
	return tok
}

func mintedToken(tb testing.TB, c *Clock, create gate.Create, claims map[string]any) (*gate.Token, error) {
	tb.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Config{
		Keys: key, Clock: c.Now, Create: create,
		Accept: gate.Accept{Lenient: gate.Lenient{AnySubject: true}, MaxLifetime: gate.NoExpiry, Skew: 24 * time.Hour},
	})
	if err != nil {
		return nil, err
	}
	all := map[string]any{"iat": c.Now(), "nbf": nil, "exp": c.Now().Add(time.Hour)}
	for name, v := range claims {
		all[name] = v
	}
	return g.Decode(tb.Context(), Token(tb, key, all), gate.DecodeOptions{AllowExpired: true})
}

// login is a token of a subject's session with a generation.
func (s *suite) login(subject, sid string, gen int64) *gate.Token {
	s.Helper()
	return s.minted(gate.Create{}, map[string]any{"sub": subject, "sid": sid, "gen": gen})
}

// checkGeneration: a generation is an order, which only grows.
func checkGeneration(s *suite) {
	first := s.generation("alice")
	if again := s.generation("alice"); first < 0 || again != first {
		s.Errorf("Generation of a subject that was never revoked = %d, then %d; want one of 0 or more", first, again)
	}
	last := first
	for _, step := range []time.Duration{0, 0, time.Hour, -2 * time.Hour, 0} {
		s.clock.Advance(step)
		before := s.login("alice", "s", last)
		s.want(false, before, "a login before the call")
		s.revokeSubject("alice", stores.SubjectOptions{})
		gen := s.generation("alice")
		if gen <= last || gen >= 1<<53 {
			s.Fatalf("Generation = %d after %d, the clock moved by %v; want a larger one, below 2^53", gen, last, step)
		}
		s.want(true, before, "a login before the call, afterwards")
		s.want(true, s.login("alice", "s", first), "a login of the first generation")
		s.want(false, s.login("alice", "s", gen), "a login after the call, in the same second")
		s.want(false, s.login("bob", "s", s.generation("bob")), "another subject")
		last = gen
	}
	s.ok(s.store.RestoreSubject(s.Context(), "alice"), "RestoreSubject")
	s.want(false, s.login("alice", "s", first), "restored")
	if _, err := s.reader().Generation(s.Context(), ""); !errors.Is(err, stores.ErrNoID) {
		s.Errorf("Generation of nobody: error = %v, want ErrNoID", err)
	}
	ended, cancel := context.WithCancel(s.Context())
	cancel()
	if _, err := s.reader().Generation(ended, "alice"); err == nil {
		s.Error("Generation with a cancelled context: no error")
	}
}

// checkGenerationClocks: what the nodes' clocks say changes nothing for tokens with a
// generation.
func checkGenerationClocks(s *suite) {
	s.reader()
	now := s.clock.Now()
	offsets := []time.Duration{-time.Hour, -time.Minute, -time.Second, 0, time.Second, time.Minute, time.Hour}
	for _, before := range offsets {
		subject := fmt.Sprint("subject ", before)
		token := func(gen int64, off time.Duration) *gate.Token {
			return s.minted(gate.Create{}, map[string]any{"sub": subject, "gen": gen, "iat": now.Add(off)})
		}
		old := token(s.generation(subject), before)
		s.revokeSubject(subject, stores.SubjectOptions{})
		s.want(true, old, fmt.Sprintf("a login before the call, by a clock that differs by %v", before))
		gen := s.generation(subject)
		for _, after := range offsets {
			s.want(false, token(gen, after), fmt.Sprintf("a login after the call, by a clock that differs by %v", after))
		}
	}
}

// checkGenerationExcept: a token is revoked exactly when a call after its login does
// not spare its session.
func checkGenerationExcept(s *suite) {
	s.reader()
	login := func(subject, sid string) *gate.Token { return s.login(subject, sid, s.generation(subject)) }
	threeCalls(s, login, func(tok *gate.Token, what string, covered bool) { s.want(covered, tok, what) })
}

// checkGenerationAbove: the store has lost a generation that a token has. Such a token
// is judged by its "iat". Without any record there is nothing to judge it by.
func checkGenerationAbove(s *suite) {
	s.reader()
	s.want(false, s.login("bob", "s", 1<<52), "a generation, and no record")
	s.revokeSubject("alice", stores.SubjectOptions{ExceptSession: "mine"})
	above := s.generation("alice") + 1
	now := s.clock.Now()
	for _, tt := range []struct {
		sid     string
		at      time.Duration
		blocked bool
	}{
		{"other", -time.Hour, true},
		{"other", 0, true},
		{"other", storekit.DefaultSkew, true},
		{"other", storekit.DefaultSkew + time.Second, false},
		{"mine", -time.Hour, false},
	} {
		tok := s.minted(gate.Create{}, map[string]any{"sub": "alice", "sid": tt.sid, "gen": above, "iat": now.Add(tt.at)})
		s.want(tt.blocked, tok, fmt.Sprintf("a generation above the record's, session %s, issued %v after the call", tt.sid, tt.at))
	}
}

// checkGenerationAtOnce: logins and calls at once. A login that was finished before a
// call is always covered by it, and generations never go back.
func checkGenerationAtOnce(s *suite) {
	r := s.reader()
	const writers, each = 4, 8
	var mu sync.Mutex
	var finished []*gate.Token
	var highest int64
	read := func() {
		mu.Lock()
		floor := highest
		mu.Unlock()
		gen, err := r.Generation(s.Context(), "alice")
		s.check(err)
		if gen < floor {
			s.Errorf("at once: Generation = %d after %d was read", gen, floor)
		}
		tok, err := mintedToken(s.T, s.clock, gate.Create{}, map[string]any{"sub": "alice", "gen": gen, "iat": s.clock.Now().Add(time.Hour)})
		s.check(err)
		mu.Lock()
		defer mu.Unlock()
		finished, highest = append(finished, tok), max(highest, gen)
	}
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				read()
				mu.Lock()
				before := finished
				mu.Unlock()
				s.check(s.store.RevokeSubject(s.Context(), "alice", stores.SubjectOptions{}, s.note))
				for _, tok := range before {
					s.verdict(true, tok)
				}
			}
		})
	}
	wg.Wait()
	s.want(false, s.login("alice", "s", s.generation("alice")), "a login after all calls")
}

// checkDirect: the store itself answers as Blocked does where there is no cache.
func checkDirect(s *suite) {
	d, ok := s.store.(gate.DirectBlocklist)
	if !ok {
		s.Skip("this store is no gate.DirectBlocklist")
	}
	a, b := s.token("a"), s.token("b")
	s.revoke(a)
	past := longer(a, -24*time.Hour)
	ended, cancel := context.WithCancel(s.Context())
	cancel()
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		tok     *gate.Token
		blocked bool
		err     error
	}{
		{"revoked", s.Context(), a, true, nil},
		{"not revoked", s.Context(), b, false, nil},
		{"past its time", s.Context(), past, false, stores.ErrForgotten},
		{"cancelled", ended, a, false, context.Canceled},
	} {
		if got, err := d.BlockedDirect(tt.ctx, tt.tok); got != tt.blocked || !errors.Is(err, tt.err) {
			s.Errorf("%s: BlockedDirect = %v, %v; want %v, %v", tt.name, got, err, tt.blocked, tt.err)
		}
	}
}

// checkIdentities: whatever claim and JSON type the identity has, RevokeSubject finds
// it by its text.
func checkIdentities(s *suite) {
	for i, tt := range []struct {
		name   string
		create gate.Create
		claims map[string]any
	}{
		{"a string", gate.Create{}, map[string]any{"sub": "erin"}},
		{"a number", gate.Create{}, map[string]any{"sub": 42}},
		{"a negative number", gate.Create{}, map[string]any{"sub": -7}},
		{"a claim of another name", gate.Create{IdentityClaim: "uid"}, map[string]any{"sub": nil, "uid": "erin"}},
		{"another name, a number", gate.Create{IdentityClaim: "uid"}, map[string]any{"sub": nil, "uid": 43}},
		{"another name, and a sub", gate.Create{IdentityClaim: "uid"}, map[string]any{"sub": "tenant", "uid": "frank"}},
	} {
		tt.claims["jti"] = fmt.Sprint("identity ", i)
		tok := s.minted(tt.create, tt.claims)
		key, err := tok.SubjectKey()
		s.ok(err, tt.name)
		if text := fmt.Sprint(tok.Identity()); text != key {
			s.Errorf("%s: SubjectKey = %q, identity %q", tt.name, key, text)
		}
		s.ok(s.store.RestoreSubject(s.Context(), key), "RestoreSubject")
		s.want(false, tok, tt.name+", not revoked")
		s.revokeSubject(key, stores.SubjectOptions{})
		s.want(true, tok, tt.name+", revoked by its text")
	}
}
