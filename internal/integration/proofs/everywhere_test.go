package proofs_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

func TestNobodyOutrunsLogOutEverywhere(t *testing.T) {
	run(t, []proof{
		{"a refresh under way hands out a token that lives on", refreshUnderWay},
		{"a renewal under way hands out a token that lives on", renewalUnderWay},
		{"a thief who refreshes all the time stays in", refreshingThief},
		{"a login right after the call is dead", deadLogin},
		{"a login with the old password lives on", oldPassword},
	})
}

func logOutEverywhere(ctx context.Context, store *gatemem.Store, subject string) error {
	return store.RevokeSubject(ctx, subject, stores.SubjectOptions{}, stores.Note{})
}

// refresher is the route that gives a new access token for a refresh token. The planted
// fault makes it from the name alone.
func refresher(a *attack, g *gate.Gate) http.Handler {
	return g.Require(gate.Policy{Type: gate.Refresh})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		o := gate.TokenOptions{From: t}
		if a.planted {
			o.From = nil
		}
		raw, _, err := g.Issue(r.Context(), gate.Access, t.Identity(), o)
		if err != nil {
			w.WriteHeader(gate.StatusCode(err))
			return
		}
		fmt.Fprint(w, raw)
	}))
}

// refresh asks for a new access token; "" when it is refused.
func refresh(h http.Handler, raw string) string {
	r := httptest.NewRequest("POST", "/refresh", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusOK {
		return ""
	}
	return w.Body.String()
}

func refreshUnderWay(a *attack) {
	ctx, store := context.Background(), must(gatemem.New(gatemem.Options{}))
	armed := false
	g := newGate(gate.Config{Blocklist: store, LoadUser: func(context.Context, *gate.Token) (any, error) {
		if armed { // the token has passed the blocklist
			return "alice", logOutEverywhere(ctx, store, "alice")
		}
		return "alice", nil
	}})
	stolen := must(g.CreateRefreshToken(ctx, "alice", gate.TokenOptions{}))
	armed = true
	fresh := refresh(refresher(a, g), stolen)
	armed = false
	if _, err := check(g, fresh); fresh != "" && err == nil {
		a.gain("the new token is good after RevokeSubject")
	}
}

func renewalUnderWay(a *attack) {
	ctx, clock := context.Background(), gatetest.NewClock()
	store := must(gatemem.New(gatemem.Options{Clock: clock.Now}))
	armed := false
	g := newGate(gate.Config{Clock: clock.Now, Locations: fromCookies, Blocklist: store, Prepare: func(context.Context, *gate.Draft) error {
		if armed { // the new token is about to be signed
			armed = false
			clock.Advance(5 * time.Second)
			return logOutEverywhere(ctx, store, "alice")
		}
		return nil
	}})
	h := g.Renew(gate.RenewOptions{})(page(g))
	if a.planted { // the call comes first, and the name alone is kept
		h = naive(g, func(t *gate.Token) (string, error) {
			if err := logOutEverywhere(ctx, store, t.Subject); err != nil {
				return "", err
			}
			return access(g, t.Subject, gate.TokenOptions{}), nil
		})
	}
	raw := access(g, "alice", gate.TokenOptions{})
	clock.Advance(10 * time.Minute)
	armed = !a.planted
	_, renewed := visit(h, raw)
	if renewed == "" {
		return
	}
	if _, err := check(g, renewed); err == nil {
		a.gain("the renewed token is good after RevokeSubject")
	}
}

func refreshingThief(a *attack) {
	ctx, store := context.Background(), must(gatemem.New(gatemem.Options{}))
	g := newGate(gate.Config{Blocklist: store, LoadUser: func(context.Context, *gate.Token) (any, error) {
		time.Sleep(300 * time.Microsecond) // a database
		return "alice", nil
	}})
	h := refresher(a, g)
	for i := range a.rounds(20) {
		subject := fmt.Sprint("alice-", i)
		stolen := must(g.CreateRefreshToken(ctx, subject, gate.TokenOptions{}))
		stop, got := make(chan struct{}), make([]string, 3)
		var thieves sync.WaitGroup
		for j := range got {
			thieves.Go(func() { got[j] = refreshUntil(h, stolen, stop) })
		}
		time.Sleep(2 * time.Millisecond)
		if err := logOutEverywhere(ctx, store, subject); err != nil {
			a.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		close(stop)
		thieves.Wait()
		for _, last := range got {
			if _, err := check(g, last); err == nil {
				a.gain("%s: the last token is good", subject)
			}
		}
	}
}

// refreshUntil returns the last token that a thief got.
func refreshUntil(h http.Handler, stolen string, stop <-chan struct{}) (last string) {
	for {
		select {
		case <-stop:
			return last
		default:
			if raw := refresh(h, stolen); raw != "" {
				last = raw
			}
		}
	}
}

func deadLogin(a *attack) {
	ctx, clock := context.Background(), gatetest.NewClock()
	store := must(gatemem.New(gatemem.Options{Clock: clock.Now}))
	g := newGate(gate.Config{Clock: clock.Now, Blocklist: store, Create: gate.Create{OmitGeneration: a.planted}})
	for range 20 { // all in one second
		if err := logOutEverywhere(ctx, store, "alice"); err != nil {
			a.Fatal(err)
		}
		if _, err := check(g, access(g, "alice", gate.TokenOptions{})); err != nil {
			a.gain("a new login: %v", err)
		}
	}
}

func oldPassword(a *attack) {
	ctx, store := context.Background(), must(gatemem.New(gatemem.Options{}))
	g := newGate(gate.Config{Blocklist: store})
	read := must(g.Generation(ctx, "alice")) // before the password is checked
	// The thief's old password is right; then alice changes it, and logs out everywhere.
	if err := logOutEverywhere(ctx, store, "alice"); err != nil {
		a.Fatal(err)
	}
	o := gate.TokenOptions{Generation: read}
	if a.planted {
		o = gate.TokenOptions{}
	}
	if _, err := check(g, access(g, "alice", o)); err == nil {
		a.gain("the thief's token is good")
	}
}
