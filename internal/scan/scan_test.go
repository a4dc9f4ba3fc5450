package scan_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jwtgate/gate/internal/scan"
)

const (
	depth   = 8
	members = 32
)

// read skips over the whole text and returns the fault.
func read(text string) scan.Fault {
	r := scan.New([]byte(text), depth, members)
	r.Skip()
	r.End()
	return r.Fault()
}

func TestSkip(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       scan.Fault
	}{
		{"object", `{"a":1,"b":[true,false,null],"c":{"d":"e"}}`, scan.OK},
		{"empty object", `{}`, scan.OK},
		{"empty array", `[]`, scan.OK},
		{"white space everywhere", " {\t\"a\" :\r\n [ 1 , 2 ] , \"b\" : { } } \n", scan.OK},
		{"string alone", `"x"`, scan.OK},
		{"number alone", `-0.5e-3`, scan.OK},
		{"true alone", `true`, scan.OK},
		{"text of eight bytes", `"123456"`, scan.OK},
		{"delete character", "\"\x7f\"", scan.OK},

		{"nothing", ``, scan.Syntax},
		{"white space alone", ` `, scan.Syntax},
		{"byte order mark", "\xef\xbb\xbf{}", scan.Syntax},
		{"NUL alone", "\x00", scan.Syntax},
		{"NUL behind", "{}\x00", scan.Syntax},
		{"vertical tab as space", "{\v}", scan.Syntax},
		{"non-breaking space", "\u00a0{}", scan.Syntax},
		{"second value", `{}{}`, scan.Syntax},
		{"text behind", `{} x`, scan.Syntax},
		{"comma behind", `{},`, scan.Syntax},
		{"comment", `{}//x`, scan.Syntax},
		{"object not closed", `{"a":1`, scan.Syntax},
		{"object closed as array", `{"a":1]`, scan.Syntax},
		{"array not closed", `[1`, scan.Syntax},
		{"array closed as object", `[1}`, scan.Syntax},
		{"comma at end of object", `{"a":1,}`, scan.Syntax},
		{"comma at end of array", `[1,]`, scan.Syntax},
		{"comma first in object", `{,"a":1}`, scan.Syntax},
		{"comma first in array", `[,1]`, scan.Syntax},
		{"comma twice", `[1,,2]`, scan.Syntax},
		{"comma missing", `[1 2]`, scan.Syntax},
		{"colon missing", `{"a" 1}`, scan.Syntax},
		{"colon twice", `{"a"::1}`, scan.Syntax},
		{"value missing", `{"a":}`, scan.Syntax},
		{"member cut short", `{"a"`, scan.Syntax},
		{"name without quotes", `{a:1}`, scan.Syntax},
		{"name in single quotes", `{'a':1}`, scan.Syntax},
		{"name a number", `{1:1}`, scan.Syntax},

		{"word cut short", `tru`, scan.Syntax},
		{"word in capitals", `True`, scan.Syntax},
		{"word too long", `nulll`, scan.Syntax},
		{"false misspelt", `fals3`, scan.Syntax},
		{"NaN", `NaN`, scan.Syntax},
		{"Infinity", `-Infinity`, scan.Syntax},

		{"one name twice", `{"a":1,"a":2}`, scan.Duplicate},
		{"one name twice by escape", `{"a":1,"\u0061":2}`, scan.Duplicate},
		{"one name twice inside", `{"x":[{"a":1,"b":2,"a":3}]}`, scan.Duplicate},
		{"empty name twice", `{"":1,"":2}`, scan.Duplicate},
		{"names apart by case", `{"a":1,"A":2}`, scan.OK},
		{"one name in two objects", `{"a":{"a":1},"b":{"a":1}}`, scan.OK},
		{"name twice among many", object(12, `,"n11":0`), scan.Duplicate},
		{"first of many names twice", object(12, `,"n0":0`), scan.Duplicate},
		{"many names", object(12, ``), scan.OK},

		{"deepest array", strings.Repeat("[", depth) + strings.Repeat("]", depth), scan.OK},
		{"array too deep", strings.Repeat("[", depth+1) + strings.Repeat("]", depth+1), scan.TooLarge},
		{"object too deep", strings.Repeat(`{"a":`, depth) + "{}" + strings.Repeat("}", depth), scan.TooLarge},
		{"depth counts levels, not values", "[" + strings.Repeat("[],", depth) + "[]]", scan.OK},
		{"very deep", strings.Repeat("[", 1<<20), scan.TooLarge},
		{"most members", object(members, ``), scan.OK},
		{"too many members", object(members+1, ``), scan.TooLarge},
		{"most elements", "[" + strings.Repeat("0,", members-1) + "0]", scan.OK},
		{"too many elements", "[" + strings.Repeat("0,", members) + "0]", scan.TooLarge},
		{"members in all levels count", "[" + object(members-1, ``) + ",0]", scan.TooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(tt.text); got != tt.want {
				t.Errorf("fault of %.60q = %v, want %v", tt.text, got, tt.want)
			}
		})
	}
}

