package jws_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/jwtgate/gate/internal/jws"
)

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		name, token string
		want        jws.Parts
		err         error
	}{
		{"three segments", "a.bc.d", jws.Parts{Header: "a", Payload: "bc", Signature: "d", Input: "a.bc"}, nil},
		{"empty segments", "..", jws.Parts{Input: "."}, nil},
		{"no dot", "abc", jws.Parts{}, jws.ErrSegments},
		{"one dot", "a.b", jws.Parts{}, jws.ErrSegments},
		{"empty", "", jws.Parts{}, jws.ErrSegments},
		{"four segments", "a.b.c.d", jws.Parts{}, jws.ErrMoreSegments},
		{"five segments", "a.b.c.d.e", jws.Parts{}, jws.ErrMoreSegments},
		{"as long as allowed", "aaa.bbb.cc", jws.Parts{Header: "aaa", Payload: "bbb", Signature: "cc", Input: "aaa.bbb"}, nil},
		{"longer than allowed", "aaa.bbb.ccc", jws.Parts{}, jws.ErrTooLarge},
		{"many dots, longer than allowed", "...........", jws.Parts{}, jws.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := jws.Split(tt.token, 10)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("Split(%q) = %+v, %v; want %+v, %v", tt.token, got, err, tt.want, tt.err)
			}
		})
	}
}

func TestDecodeSegment(t *testing.T) {
	for _, tt := range []struct {
		name, segment, want string
		ok                  bool
	}{
		{"empty", "", "", true},
		{"one byte", "YQ", "a", true},
		{"two bytes", "YWI", "ab", true},
		{"three bytes", "YWJj", "abc", true},
		{"alphabet of URLs", "-_-_", "\xfb\xff\xbf", true},
		{"alphabet of MIME", "+/+/", "", false},
		{"padding", "YQ==", "", false},
		{"padding behind a whole group", "YWJj=", "", false},
		{"unused bits set, one byte", "YR", "", false},
		{"unused bits set, two bytes", "YWJ", "", false},
		{"one character", "Y", "", false},
		{"five characters", "YWJjY", "", false},
		{"line feed at the end", "YWJj\n", "", false},
		{"carriage return at the end", "YWJj\r", "", false},
		{"line end at the end", "YWJj\r\n", "", false},
		{"line feed behind one byte", "YQ\n", "", false},
		{"line feed behind two bytes", "YWI\n", "", false},
		{"line feed inside", "YW\nJj", "", false},
		{"line feeds that fill a group", "YWJj\n\n\n\n", "", false},
		{"line feed alone", "\n", "", false},
		{"space", "YWJj ", "", false},
		{"NUL", "YWJj\x00", "", false},
		{"not ASCII", "YWJjä", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := jws.DecodeSegment(tt.segment)
			if ok != tt.ok || ok && string(got) != tt.want {
				t.Errorf("DecodeSegment(%q) = %q, %v; want %q, %v", tt.segment, got, ok, tt.want, tt.ok)
			}
		})
	}
}

// Line ends must never pass, wherever they stand and however long the segment.
func TestDecodeLineEnds(t *testing.T) {
	for n := range 70 {
		segment := jws.Enc.EncodeToString(make([]byte, n))
		for at := range len(segment) + 1 {
			for _, end := range []string{"\n", "\r", "\r\n", "\n\n\n", "\n\n\n\n", "\n\n\n\n\n"} {
				if _, ok := jws.DecodeSegment(segment[:at] + end + segment[at:]); ok {
					t.Fatalf("%q at %d of the encoding of %d bytes was accepted", end, at, n)
				}
			}
		}
	}
}

func header(text string) jws.Parts {
	return jws.Parts{Header: jws.Enc.EncodeToString([]byte(text)), Payload: "e30", Signature: "AAAA"}
}

