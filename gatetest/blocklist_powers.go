package gatetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// checkBatch: a batch is all of its tokens, and none where one cannot be revoked.
func checkBatch(s *suite) {
	b, ok := s.store.(stores.BatchRevoker)
	if !ok {
		s.Skip("this store is no stores.BatchRevoker")
	}
	s.ok(b.RevokeTokens(s.Context(), nil, s.note), "RevokeTokens of nothing")
	var all []*gate.Token
	for i := range 250 {
		all = append(all, s.token(fmt.Sprint("batch ", i)))
	}
	all = append(all, all[0], longer(s.token("past"), -24*time.Hour)) // twice, and past its time
	if err := b.RevokeTokens(s.Context(), append(all[:10:10], s.token("")), s.note); !errors.Is(err, stores.ErrNoID) {
		s.Errorf("RevokeTokens with one that has no jti: error = %v, want ErrNoID", err)
	}
	s.want(false, all[0], "in a batch with one that has no jti")
	s.ok(b.RevokeTokens(s.Context(), all, s.note), "RevokeTokens")
	for _, tok := range all[:250] {
		s.want(true, tok, "revoked in a batch")
	}
	s.want(false, s.token("another"), "not in the batch")
}

// checkInspect: one entry is shown as it is, and nothing else.
func checkInspect(s *suite) {
	in, ok := s.store.(stores.Inspector)
	if !ok {
		s.Skip("this store is no stores.Inspector")
	}
	now, tok := s.clock.Now(), s.token("a")
	show := func(kind stores.Kind, id string) (stores.Entry, bool) {
		s.Helper()
		e, ok, err := in.Entry(s.Context(), kind, id)
		s.ok(err, "Entry")
		return e, ok
	}
	s.wantNoEntries(in)
	s.revoke(tok)
	s.revokeSession("a")
	s.revokeSubject("a", stores.SubjectOptions{})
	remembered := now.Add(storekit.DefaultMaxLifetime + storekit.DefaultLeeway)
	for kind, until := range map[stores.Kind]time.Time{
		stores.Token: tok.Expiry.Add(storekit.DefaultLeeway), stores.Session: remembered, stores.Subject: remembered.Add(storekit.DefaultSkew),
	} {
		e, ok := show(kind, "a")
		if !ok || e.Kind != kind || e.ID == "a" || !e.Until.Equal(until) || !e.At.IsZero() && (!e.At.Equal(now) || e.Note != s.note) {
			s.Errorf("Entry(%s) = %+v, %v; want one until %v", kind, e, ok, until)
		}
		if kind == stores.Subject && !e.Before.Equal(now.Add(storekit.DefaultSkew)) {
			s.Errorf("Entry(%s) = %+v, want before %v", kind, e, now.Add(storekit.DefaultSkew))
		}
	}
	s.clock.Set(remembered.Add(storekit.DefaultSkew))
	if e, ok := show(stores.Subject, "a"); ok {
		s.Errorf("Entry past its time = %+v", e)
	}
}

// wantNoEntries fails the test if the store has an entry for what was not revoked.
func (s *suite) wantNoEntries(in stores.Inspector) {
	s.Helper()
	for _, kind := range []stores.Kind{stores.Token, stores.Session, stores.Subject} {
		if e, ok, err := in.Entry(s.Context(), kind, "a"); ok || err != nil {
			s.Errorf("Entry(%s) of what was not revoked = %+v, %v", kind, e, err)
		}
		if _, _, err := in.Entry(s.Context(), kind, ""); !errors.Is(err, stores.ErrNoID) {
			s.Errorf("Entry(%s) of nothing: error = %v, want ErrNoID", kind, err)
		}
	}
	if _, _, err := in.Entry(s.Context(), "other", "a"); err == nil {
		s.Error("Entry of a kind that does not exist: no error")
	}
}

// checkReady: a store that forgets too early says so before it happens.
func checkReady(s *suite) {
	r, ok := s.store.(gate.Readier)
	if !ok {
		s.Skip("this store is no gate.Readier")
	}
	for _, tt := range []struct {
		name string
		need gate.Needs
		want error
	}{
		{"as long as it remembers", gate.Needs{Lifetime: storekit.DefaultMaxLifetime, Leeway: storekit.DefaultLeeway - 1}, nil},
		{"longer than it remembers", gate.Needs{Lifetime: storekit.DefaultMaxLifetime + 1}, stores.ErrLifetime},
		{"without end", gate.Needs{Lifetime: gate.NoExpiry}, stores.ErrLifetime},
		{"more leeway than it has", gate.Needs{Leeway: storekit.DefaultLeeway}, stores.ErrForgotten},
	} {
		if err := r.Ready(s.Context(), tt.need); !errors.Is(err, tt.want) {
			s.Errorf("%s: Ready = %v, want %v", tt.name, err, tt.want)
		}
	}
}

// checkRecall: memory never says anything but what the store says.
func checkRecall(s *suite) {
	m, ok := s.store.(stores.MemoryBlocklist)
	if !ok {
		s.Skip("this store is no stores.MemoryBlocklist")
	}
	a, b, late := s.token("a"), s.token("b"), s.token("late")
	recall := func(blocked bool, tok *gate.Token, when string) {
		s.Helper()
		if got, known := m.Recall(tok); known && got != blocked {
			s.Errorf("%s: Recall = %v, want %v", when, got, blocked)
		}
	}
	recall(false, a, "before")
	s.want(false, a, "before")
	s.want(false, b, "before")
	s.revoke(a)
	recall(true, a, "revoked by this process")
	s.want(true, a, "revoked")
	recall(true, a, "revoked, and asked")
	recall(false, b, "another")
	s.revokeSubject("alice", stores.SubjectOptions{})
	recall(true, b, "its subject revoked by this process")
	long := longer(s.token("long"), storekit.DefaultMaxLifetime)
	if _, known := m.Recall(long); known {
		s.Error("Recall knows a token that lives longer than the store remembers")
	}
	s.clock.Set(late.Expiry.Add(storekit.DefaultLeeway))
	if _, known := m.Recall(late); known {
		s.Error("Recall knows a token that is past its time")
	}
}
