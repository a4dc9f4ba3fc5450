package keys_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate/keys"
)

func TestParseUnverified(t *testing.T) {
	u, err := keys.ParseUnverified(b64([]byte(`{"alg":"ES256","kid":"a","typ":"at+jwt","x":[1]}`))+"."+b64([]byte(`{"iss":"me"}`))+".", 1<<12)
	if err != nil {
		t.Fatal(err)
	}
	if u.Algorithm() != "ES256" || u.KeyID() != "a" || u.Type() != "at+jwt" {
		t.Errorf("alg %q, kid %q, typ %q", u.Algorithm(), u.KeyID(), u.Type())
	}
	var header struct{ X []int }
	var claims struct{ Iss string }
	if err := errors.Join(u.Header(&map[string]any{}), u.Claims(&claims)); err != nil || claims.Iss != "" {
		t.Errorf("claims = %+v, %v: names are not matched by case", claims, err)
	}
	var exact struct {
		Iss string `json:"iss"`
	}
	if err := u.Claims(&exact); err != nil || exact.Iss != "me" {
		t.Errorf("claims = %+v, %v", exact, err)
	}
	if err := u.Header(header); err == nil {
		t.Error("Header into no pointer: no error")
	}
}

func TestParseUnverifiedRefuses(t *testing.T) {
	for _, tt := range []struct{ name, token string }{
		{"empty", ""},
		{"two segments", "e30.e30"},
		{"five segments", "e30.e30.e30.e30.e30"},
		{"header no JSON", "eA.e30.AAAA"},
		{"no alg", "e30.e30.AAAA"},
		{"over the limit", b64([]byte(`{"alg":"HS256"}`)) + ".e30." + strings.Repeat("A", 1<<12)},
	} {
		if _, err := keys.ParseUnverified(tt.token, 1<<12); err == nil {
			t.Errorf("%s: accepted", tt.name)
		}
	}
}

func TestUnverifiedClaims(t *testing.T) {
	for _, tt := range []struct{ name, payload string }{
		{"not base64url", "!!!!"},
		{"line feed", "e30\n"},
		{"not JSON", b64([]byte("x"))},
		{"name twice", b64([]byte(`{"a":1,"a":1}`))},
	} {
		u, err := keys.ParseUnverified(b64([]byte(`{"alg":"HS256"}`))+"."+tt.payload+".", 1<<12)
		if err != nil {
			t.Fatal(err)
		}
		var claims map[string]any
		if err := u.Claims(&claims); err == nil {
			t.Errorf("%s: claims = %v, want an error", tt.name, claims)
		}
	}
}

func TestNewSetRefuses(t *testing.T) {
	public := must(keys.FromPublic(keys.EdDSA, edKey.Public()))
	mac := must(keys.HMAC(keys.HS256, secret))
	for _, tt := range []struct {
		name   string
		sign   *keys.Key
		verify []*keys.Key
		want   string
	}{
		{"no key", nil, nil, "at least one key"},
		{"nil key", nil, []*keys.Key{nil}, "is nil"},
		{"signing key without private half", public, nil, "no private key"},
		{"HMAC without ID", mac, nil, "needs an ID"},
		{"HMAC without ID, to verify", nil, []*keys.Key{public, mac}, "needs an ID"},
		{"same ID and algorithm", mac.WithID("a"), []*keys.Key{mac.WithID("a")}, `the ID "a" and the algorithm HS256`},
		{"same key twice", nil, []*keys.Key{public, public}, "two keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.NewSet(tt.sign, tt.verify...)
			refused(t, err, tt.want)
		})
	}
}

