package gate_test

import (
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/compat"
)

type (
	userID   int
	userName string
	stringer struct{ name string }
	failing  struct{}
)

func (s stringer) String() string            { return s.name }
func (failing) MarshalText() ([]byte, error) { return nil, errors.New("no text") }

func TestIdentities(t *testing.T) {
	for _, tt := range []struct {
		name     string
		any      bool
		identity any
		want     string // JSON, or "" for an error
	}{
		{"string", false, "alice", `"alice"`},
		{"string to be quoted", false, "a\"\\\n<é\u2028", `"a\"\\\n<é` + "\u2028" + `"`},
		{"empty string", false, "", ``},
		{"any: empty string", true, "", `""`},
		{"int", false, 42, `"42"`},
		{"negative", false, int8(-7), `"-7"`},
		{"largest", false, uint64(math.MaxUint64), `"18446744073709551615"`},
		{"named int", false, userID(7), `"7"`},
		{"named string", false, userName("bob"), `"bob"`},
		{"Stringer", false, stringer{"carol"}, ``},
		{"pointer to a Stringer", false, &stringer{"carol"}, ``},
		{"TextMarshaler", false, netip.MustParseAddr("::1"), `"::1"`},
		{"nil", false, nil, ``},
		{"nil pointer", false, (*stringer)(nil), ``},
		{"float", false, 1.5, ``},
		{"bool", false, true, ``},
		{"struct", false, struct{ A int }{1}, ``},
		{"TextMarshaler that fails", false, failing{}, ``},
		{"not UTF-8", false, "\xff", ``},

		{"any: string", true, "alice", `"alice"`},
		{"any: int", true, 42, `42`},
		{"any: float", true, 1.5, `1.5`},
		{"any: nil", true, nil, `null`},
		{"any: list", true, []int{1, 2}, `[1,2]`},
		{"any: map", true, map[string]any{"b": 1, "a": 2}, `{"a":2,"b":1}`},
		{"any: function", true, func() {}, ``},
		{"any: not a number", true, math.NaN(), ``},
		{"any: not UTF-8", true, "\xff", ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := compatGate(t, gate.Config{}, compat.Options{AnyIdentity: tt.any})
			raw, err := g.CreateAccessToken(t.Context(), tt.identity, gate.TokenOptions{})
			if tt.want == "" {
				if err == nil || raw != "" || !strings.HasPrefix(err.Error(), "gate: creating a token: ") {
					t.Errorf("token = %q, error = %v; want an error", raw, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, got := texts(t, raw); !strings.Contains(got, `"sub":`+tt.want+`,`) {
				t.Errorf("claims = %s, want sub %s", got, tt.want)
			}
		})
	}
	// A claim of the caller's makes any identity do.
	g := newGate(t, gate.Config{})
	_, err := g.CreateAccessToken(t.Context(), 1.5, gate.TokenOptions{Claims: map[string]any{"sub": "x"}})
	checkVerdict(t, err, "ok")
}
