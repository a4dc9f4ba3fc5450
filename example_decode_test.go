package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// wallClock is a time that a program can move.
type wallClock struct{ now time.Time }

func (c *wallClock) Now() time.Time { return c.now }

// Decode looks at a token outside of any request. AllowExpired takes one past its
// time, but not one that somebody has changed.
func ExampleGate_Decode() {
	key, err := keys.HMAC(keys.HS256, []byte("change me: a secret of 32 bytes or more"))
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
	// Output:
	// expired: true
	// alice until 12:15:00
	// changed: true
}
