package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// dangerous is what routes demand that ask for the password again.
var dangerous = gate.Policy{Fresh: true}

// A fresh token was minted from credentials, not from a refresh token. It may be
// fresh for its whole life, for a time, or not at all.
func ExamplePolicy_fresh() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	g, err := gate.New(gate.Config{Keys: key, Clock: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	tokens := make(map[string]string)
	for name, o := range map[string]gate.TokenOptions{
		"login":        {Fresh: true},
		"login, timed": {FreshFor: 5 * time.Minute},
		"refresh":      {},
	} {
		if tokens[name], err = g.CreateAccessToken(context.Background(), "alice", o); err != nil {
			log.Fatal(err)
		}
	}
	for range 2 {
		for _, name := range []string{"login", "login, timed", "refresh"} {
			r := httptest.NewRequest("POST", "/email", nil)
			r.Header.Set("Authorization", "Bearer "+tokens[name])
			_, err := g.Check(r, dangerous)
			fmt.Printf("%s %s: stale %v\n", now.Format("15:04"), name, errors.Is(err, gate.ErrNotFresh))
		}
		now = now.Add(6 * time.Minute)
	}
	// Output:
	// 12:00 login: stale false
	// 12:00 login, timed: stale false
	// 12:00 refresh: stale true
	// 12:06 login: stale false
	// 12:06 login, timed: stale true
	// 12:06 refresh: stale true
}
