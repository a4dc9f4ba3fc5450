package gate_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// A type of one's own: the token in a link to choose a new password opens that route and
// nothing else, and no other token opens it.
func ExampleGate_Issue() {
	const reset gate.TokenType = "reset"
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Create: gate.Create{Types: []gate.TokenType{reset}}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	link, token, err := g.Issue(ctx, reset, "alice", gate.TokenOptions{ExpiresIn: 30 * time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("good for", token.Expiry.Sub(token.IssuedAt))
	_, err = g.CheckToken(ctx, link, gate.Policy{Type: reset})
	fmt.Println("new password:", err)
	_, err = g.CheckToken(ctx, link, gate.Policy{})
	fmt.Println("anything else:", err)
	// Output:
	// good for 30m0s
	// new password: <nil>
	// anything else: gate: An access token is wanted here
}
