package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

func TestHasher(t *testing.T) {
	h, err := newHasher(1)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := h.hash(t.Context(), "right")
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.hash(t.Context(), "right")
	if err != nil || again == stored {
		t.Errorf("two hashes of one password = %q, %q, %v; want different salts", stored, again, err)
	}
	// argon2id of "password" with the salt "somesalt", as the reference implementation's
	// command line prints it for -id -t 2 -k 65536 -p 1 -l 32.
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, tt := range []struct {
		name, password, stored string
		want                   bool
	}{
		{"right", "right", stored, true},
		{"wrong", "Right", stored, false},
		{"empty", "", stored, false},
		{"nobody", "right", "", false},
		{"another cost", "password", reference, true},
		{"another cost, wrong", "passwort", reference, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h.matches(t.Context(), tt.password, tt.stored)
			if err != nil || got != tt.want {
				t.Errorf("matches = %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestHasherDamaged(t *testing.T) {
	h, err := newHasher(1)
	if err != nil {
		t.Fatal(err)
	}
	good := h.dummy
	for _, tt := range []struct{ name, stored string }{
		{"plain text", "right"},
		{"other kind", strings.Replace(good, "argon2id", "argon2i", 1)},
		{"other version", strings.Replace(good, "v=19", "v=16", 1)},
		{"cost", strings.Replace(good, "m=", "m=x", 1)},
		{"salt", strings.Replace(good, "p=1$", "p=1$!", 1)},
		{"sum", good + "!"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := h.matches(t.Context(), "right", tt.stored); got || err == nil {
				t.Errorf("matches(%q) = %v, %v; want an error", tt.stored, got, err)
			}
		})
	}
}

// TestHasherWaits: who comes while all slots are taken waits, until the client is gone.
func TestHasherWaits(t *testing.T) {
	h, err := newHasher(1)
	if err != nil {
		t.Fatal(err)
	}
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.matches(ctx, "right", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("matches with all slots taken = %v, want %v", err, context.Canceled)
	}
}

// A login that was under way when the password was changed comes to nothing.
func TestPasswordChangedMeanwhile(t *testing.T) {
	ctx := t.Context()
	db, cleanup, err := openFile(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	defer cleanup()
	ring, err := loadRing("")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newService(ctx, db, ring)
	if err != nil {
		t.Fatal(err)
	}
	defer s.store.Close()
	before, err := s.hasher.hash(ctx, "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.accounts.add(ctx, "alice", before); err != nil {
		t.Fatal(err)
	}
	generation, err := s.generation(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.authenticate(ctx, credentials{"alice", "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.sessions.Start(ctx, a.ID, session.Login{Generation: generation}); err != nil {
		t.Fatal(err)
	}
	if err := s.sessions.EndAll(ctx, strconv.FormatInt(a.ID, 10)); err != nil { // with the change of the password
		t.Fatal(err)
	}
	if p, err := s.sessions.Start(ctx, a.ID, session.Login{Generation: generation}); !errors.Is(err, gate.ErrRevoked) {
		t.Errorf("Start = %v, %v; want ErrRevoked", p, err)
	}
	if generation, err := s.generation(ctx, "nobody"); err != nil || generation != (gate.Generation{}) {
		t.Errorf("the generation of nobody = %v, %v", generation, err)
	}
}
