package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

// One service publishes its keys, and another one accepts its tokens.
func Example() {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		panic(err)
	}
	set, err := keys.NewSet(key)
	if err != nil {
		panic(err)
	}
	issuer, err := gate.New(gate.Config{Keys: set})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(jwks.Handler(set, 0))
	defer server.Close()

	// InsecureLoopback is for this server without TLS.
	remote, err := jwks.New(server.URL, jwks.Options{InsecureLoopback: true})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go remote.Run(ctx)
	verifier, err := gate.New(gate.Config{Keys: remote})
	if err != nil {
		panic(err)
	}

	raw, err := issuer.CreateAccessToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		panic(err)
	}
	token, err := verifier.CheckToken(ctx, raw, gate.Policy{})
	fmt.Println(token.Subject, err)
	// Output: alice <nil>
}

// Health tells a readiness probe or a dashboard how old the keys are.
func ExampleRemote_Health() {
	remote, err := jwks.New("https://issuer.example/jwks.json", jwks.Options{
		Client: &http.Client{Transport: down{}},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(remote.Ready(context.Background()) != nil)
	h := remote.Health()
	fmt.Println(h.Keys, h.Failures, errors.Is(h.Err, errDown))
	// Output:
	// true
	// 0 1 true
}

var errDown = errors.New("no route to the issuer")

type down struct{}

func (down) RoundTrip(*http.Request) (*http.Response, error) { return nil, errDown }
