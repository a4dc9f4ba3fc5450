package gate_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// Claims of the application: given to one call, and added to every token.
func Example_claims() {
	claimsOfOneToken()
	claimsOfEveryToken()
	// Output:
	// alice pro [red blue]
	// alice CL ALICE
	// gate: Prepare: cannot make a token for a int
}

// membership is what the application adds to its tokens. Anyone who holds a token
// can read it.
type membership struct {
	Plan  string   `json:"plan"`
	Teams []string `json:"teams"`
}

// Claims of the application are added per call, and read back into a struct.
func claimsOfOneToken() {
	key, err := keys.Generate(keys.HS256)
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
}

// citizen is what the application gives as identity.
type citizen struct{ Login, Country string }

// prepare says what of a citizen goes into tokens.
func prepare(_ context.Context, d *gate.Draft) error {
	c, ok := d.Identity.(citizen)
	if !ok {
		return fmt.Errorf("cannot make a token for a %T", d.Identity)
	}
	d.Identity = c.Login
	d.Claims["country"] = c.Country
	d.Claims["shout"] = strings.ToUpper(c.Login)
	return nil
}

// Prepare sees every token before it is signed: it turns an account into the
// subject, and adds claims. Claims given to a call win over its own.
func claimsOfEveryToken() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Prepare: prepare})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	raw, err := g.CreateAccessToken(ctx, citizen{"alice", "PE"}, gate.TokenOptions{
		Claims: map[string]any{"country": "CL"},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := g.CheckToken(ctx, raw, gate.Policy{})
	if err != nil {
		log.Fatal(err)
	}
	var claims struct {
		Country string `json:"country"`
		Shout   string `json:"shout"`
	}
	if err := token.Claims(&claims); err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Subject, claims.Country, claims.Shout)

	_, err = g.CreateAccessToken(ctx, 42, gate.TokenOptions{})
	fmt.Println(err)
}
