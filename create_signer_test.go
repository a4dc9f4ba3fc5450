package gate_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// hung is a signer elsewhere that never answers.
type hung struct{ crypto.Signer }

func (hung) SignContext(ctx context.Context, _ io.Reader, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// A signer that hangs does not outlive the request.
func TestCreateWithHungSigner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k, err := keys.FromSigner(keys.ES256, hung{key})
		if err != nil {
			t.Fatal(err)
		}
		g, err := gate.New(gate.Config{Keys: k})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		raw, err := g.CreateAccessToken(ctx, "user", gate.TokenOptions{})
		if raw != "" || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("token = %q, %v after %s", raw, err, time.Since(start))
		}
	})
}
