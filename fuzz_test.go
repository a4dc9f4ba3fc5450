package gate_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	expjson "github.com/jwtgate/gate/internal/json"
	"github.com/jwtgate/gate/internal/json/jsontext"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/attacks"
	"github.com/jwtgate/gate/keys"
)

// fuzzed is what fuzz targets share: the attack corpus, and a gate at its instant.
type fuzzed struct {
	*attacks.Corpus
	key  *keys.Key
	gate *gate.Gate
}

func newFuzzed(f *testing.F, cfg gate.Config) *fuzzed {
	f.Helper()
	c, err := attacks.Load("internal/integration/attacks/testdata/attacks.json")
	if err != nil {
		f.Fatal(err)
	}
	k, err := keys.ParseJWK(keys.HS256, c.Keys["hs-main"])
	if err != nil {
		f.Fatal(err)
	}
	cfg.Keys = k
	cfg.Clock = func() time.Time { return time.Unix(c.Now, 0) }
	cfg.Accept.Issuer, cfg.Accept.Audiences = "https://issuer.example", []string{"api"}
	g, err := gate.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	return &fuzzed{c, k, g}
}

// token is one of the named tokens of the corpus.
func (z *fuzzed) token(f *testing.F, name string) string {
	f.Helper()
	raw, err := z.Compact(z.Tokens[name])
	if err != nil {
		f.Fatal(err)
	}
	return raw
}

// eachToken calls add with every token of the corpus that is not huge.
func (z *fuzzed) eachToken(f *testing.F, add func(raw string, payload []byte)) {
	f.Helper()
	for _, e := range z.Entries {
		if e.Token == nil {
			continue
		}
		raw, err := z.Compact(e.Token)
		if err != nil {
			f.Fatal(err)
		}
		payload, err := z.Payload(e.Token)
		if err != nil {
			f.Fatal(err)
		}
		if len(raw) < 16<<10 {
			add(raw, payload)
		}
	}
}

// eachRequest calls add with the header and the body of every request of the corpus.
func (z *fuzzed) eachRequest(f *testing.F, add func(header map[string][]string, body string)) {
	f.Helper()
	for _, e := range z.Entries {
		var r struct {
			Headers  [][2]string
			BodyText string
		}
		if e.Request == nil || json.Unmarshal(e.Request, &r) != nil || strings.Contains(r.BodyText, "67108864") {
			continue
		}
		header := map[string][]string{}
		for _, h := range r.Headers {
			v, err := z.Expand(h[1])
			if err != nil {
				f.Fatal(err)
			}
			name := textproto.CanonicalMIMEHeaderKey(h[0])
			header[name] = append(header[name], v)
		}
		body, err := z.Expand(r.BodyText)
		if err != nil {
			f.Fatal(err)
		}
		add(header, body)
	}
}