// object is an object with n members, followed by more text before it is closed.
func object(n int, more string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"n%d":0`, i)
	}
	return "{" + b.String()[1:] + more + "}"
}

func TestStr(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		fault            scan.Fault
	}{
		{"plain", `"abc"`, "abc", scan.OK},
		{"empty", `""`, "", scan.OK},
		{"behind white space", ` "abc"`, "abc", scan.OK},
		{"UTF-8", `"ä€𝄞"`, "ä€𝄞", scan.OK},
		{"every escape", `"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t", scan.OK},
		{"text around an escape", `"ab\ncd"`, "ab\ncd", scan.OK},
		{"escape by number", `"\u0041\u00e4\u20AC"`, "Aä€", scan.OK},
		{"escaped NUL", `"\u0000"`, "\x00", scan.OK},
		{"surrogate pair", `"\uD834\udd1e!"`, "𝄞!", scan.OK},
		{"escaped replacement character", `"\ufffd"`, "\ufffd", scan.OK},
		{"noncharacter", `"\uffff"`, "\uffff", scan.OK},

		{"high surrogate alone", `"\ud834"`, "", scan.Encoding},
		{"low surrogate alone", `"\udd1e"`, "", scan.Encoding},
		{"surrogates in the wrong order", `"\udd1e\ud834"`, "", scan.Encoding},
		{"high surrogate twice", `"\ud834\ud834"`, "", scan.Encoding},
		{"high surrogate and a letter", `"\ud834\u0041"`, "", scan.Encoding},
		{"high surrogate and a plain text", `"\ud834uuuuuu"`, "", scan.Encoding},
		{"high surrogate and another escape", `"\ud834\n0000"`, "", scan.Encoding},
		{"high surrogate cut short", `"\ud834\udd1`, "", scan.Encoding},
		{"invalid UTF-8", "\"\xff\"", "", scan.Encoding},
		{"UTF-8 cut short", "\"\xe2\x82\"", "", scan.Encoding},
		{"overlong UTF-8", "\"\xc0\xaf\"", "", scan.Encoding},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", "", scan.Encoding},
		{"invalid UTF-8 in a long text", "\"01234567890\xff\"", "", scan.Encoding},

		{"not a string", `1`, "", scan.Syntax},
		{"not closed", `"abc`, "", scan.Syntax},
		{"not closed after an escape", `"abc\n`, "", scan.Syntax},
		{"backslash at the end", `"abc\`, "", scan.Syntax},
		{"quote escaped at the end", `"abc\"`, "", scan.Syntax},
		{"unknown escape", `"\x41"`, "", scan.Syntax},
		{"escape in capitals", `"\N"`, "", scan.Syntax},
		{"number escape too short", `"\u41"`, "", scan.Syntax},
		{"number escape cut short", `"\u00`, "", scan.Syntax},
		{"number escape not hexadecimal", `"\u00g0"`, "", scan.Syntax},
		{"number escape with sign", `"\u+041"`, "", scan.Syntax},
		{"number escape with underscore", `"\u0_41"`, "", scan.Syntax},
		{"line feed", "\"a\nb\"", "", scan.Syntax},
		{"tab", "\"a\tb\"", "", scan.Syntax},
		{"NUL", "\"\x00\"", "", scan.Syntax},
		{"control character after an escape", "\"\\n\x1f\"", "", scan.Syntax},
		{"single quotes", `'a'`, "", scan.Syntax},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := scan.New([]byte(tt.text), depth, members)
			if got := r.Str(); got != tt.want || r.Fault() != tt.fault {
				t.Errorf("Str of %q = %q, fault %v; want %q, %v", tt.text, got, r.Fault(), tt.want, tt.fault)
			}
			if end := r.End(); end != (tt.fault == scan.OK) {
				t.Errorf("End behind %q = %v", tt.text, end)
			}
		})
	}
}

