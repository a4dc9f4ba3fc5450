package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

// openSession makes the two tokens of a login, which share a session ID.
func openSession(ctx context.Context, g *gate.Gate, name string) (access, refresh string, err error) {
	access, token, err := g.Issue(ctx, gate.Access, name, gate.TokenOptions{Fresh: true})
	if err != nil {
		return "", "", err
	}
	refresh, err = g.CreateRefreshToken(ctx, name, gate.TokenOptions{SessionID: token.SessionID})
	return access, refresh, err
}

// Both tokens of a login are revoked at once by the session ID that they share. The
// store here is in memory; gatesql and gateredis have the same methods.
func Example_session() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
	if err != nil {
		log.Fatal(err)
	}
	revoked, err := gatemem.New(gatemem.Options{})
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: revoked})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	access, refresh, err := openSession(ctx, g, "alice")
	if err != nil {
		log.Fatal(err)
	}
	token, err := g.CheckToken(ctx, access, gate.Policy{})
	if err != nil {
		log.Fatal(err)
	}

	if err := revoked.RevokeSession(ctx, token.SessionID, stores.Note{Why: "logout"}); err != nil {
		log.Fatal(err)
	}
	_, err = g.CheckToken(ctx, access, gate.Policy{})
	fmt.Println("access revoked:", errors.Is(err, gate.ErrRevoked))
	_, err = g.CheckToken(ctx, refresh, gate.Policy{Type: gate.Refresh})
	fmt.Println("refresh revoked:", errors.Is(err, gate.ErrRevoked))
	// Output:
	// access revoked: true
	// refresh revoked: true
}
