package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Tokens without a request: from another protocol, and after their expiry.
func Example_tokens() {
	tokenOfOtherProtocol()
	expiredToken()
	// Output:
	// alice may PING
	// gate: The token has fewer than three segments
	// expired: true
	// alice until 12:15:00
	// changed: true
}

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
func tokenOfOtherProtocol() {
	key, err := keys.Generate(keys.HS256)
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
}

// wallClock is a time that a program can move.
type wallClock struct{ now time.Time }

func (c *wallClock) Now() time.Time { return c.now }

// Decode looks at a token outside of any request. AllowExpired takes one past its
// time, but not one that somebody has changed.
func expiredToken() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	c := wallClock{time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	g, err := gate.New(gate.Config{Keys: key, Clock: c.Now})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	raw, err := g.CreateAccessToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	c.now = c.now.Add(time.Hour)

	_, err = g.Decode(ctx, raw, gate.DecodeOptions{})
	fmt.Println("expired:", errors.Is(err, gate.ErrExpired))
	token, err := g.Decode(ctx, raw, gate.DecodeOptions{AllowExpired: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Subject, "until", token.Expiry.Format(time.TimeOnly))
	_, err = g.Decode(ctx, raw[:len(raw)-2], gate.DecodeOptions{AllowExpired: true})
	fmt.Println("changed:", errors.Is(err, gate.ErrInvalid))
}