func TestNumber(t *testing.T) {
	for _, text := range []string{"0", "-0", "7", "10", "-12", "1.5", "0.25", "1e9", "1E+9", "1e-9", "-1.5e3", "1e999", "123456789012345678901234567890"} {
		r := scan.New([]byte(" "+text+" "), depth, members)
		if got := r.Number(); got != text || !r.End() {
			t.Errorf("Number of %q = %q, fault %v", text, got, r.Fault())
		}
	}
	for _, text := range []string{"", "-", "+1", "01", "-01", "00", ".5", "1.", "1.e3", "1e", "1e+", "e5", "0x10", "1_000", "1,5", "--1", "١"} {
		r := scan.New([]byte(text), depth, members)
		r.Number()
		if r.End() || r.Fault() != scan.Syntax {
			t.Errorf("Number of %q: fault %v, want %v", text, r.Fault(), scan.Syntax)
		}
	}
}

// TestReader walks over an object the way a caller does.
func TestReader(t *testing.T) {
	r := scan.New([]byte(`{"a": [1, "x"], "b": true, "c": "y"}`), depth, members)
	got := make(map[string]string)
	r.Open('{')
	for first := true; r.More(first, '}'); first = false {
		name := r.Name()
		if name == "b" {
			r.Literal("true")
			continue
		}
		got[name] = r.Value().Str
	}
	if !r.End() {
		t.Fatalf("fault %v", r.Fault())
	}
	want := map[string]string{"a": `[1, "x"]`, "c": "y"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("members = %v, want %v", got, want)
	}
}

func TestFaultStays(t *testing.T) {
	r := scan.New([]byte(`{"a":1}`), depth, members)
	r.Duplicate()
	if r.Fault() != scan.Duplicate {
		t.Fatalf("fault = %v, want %v", r.Fault(), scan.Duplicate)
	}
	zero := r.Kind() == 0 && !r.Open('{') && !r.More(true, '}') && r.Name() == "" &&
		r.Str() == "" && r.Number() == "" && !r.Literal("true") && !r.Skip() && !r.End()
	if !zero || r.Fault() != scan.Duplicate {
		t.Errorf("after a fault: zero values %v, fault %v", zero, r.Fault())
	}
}

func TestAllocations(t *testing.T) {
	text := []byte(`{"sub":"user-1","exp":1700000900,"fresh":false,"aud":["a","b"]}`)
	got := testing.AllocsPerRun(100, func() {
		r := scan.New(text, depth, members)
		r.Skip()
		r.End()
	})
	if got != 0 {
		t.Errorf("allocations = %v, want 0", got)
	}
}

// FuzzScan holds the reader against encoding/json: what it accepts is JSON, in
// UTF-8, and its strings mean the same. What encoding/json refuses is refused.
func FuzzScan(f *testing.F) {
	for _, text := range []string{
		`{"a":1,"b":[true,false,null],"c":{"d":"e"}}`, `"\ud834\udd1e"`, `"\ud834"`, "\"\xff\"",
		`-0.5e-3`, `[1,]`, `{"a":1,"a":2}`, `[[[[[[[[[]]]]]]]]]`, " {\t} ", `"\"\\\/\b\f\n\r\t"`, `01`, "\x00",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := scan.New(text, depth, members)
		ok := r.Skip() && r.End()
		if ok && (!json.Valid(text) || !utf8.Valid(text)) {
			t.Fatalf("accepted %q", text)
		}
		if !ok && r.Fault() == scan.Syntax && json.Valid(text) {
			t.Fatalf("%q is JSON, and was refused as bad syntax", text)
		}
		var want string
		r = scan.New(text, depth, members)
		if got := r.Str(); r.End() && (json.Unmarshal(text, &want) != nil || got != want) {
			t.Fatalf("Str of %q = %q, want %q", text, got, want)
		}
	})
}

func BenchmarkSkip(b *testing.B) {
	text := []byte(`{"fresh":false,"iat":1700000000,"jti":"6ce1d9b8-30c4-4d0e-a2bb-5c2a7bd7a7d3","type":"access","sub":"user-1","nbf":1700000000,"exp":1700000900}`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r := scan.New(text, depth, members)
		if !r.Skip() || !r.End() {
			b.Fatal(r.Fault())
		}
	}
}
