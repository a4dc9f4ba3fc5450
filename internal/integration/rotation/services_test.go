package rotation_test

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
	"github.com/jwtgate/gate/keys/keyfile"
)

func newIssuer(file *keyfile.File) (http.Handler, error) {
	g, err := gate.New(gate.Config{Keys: file.Ring(), Create: gate.Create{AccessLifetime: tokenLifetime}})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /.well-known/jwks.json", jwks.Handler(file.Ring(), refresh))
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		raw, err := g.CreateAccessToken(r.Context(), "user", gate.TokenOptions{})
		if err != nil {
			http.Error(w, "no token today", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, raw)
	})
	return mux, nil
}

func newVerifier(ctx context.Context, url string, next http.Handler) (http.Handler, error) {
	remote, err := jwks.New(url, jwks.Options{Refresh: refresh, Cooldown: cooldown, InsecureLoopback: true})
	if err != nil {
		return nil, err
	}
	go remote.Run(ctx)
	g, err := gate.New(gate.Config{Keys: remote})
	if err != nil {
		return nil, err
	}
	return g.Require(gate.Policy{})(next), nil
}

func newKey(file *keyfile.File) error {
	return file.Rotate(keys.ES256, time.Now().Add(lead))
}