func TestParseHeader(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       error
	}{
		{"alg alone", `{"alg":"HS256"}`, nil},
		{"all that is known", `{"alg":"HS256","kid":"k","typ":"JWT"}`, nil},
		{"other members", `{"alg":"HS256","x5t":"x","jwk":{"kty":"oct"},"jku":"https://x.example"}`, nil},
		{"white space", " {\r\n \"alg\" : \"HS256\" } ", nil},
		{"cty of something else", `{"alg":"HS256","cty":"json"}`, nil},

		{"no text", ``, jws.ErrHeaderJSON},
		{"not JSON", `alg`, jws.ErrHeaderJSON},
		{"cut short", `{"alg":"HS256"`, jws.ErrHeaderJSON},
		{"text behind", `{"alg":"HS256"}x`, jws.ErrHeaderJSON},
		{"name twice", `{"alg":"HS256","alg":"none"}`, jws.ErrHeaderJSON},
		{"name twice by escape", `{"alg":"HS256","\u0061lg":"none"}`, jws.ErrHeaderJSON},
		{"name twice inside", `{"alg":"HS256","x":{"a":1,"a":1}}`, jws.ErrHeaderJSON},
		{"invalid UTF-8", "{\"alg\":\"HS256\",\"kid\":\"\xff\"}", jws.ErrHeaderJSON},
		{"lone surrogate", `{"alg":"HS256","kid":"\ud800"}`, jws.ErrHeaderJSON},
		{"byte order mark", "\xef\xbb\xbf{\"alg\":\"HS256\"}", jws.ErrHeaderJSON},
		{"array", `["alg"]`, jws.ErrHeaderObject},
		{"string", `"alg"`, jws.ErrHeaderObject},
		{"null", `null`, jws.ErrHeaderObject},
		{"too deep", `{"alg":"HS256","x":` + strings.Repeat("[", jws.MaxDepth) + strings.Repeat("]", jws.MaxDepth) + `}`, jws.ErrTooLarge},
		{"array too deep", strings.Repeat("[", jws.MaxDepth+1) + strings.Repeat("]", jws.MaxDepth+1), jws.ErrTooLarge},
		{"too many members", `{"alg":"HS256","x":[` + strings.Repeat("0,", jws.MaxMembers) + `0]}`, jws.ErrTooLarge},

		{"no alg", `{"typ":"JWT"}`, jws.ErrAlgMissing},
		{"alg in capitals", `{"ALG":"HS256"}`, jws.ErrAlgMissing},
		{"alg null", `{"alg":null}`, jws.ErrAlgType},
		{"alg a list", `{"alg":["HS256"]}`, jws.ErrAlgType},
		{"kid a number", `{"alg":"HS256","kid":1}`, jws.ErrKeyIDType},
		{"kid an object", `{"alg":"HS256","kid":{"a":"b"}}`, jws.ErrKeyIDType},
		{"typ a number", `{"alg":"HS256","typ":1}`, jws.ErrTypeType},

		{"crit unknown", `{"alg":"HS256","crit":["x"],"x":1}`, jws.ErrCritical},
		{"crit of b64", `{"alg":"HS256","crit":["b64"],"b64":true}`, jws.ErrCritical},
		{"crit of b64 false", `{"alg":"HS256","b64":false,"crit":["b64"]}`, jws.ErrCritical},
		{"crit of b64, which is absent", `{"alg":"HS256","crit":["b64"]}`, jws.ErrCriticalAbsent},
		{"crit empty", `{"alg":"HS256","crit":[]}`, jws.ErrCriticalEmpty},
		{"crit a string", `{"alg":"HS256","crit":"exp"}`, jws.ErrCriticalEmpty},
		{"crit null", `{"alg":"HS256","crit":null}`, jws.ErrCriticalEmpty},
		{"crit of a number", `{"alg":"HS256","crit":[1]}`, jws.ErrCriticalType},
		{"crit of a name and a number", `{"alg":"HS256","crit":["x",1]}`, jws.ErrCriticalType},
		{"crit not closed", `{"alg":"HS256","crit":["x"`, jws.ErrHeaderJSON},
		{"b64 without crit", `{"alg":"HS256","b64":true}`, jws.ErrUnencoded},
		{"zip", `{"alg":"HS256","zip":"DEF"}`, jws.ErrCompressed},
		{"nested", `{"alg":"HS256","cty":"JWT"}`, jws.ErrNested},
		{"nested, long form", `{"alg":"HS256","cty":"application/Jwt"}`, jws.ErrNested},
		{"cty a number", `{"alg":"HS256","cty":1}`, jws.ErrNested},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := jws.ParseHeader(header(tt.text))
			if !errors.Is(err, tt.want) {
				t.Fatalf("ParseHeader(%.80s) error = %v, want %v", tt.text, err, tt.want)
			}
			if err == nil && (got.Alg != "HS256" || string(got.JSON) != tt.text) {
				t.Errorf("ParseHeader(%s) = %+v", tt.text, got)
			}
		})
	}
}

