package bench_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

// addSources measures a check with the key sources that change, on a token that the
// gate remembers, where the source weighs most: one with the header that the gate
// writes, and one with a header that has to be read. The floor is a plain Set.
func addSources(t *testing.T) {
	key := must(keys.Generate(keys.ES256)).WithID("active")
	set := must(keys.NewSet(key))
	tok := must(must(gate.New(gate.Config{Keys: set})).CreateAccessToken(t.Context(), claims.Sub, gate.TokenOptions{}))
	foreign := otherHeader(key, tok)
	options := keys.RingOptions{Lifetime: time.Hour}
	ring := must(keys.NewRing(options, keys.RingKey{Key: key}))
	next := keys.RingKey{Key: must(keys.Generate(keys.ES256)).WithID("next"), From: time.Now().Add(-time.Minute)}
	retiring := must(keys.NewRing(options, keys.RingKey{Key: key}, next))
	for _, v := range []struct {
		who    string
		source keys.Source
	}{{"floor", set}, {"ring", ring}, {"ring-retiring", retiring}, {"remote", remote(t, set)}} {
		g := must(gate.New(gate.Config{Keys: v.source}))
		add("source", "ES256", v.who, checkGate(g, tok))
		add("source-foreign", "ES256", v.who, checkGate(g, foreign))
	}
}

// otherHeader is the token with the members of its header in another order.
func otherHeader(key *keys.Key, tok string) string {
	enc := base64.RawURLEncoding.EncodeToString
	_, rest, _ := strings.Cut(tok, ".")
	payload, _, _ := strings.Cut(rest, ".")
	input := enc([]byte(`{"typ":"JWT","alg":"ES256","kid":"active"}`)) + "." + payload
	return input + "." + must(key.Sign(context.Background(), input))
}

// remote is the set behind a URL, kept up to date.
func remote(t *testing.T, set *keys.Set) *jwks.Remote {
	srv := httptest.NewServer(jwks.Handler(set, 0))
	t.Cleanup(srv.Close)
	r := must(jwks.New(srv.URL, jwks.Options{InsecureLoopback: true, Client: http.DefaultClient}))
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() { _ = r.Run(ctx) }()
	if err := r.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return r
}
