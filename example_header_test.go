package gate_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// newHeaderGate takes tokens in a header of its own, without a scheme, beside the
// usual one.
func newHeaderGate() (*gate.Gate, error) {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		return nil, err
	}
	return gate.New(gate.Config{
		Keys: key,
		Locations: []gate.Location{
			gate.FromHeader("Authorization", "Bearer"),
			gate.FromHeader("X-Session-Token", ""),
		},
	})
}

// Locations are tried in order; only a missing token goes on to the next.
func ExampleFromHeader() {
	g, err := newHeaderGate()
	if err != nil {
		log.Fatal(err)
	}
	token, err := g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range []http.Header{
		{"Authorization": {"Bearer " + token}},
		{"X-Session-Token": {token}},
		{"Authorization": {"Basic YTpi"}, "X-Session-Token": {token}}, // another scheme is no token
		{"Authorization": {"Bearer one two"}, "X-Session-Token": {token}},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = h
		if t, err := g.Check(r, gate.Policy{}); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println(t.Subject)
		}
	}
	// Output:
	// alice
	// alice
	// alice
	// gate: The Authorization header is malformed; send the scheme, one space and one token
}
