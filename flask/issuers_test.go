package flask_test

import (
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

// An application of the original that took several issuers with one key goes on, and
// beside it takes others with keys of their own, which must not have those names.
func TestIssuers(t *testing.T) {
	const secret = "a secret of more than thirty-two bytes in all"
	shared, err := keys.HMAC(keys.HS256, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	idp, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name string) (*gate.Gate, error) {
		return flask.New(map[string]any{"JWT_SECRET_KEY": secret, "JWT_DECODE_ISSUER": []string{"a", "b"}}, func(c *gate.Config) {
			c.Issuers = []gate.Issuer{{Name: name, Keys: idp, Audiences: []string{"api"}}}
		})
	}
	if _, err := with("b"); err == nil || !strings.Contains(err.Error(), "Config.Issuers[0]") {
		t.Errorf("an issuer of the list a second time: error = %v, want one that names it", err)
	}
	g, err := with("c")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, iss string
		key       *keys.Key
		ok        bool
	}{
		{"the first of the list", "a", shared, true},
		{"the second", "b", shared, true},
		{"not in the list", "d", shared, false},
		{"the shared key in the name of the other", "c", shared, false},
		{"the other issuer", "c", idp, true},
		{"the other issuer in the name of the list", "a", idp, false},
	} {
		raw := gatetest.Token(t, tt.key, map[string]any{"iss": tt.iss, "aud": "api"})
		if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); (err == nil) != tt.ok {
			t.Errorf("%s: error = %v, want accepted: %v", tt.name, err, tt.ok)
		}
	}
}
