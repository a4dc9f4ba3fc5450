package gate_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// membership is what the application adds to its tokens. Anyone who holds a token
// can read it.
type membership struct {
	Plan  string   `json:"plan"`
	Teams []string `json:"teams"`
}

// Claims of the application are added per call, and read back into a struct.
func ExampleToken_Claims() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	raw, err := g.CreateAccessToken(ctx, "alice", gate.TokenOptions{
		Claims: map[string]any{"plan": "pro", "teams": []string{"red", "blue"}},
	})
	if err != nil {
		log.Fatal(err)
	}

	token, err := g.CheckToken(ctx, raw, gate.Policy{})
	if err != nil {
		log.Fatal(err)
	}
	var m membership
	if err := token.Claims(&m); err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Subject, m.Plan, m.Teams)
	// Output: alice pro [red blue]
}
