package keys_test

import (
	"fmt"
	"time"

	"github.com/jwtgate/gate/keys"
)

// A new key is published an hour before it signs, and the old one verifies until the
// last refresh token that it has signed is over.
func ExampleRing() {
	start := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	now := start
	winter, err := keys.Generate(keys.ES256)
	if err != nil {
		panic(err)
	}
	spring, err := keys.Generate(keys.ES256)
	if err != nil {
		panic(err)
	}
	ring, err := keys.NewRing(
		keys.RingOptions{Lifetime: 30 * 24 * time.Hour, Clock: func() time.Time { return now }},
		keys.RingKey{Key: winter.WithID("winter")},
	)
	if err != nil {
		panic(err)
	}
	if err := ring.Rotate(spring.WithID("spring"), now.Add(time.Hour)); err != nil {
		panic(err)
	}
	for _, after := range []time.Duration{0, time.Hour, 31 * 24 * time.Hour} {
		now = start.Add(after)
		for _, s := range ring.Status() {
			fmt.Println("after", after, s.Key.ID(), "is", s.Phase)
		}
	}
	// Output:
	// after 0s winter is active
	// after 0s spring is pending
	// after 1h0m0s winter is retiring
	// after 1h0m0s spring is active
	// after 744h0m0s spring is active
}

// Microsoft Entra publishes keys that do not name their algorithm.
func ExampleParsePublicSet() {
	text := []byte(`{"keys":[
		{"kty":"EC","crv":"P-256","use":"sig","kid":"a","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"},
		{"kty":"RSA","use":"enc","kid":"b"}
	]}`)
	set, err := keys.ParsePublicSet(text, keys.RS256, keys.ES256)
	if err != nil {
		panic(err)
	}
	fmt.Println(set.Keys())
	for _, s := range set.Skipped() {
		fmt.Println(s.ID, s.Err)
	}
	// Output:
	// [keys.Key(ES256 "a")]
	// b keys: JWK has use "enc", not sig
}
