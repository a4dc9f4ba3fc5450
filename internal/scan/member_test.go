package scan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate/internal/scan"
)

func TestMember(t *testing.T) {
	str := func(s string) scan.Value { return scan.Value{Kind: '"', Str: s} }
	for _, tt := range []struct {
		text  string // behind the brace, or the comma
		name  string
		value scan.Value
		ok    bool
	}{
		{`"a":"b"}`, "a", str("b"), true},
		{`"a":"b","c":1}`, "a", str("b"), true},
		{`"":""}`, "", str(""), true},
		{`"a":0}`, "a", scan.Value{Kind: '0', Str: "0"}, true},
		{`"a":17,`, "a", scan.Value{Kind: '0', Str: "17", Int: 17}, true},
		{`"a":999999999999999999}`, "a", scan.Value{Kind: '0', Str: "999999999999999999", Int: 999999999999999999}, true},
		{`"a":true}`, "a", scan.Value{Kind: 't', Str: "true"}, true},
		{`"a":false}`, "a", scan.Value{Kind: 'f', Str: "false"}, true},

		{`"a":1000000000000000000}`, "", scan.Value{}, false},
		{`"a":01}`, "", scan.Value{}, false},
		{`"a":-1}`, "", scan.Value{}, false},
		{`"a":1.5}`, "", scan.Value{}, false},
		{`"a":1e3}`, "", scan.Value{}, false},
		{`"a":truth}`, "", scan.Value{}, false},
		{`"a":trueish}`, "", scan.Value{}, false},
		{`"a":null}`, "", scan.Value{}, false},
		{`"a":[]}`, "", scan.Value{}, false},
		{`"a":{}}`, "", scan.Value{}, false},
		{`"a" :1}`, "", scan.Value{}, false},
		{`"a": 1}`, "", scan.Value{}, false},
		{` "a":1}`, "", scan.Value{}, false},
		{`"a":1 }`, "", scan.Value{}, false},
		{`"a":"\u0041"}`, "", scan.Value{}, false},
		{`"\u0061":"x"}`, "", scan.Value{}, false},
		{`"a":"é"}`, "", scan.Value{}, false},
		{`"a":"x"]`, "", scan.Value{}, false},
		{`"a":"x`, "", scan.Value{}, false},
		{`"a":"x"`, "", scan.Value{}, false},
		{`"a":1`, "", scan.Value{}, false},
		{`"a":`, "", scan.Value{}, false},
		{`"a"`, "", scan.Value{}, false},
		{`"a`, "", scan.Value{}, false},
		{`"`, "", scan.Value{}, false},
		{`a":1}`, "", scan.Value{}, false},
		{`}`, "", scan.Value{}, false},
		{``, "", scan.Value{}, false},
	} {
		t.Run(tt.text, func(t *testing.T) {
			r := scan.New([]byte("{"+tt.text), depth, members)
			r.Open('{')
			name, v, ok := r.Member(true)
			if ok != tt.ok || ok && (name != tt.name || v != tt.value) {
				t.Errorf("first Member = %q, %+v, %v; want %q, %+v, %v", name, v, ok, tt.name, tt.value, tt.ok)
			}
			r = scan.New([]byte(`{"z":1,`+tt.text), depth, members)
			r.Open('{')
			r.Member(true)
			name, v, ok = r.Member(false)
			if ok != tt.ok || ok && (name != tt.name || v != tt.value) {
				t.Errorf("second Member = %q, %+v, %v; want %q, %+v, %v", name, v, ok, tt.name, tt.value, tt.ok)
			}
		})
	}
}

func TestMemberAtTheEnd(t *testing.T) {
	r := scan.New([]byte(`{"a":1}  `), depth, members)
	r.Open('{')
	r.Member(true)
	if _, _, ok := r.Member(false); ok || r.More(false, '}') || !r.End() {
		t.Errorf("a member behind the last: %v, fault %v", ok, r.Fault())
	}
}

func TestMemberKeepsTheLimits(t *testing.T) {
	r := scan.New([]byte(`{"a":1,"b":2}`), 1, 1)
	r.Open('{')
	if _, _, ok := r.Member(true); !ok {
		t.Error("the first of one member was not read")
	}
	if _, _, ok := r.Member(false); ok {
		t.Error("the second of one member was read")
	}
	if r.More(false, '}') || r.Fault() != scan.TooLarge {
		t.Errorf("More over the limit: fault %v, want %v", r.Fault(), scan.TooLarge)
	}
	r = scan.New([]byte(`{"a":1}`), 1, 1)
	r.Open('[')
	if _, _, ok := r.Member(true); ok {
		t.Error("a member was read after a fault")
	}
}

func TestValue(t *testing.T) {
	for _, tt := range []struct {
		text string
		want scan.Value
		ok   bool
	}{
		{`"a\u0062"`, scan.Value{Kind: '"', Str: "ab"}, true},
		{` 17`, scan.Value{Kind: '1', Str: "17"}, true},
		{`-1.5e3`, scan.Value{Kind: '1', Str: "-1.5e3"}, true},
		{`true`, scan.Value{Kind: 't', Str: "true"}, true},
		{`null`, scan.Value{Kind: 'n', Str: "null"}, true},
		{` [1, {"a": 2}] `, scan.Value{Kind: '[', Str: `[1, {"a": 2}]`}, true},
		{`{}`, scan.Value{Kind: '{', Str: "{}"}, true},
		{`[1,]`, scan.Value{}, false},
		{`nul`, scan.Value{}, false},
		{``, scan.Value{}, false},
	} {
		r := scan.New([]byte(tt.text), depth, members)
		if got := r.Value(); got != tt.want || r.End() != tt.ok {
			t.Errorf("Value of %q = %+v, fault %v; want %+v", tt.text, got, r.Fault(), tt.want)
		}
	}
}

// flat reads a flat object to its end, with or without the short cut.
func flat(text string, shortcut bool) (list []string, fault scan.Fault) {
	r := scan.New([]byte(text), depth, members)
	r.Open('{')
	for first := true; ; first = false {
		name, v, ok := "", scan.Value{}, false
		if shortcut {
			name, v, ok = r.Member(first)
		}
		if !ok {
			if !r.More(first, '}') {
				break
			}
			name, v = r.Name(), r.Value()
		}
		list = append(list, strings.Join([]string{name, string(v.Kind - v.Kind%2), v.Str}, "\x00"))
	}
	r.End()
	return list, r.Fault()
}

// FuzzMember holds the short cut against the long way.
func FuzzMember(f *testing.F) {
	for _, text := range []string{
		`{"fresh":true,"iat":1700000000,"jti":"x","type":"access","sub":"a","exp":1700000900}`,
		`{"a":1, "b":"c","d":[1,2],"e":{"f":null}}`, `{"a":"\\","b":1e9}`, `{}`, `{"a":1,}`, `{"a":01}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		short, fault1 := flat(text, true)
		long, fault2 := flat(text, false)
		if fault1 != fault2 || fault1 == scan.OK && !slices.Equal(short, long) {
			t.Errorf("%q: short cut %q %v, long way %q %v", text, short, fault1, long, fault2)
		}
	})
}
