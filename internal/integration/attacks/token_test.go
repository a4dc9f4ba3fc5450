package attacks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/json/jsontext"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/attacks"
	"github.com/jwtgate/gate/keys"
)

// gateConfig is the strict default with the key, issuer and audience of the case,
// at the instant of the corpus.
func gateConfig(c *attacks.Corpus, name string) (gate.Config, error) {
	tc, ok := c.Configs[name]
	if !ok {
		return gate.Config{}, fmt.Errorf("config %q is not known", name)
	}
	k, err := keys.ParseJWK(keys.Algorithm(tc.Algorithm), c.Keys[tc.Key])
	if err != nil {
		return gate.Config{}, err
	}
	return gate.Config{
		Keys:   k,
		Accept: gate.Accept{Issuer: tc.Issuer, Audiences: []string{tc.Audience}},
		Clock:  func() time.Time { return time.Unix(c.Now, 0) },
	}, nil
}

// configOf is the gateConfig that a case names.
func configOf(t *testing.T, c *attacks.Corpus, e *attacks.Entry) gate.Config {
	t.Helper()
	var name string
	if err := json.Unmarshal(e.Config, &name); err != nil {
		t.Fatalf("config: %v", err)
	}
	cfg, err := gateConfig(c, name)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// freshRoute finds the cases that are about a route which demands freshness.
var freshRoute = regexp.MustCompile(`fresh-only route|route demands freshness`)

// runToken runs a case of the layers jws and claims.
func runToken(t *testing.T, c *attacks.Corpus, e *attacks.Entry) {
	x := expected(t, e)
	cfg := configOf(t, c, e)
	var asked []string
	cfg.Blocklist = gate.BlocklistFunc(func(_ context.Context, t *gate.Token) (bool, error) {
		asked = append(asked, t.ID)
		return false, nil
	})
	g, err := gate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.Compact(e.Token)
	if err != nil {
		t.Fatal(err)
	}
	p := gate.Policy{Fresh: x.ErrorClass == "fresh_required" || freshRoute.MatchString(e.Title+e.Note)}
	var tok *gate.Token
	offline(t, func() { tok, err = g.CheckToken(t.Context(), raw, p) })
	judge(t, e, x, err)
	if err == nil {
		compareClaims(t, c, e, tok, asked)
	}
	b, rest := readBounds(t, e.MustNot)
	b.check(t, func() func() {
		return func() { g.CheckToken(context.Background(), raw, p) }
	})
	for _, m := range rest {
		checkToken(t, e, m, func(t *testing.T) { echo(t, cfg, raw) })
	}
}

// checkToken sees to the demands of a case that are not numbers.
func checkToken(t *testing.T, e *attacks.Entry, mustNot string, echo func(*testing.T)) {
	t.Helper()
	switch mustNot {
	case "panic", "accept", "reject":
		// judge and noPanic have seen to it.
	case "any outbound network or file access", "any file, SQL or process access made from kid":
		noAccess(t)
	case "kid echoed unescaped in any response header or log line":
		echo(t)
	case "any change of another store entry", "any SQL error":
		// compareClaims holds the ID that a blocklist was asked for against the
		// token's; what stores do with it is tested with them.
	default:
		t.Errorf("%s: mustNot %q is not known", e.ID, mustNot)
	}
}

// compareClaims holds an accepted token against the payload as it was written:
// every member in its own case, every number with all its digits.
func compareClaims(t *testing.T, c *attacks.Corpus, e *attacks.Entry, tok *gate.Token, asked []string) {
	t.Helper()
	payload, err := c.Payload(e.Token)
	if err != nil || payload == nil {
		t.Fatalf("an accepted token has no payload to compare: %v", err)
	}
	var want map[string]json.RawMessage
	if err := json.Unmarshal(payload, &want); err != nil {
		t.Fatalf("accepted, and the payload is not JSON: %v", err)
	}
	var got map[string]jsontext.Value
	if err := tok.Claims(&got); err != nil {
		t.Fatalf("Claims: %v", err)
	}
	for name, text := range want {
		if !bytes.Equal(got[name], text) {
			t.Errorf("claim %q = %s, want %s", name, got[name], text)
		}
	}
	var std struct{ Sub, JTI string }
	for field, into := range map[string]*string{"sub": &std.Sub, "jti": &std.JTI} {
		if err := json.Unmarshal(want[field], into); err != nil {
			t.Errorf("%s: %v", field, err)
		}
	}
	if tok.Subject != std.Sub {
		t.Errorf("Subject = %q, want %q", tok.Subject, std.Sub)
	}
	if fmt.Sprint(tok.Expiry.Unix()) != string(want["exp"]) {
		t.Errorf("Expiry = %v, want %s", tok.Expiry.Unix(), want["exp"])
	}
	if len(asked) != 1 || asked[0] != std.JTI {
		t.Errorf("the blocklist was asked for %q, want %q once", asked, std.JTI)
	}
}