func post(header http.Header, body string) *http.Request {
	return &http.Request{Method: "POST", Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// refusalOrNil fails a test over an error that is not a refusal.
func refusalOrNil(t *testing.T, err error) {
	t.Helper()
	if e := (*gate.Error)(nil); err != nil && !errors.As(err, &e) {
		t.Errorf("error %v is no refusal", err)
	}
}

// FuzzToken: nothing panics, and a token that verifies has one spelling.
func FuzzToken(f *testing.F) {
	z := newFuzzed(f, gate.Config{Accept: gate.Accept{Lenient: gate.Lenient{NoExpiry: true, NoID: true, AnySubject: true, AnyType: true, AnyFresh: true, AnyHeaderType: true}}})
	z.eachToken(f, func(raw string, _ []byte) { f.Add(raw) })
	f.Fuzz(func(t *testing.T, raw string) {
		tok, err := z.gate.CheckToken(t.Context(), raw, gate.Policy{Type: gate.AnyTokenType})
		refusalOrNil(t, err)
		if _, err := gate.Peek(raw); err != nil {
			refusalOrNil(t, err)
		}
		if err != nil {
			return
		}
		seg := strings.Split(raw, ".")
		if len(seg) != 3 {
			t.Fatalf("accepted %q with %d segments", raw, len(seg))
		}
		for i, s := range seg {
			b, err := base64.RawURLEncoding.DecodeString(s)
			if err != nil || base64.RawURLEncoding.EncodeToString(b) != s {
				t.Errorf("accepted with segment %d = %q", i, s)
			}
		}
		if s := tok.String(); strings.Contains(s, seg[2]) {
			t.Errorf("String shows the signature: %s", s)
		}
	})
}

// FuzzClaims: payloads that are signed, whatever they are.
func FuzzClaims(f *testing.F) {
	z := newFuzzed(f, gate.Config{})
	z.eachToken(f, func(_ string, payload []byte) {
		if payload != nil {
			f.Add(payload)
		}
	})
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		input := header + "." + base64.RawURLEncoding.EncodeToString(payload)
		sig, err := z.key.Sign(t.Context(), input)
		if err != nil {
			t.Fatal(err)
		}
		tok, err := z.gate.CheckToken(t.Context(), input+"."+sig, gate.Policy{})
		refusalOrNil(t, err)
		if err != nil {
			return
		}
		if !json.Valid(payload) {
			t.Fatalf("accepted %q, which encoding/json refuses", payload)
		}
		var all map[string]jsontext.Value
		if err := expjson.Unmarshal(payload, &all); err != nil {
			t.Fatalf("accepted %q: %v", payload, err)
		}
		var want struct {
			Sub string `json:"sub"`
			JTI string `json:"jti"`
		}
		if err := expjson.Unmarshal(payload, &want); err != nil {
			t.Fatal(err)
		}
		if tok.Subject != want.Sub || tok.ID != want.JTI || tok.Type != gate.Access {
			t.Errorf("%s of %q", tok, payload)
		}
		if now := time.Unix(z.Now, 0); !tok.Expiry.After(now) || tok.NotBefore.After(now) || tok.IssuedAt.After(now) {
			t.Errorf("accepted %q at %d", payload, z.Now)
		}
	})
}

// FuzzAuthorization: of values of the header, divided by line feeds here, one and
// only one is the scheme and a token.
func FuzzAuthorization(f *testing.F) {
	z := newFuzzed(f, gate.Config{})
	z.eachRequest(f, func(h map[string][]string, _ string) { f.Add(strings.Join(h["Authorization"], "\n")) })
	z.eachToken(f, func(raw string, _ []byte) { f.Add("Bearer " + raw) })
	f.Fuzz(func(t *testing.T, value string) {
		values := strings.Split(value, "\n")
		_, err := z.gate.Check(&http.Request{Method: "GET", Header: http.Header{"Authorization": values}}, gate.Policy{})
		refusalOrNil(t, err)
		if err != nil {
			return
		}
		found := 0
		for _, v := range values {
			word := strings.FieldsFunc(v, func(c rune) bool { return c == ' ' || c == '\t' })
			if len(word) == 0 || !strings.EqualFold(word[0], "bearer") {
				continue
			}
			if found++; len(word) != 2 {
				t.Errorf("accepted %q", v)
			}
		}
		if found != 1 {
			t.Errorf("accepted %d credentials: %q", found, values)
		}
	})
}

// FuzzCookieHeader: a cookie counts under its own name alone, and on an unsafe
// method only with the value in the token.
func FuzzCookieHeader(f *testing.F) {
	z := newFuzzed(f, gate.Config{Locations: []gate.Location{gate.FromCookies()}})
	z.eachRequest(f, func(h map[string][]string, _ string) {
		f.Add(strings.Join(h["Cookie"], "\n"), strings.Join(h["X-Csrf-Token"], "\n"), true)
		f.Add(strings.Join(h["Cookie"], "\n"), strings.Join(h["X-Csrf-Token"], "\n"), false)
	})
	f.Fuzz(func(t *testing.T, cookies, csrf string, unsafe bool) {
		r := &http.Request{Method: "GET", Header: http.Header{"Cookie": strings.Split(cookies, "\n"), "X-Csrf-Token": strings.Split(csrf, "\n")}}
		if unsafe {
			r.Method = "POST"
		}
		tok, err := z.gate.Check(r, gate.Policy{})
		refusalOrNil(t, err)
		if err != nil {
			return
		}
		if !strings.Contains(cookies, "access_token_cookie=") {
			t.Errorf("accepted %q", cookies)
		}
		if unsafe && (tok.CSRF() == "" || r.Header["X-Csrf-Token"][0] != tok.CSRF()) {
			t.Errorf("accepted CSRF value %q for %q", csrf, tok.CSRF())
		}
	})
}

