package wycheproof_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/jwtgate/gate/internal/jws"
	"github.com/jwtgate/gate/keys"
)

// joseGroup is a group of JWS or JWK vectors: one key, or one JWK Set.
type joseGroup struct {
	Private json.RawMessage
	Public  json.RawMessage
	Tests   []struct {
		TcID    int
		Comment string
		JWS     json.RawMessage
		Result  string
	}
}

// verify is what a gate does with a token before it reads the payload: form,
// header, key, algorithm, signature. One rule is left out: a gate also refuses an
// empty payload, which is a JWS but cannot be claims.
func verify(token string, source keys.Source) error {
	parts, err := jws.Split(token, 8192)
	if err != nil {
		return err
	}
	if _, err := jws.ParseHeader(parts); err != nil && !errors.Is(err, jws.ErrPayloadEmpty) {
		return err
	}
	if _, ok := jws.DecodeSegment(parts.Payload); !ok {
		return jws.ErrPayloadEncoding
	}
	// ParseUnverified refuses an empty payload, and key sources look at the header
	// alone: so they are shown the same header with another payload.
	u, err := keys.ParseUnverified(parts.Header+".AA."+parts.Signature, 8192)
	if err != nil {
		return err
	}
	found, err := source.VerificationKeys(context.Background(), u)
	if err != nil {
		return err
	}
	for _, k := range found {
		if string(k.Algorithm()) == u.Algorithm() && k.Verify(parts.Input, parts.Signature) {
			return nil
		}
	}
	return errors.New("no key verifies it")
}

// token is the JWS of a vector. One in JSON serialization is given as an object,
// whose text is refused as any other text.
func token(text json.RawMessage) string {
	var s string
	if json.Unmarshal(text, &s) != nil {
		return string(text)
	}
	return s
}

// parser makes a key source of the key of a group.
type parser func(text json.RawMessage) (keys.Source, error)

func runJOSE(t *testing.T, name string, parse parser) int {
	t.Helper()
	f := open(t, name)
	c := &tally{t: t, name: name}
	for _, text := range f.Groups {
		var g joseGroup
		if err := json.Unmarshal(text, &g); err != nil {
			t.Fatal(err)
		}
		verifier := g.Public
		if verifier == nil {
			verifier = g.Private // an HMAC key has one half
		}
		source, keyErr := parse(verifier)
		for _, v := range g.Tests {
			err := keyErr
			if err == nil {
				err = verify(token(v.JWS), source)
			}
			want, _ := label(name, v.TcID, v.Result)
			c.vector(v.TcID, v.Comment, err == nil, want)
			if err != nil && want {
				t.Logf("%s %d: %v", name, v.TcID, err)
			}
		}
	}
	return c.report(f)
}

// parseKey is keys.ParseJWK, but for the one group of vectors whose secret is 32
// zero bytes: that is refused, as it should be, and tested below this rule.
func parseKey(text json.RawMessage) (keys.Source, error) {
	k, err := keys.ParseJWK("", text)
	if err == nil {
		return k, nil
	}
	var j struct {
		Kty, Kid, K string
		Alg         keys.Algorithm
	}
	if json.Unmarshal(text, &j) != nil || j.Kty != "oct" {
		return nil, err
	}
	secret, ok := jws.DecodeSegment(j.K)
	if !ok || len(secret) < 32 || !repeated(secret) {
		return nil, err
	}
	if k, err = keys.InsecureHMAC(j.Alg, secret); err != nil {
		return nil, err
	}
	return k.WithID(j.Kid), nil
}

func TestJWS(t *testing.T) {
	n := runJOSE(t, "json_web_signature_test.json", parseKey)
	if n != 401 {
		t.Errorf("%d vectors, want 401", n)
	}
}

func TestJWK(t *testing.T) {
	n := runJOSE(t, "json_web_key_test.json", func(text json.RawMessage) (keys.Source, error) {
		return keys.ParseSet(text)
	})
	if n != 26 {
		t.Errorf("%d vectors, want 26", n)
	}
}
