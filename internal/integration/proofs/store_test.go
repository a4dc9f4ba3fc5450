package proofs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

func TestWhatIsRevokedStaysRevoked(t *testing.T) {
	run(t, []proof{
		{"a revoked token comes back while the gate forgives it", leewayGap},
		{"a token that nothing can revoke", emptyIdentifiers},
		{"a full store logs nobody out any more", fillStore},
		{"RevokeSubject returns nil and revokes nothing", silentSubject},
		{"a clock that is behind lets a token survive", subjectClock},
	})
}

func TestBreakerJudgesTheStoreAlone(t *testing.T) {
	run(t, []proof{
		{"tokens of an issuer without a store open the circuit", breakerIssuer},
		{"a store that lost its data is open for access tokens", breakerWiped},
		{"a client's own deadline opens the circuit", breakerDeadline},
	})
}

// withStore returns a gate whose blocklist is a new store, or a part around it.
func withStore(clock *gatetest.Clock, cfg gate.Config, o gatemem.Options, around func(gate.Blocklist) gate.Blocklist) (*gate.Gate, *gatemem.Store) {
	cfg.Clock, o.Clock = clock.Now, clock.Now
	store := must(gatemem.New(o))
	cfg.Blocklist = store
	if around != nil {
		cfg.Blocklist = around(store)
	}
	return newGate(cfg), store
}

// deaf is a blocklist that takes an error for "not revoked".
func deaf(b gate.Blocklist) gate.Blocklist {
	return gate.BlocklistFunc(func(ctx context.Context, t *gate.Token) (bool, error) {
		blocked, _ := b.Blocked(ctx, t)
		return blocked, nil
	})
}

func leewayGap(a *attack) {
	ctx, clock := context.Background(), gatetest.NewClock()
	around := func(b gate.Blocklist) gate.Blocklist { return b }
	if a.planted {
		around = deaf
	}
	g, store := withStore(clock, gate.Config{
		Create: gate.Create{AccessLifetime: time.Hour}, Accept: gate.Accept{Leeway: 10 * time.Minute},
	}, gatemem.Options{}, around)
	raw := access(g, "alice", gate.TokenOptions{})
	if err := store.RevokeToken(ctx, must(check(g, raw)), stores.Note{}); err != nil {
		a.Fatal(err)
	}
	for range 75 {
		clock.Advance(time.Minute)
		if _, err := check(g, raw); err == nil {
			a.gain("accepted at %v", clock.Now())
		}
	}
}

func emptyIdentifiers(a *attack) {
	ctx, clock := context.Background(), gatetest.NewClock()
	key := must(keys.Generate(keys.HS256))
	g, store := withStore(clock, gate.Config{Keys: key, Accept: gate.Accept{Lenient: gate.Lenient{NoID: a.planted}}}, gatemem.Options{}, nil)
	id := any("")
	if a.planted {
		id = nil // none at all, which NoID takes
	}
	raw := clock.Token(a, key, map[string]any{"jti": id, "sub": "alice", "sid": nil})
	t, err := check(g, raw)
	if err != nil {
		return
	}
	if err := store.RevokeToken(ctx, t, stores.Note{}); err != nil {
		a.gain("accepted, and cannot be logged out: %v", err)
	}
}

func fillStore(a *attack) {
	ctx, clock := context.Background(), gatetest.NewClock()
	g, store := withStore(clock, gate.Config{}, gatemem.Options{MaxTokens: 100}, nil)
	raw := access(g, "alice", gate.TokenOptions{})
	alice := must(check(g, raw))
	for range 200 { // mallory logs in and out
		t := must(check(g, access(g, "mallory", gate.TokenOptions{})))
		_ = store.RevokeToken(ctx, t, stores.Note{})
	}
	logout := func() error { return store.RevokeSession(ctx, alice.SessionID, stores.Note{}) }
	if a.planted {
		logout = func() error { return store.RevokeToken(ctx, alice, stores.Note{}) }
	}
	if err := errors.Join(logout(), store.RevokeSubject(ctx, "alice", stores.SubjectOptions{}, stores.Note{})); err != nil {
		a.gain("alice cannot log out: %v", err)
	}
	if _, err := check(g, raw); err == nil {
		a.gain("alice's token is good")
	}
}

func silentSubject(a *attack) {
	ctx, clock := context.Background(), gatetest.NewClock()
	secret := strings.Repeat("secret-k", 4)
	plain := func(cfg gate.Config) func(func(*gate.Config)) *gate.Gate {
		return func(edit func(*gate.Config)) *gate.Gate { edit(&cfg); return newGate(cfg) }
	}
	python := func(key string, value any) func(func(*gate.Config)) *gate.Gate {
		return func(edit func(*gate.Config)) *gate.Gate {
			return must(flask.New(map[string]any{"JWT_SECRET_KEY": secret, key: value}, edit))
		}
	}
	for _, tt := range []struct {
		name     string
		newGate  func(func(*gate.Config)) *gate.Gate
		identity any
	}{
		{"text", plain(gate.Config{}), "alice"},
		{"a number", plain(gate.Config{}), 42},
		{"another claim", plain(gate.Config{Create: gate.Create{IdentityClaim: "uid"}}), "alice"},
		{"another claim, a number", plain(gate.Config{Create: gate.Create{IdentityClaim: "uid"}}), 42},
		{"flask, another claim", python("JWT_IDENTITY_CLAIM", "identity"), "alice"},
		{"flask, a number", python("JWT_VERIFY_SUB", false), 42},
	} {
		store := must(gatemem.New(gatemem.Options{MaxLifetime: gate.NoExpiry, Clock: clock.Now}))
		g := tt.newGate(func(cfg *gate.Config) { cfg.Blocklist, cfg.Clock = store, clock.Now })
		raw := access(g, tt.identity, gate.TokenOptions{})
		subject, err := must(check(g, raw)).SubjectKey()
		if err != nil {
			a.Errorf("%s: %v", tt.name, err)
		}
		if a.planted {
			subject = fmt.Sprintf("%T", tt.identity)
		}
		err = store.RevokeSubject(ctx, subject, stores.SubjectOptions{}, stores.Note{})
		if _, after := check(g, raw); err == nil && after == nil {
			a.gain("%s: the token is good afterwards", tt.name)
		}
	}
}

