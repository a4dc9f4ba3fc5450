//go:build unix

package clients_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

var enc = base64.RawURLEncoding

const issuer, audience = "https://issuer.example/ü", "orders"

// strict accepts what the issuer has made for the audience.
func strict(t *testing.T, k keys.Source) *gate.Gate {
	t.Helper()
	g, err := gate.New(gate.Config{Keys: k, Accept: gate.Accept{Issuer: issuer, Audiences: []string{audience}}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// value decodes JSON with every digit of its numbers.
func value(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return exact(v)
}

// exact makes numbers comparable, however they are written.
func exact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = exact(v[name])
		}
	case []any:
		for i := range v {
			v[i] = exact(v[i])
		}
	case json.Number:
		n, ok := new(big.Rat).SetString(v.String())
		if !ok {
			panic("no number: " + v)
		}
		return n.RatString()
	}
	return v
}

// testClaims: claims arrive as they were written, in both directions.
func testClaims(t *testing.T, l *library) {
	now := time.Now().Unix()
	common := fmt.Sprintf(`"iss":%q,"aud":["billing",%q],"jti":"7","type":"access","iat":%d,"nbf":%d,"exp":%d`, issuer, audience, now, now, now+3600)
	for _, tt := range []struct {
		name, claims string
		big          bool // digits that a double does not have
	}{
		{"registered", `"sub":"alice"`, false},
		{"text of many scripts", `"sub":"Zoë 漢字 مرحبا 🎈","note":"\u2028 </script> \" \\ \u0001 \ud83c\udf88"`, false},
		{"nested", `"sub":"a","roles":{"orders":["read","write"],"deep":{"a":[[],{},null,true,false,{"b":[1,2]}]}},"":""`, false},
		{"numbers", `"sub":"a","n":[0,-1,9007199254740991,-9007199254740991,1.5,0.1,1e-7,123456.789]`, false},
		{"large integers", `"sub":"a","n":[9007199254740993,9223372036854775807,-9223372036854775807,18446744073709551615]`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l.exchanges(t, "{"+common+","+tt.claims+"}", l.big || !tt.big)
		})
	}
}

// exchanges sends claims both ways. Where same is false the library loses digits, which
// are then still the same in the gate.
func (l *library) exchanges(t *testing.T, claims string, same bool) {
	t.Helper()
	k, want := ourKey(t, keys.HS256), value(t, claims)
	var given map[string]json.RawMessage
	if err := json.Unmarshal([]byte(claims), &given); err != nil {
		t.Fatal(err)
	}
	members := make(map[string]any)
	for name, v := range given {
		members[name] = v
	}
	raw := gatetest.Token(t, k, members)
	a := l.ask(t, request{Op: "verify", Alg: keys.HS256, Key: key{"secret", secret}, Token: raw, Audience: audience, Issuer: issuer})
	if a.Error != "" {
		t.Fatalf("%s refuses our token: %s", l.name, a.Error)
	}
	// gatetest adds "fresh".
	got, _ := value(t, a.Claims).(map[string]any)
	delete(got, "fresh")
	if reflect.DeepEqual(any(got), want) != same {
		t.Errorf("%s reads %s, want %s (same: %v)", l.name, a.Claims, claims, same)
	}

	a = l.ask(t, request{Op: "sign", Alg: keys.HS256, KeyID: "ours", Key: key{"secret", secret}, Claims: claims})
	if a.Error != "" {
		t.Fatalf("%s does not sign: %s", l.name, a.Error)
	}
	for _, raw := range []string{raw, a.Token} {
		tok, err := strict(t, k).CheckToken(t.Context(), raw, gate.Policy{})
		if err != nil {
			t.Fatalf("%s: its token is refused: %v", l.name, err)
		}
		var text json.RawMessage
		if err := tok.Claims(&text); err != nil {
			t.Fatal(err)
		}
		got, _ := value(t, string(text)).(map[string]any)
		delete(got, "fresh")
		if reflect.DeepEqual(any(got), want) != (same || raw != a.Token) {
			t.Errorf("%s: we read %s, want %s (same: %v)", l.name, text, claims, same)
		}
		if !slices.Contains(tok.Audience, audience) || tok.Issuer != issuer || tok.IssuedAt.IsZero() {
			t.Errorf("%s: token %+v", l.name, tok)
		}
	}
}
