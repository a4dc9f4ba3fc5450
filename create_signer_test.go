package gate_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"strings"
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

// bySubject has a key for each identity.
type bySubject struct{ source }

func (s *bySubject) SigningKey(_ context.Context, identity any) (*keys.Key, error) {
	if identity != "alice" {
		return nil, errors.New("nobody's key")
	}
	return hs256.WithID("alice"), nil
}

func TestSigningKeys(t *testing.T) {
	verifier := must(keys.FromPublic(keys.EdDSA, ed.Public()))
	set := must(keys.NewSet(hs256.WithID("k"), ed))
	rename := func(_ context.Context, d *gate.Draft) error { d.Identity = "bob"; return nil }
	for _, tt := range []struct {
		name string
		cfg  gate.Config
		want string // header, or "" for an error
	}{
		{"key", gate.Config{Keys: ed}, `{"alg":"EdDSA","typ":"JWT"}`},
		{"set", gate.Config{Keys: set}, `{"alg":"HS256","kid":"k","typ":"JWT"}`},
		{"chosen by the identity that was given", gate.Config{Keys: &bySubject{}, Prepare: rename}, `{"alg":"HS256","kid":"alice","typ":"JWT"}`},
		{"source down", gate.Config{Keys: &source{err: errors.New("down")}}, ``},
		{"set that only verifies", gate.Config{Keys: must(keys.NewSet(nil, verifier))}, ``},
		{"key that only verifies", gate.Config{Keys: verifier}, ``},
		{"source that gives a key that only verifies", gate.Config{Keys: &source{keys: []*keys.Key{verifier}}}, ``},
		{"no key and no error", gate.Config{Keys: &source{keys: []*keys.Key{nil}}}, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := newGate(t, tt.cfg).CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
			if tt.want == "" {
				if err == nil || raw != "" || !strings.HasPrefix(err.Error(), "gate: ") {
					t.Errorf("token = %q, %v; want an error", raw, err)
				}
				return
			}
			if header, _ := texts(t, raw); header != tt.want || err != nil {
				t.Errorf("header = %s, %v; want %s", header, err, tt.want)
			}
		})
	}
}
