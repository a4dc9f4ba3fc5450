package gate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
)

// newPEM makes the text that `openssl genpkey` would have put into a file.
func newPEM() []byte {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		log.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// gateWith signs with the first key and accepts tokens of all of them.
func gateWith(sign *keys.Key, accept ...*keys.Key) *gate.Gate {
	set, err := keys.NewSet(sign, accept...)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: set})
	if err != nil {
		log.Fatal(err)
	}
	return g
}

// Keys from PEM files, rotated in three steps: sign with the old one, sign with the
// new one while both are accepted, drop the old one.
func Example_rotation() {
	older, err := keys.FromPEM(keys.ES256, newPEM())
	if err != nil {
		log.Fatal(err)
	}
	newer, err := keys.FromPEM(keys.ES256, newPEM())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	before, during, after := gateWith(older), gateWith(newer, older), gateWith(newer)

	token, err := before.CreateAccessToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = during.CheckToken(ctx, token, gate.Policy{})
	fmt.Println("old token, both keys:", err)
	_, err = after.CheckToken(ctx, token, gate.Policy{})
	fmt.Println("old token, new key: refused:", errors.Is(err, gate.ErrInvalid))

	token, err = during.CreateAccessToken(ctx, "alice", gate.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = after.CheckToken(ctx, token, gate.Policy{})
	fmt.Println("new token, new key:", err)
	// Output:
	// old token, both keys: <nil>
	// old token, new key: refused: true
	// new token, new key: <nil>
}