func TestSet(t *testing.T) {
	current := must(keys.FromSigner(keys.ES256, p256Key))
	old := must(keys.HMAC(keys.HS256, secret)).WithID("old")
	old384 := must(keys.HMAC(keys.HS384, secret)).WithID("old")
	verify := []*keys.Key{old, old384}
	s := must(keys.NewSet(current, verify...))
	verify[0] = nil
	all := s.Keys()
	if len(all) != 3 || all[0].ID() != current.Thumbprint() || current.ID() != "" {
		t.Fatalf("keys = %v", all)
	}
	for _, tt := range []struct {
		name, header string
		want         []*keys.Key
	}{
		{"signing key", `{"alg":"ES256","kid":"` + current.Thumbprint() + `"}`, all[:1]},
		{"two keys of one ID", `{"alg":"HS256","kid":"old"}`, all[1:]},
		{"no ID", `{"alg":"ES256"}`, all[:1]}, // the one that was given without
		{"empty ID", `{"alg":"HS256","kid":""}`, all[:1]},
		{"unknown ID", `{"alg":"HS256","kid":"new"}`, nil},
		{"ID of a file", `{"alg":"HS256","kid":"../../dev/null"}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := find(t, s, tt.header)
			if !slices.Equal(found, tt.want) {
				t.Errorf("keys = %v, want %v", found, tt.want)
			}
			clear(found)
		})
	}
	if signs, err := s.SigningKey(context.Background(), nil); signs != all[0] || err != nil {
		t.Errorf("SigningKey = %v, %v", signs, err)
	}
	if got := s.ForHeader(old384.Header()); got != all[2] {
		t.Errorf("ForHeader = %v, want %v", got, all[2])
	}
	if got := s.ForHeader(current.Header()); got != nil {
		t.Errorf("ForHeader of a header without kid = %v, want none", got)
	}
	clear(s.Keys())
	if !slices.Equal(s.Keys(), all) {
		t.Error("the set changed with a slice that it gave away")
	}
}

func TestSetWithoutKeyID(t *testing.T) {
	named := must(keys.NewSet(must(keys.FromSigner(keys.ES256, p256Key)).WithID("a"), must(keys.HMAC(keys.HS256, secret)).WithID("b")))
	if got := find(t, named, `{"alg":"HS256"}`); got != nil {
		t.Errorf("keys for a token without kid = %v, want none", got)
	}
	any := named.TryWithoutKeyID()
	if got := find(t, any, `{"alg":"HS256"}`); !slices.Equal(got, named.Keys()) {
		t.Errorf("keys for a token without kid = %v, want all", got)
	}
	if got := find(t, any, `{"alg":"HS256","kid":"b"}`); !slices.Equal(got, named.Keys()[1:]) {
		t.Errorf("keys for the kid b = %v, want that one", got)
	}
	parsed := must(keys.ParseSet([]byte(`{"keys":[` + string(jwk(p256Key).with(members{"alg": "ES256"}).text()) + `]}`)))
	if got := find(t, parsed, `{"alg":"ES256"}`); !slices.Equal(got, parsed.Keys()) {
		t.Errorf("keys of a JWK Set without kid = %v, want all", got)
	}
}

func TestSetCannotSign(t *testing.T) {
	s := must(keys.NewSet(nil, must(keys.FromSigner(keys.ES256, p256Key))))
	if k, err := s.SigningKey(context.Background(), nil); k != nil || !errors.Is(err, keys.ErrCannotSign) {
		t.Errorf("SigningKey = %v, %v, want %v", k, err, keys.ErrCannotSign)
	}
}

func TestSetMarshalJSON(t *testing.T) {
	mac := must(keys.HMAC(keys.HS256, secret)).WithID("mac")
	ec := must(keys.FromSigner(keys.ES256, p256Key)).WithID("ec")
	text, err := json.Marshal(must(keys.NewSet(mac, ec)))
	want := `{"keys":[` + string(jwk(p256Key).with(hidden).with(members{"alg": "ES256", "use": "sig", "kid": "ec"}).text()) + `]}`
	if err != nil || canonical(t, text) != canonical(t, []byte(want)) {
		t.Errorf("JWK Set = %s, %v, want %s", text, err, want)
	}
	text, err = json.Marshal(must(keys.NewSet(mac)))
	if err != nil || string(text) != `{"keys":[]}` {
		t.Errorf("JWK Set of a secret = %s, %v", text, err)
	}
}
