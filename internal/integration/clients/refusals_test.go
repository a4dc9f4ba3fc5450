//go:build unix

package clients_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

// trial is a token, and who is to refuse it.
type trial struct {
	name  string
	token func(t *testing.T, k *keys.Key) string
	want  error    // of the gate; nil accepts
	takes []string // libraries of which some version accepts it where the gate does not
}

// claims returns a token of the issuer with changes.
func claims(changes map[string]any) func(*testing.T, *keys.Key) string {
	return headed(nil, changes)
}

func headed(header, changes map[string]any) func(*testing.T, *keys.Key) string {
	return func(t *testing.T, k *keys.Key) string {
		all := map[string]any{"iss": issuer, "aud": []string{"billing", audience}}
		for name, v := range changes {
			all[name] = v
		}
		return gatetest.TokenWithHeader(t, k, header, all)
	}
}

// sibling is another algorithm of the same kind of key.
var sibling = map[keys.Algorithm]keys.Algorithm{
	keys.HS256: keys.HS512, keys.RS256: keys.PS256, keys.PS256: keys.RS256, keys.ES256: keys.ES384, keys.EdDSA: keys.ES256,
}

// another signs by another key of the algorithm, with the same ID.
func another(t *testing.T, k *keys.Key) string {
	other, err := keys.Generate(k.Algorithm())
	if err != nil {
		t.Fatal(err)
	}
	return claims(nil)(t, other.WithID(k.ID()))
}

// disguised is a token of HS256 whose secret is the text of the public key.
func disguised(t *testing.T, k *keys.Key) string {
	if k.Public() == nil {
		return another(t, k)
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	unsigned := segments(headed(map[string]any{"alg": "HS256"}, nil)(t, k), 2)
	return unsigned + "." + macOf(public, unsigned)
}

// segments returns the first n segments of a token.
func segments(raw string, n int) string { return strings.Join(strings.Split(raw, ".")[:n], ".") }

func trials() []trial {
	ago, ahead := time.Now().Add(-2*time.Hour), time.Now().Add(2*time.Hour)
	invalid := gate.ErrInvalid
	return []trial{
		{"as it is", claims(nil), nil, nil},
		{"one audience", claims(map[string]any{"aud": audience}), nil, nil},
		{"claims of its own", claims(map[string]any{"roles": []string{"admin"}, "n": 1.5}), nil, nil},
		{"another key", another, invalid, nil},
		{"another algorithm", func(t *testing.T, k *keys.Key) string {
			return claims(nil)(t, ourKey(t, sibling[k.Algorithm()]))
		}, invalid, nil},
		{"another algorithm in the header alone", func(t *testing.T, k *keys.Key) string {
			return headed(map[string]any{"alg": string(sibling[k.Algorithm()])}, nil)(t, k)
		}, invalid, nil},
		{"the public key as a secret", disguised, invalid, nil},
		{"none", func(t *testing.T, k *keys.Key) string {
			return segments(headed(map[string]any{"alg": "none"}, nil)(t, k), 2) + "."
		}, invalid, nil},
		{"no signature", func(t *testing.T, k *keys.Key) string { return segments(claims(nil)(t, k), 2) + "." }, invalid, nil},
		{"half a signature", func(t *testing.T, k *keys.Key) string {
			raw := claims(nil)(t, k)
			return raw[:len(raw)-20]
		}, invalid, nil},
		{"changed on the way", func(t *testing.T, k *keys.Key) string { return gatetest.Tampered(claims(nil)(t, k)) }, invalid, nil},
		{"two segments", func(t *testing.T, k *keys.Key) string { return segments(claims(nil)(t, k), 2) }, invalid, nil},
		{"expired", claims(map[string]any{"exp": ago}), gate.ErrExpired, nil},
		{"not yet valid", claims(map[string]any{"nbf": ahead}), invalid, nil},
		{"exp as text", claims(map[string]any{"exp": "soon"}), invalid, nil},
		{"another audience", claims(map[string]any{"aud": "billing"}), invalid, nil},
		{"other audiences", claims(map[string]any{"aud": []string{"billing", "order"}}), invalid, nil},
		{"no audience", claims(map[string]any{"aud": nil}), invalid, nil},
		{"another issuer", claims(map[string]any{"iss": issuer + "/"}), invalid, nil},
		{"no issuer", claims(map[string]any{"iss": nil}), invalid, nil},
		{"no exp", claims(map[string]any{"exp": nil}), invalid, []string{"jose", "jsonwebtoken", "PyJWT", "ruby-jwt"}},
		{"an extension that must be understood", headed(map[string]any{"crit": []string{"x"}, "x": 1}, nil), invalid, []string{"jsonwebtoken", "PyJWT", "ruby-jwt"}},
	}
}

// testRefusals: the library refuses what the gate refuses, and accepts what it accepts,
// unless the table says that it is more lenient.
func testRefusals(t *testing.T, l *library) {
	for _, alg := range []keys.Algorithm{keys.HS256, keys.RS256, keys.PS256, keys.ES256, keys.EdDSA} {
		if !slices.Contains(l.knows, alg) {
			continue
		}
		k := ourKey(t, alg)
		g, format := strict(t, k), l.formatsFor(alg)[0]
		as := key{format, texts(t, k)[format]}
		for _, tt := range trials() {
			raw := tt.token(t, k)
			if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); !errors.Is(err, tt.want) {
				t.Errorf("%s %s: CheckToken = %v, want %v", alg, tt.name, err, tt.want)
			}
			a := l.ask(t, request{Op: "verify", Alg: alg, Key: as, Token: raw, Audience: audience, Issuer: issuer})
			switch accepted := a.Error == ""; {
			case accepted == (tt.want == nil), accepted && slices.Contains(tt.takes, l.name):
			default:
				t.Errorf("%s %s: %s answers %s %s, and the gate wants %v", alg, tt.name, l.name, a.Claims, a.Error, tt.want)
			}
		}
	}
}

// macOf signs with HMAC and SHA-256, for secrets that package keys does not take.
func macOf(secret []byte, input string) string {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(input))
	return enc.EncodeToString(m.Sum(nil))
}
