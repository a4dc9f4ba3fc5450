//go:build cgo && unix

package hsm_test

import (
	"context"
	"crypto"
	"crypto/elliptic"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ThalesGroup/crypto11"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/keys"
)

const label, pin = "gate", "123456"

// open makes a token of SoftHSM in a folder of the test's own, and logs in to it.
func open(t *testing.T) *crypto11.Context {
	t.Helper()
	util := servers.Need(t, "softhsm2-util")
	library := servers.Need(t, "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib*/*/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so")
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	if out, err := exec.Command(util, "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", pin).CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	c, err := crypto11.Configure(&crypto11.Config{Path: library, TokenLabel: label, Pin: pin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestSoftHSM creates tokens with keys in the HSM, and checks them with the public half.
func TestSoftHSM(t *testing.T) {
	c := open(t)
	rsa, err := c.GenerateRSAKeyPair([]byte("rsa"), 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		alg    keys.Algorithm
		signer func() (crypto.Signer, error)
	}{
		{keys.RS256, func() (crypto.Signer, error) { return rsa, nil }},
		{keys.RS512, func() (crypto.Signer, error) { return rsa, nil }},
		{keys.PS256, func() (crypto.Signer, error) { return rsa, nil }},
		{keys.ES256, func() (crypto.Signer, error) { return c.GenerateECDSAKeyPair([]byte("p256"), elliptic.P256()) }},
		{keys.ES384, func() (crypto.Signer, error) { return c.GenerateECDSAKeyPair([]byte("p384"), elliptic.P384()) }},
		{keys.ES512, func() (crypto.Signer, error) { return c.GenerateECDSAKeyPair([]byte("p521"), elliptic.P521()) }},
	} {
		t.Run(string(tt.alg), func(t *testing.T) {
			signer, err := tt.signer()
			if err != nil {
				t.Fatal(err)
			}
			k, err := keys.FromSigner(tt.alg, signer)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, k)
		})
	}
}

// roundTrip creates a token with the key, and checks it with its published half.
func roundTrip(t *testing.T, k *keys.Key) {
	t.Helper()
	raw, err := newGate(t, k).CreateAccessToken(t.Context(), "user", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	public, err := keys.ParseJWK("", text)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := newGate(t, public).CheckToken(t.Context(), raw, gate.Policy{})
	if err != nil || tok.Subject != "user" {
		t.Errorf("token = %v, %v", tok, err)
	}
}

func newGate(t *testing.T, k *keys.Key) *gate.Gate {
	t.Helper()
	g, err := gate.New(gate.Config{Keys: k})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// swapped says that its key is another one than that which signs.
type swapped struct {
	crypto.Signer
	public crypto.PublicKey
}

func (s swapped) Public() crypto.PublicKey { return s.public }

// TestSoftHSMWrongKey: a key that was replaced in the HSM makes no token.
func TestSoftHSMWrongKey(t *testing.T) {
	c := open(t)
	first, err := c.GenerateECDSAKeyPair([]byte("first"), elliptic.P256())
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.GenerateECDSAKeyPair([]byte("second"), elliptic.P256())
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.FromSigner(keys.ES256, swapped{second, first.Public()})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := newGate(t, k).CreateAccessToken(t.Context(), "user", gate.TokenOptions{})
	if raw != "" || err == nil || !strings.Contains(err.Error(), "does not belong to its public key") {
		t.Errorf("token = %q, %v", raw, err)
	}
}

// waiting is a signer with a queue before it, as the sessions of an HSM are.
type waiting struct {
	crypto.Signer
	sessions chan struct{}
}

func (s waiting) SignContext(ctx context.Context, rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	select {
	case s.sessions <- struct{}{}:
		defer func() { <-s.sessions }()
		return s.Sign(rand, digest, opts)
	case <-ctx.Done():
		return nil, fmt.Errorf("no session of the HSM was free: %w", ctx.Err())
	}
}

// TestSoftHSMBusy: a request does not wait longer for the HSM than it lives.
func TestSoftHSMBusy(t *testing.T) {
	key, err := open(t).GenerateECDSAKeyPair([]byte("key"), elliptic.P256())
	if err != nil {
		t.Fatal(err)
	}
	signer := waiting{key, make(chan struct{}, 1)}
	k, err := keys.FromSigner(keys.ES256, signer)
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, k)
	signer.sessions <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if raw, err := newGate(t, k).CreateAccessToken(ctx, "user", gate.TokenOptions{}); raw != "" || err == nil || !strings.Contains(err.Error(), "no session") {
		t.Errorf("token = %q, %v", raw, err)
	}
}
