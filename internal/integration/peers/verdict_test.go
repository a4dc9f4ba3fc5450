// Package peers_test compares the gate's verdict on a token with the verdicts of two other
// libraries. For each difference there must be a written rule that explains it.
package peers_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	golang "github.com/golang-jwt/jwt/v5"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/attacks"
	"github.com/jwtgate/gate/keys"
)

const (
	issuer   = "https://issuer.example"
	audience = "api"
)

// A verifier is one algorithm with its key in the hands of all three. Each is told
// to be as strict as it can: one algorithm, issuer, audience, exp, no leeway.
type verifier struct {
	alg    keys.Algorithm
	key    *keys.Key
	public any
	gate   *gate.Gate
	golang *golang.Parser
	now    time.Time
}

// verdict is what a library makes of a token.
type verdict struct {
	err    error
	claims map[string]any
	sub    string
	jti    string
	exp    int64
}

func corpus(t testing.TB) *attacks.Corpus {
	t.Helper()
	c, err := attacks.Load(filepath.Join("..", "attacks", "testdata", "attacks.json"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// verifiers are one for each configuration of the corpus, by algorithm.
func verifiers(t testing.TB, c *attacks.Corpus) map[keys.Algorithm]*verifier {
	t.Helper()
	all := map[keys.Algorithm]*verifier{}
	for _, tc := range c.Configs {
		v := &verifier{alg: keys.Algorithm(tc.Algorithm), now: time.Unix(c.Now, 0)}
		var err error
		if v.key, err = keys.ParseJWK(v.alg, c.Keys[tc.Key]); err != nil {
			t.Fatal(err)
		}
		if v.public = v.key.Public(); v.public == nil {
			v.public = secret(t, c.Keys[tc.Key])
		}
		clock := func() time.Time { return v.now }
		// What only the gate knows (jti, type, fresh) is not demanded of tokens here.
		v.gate, err = gate.New(gate.Config{Keys: v.key, Clock: clock, Accept: gate.Accept{
			Issuer: issuer, Audiences: []string{audience}, Skew: -1, // the others forgive nothing
			Lenient: gate.Lenient{NoID: true, AnyType: true, AnyFresh: true},
		}})
		if err != nil {
			t.Fatal(err)
		}
		v.golang = golang.NewParser(golang.WithValidMethods([]string{tc.Algorithm}), golang.WithStrictDecoding(), golang.WithIssuer(issuer),
			golang.WithAudience(audience), golang.WithExpirationRequired(), golang.WithIssuedAt(), golang.WithTimeFunc(clock))
		all[v.alg] = v
	}
	return all
}

func secret(t testing.TB, text json.RawMessage) []byte {
	t.Helper()
	var j struct{ K string }
	if err := json.Unmarshal(text, &j); err != nil {
		t.Fatal(err)
	}
	b, err := base64.RawURLEncoding.DecodeString(j.K)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (v *verifier) askGate(raw string) verdict {
	t, err := v.gate.CheckToken(context.Background(), raw, gate.Policy{Type: gate.AnyTokenType})
	if err != nil {
		return verdict{err: err}
	}
	d := verdict{sub: t.Subject, jti: t.ID, exp: t.Expiry.Unix()}
	if t.Claims(&d.claims) != nil || !toFloats(d.claims) {
		d.claims = nil
	}
	return d
}

// toFloats makes numbers that the gate keeps exactly what the others make of them. It
// reports false for one that no float64 holds, which the others refuse.
func toFloats(claims map[string]any) bool {
	ok := true
	var convert func(v any) any
	convert = func(v any) any {
		switch v := v.(type) {
		case json.Number:
			f, err := v.Float64()
			ok = ok && err == nil
			return f
		case map[string]any:
			for name, member := range v {
				v[name] = convert(member)
			}
		case []any:
			for i, element := range v {
				v[i] = convert(element)
			}
		}
		return v
	}
	convert(claims)
	return ok
}

func (v *verifier) askGolang(raw string) verdict {
	claims := golang.MapClaims{}
	t, err := v.golang.ParseWithClaims(raw, claims, func(*golang.Token) (any, error) { return v.public, nil })
	if err != nil {
		return verdict{err: err}
	}
	d := verdict{claims: claims}
	d.sub, _ = t.Claims.GetSubject()
	d.jti, _ = claims["jti"].(string)
	if exp, err := t.Claims.GetExpirationTime(); err == nil && exp != nil {
		d.exp = exp.Unix()
	}
	return d
}

var errNoExp = errors.New("no exp")

func (v *verifier) askJose(raw string) verdict {
	t, err := josejwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(v.alg)})
	if err != nil {
		return verdict{err: err}
	}
	var c josejwt.Claims
	var all map[string]any
	if err := t.Claims(v.public, &c, &all); err != nil {
		return verdict{err: err}
	}
	if c.Expiry == nil {
		return verdict{err: errNoExp} // it has no option to demand one
	}
	expected := josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}, Time: v.now}
	return verdict{err: c.ValidateWithLeeway(expected, 0), claims: all, sub: c.Subject, jti: c.ID, exp: c.Expiry.Time().Unix()}
}

// compare asks all three, and returns what no rule explains, and the rules and
// peers of what one does.
func (v *verifier) compare(raw string) (unexplained []string, used []string) {
	ours := v.askGate(raw)
	var f *facts
	for _, peer := range []struct {
		name string
		ask  func(string) verdict
	}{{"golang-jwt", v.askGolang}, {"go-jose", v.askJose}} {
		theirs := ask(peer.ask, raw)
		switch {
		case ours.err == nil && theirs.err == nil:
			if diff := ours.differs(theirs); diff != "" {
				unexplained = append(unexplained, fmt.Sprintf("%s: %s", peer.name, diff))
			}
		case (ours.err == nil) != (theirs.err == nil):
			if f == nil {
				f = learn(raw, v)
			}
			name := explain(peer.name, ours.err == nil, f)
			if name == "" {
				unexplained = append(unexplained, fmt.Sprintf("gate: %v, %s: %v", ours.err, peer.name, theirs.err))
			}
			used = append(used, name+" "+peer.name)
		}
	}
	return unexplained, used
}

// ask counts a panic of another library as a refusal: it is not ours to test.
func ask(f func(string) verdict, raw string) (d verdict) {
	defer func() {
		if p := recover(); p != nil {
			d = verdict{err: fmt.Errorf("panic: %v", p)}
		}
	}()
	return f(raw)
}

// differs holds the claims of two libraries that both accept a token against each
// other.
func (d verdict) differs(o verdict) string {
	switch {
	case d.sub != o.sub:
		return fmt.Sprintf("sub %q and %q", d.sub, o.sub)
	case d.jti != o.jti:
		return fmt.Sprintf("jti %q and %q", d.jti, o.jti)
	case d.exp != o.exp:
		return fmt.Sprintf("exp %d and %d", d.exp, o.exp)
	case !reflect.DeepEqual(d.claims, o.claims):
		return fmt.Sprintf("claims %v and %v", d.claims, o.claims)
	}
	return ""
}
