//go:build unix

package clients_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

// secret is the key of HS256, HS384 and HS512.
const secret = "a secret of 64 bytes that nobody else has, for HS512 and the rest."

// ours are the keys of the gate by their algorithms, with the ID "ours".
var ours = sync.OnceValues(func() (map[keys.Algorithm]*keys.Key, error) {
	made := make(map[keys.Algorithm]*keys.Key)
	for _, alg := range without(all, es256k) {
		k, err := keys.Generate(alg)
		if strings.HasPrefix(string(alg), "HS") {
			k, err = keys.HMAC(alg, []byte(secret))
		}
		if err != nil {
			return nil, err
		}
		made[alg] = k.WithID("ours")
	}
	return made, nil
})

func ourKey(t *testing.T, alg keys.Algorithm) *keys.Key {
	t.Helper()
	made, err := ours()
	if err != nil {
		t.Fatal(err)
	}
	return made[alg]
}

// texts returns the public key of k, or the secret, in each format.
func texts(t *testing.T, k *keys.Key) map[string]string {
	t.Helper()
	if k.Public() == nil {
		jwk := fmt.Sprintf(`{"kty":"oct","k":%q,"alg":%q}`, enc.EncodeToString([]byte(secret)), k.Algorithm())
		return map[string]string{"secret": secret, "jwk": jwk}
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := k.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	set, err := keys.NewSet(nil, k)
	if err != nil {
		t.Fatal(err)
	}
	list, err := set.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(jwks.Handler(set, time.Minute))
	t.Cleanup(server.Close)
	return map[string]string{
		"pem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"jwk": string(jwk), "jwks": string(list), "url": server.URL,
	}
}

// formatsFor returns the formats of keys that the library takes for an algorithm.
func (l *library) formatsFor(alg keys.Algorithm) []string {
	switch {
	case strings.HasPrefix(string(alg), "HS") && slices.Contains([]string{"jsonwebtoken", "ruby-jwt"}, l.name):
		return []string{"secret"} // node:crypto has no JWK of a secret, and ruby-jwt 2.5 does not decode "k"
	case strings.HasPrefix(string(alg), "HS"):
		return []string{"secret", "jwk"}
	case alg == keys.EdDSA && l.name == "ruby-jwt":
		return []string{"jwk"}
	}
	return l.formats
}

// testAlgorithms: the library accepts the tokens of a gate, and a gate those of the
// library, in each algorithm that both know and with each format of a key.
func testAlgorithms(t *testing.T, l *library) {
	var both []string
	for _, alg := range without(l.knows, es256k) {
		ok := t.Run(string(alg), func(t *testing.T) {
			l.verifiesOurs(t, alg)
			if strings.HasPrefix(string(alg), "HS") {
				l.signsFor(t, alg, ourKey(t, alg).WithID(""), key{"secret", secret})
			} else {
				l.signsItself(t, alg)
			}
		})
		if ok {
			both = append(both, string(alg))
		}
	}
	summary.Lock()
	defer summary.Unlock()
	summary.lines = append(summary.lines, fmt.Sprintf("clients: %-12s %-6s %2d of %d algorithms both ways: %s; keys as %s\n",
		l.name, l.version, len(both), len(without(l.knows, es256k)), strings.Join(both, " "), strings.Join(l.formats, ", ")))
}

// verifiesOurs gives a token of a gate to the library, with the key in each format.
func (l *library) verifiesOurs(t *testing.T, alg keys.Algorithm) {
	t.Helper()
	k := ourKey(t, alg)
	raw := create(t, newGate(t, k))
	formats := texts(t, k)
	for _, format := range l.formatsFor(alg) {
		l.verifies(t, k, raw, key{format, formats[format]})
	}
}

func (l *library) verifies(t *testing.T, k *keys.Key, raw string, as key) {
	t.Helper()
	a := l.ask(t, request{Op: "verify", Alg: k.Algorithm(), Key: as, Token: raw})
	if a.Error != "" || !strings.Contains(a.Claims, `"alice"`) {
		t.Errorf("%s: our token with the key as %s: %s %s", l.name, as.Format, a.Claims, a.Error)
	}
}

// signsFor lets the library sign with a key, and checks the token.
func (l *library) signsFor(t *testing.T, alg keys.Algorithm, verify keys.Source, private key) {
	t.Helper()
	claims, err := json.Marshal(map[string]any{"sub": "bob", "jti": "1", "type": "access", "exp": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	a := l.ask(t, request{Op: "sign", Alg: alg, KeyID: "theirs", Key: private, Claims: string(claims)})
	if a.Error != "" {
		t.Errorf("%s: signing with the key as %s: %s", l.name, private.Format, a.Error)
		return
	}
	tok, err := newGate(t, verify).CheckToken(t.Context(), a.Token, gate.Policy{})
	if err != nil || tok.Subject != "bob" {
		t.Errorf("%s: its token with the key as %s: %v, %v", l.name, private.Format, tok, err)
	}
}

// signsItself lets the library make a key. Its tokens are checked with the public key in
// each format, and it checks ours that are signed with the private one.
func (l *library) signsItself(t *testing.T, alg keys.Algorithm) {
	t.Helper()
	made := l.ask(t, request{Op: "generate", Alg: alg})
	if made.Error != "" || len(made.Public) == 0 || len(made.Private) != len(made.Public) {
		t.Fatalf("%s: a key of %s: %s", l.name, alg, made.Error)
	}
	for format, text := range made.Private {
		for name, verify := range parse(t, alg, format, made.Public[format]) {
			t.Run(name, func(t *testing.T) { l.signsFor(t, alg, verify, key{format, text}) })
		}
		k := parseKey(t, alg, format, text)
		l.verifies(t, k, create(t, newGate(t, k)), key{format, made.Public[format]})
	}
}

// parse reads a public key, alone and, if it is a JWK, in a set.
func parse(t *testing.T, alg keys.Algorithm, format, text string) map[string]keys.Source {
	t.Helper()
	sources := map[string]keys.Source{format: parseKey(t, alg, format, text)}
	if format != "jwk" {
		return sources
	}
	var jwk map[string]any
	if err := json.Unmarshal([]byte(text), &jwk); err != nil {
		t.Fatal(err)
	}
	jwk["kid"] = "theirs"
	list, err := json.Marshal(map[string]any{"keys": []any{jwk}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := keys.ParseSet(list)
	if err != nil {
		t.Fatal(err)
	}
	sources["jwks"] = set
	return sources
}

func parseKey(t *testing.T, alg keys.Algorithm, format, text string) *keys.Key {
	t.Helper()
	read := keys.FromPEM
	if format == "jwk" {
		read = keys.ParseJWK
	}
	k, err := read(alg, []byte(text))
	if err != nil {
		t.Fatalf("the key as %s: %v\n%s", format, err, text)
	}
	return k.WithID("")
}

func newGate(t *testing.T, k keys.Source) *gate.Gate {
	t.Helper()
	g, err := gate.New(gate.Config{Keys: k})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func create(t *testing.T, g *gate.Gate) string {
	t.Helper()
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// testES256K: a gate does not know the curve secp256k1, and says so.
func testES256K(t *testing.T, l *library) {
	if !slices.Contains(l.knows, es256k) {
		t.Skipf("%s does not know it either", l.name)
	}
	made := l.ask(t, request{Op: "generate", Alg: es256k})
	var jwk struct {
		Crv string `json:"crv"`
	}
	if err := json.Unmarshal([]byte(made.Public["jwk"]), &jwk); err != nil {
		t.Fatal(err, made.Error)
	}
	if _, err := keys.ParseJWK("", []byte(made.Public["jwk"])); err == nil || !strings.Contains(err.Error(), jwk.Crv) && !strings.Contains(err.Error(), string(es256k)) {
		t.Errorf("ParseJWK: %v", err)
	}
	a := l.ask(t, request{Op: "sign", Alg: es256k, KeyID: "ours", Key: key{"jwk", made.Private["jwk"]}, Claims: `{"sub":"bob"}`})
	if a.Error != "" {
		t.Fatal(a.Error)
	}
	if tok, err := newGate(t, ourKey(t, keys.ES256)).CheckToken(t.Context(), a.Token, gate.Policy{}); !errors.Is(err, gate.ErrInvalid) {
		t.Errorf("a token of ES256K: %v, %v", tok, err)
	}
}
