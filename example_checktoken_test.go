package gate_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// serveLine is a protocol that is not HTTP: a token, a space, a command.
func serveLine(ctx context.Context, g *gate.Gate, line string) string {
	raw, command, _ := strings.Cut(line, " ")
	token, err := g.CheckToken(ctx, raw, gate.Policy{})
	if err != nil {
		return err.Error()
	}
	return token.Subject + " may " + command
}

// A token that did not come in an HTTP request.
func ExampleGate_CheckToken() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	raw, err := g.CreateAccessToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(serveLine(ctx, g, raw+" PING"))
	fmt.Println(serveLine(ctx, g, "guess PING"))
	// Output:
	// alice may PING
	// gate: The token has fewer than three segments
}