// FuzzJSONBody: the token is the member of that very name, as another reader of
// JSON sees it, and the body stays whole.
func FuzzJSONBody(f *testing.F) {
	z := newFuzzed(f, gate.Config{Locations: []gate.Location{gate.FromJSON("access_token", "refresh_token")}})
	z.eachRequest(f, func(h map[string][]string, body string) { f.Add(strings.Join(h["Content-Type"], "\n"), body) })
	f.Add("application/json", `{"access_token":"`+z.token(f, "access-alice")+`","a":[{}]}`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := post(http.Header{"Content-Type": strings.Split(contentType, "\n")}, body)
		_, err := z.gate.Check(r, gate.Policy{})
		refusalOrNil(t, err)
		if rest, readErr := io.ReadAll(r.Body); readErr != nil || string(rest) != body {
			t.Errorf("the handler reads %q of %q: %v", rest, body, readErr)
		}
		if err != nil {
			return
		}
		var all map[string]any
		if err := json.Unmarshal([]byte(body), &all); err != nil {
			t.Fatalf("accepted %q: %v", body, err)
		}
		raw, _ := all["access_token"].(string)
		if _, err := z.gate.CheckToken(t.Context(), raw, gate.Policy{}); err != nil {
			t.Errorf("accepted %q, whose access_token is refused: %v", body, err)
		}
	})
}

// FuzzForm: a CSRF value counts only where net/http finds it in the form too, and
// the body stays whole.
func FuzzForm(f *testing.F) {
	z := newFuzzed(f, gate.Config{Locations: []gate.Location{gate.FromCookies()}, Cookies: gate.Cookies{CSRF: gate.CSRF{Form: true}}})
	cookie := "access_token_cookie=" + z.token(f, "cookie-alice")
	for _, s := range []string{"csrf_token=c5rf-alice", "a=b&csrf_token=c5rf-alice", "csrf_token=x&csrf_token=c5rf-alice", "csrf%5Ftoken=c5rf%2Dalice", "csrf_token=c5rf-alice;a=b", "a;csrf_token=c5rf-alice", "%zz&csrf_token=c5rf-alice"} {
		f.Add("application/x-www-form-urlencoded", s)
	}
	const part = "--b\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\nc5rf-alice\r\n--b--\r\n"
	f.Add("multipart/form-data; boundary=b", part)
	f.Add(`multipart/form-data; boundary="b"`, "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"csrf_token\"\r\n\r\nx\r\n"+part)
	f.Add("multipart/mixed; boundary=b", part)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		header := http.Header{"Content-Type": {contentType}, "Cookie": {cookie}}
		r := post(header, body)
		_, err := z.gate.Check(r, gate.Policy{})
		refusalOrNil(t, err)
		if rest, readErr := io.ReadAll(r.Body); readErr != nil || string(rest) != body {
			t.Errorf("the handler reads %q of %q: %v", rest, body, readErr)
		}
		if err != nil {
			return
		}
		other := post(header.Clone(), body)
		broken := other.ParseMultipartForm(1<<20) != nil
		value := ""
		if v := other.PostForm["csrf_token"]; len(v) > 0 {
			value = v[0]
		}
		if broken && strings.Contains(body, "c5rf-alice") {
			return // net/http keeps nothing of a multipart form that breaks off behind the value
		}
		if value != "c5rf-alice" {
			t.Errorf("accepted %q of type %q, in which net/http finds %q", body, contentType, value)
		}
	})
}

// FuzzRequest: requests as they come over the wire, to every location at once.
func FuzzRequest(f *testing.F) {
	z := newFuzzed(f, gate.Config{
		Locations: []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies(), gate.FromQuery("jwt", ""), gate.FromJSON("access_token", "refresh_token")},
		Cookies:   gate.Cookies{CSRF: gate.CSRF{Form: true}},
	})
	z.eachRequest(f, func(h map[string][]string, body string) {
		var b bytes.Buffer
		b.WriteString("POST /protected?jwt=a HTTP/1.1\r\nHost: h\r\n")
		for name, values := range h {
			for _, v := range values {
				b.WriteString(name + ": " + v + "\r\n")
			}
		}
		b.WriteString("\r\n" + body)
		f.Add(b.Bytes())
	})
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		for _, p := range []gate.Policy{{}, {Type: gate.Refresh}, {Optional: true}} {
			_, err := z.gate.Check(r, p)
			refusalOrNil(t, err)
		}
	})
}
