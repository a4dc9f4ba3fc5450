package gate_test

import (
	"encoding/json"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/compat"
)

// What package flask asks for, and nothing else does.
func TestCompatPlaces(t *testing.T) {
	cookies := []gate.Location{gate.FromCookies()}
	twice := "Cookie: access_token_cookie=x; access_token_cookie=" + token()
	refresh := "Cookie: refresh_token_cookie=" + refreshToken()
	for _, tt := range []struct {
		name, cookie  string
		policy        gate.Policy
		option        compat.Options
		plain, compat string
	}{
		{"two cookies", twice, gate.Policy{}, compat.Options{FirstValue: true}, "ok", "segments"},
		{"no cookie", "Cookie: other=1", gate.Policy{}, compat.Options{FirstValue: true}, "missing_cookie", "missing_cookie"},
		{"any type", refresh, gate.Policy{Type: gate.AnyTokenType}, compat.Options{OnePlace: true}, "ok", "missing_cookie"},
		{"refresh", refresh, gate.Policy{Type: gate.Refresh}, compat.Options{OnePlace: true}, "ok", "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := gate.Config{Locations: cookies}
			_, err := newGate(t, cfg).Check(request("GET", "/", tt.cookie), tt.policy)
			checkVerdict(t, err, tt.plain)
			_, err = compatGate(t, cfg, tt.option).Check(request("GET", "/", tt.cookie), tt.policy)
			checkVerdict(t, err, tt.compat)
		})
	}
}

func TestCompatIssuers(t *testing.T) {
	g := compatGate(t, gate.Config{}, compat.Options{Issuers: []string{"a", "b"}})
	for iss, want := range map[string]string{`"a"`: "ok", `"b"`: "ok", `"c"`: "iss_mismatch", ``: "iss_missing"} {
		_, err := g.CheckToken(t.Context(), token("iss", iss), gate.Policy{})
		checkVerdict(t, err, want)
	}
}

func TestCompatPeekHeader(t *testing.T) {
	raw := mintWith(hs256, `{"alg":"HS256","cty":"JWT","n":18446744073709551616}`, `{}`)
	header, err := compat.PeekHeader(raw, len(raw))
	if err != nil || header["n"] != json.Number("18446744073709551616") || header["cty"] != "JWT" {
		t.Errorf("header %v, %v", header, err)
	}
	_, err = compat.PeekHeader(raw, len(raw)-1)
	checkVerdict(t, err, "too_large")
}

func TestCompatOptionsOf(t *testing.T) {
	if got := compat.OptionsOf(compatGate(t, gate.Config{}, compat.Options{Places: 5})).Places; got != 5 {
		t.Errorf("places %v", got)
	}
}