func subjectClock(a *attack) {
	ctx := context.Background()
	for _, behind := range []time.Duration{time.Second, 2500 * time.Millisecond, time.Minute, 10 * time.Minute} {
		node, server := gatetest.NewClock(), gatetest.NewClock()
		node.Advance(behind)
		store := must(gatemem.New(gatemem.Options{Clock: server.Now}))
		g := newGate(gate.Config{
			Clock: node.Now, Blocklist: store,
			Create: gate.Create{OmitGeneration: a.planted}, // then the time of issue has to do
		})
		raw := access(g, "alice", gate.TokenOptions{ExpiresIn: time.Hour})
		node.Advance(time.Second)
		server.Advance(time.Second)
		if err := store.RevokeSubject(ctx, "alice", stores.SubjectOptions{}, stores.Note{}); err != nil {
			a.Fatal(err)
		}
		if _, err := check(g, raw); err == nil {
			a.gain("the store's clock is %v behind, and the token survives", behind)
		}
	}
}

func breakerIssuer(a *attack) {
	ctx, clock := context.Background(), gatetest.NewClock()
	own := must(gatemem.New(gatemem.Options{Clock: clock.Now}))
	list := stores.ByIssuer(own, nil)
	if a.planted {
		list = gate.BlocklistFunc(func(ctx context.Context, t *gate.Token) (bool, error) {
			if t.VerifiedIssuer() != "" {
				return false, errors.New("no store for this issuer")
			}
			return own.Blocked(ctx, t)
		})
	}
	partnerKey := must(keys.Generate(keys.ES256))
	breaker := stores.NewBreaker(list, stores.FailurePolicy{OpenForAccessTokens: true})
	g := newGate(gate.Config{
		Clock: clock.Now, Blocklist: breaker, Create: gate.Create{Issuer: "a"},
		Issuers: []gate.Issuer{{Name: "b", Audiences: []string{"us"}, Keys: must(keys.FromPublic(keys.ES256, partnerKey.Public()))}},
	})
	raw := access(g, "thief", gate.TokenOptions{})
	if err := own.RevokeToken(ctx, must(check(g, raw)), stores.Note{}); err != nil {
		a.Fatal(err)
	}
	partner := newGate(gate.Config{Keys: partnerKey, Clock: clock.Now, Create: gate.Create{Issuer: "b", Audience: []string{"us"}}})
	for range 50 {
		if _, err := check(g, access(partner, "mallory", gate.TokenOptions{})); err == nil && !a.planted {
			a.gain("a token of an issuer without a store is accepted")
		}
	}
	if breaker.Stats().IsOpen {
		a.gain("the circuit is open")
	}
	// A memory of the breaker's own may still refuse it.
	if _, err := check(g, raw); err == nil {
		a.gain("the revoked token is accepted")
	}
}

func breakerWiped(a *attack) {
	for _, why := range []error{stores.ErrWiped, stores.ErrUnsafe, stores.ErrReadOnly} {
		if a.planted {
			why = errors.New(why.Error()) // the same text, which says nothing
		}
		wiped := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) {
			return false, fmt.Errorf("somewhere: %w", why)
		})
		g := newGate(gate.Config{Blocklist: stores.NewBreaker(wiped, stores.FailurePolicy{OpenForAccessTokens: true})})
		raw := access(g, "alice", gate.TokenOptions{})
		for range 20 {
			if _, err := check(g, raw); err == nil {
				a.gain("accepted, though the store says: %v", why)
			}
		}
	}
}

// caller is the key of a context in which the planted fault hides the caller's.
type caller struct{}

func breakerDeadline(a *attack) {
	ctx := context.Background()
	slow := gate.BlocklistFunc(func(ctx context.Context, t *gate.Token) (bool, error) {
		done := ctx.Done()
		if hidden, ok := ctx.Value(caller{}).(context.Context); ok {
			done = hidden.Done()
		}
		select {
		case <-done:
			return false, errors.New("the store did not answer")
		case <-time.After(2 * time.Millisecond):
			return true, nil
		}
	})
	breaker := stores.NewBreaker(slow, stores.FailurePolicy{OpenForAccessTokens: true})
	list := gate.Blocklist(breaker)
	if a.planted { // the breaker does not see whose deadline it is
		list = gate.BlocklistFunc(func(ctx context.Context, t *gate.Token) (bool, error) {
			return breaker.Blocked(context.WithValue(context.WithoutCancel(ctx), caller{}, ctx), t)
		})
	}
	g := newGate(gate.Config{Blocklist: list})
	raw := access(g, "mallory", gate.TokenOptions{})
	for i := range a.rounds(100) {
		short, cancel := context.WithTimeout(ctx, time.Duration(i%10)*100*time.Microsecond)
		_, err := g.CheckToken(short, raw, gate.Policy{})
		cancel()
		if err == nil {
			a.gain("the revoked token is accepted")
		}
	}
	if breaker.Stats().IsOpen {
		a.gain("the circuit is open")
	}
}
