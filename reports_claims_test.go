package gate_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// TestReportsClaims: Go values that become claims, and claims that become Go values.
func TestReportsClaims(t *testing.T) {
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	type nothing struct {
		A int    `json:"a,omitempty"`
		B bool   `json:"b,omitempty"`
		C string `json:"c,omitempty"`
		D []int  `json:"d,omitempty"`
	}
	type named struct {
		Exp      time.Time  `json:"exp"`
		AuthTime *time.Time `json:"auth_time"`
		Born     time.Time  `json:"born"`
		Inner    struct {
			Exp time.Time `json:"exp"`
		} `json:"inner"`
	}
	soon := start.Add(time.Minute)
	stamps := named{Exp: soon, AuthTime: &soon, Born: start}
	stamps.Inner.Exp = start
	for _, tt := range []struct {
		name, before string
		claims       any
		want         string // part of the payload
	}{
		{"int64", "float64: the last digits were lost", map[string]any{"n": int64(9007199254740993)}, `"n":9007199254740993`},
		{"largest uint64", "as before", map[string]any{"n": uint64(math.MaxUint64)}, `"n":18446744073709551615`},
		{"big.Int", "as before", map[string]any{"n": huge}, `"n":123456789012345678901234567890`},
		{"json.Number", "a string", map[string]any{"n": json.Number("9007199254740993")}, `"n":9007199254740993`},
		{"json.Number deep inside", "a string", map[string]any{"n": []any{map[string]any{"m": json.Number("1")}}}, `"n":[{"m":1}]`},
		{"json.Number that is empty", "an error", map[string]any{"n": json.Number("")}, `"n":0`},
		{"omitempty", "0 and false were written", nothing{}, `"exp":1700000900}`},
		{"omitempty in a map", "as before", map[string]any{"n": nothing{A: 1}}, `"n":{"a":1}`},
		{"duration", "an error", map[string]any{"d": 90 * time.Second}, `"d":90000000000`},
		{"byte array", "a string, which other programs did not expect", map[string]any{"b": [3]byte{1, 2, 3}}, `"b":[1,2,3]`},
		{"byte slice", "as now", map[string]any{"b": []byte{1, 2, 3}}, `"b":"AQID"`},
		{"struct", "no struct could be given", struct {
			Role string `json:"role"`
		}{"admin"}, `"role":"admin"`},
		{"pointer to a struct", "no struct could be given", &nothing{A: 7}, `"a":7`},
		{"map of another type", "a compile error", map[string]string{"role": "admin"}, `"role":"admin"`},
		{"times of a struct", "text, which was refused on first use", stamps, `"auth_time":1700000060,"born":"2023-11-14T22:13:20Z","exp":1700000060,"inner":{"exp":"2023-11-14T22:13:20Z"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := newGate(t, gate.Config{}).CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: tt.claims})
			if err != nil {
				t.Fatal(err)
			}
			if _, got := texts(t, raw); !strings.Contains(got, tt.want) {
				t.Errorf("claims %s, want %s; before: %s", got, tt.want, tt.before)
			}
		})
	}
	_, err := newGate(t, gate.Config{}).CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{"n": json.Number("1x")}})
	if err == nil || strings.Contains(err.Error(), "1x") {
		t.Errorf("a json.Number that is no number: %v", err)
	}
}

// TestReportsReading: the same on the way back. want is the value, or nil for an error.
func TestReportsReading(t *testing.T) {
	for _, tt := range []struct {
		name, before, claim string
		into, want          any
	}{
		{"int64", "float64: the last digits were lost", `9007199254740993`, new(int64), int64(9007199254740993)},
		{"number in an any", "as now", `7`, new(any), 7.0},
		{"fraction in an any", "as now", `1.5`, new(any), 1.5},
		{"exponent in an any", "as now", `1e3`, new(any), 1000.0},
		{"large number in an any", "the last digits were lost", `9007199254740993`, new(any), json.Number("9007199254740993")},
		{"negative large number in an any", "the last digits were lost", `-9007199254740993`, new(any), json.Number("-9007199254740993")},
		{"large number that a float holds", "as now", `9007199254740992`, new(any), 9007199254740992.0},
		{"large number that a float holds and would write otherwise", "the last digits were lost", `18446744073709551616`, new(any), json.Number("18446744073709551616")},
		{"number too large for a float", "infinite", `1e999`, new(any), json.Number("1e999")},
		{"large number in a list of any", "the last digits were lost", `[9007199254740993]`, new(any), []any{json.Number("9007199254740993")}},
		{"json.Number", "an error", `42`, new(json.Number), json.Number("42")},
		{"json.Number of text", "an error", `"42"`, new(json.Number), json.Number("42")},
		{"NumericDate", "an error", `1700000000`, new(time.Time), start},
		{"NumericDate with a fraction, cut", "an error", `1700000000.9`, new(time.Time), start},
		{"time as text", "as now", `"2023-11-14T22:13:20Z"`, new(time.Time), start},
		{"NumericDate out of range", "some date", `1e300`, new(time.Time), nil},
		{"NumericDate that overflows", "some date", `1e999`, new(time.Time), nil},
		{"duration", "an error", `90000000000`, new(time.Duration), 90 * time.Second},
		{"byte array", "an error", `[1,2,3]`, new([3]byte), [3]byte{1, 2, 3}},
		{"text in an any", "as now", `"x"`, new(any), "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tok := check(t, newGate(t, gate.Config{}), token("claim", tt.claim))
			field := reflect.StructOf([]reflect.StructField{{Name: "Claim", Type: reflect.TypeOf(tt.into).Elem(), Tag: `json:"claim"`}})
			into := reflect.New(field)
			err := tok.Claims(into.Interface())
			got := into.Elem().Field(0).Interface()
			if tt.want == nil {
				if err == nil {
					t.Errorf("%s = %v, want an error; before: %s", tt.claim, got, tt.before)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s = %#v, %v, want %#v; before: %s", tt.claim, got, err, tt.want, tt.before)
			}
		})
	}
}

// What Identity returns is what the next token can be made for.
func TestIdentityKeepsDigits(t *testing.T) {
	g := newGate(t, gate.Config{Accept: gate.Accept{Lenient: gate.Lenient{AnySubject: true}}})
	for _, sub := range []string{`9007199254740993`, `18446744073709551615`, `123456789012345678901234567890`} {
		tok := check(t, g, token("sub", sub))
		raw, err := g.CreateAccessToken(t.Context(), tok.Identity(), gate.TokenOptions{From: tok})
		if err != nil {
			t.Fatalf("%s: %v", sub, err)
		}
		if got := fmt.Sprint(check(t, g, raw).Identity()); got != sub {
			t.Errorf("%s became %s", sub, got)
		}
	}
}
