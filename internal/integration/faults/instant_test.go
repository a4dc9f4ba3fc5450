//go:build unix

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
	"github.com/jwtgate/gate/stores/gateredis"
)

// refresher hands out an access token for a refresh token.
type refresher func(ctx context.Context, g *gate.Gate, t *gate.Token) (string, error)

func byIssue(ctx context.Context, g *gate.Gate, t *gate.Token) (string, error) {
	raw, _, err := g.Issue(ctx, gate.Access, t.Identity(), gate.TokenOptions{From: t})
	return raw, err
}

// byHand is what a service does that does not know TokenOptions.From.
func byHand(ctx context.Context, g *gate.Gate, t *gate.Token) (string, error) {
	return g.CreateAccessToken(ctx, t.Subject, gate.TokenOptions{SessionID: t.SessionID})
}

// TestWriteThatWaits has a write to Redis wait, as in a coordinated failover or for a
// slow disk, while a thief refreshes at another process. No access token that he got
// meanwhile is good after the call has returned.
func TestWriteThatWaits(t *testing.T) {
	server := servers.StartRedis(t, servers.Durable...)
	o := gateredis.Options{Timeout: 5 * time.Second}
	all := nodes(t, 2, alone(server.Addr), o)
	run := func(create gate.Create, revoke func(subject string) error) (f finding) {
		for range pick(3, 30) {
			f.add(buyMeanwhile(t, server, all[1], create, revoke))
		}
		return f
	}
	revoke := func(subject string) error {
		return all[0].RevokeSubject(context.Background(), subject, stores.SubjectOptions{}, stores.Note{})
	}
	holds(t, "redis_instant", run(gate.Create{}, revoke))
	holds(t, "redis_instant, no generations", run(gate.Create{OmitGeneration: true}, revoke))
	caught(t, "redis_instant", "a call that returns before the write", run(gate.Create{}, func(subject string) error {
		go func() { _ = revoke(subject) }()
		return nil
	}))
}

func buyMeanwhile(t *testing.T, server *servers.Redis, list gate.Blocklist, create gate.Create, revoke func(string) error) (f finding) {
	f.what = "tokens of the thief are good after the call"
	g := must(gate.New(gate.Config{Keys: must(keys.Generate(keys.HS256)), Blocklist: list, Create: create}))
	subject := fmt.Sprint("waits-", serial.Add(1))
	stolen := must(g.CreateRefreshToken(t.Context(), subject, gate.TokenOptions{}))
	server.CLI("CLIENT", "PAUSE", "200", "WRITE")
	done := make(chan error, 1)
	go func() { done <- revoke(subject) }()
	var bought []string
	for waiting := true; waiting; {
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("RevokeSubject: %v", err)
			}
			waiting = false
		default:
		}
		if tok, err := g.CheckToken(t.Context(), stolen, gate.Policy{Type: gate.Refresh}); err == nil {
			if raw, err := byIssue(t.Context(), g, tok); err == nil {
				bought = append(bought, raw)
			}
		}
		nap(t.Context(), 2*time.Millisecond)
	}
	for _, raw := range append(bought, stolen) {
		f.of++
		if _, err := g.CheckToken(t.Context(), raw, gate.Policy{Type: gate.AnyTokenType}); !errors.Is(err, gate.ErrRevoked) {
			f.bad++
		}
	}
	return f
}

// TestRefreshUnderWay logs an account out everywhere while a refresh is past the
// blocklist and waits for the application's database.
func TestRefreshUnderWay(t *testing.T) {
	server := servers.StartRedis(t, servers.Durable...)
	redis := newStore(t, connect(t, alone(server.Addr)), gateredis.Options{Timeout: 5 * time.Second})
	memory := must(gatemem.New(gatemem.Options{}))
	f := finding{what: "access tokens handed out after the logout are good"}
	for _, store := range []stores.Store{redis, memory} {
		f.add(refreshUnderWay(t, store, byIssue))
	}
	holds(t, "refresh_race", f)
	caught(t, "refresh_race", "a refresh by hand", refreshUnderWay(t, memory, byHand))
}

func refreshUnderWay(t *testing.T, store stores.Store, refresh refresher) finding {
	inUser, goOn := make(chan bool), make(chan bool)
	slow := false
	g := must(gate.New(gate.Config{
		Keys: must(keys.Generate(keys.HS256)), Blocklist: store,
		LoadUser: func(context.Context, *gate.Token) (any, error) {
			if slow {
				inUser <- true
				<-goOn
			}
			return "user", nil
		},
	}))
	var handed string
	h := g.Require(gate.Policy{Type: gate.Refresh})(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tok, _ := gate.FromContext(r.Context())
		handed, _ = refresh(r.Context(), g, tok)
	}))
	subject := fmt.Sprint("race-", serial.Add(1))
	stolen := must(g.CreateRefreshToken(t.Context(), subject, gate.TokenOptions{}))
	slow = true
	done := make(chan bool)
	go func() {
		r := httptest.NewRequest("POST", "/refresh", nil)
		r.Header.Set("Authorization", "Bearer "+stolen)
		h.ServeHTTP(httptest.NewRecorder(), r)
		close(done)
	}()
	<-inUser // past the blocklist
	if err := store.RevokeSubject(t.Context(), subject, stores.SubjectOptions{}, stores.Note{}); err != nil {
		t.Fatal(err)
	}
	slow = false
	goOn <- true
	<-done
	f := finding{of: 1, what: "access tokens handed out after the logout are good"}
	if _, err := g.CheckToken(t.Context(), handed, gate.Policy{}); err == nil {
		f.bad++
	}
	return f
}