func TestParseHeaderFields(t *testing.T) {
	got, err := jws.ParseHeader(header(`{"typ":"at+jwt","kid":"\u00e4","alg":"none"}`))
	if err != nil || got.Alg != "none" || got.KeyID != "ä" || got.Type != "at+jwt" {
		t.Errorf("ParseHeader = %+v, %v", got, err)
	}
}

func TestParseHeaderSegments(t *testing.T) {
	const good = "eyJhbGciOiJIUzI1NiJ9"
	for _, tt := range []struct {
		name  string
		parts jws.Parts
		want  error
	}{
		{"whole", jws.Parts{Header: good, Payload: "e30", Signature: "AAAA"}, nil},
		{"no signature", jws.Parts{Header: good, Payload: "e30"}, nil},
		{"header padded", jws.Parts{Header: good + "=", Payload: "e30"}, jws.ErrHeaderEncoding},
		{"header with line feed", jws.Parts{Header: good + "\n", Payload: "e30"}, jws.ErrHeaderEncoding},
		{"no payload", jws.Parts{Header: good, Signature: "AAAA"}, jws.ErrPayloadEmpty},
		{"payload of odd length", jws.Parts{Header: good, Payload: "e30fA", Signature: "AAAA"}, jws.ErrPayloadEncoding},
		{"signature of odd length", jws.Parts{Header: good, Payload: "e30", Signature: "AAAAA"}, jws.ErrSignatureLength},
		{"signature of odd length with a comma", jws.Parts{Header: good, Payload: "e30", Signature: "AAAA,"}, jws.ErrSignatureEncoding},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := jws.ParseHeader(tt.parts); !errors.Is(err, tt.want) {
				t.Errorf("ParseHeader error = %v, want %v", err, tt.want)
			}
		})
	}
}

// FuzzHeader holds the header reader against encoding/json: it never panics, and
// what it accepts is an object whose "alg" reads the same there.
func FuzzHeader(f *testing.F) {
	for _, text := range []string{
		`{"alg":"HS256","kid":"k","typ":"JWT"}`, `{"alg":"HS256","crit":["b64"],"b64":false}`, `{"alg":null}`,
		`{"\u0061lg":"HS256"}`, `{"alg":"HS256","crit":["x",1]}`, `{"alg":"HS256","cty":"JWT"}`, `[1]`, `{"alg":"\ud800"}`,
	} {
		f.Add([]byte(text), "e30", "AAAA")
	}
	f.Fuzz(func(t *testing.T, text []byte, payload, signature string) {
		token := jws.Enc.EncodeToString(text) + "." + payload + "." + signature
		parts, err := jws.Split(token, 1<<16)
		if err != nil {
			return
		}
		h, err := jws.ParseHeader(parts)
		if err != nil {
			return
		}
		var want map[string]any
		if err := json.Unmarshal(text, &want); err != nil || want["alg"] != h.Alg {
			t.Fatalf("header %q: alg %q, encoding/json says %v, %v", text, h.Alg, want["alg"], err)
		}
		if kid, ok := want["kid"]; ok && kid != h.KeyID {
			t.Fatalf("header %q: kid %s, encoding/json says %v", text, strconv.Quote(h.KeyID), kid)
		}
	})
}

func TestCanonical(t *testing.T) {
	for _, tt := range []struct {
		segment string
		want    bool
	}{
		{"", true},
		{"AAAA", true},
		{"AA", true},
		{"AB", false},
		{"A", false},
		{"AA\nAA", false},
		{"AA==", false},
		{strings.Repeat("A", 1366), true}, // RSA with 8192 bits
		{strings.Repeat("A", 1368), false},
	} {
		if got := jws.Canonical(tt.segment); got != tt.want {
			t.Errorf("Canonical of %d characters %.6q = %v, want %v", len(tt.segment), tt.segment, got, tt.want)
		}
	}
}
