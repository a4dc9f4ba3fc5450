package stores_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// "Log out everywhere else": everything of the account but the session at hand.
func ExampleSubjectOptions() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	store, err := gatemem.New(gatemem.Options{})
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: store})
	if err != nil {
		log.Fatal(err)
	}
	logOutOthers := g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		err := store.RevokeSubject(r.Context(), t.Subject, stores.SubjectOptions{ExceptSession: t.SessionID},
			stores.Note{By: t.Subject, Why: "logged out other devices"})
		if err != nil {
			g.WriteError(w, r, err)
		}
	}))

	ctx := context.Background()
	phone, _ := g.CreateAccessToken(ctx, "alice", gate.TokenOptions{Claims: map[string]any{"sid": "phone"}})
	laptop, _ := g.CreateAccessToken(ctx, "alice", gate.TokenOptions{Claims: map[string]any{"sid": "laptop"}})
	r := httptest.NewRequest("POST", "/logout-others", nil)
	r.Header.Set("Authorization", "Bearer "+laptop)
	logOutOthers.ServeHTTP(httptest.NewRecorder(), r)

	_, err = g.CheckToken(ctx, laptop, gate.Policy{})
	fmt.Println("laptop:", err)
	_, err = g.CheckToken(ctx, phone, gate.Policy{})
	fmt.Println("phone:", errors.Is(err, gate.ErrRevoked))
	// Output:
	// laptop: <nil>
	// phone: true
}

// A store that is down: every route is closed, and the operator hears of it.
func ExampleNewBreaker() {
	down := gate.BlocklistFunc(func(context.Context, *gate.Token) (bool, error) {
		return false, errors.New("connection refused")
	})
	list := stores.NewBreaker(down, stores.FailurePolicy{
		Failures: 2,
		OnEvent:  func(_ context.Context, e gate.Event) { fmt.Println(e.Name, e.Err) },
	})
	for range 3 {
		_, err := list.Blocked(context.Background(), &gate.Token{ID: "a", Type: gate.Access})
		fmt.Println("let in:", err == nil)
	}
	// Output:
	// check.denied connection refused
	// let in: false
	// circuit.opened connection refused
	// check.denied connection refused
	// let in: false
	// check.denied stores: the store is failing and is not asked for now
	// let in: false
}
