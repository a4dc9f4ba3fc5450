package keys_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"

	"github.com/jwtgate/gate/keys"
)

func ExampleHMAC() {
	// A real secret comes from "openssl rand -base64 32" and is kept out of the code.
	key, err := keys.HMAC(keys.HS256, []byte("tmyzUtQ5Y1yyhLfpjF1Bq0sLrYw3vXdPzZtYpmdzo1g="))
	fmt.Println(key, err)

	_, err = keys.HMAC(keys.HS256, []byte("secret"))
	fmt.Println(err)
	// Output:
	// keys.Key(HS256 "") <nil>
	// keys: secret for HS256 has 6 bytes and needs at least 32; make one with: openssl rand -base64 32
}

func ExampleFromPEM() {
	// What os.ReadFile would give.
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		fmt.Println(err)
		return
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})

	key, err := keys.FromPEM(keys.EdDSA, text)
	fmt.Println(key, err)
	fmt.Println(key.CanSign())

	_, err = keys.FromPEM(keys.ES256, text)
	fmt.Println(err)
	// Output:
	// keys.Key(EdDSA "") <nil>
	// true
	// keys: ES256 does not take a ed25519.PublicKey
}

// A new key signs; the one before verifies until its last token has expired. The
// public halves are published for those who verify elsewhere.
func ExampleSet() {
	current, err := keys.FromSigner(keys.EdDSA, ed25519.NewKeyFromSeed([]byte("a seed for this example: 2026-02")))
	if err != nil {
		fmt.Println(err)
		return
	}
	before, err := keys.FromSigner(keys.EdDSA, ed25519.NewKeyFromSeed([]byte("a seed for this example: 2026-01")))
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := keys.NewSet(current.WithID("2026-02"), before.WithID("2026-01"))
	if err != nil {
		fmt.Println(err)
		return
	}
	signs, err := set.SigningKey(context.Background(), "any identity")
	fmt.Println(signs, err)

	text, err := json.MarshalIndent(set, "", "  ")
	fmt.Println(string(text), err)
	// Output:
	// keys.Key(EdDSA "2026-02") <nil>
	// {
	//   "keys": [
	//     {
	//       "alg": "EdDSA",
	//       "crv": "Ed25519",
	//       "kty": "OKP",
	//       "x": "y1PAL2iWIAFU1UCcNqWONEsp08KjQPQa1IDEWBcL7sY",
	//       "kid": "2026-02",
	//       "use": "sig"
	//     },
	//     {
	//       "alg": "EdDSA",
	//       "crv": "Ed25519",
	//       "kty": "OKP",
	//       "x": "Ym3O1cNjKRWx_T2qHqp6ZJxeOeJXWI2IoC857AjaCM8",
	//       "kid": "2026-01",
	//       "use": "sig"
	//     }
	//   ]
	// } <nil>
}

// Tenants keeps a key for each tenant, told apart by "kid".
type Tenants map[string]*keys.Key

func (t Tenants) SigningKey(_ context.Context, identity any) (*keys.Key, error) {
	tenant, ok := identity.(string)
	if !ok || t[tenant] == nil {
		return nil, fmt.Errorf("no key for %v", identity)
	}
	return t[tenant], nil
}

func (t Tenants) VerificationKeys(_ context.Context, u keys.Unverified) ([]*keys.Key, error) {
	// The key ID is anyone's word, and good enough to look up a key that must then
	// verify the token. No key is no error: the token is refused.
	if key := t[u.KeyID()]; key != nil {
		return []*keys.Key{key}, nil
	}
	return nil, nil
}

func ExampleSource() {
	tenants := Tenants{}
	for _, name := range []string{"blue", "green"} {
		key, err := keys.Generate(keys.ES256)
		if err != nil {
			fmt.Println(err)
			return
		}
		tenants[name] = key.WithID(name)
	}
	var source keys.Source = tenants
	key, err := source.SigningKey(context.Background(), "blue")
	fmt.Println(key, err)

	token := key.Header() + ".e30." // not signed: it is only looked at
	unverified, err := keys.ParseUnverified(token, 4096)
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := source.VerificationKeys(context.Background(), unverified)
	fmt.Println(found, err)
	// Output:
	// keys.Key(ES256 "blue") <nil>
	// [keys.Key(ES256 "blue")] <nil>
}
