package gate_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
)

var inJSON = []gate.Location{gate.FromJSON("access_token", "refresh_token")}

func TestFromJSON(t *testing.T) {
	raw, refresh := token(), refreshToken()
	const js = "application/json"
	member := `{"access_token":"` + raw + `"}`
	for _, tt := range []struct {
		name, method, contentType, body string
		want                            string
	}{
		{"token", "POST", js, member, "ok"},
		{"with a charset", "POST", "application/json; charset=utf-8", member, "ok"},
		{"type in upper case", "PUT", "Application/JSON", member, "ok"},
		{"bad parameter", "POST", "application/json; charset", member, "ok"},
		{"bad parameter twice", "POST", "Application/JSON ; a=1; a=2", member, "ok"},
		{"type with a suffix", "PATCH", "application/vnd.api+json", member, "ok"},
		{"among others", "POST", js, ` {"a":[1,{"access_token":"x"}],"access_token":"` + raw + `","b":null} `, "ok"},
		{"escaped name", "POST", js, `{"access\u005ftoken":"` + raw + `"}`, "ok"},

		{"no content type", "POST", "", member, "missing_content_type"},
		{"form", "POST", "application/x-www-form-urlencoded", "access_token=" + raw, "missing_content_type"},
		{"text/json", "POST", "text/json", member, "missing_content_type"},
		{"text with a suffix", "POST", "text/x+json", member, "missing_content_type"},
		{"type that begins alike", "POST", "application/jsonp", member, "missing_content_type"},
		{"two types in one line", "POST", "application/json, text/plain", member, "missing_content_type"},
		{"GET", "GET", js, member, "missing_method"},
		{"HEAD", "HEAD", js, member, "missing_method"},
		{"empty body", "POST", js, "", "missing_member"},
		{"blank body", "POST", js, " \n", "missing_member"},
		{"empty object", "POST", js, "{}", "missing_member"},
		{"null", "POST", js, "null", "missing_member"},
		{"array", "POST", js, `["access_token"]`, "missing_member"},
		{"string", "POST", js, `"` + raw + `"`, "missing_member"},
		{"other members", "POST", js, `{"a":1}`, "missing_member"},
		{"name in another case", "POST", js, `{"Access_Token":"` + raw + `"}`, "missing_member"},
		{"null member", "POST", js, `{"access_token":null}`, "missing_member"},
		{"empty member", "POST", js, `{"access_token":""}`, "missing_member"},
		{"the other member", "POST", js, `{"refresh_token":"` + refresh + `"}`, "missing_member"},

		{"number", "POST", js, `{"access_token":1}`, "member_type"},
		{"boolean", "POST", js, `{"access_token":true}`, "member_type"},
		{"object", "POST", js, `{"access_token":{"a":1}}`, "member_type"},
		{"array member", "POST", js, `{"access_token":["` + raw + `"]}`, "member_type"},
		{"twice", "POST", js, `{"access_token":"` + raw + `","access_token":"` + token("sub", `"bob"`) + `"}`, "ambiguous"},
		{"twice the same", "POST", js, `{"access_token":"` + raw + `","access_token":"` + raw + `"}`, "ambiguous"},
		{"twice, once escaped", "POST", js, `{"access_token":"` + raw + `","access\u005ftoken":"x"}`, "ambiguous"},
		{"another member twice", "POST", js, `{"a":1,"a":2,"access_token":"` + raw + `"}`, "body_json"},
		{"broken", "POST", js, `{"access_token":"` + raw + `"`, "body_json"},
		{"trailing text", "POST", js, member + "x", "body_json"},
		{"two objects", "POST", js, member + member, "body_json"},
		{"not JSON", "POST", js, "access_token=" + raw, "body_json"},
		{"broken array", "POST", js, "[1", "body_json"},
		{"not UTF-8", "POST", js, "{\"access_token\":\"\xff\"}", "body_json"},
		{"only not UTF-8", "POST", js, "\xff", "body_json"},
		{"too deep", "POST", js, strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), "body_json"},
		{"bad token", "POST", js, `{"access_token":"x"}`, "segments"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Locations: inJSON})
			r := withBody(tt.method, tt.contentType, tt.body)
			if tt.contentType == "" {
				r.Header.Del("Content-Type")
			}
			_, err := g.Check(r, gate.Policy{})
			checkVerdict(t, err, tt.want)
			if got := string(must(io.ReadAll(r.Body))); got != tt.body {
				t.Errorf("body for the handler = %q, want %q", got, tt.body)
			}
		})
	}
}

func TestFromJSONRefresh(t *testing.T) {
	g := newGate(t, gate.Config{Locations: inJSON})
	body := `{"access_token":"x","refresh_token":"` + refreshToken() + `"}`
	_, err := g.Check(withBody("POST", "application/json", body), gate.Policy{Type: gate.Refresh})
	checkVerdict(t, err, "ok")
}

func TestTwoContentTypes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config gate.Config
		header string
	}{
		{"JSON", gate.Config{Locations: inJSON}, ""},
		{"form", gate.Config{Locations: []gate.Location{gate.FromCookies()}, Cookies: gate.Cookies{CSRF: gate.CSRF{Form: true}}},
			"access_token_cookie=" + token()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, tt.config)
			r := withBody("POST", "application/json", `{"access_token":"`+token()+`"}`)
			r.Header.Add("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Cookie", tt.header)
			_, err := g.Check(r, gate.Policy{})
			checkVerdict(t, err, "body_content_type")
		})
	}
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) { u.t.Error("the body was read"); return 0, io.EOF }
func (u unread) Close() error             { return nil }

func TestBodyUnread(t *testing.T) {
	for _, tt := range []struct{ name, method, contentType, want string }{
		{"GET", "GET", "application/json", "missing_method"},
		{"HEAD", "HEAD", "application/json", "missing_method"},
		{"text", "POST", "text/plain", "missing_content_type"},
		{"no type", "POST", "", "missing_content_type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Locations: inJSON})
			r := request(tt.method, "/", "Content-Type: "+tt.contentType)
			r.Body = unread{t}
			_, err := g.Check(r, gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
}

// broken is a body that ends in an error, and notes that it was closed.
type broken struct {
	io.Reader
	closed bool
}

func (b *broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = errors.New("connection reset")
	}
	return n, err
}

func (b *broken) Close() error { b.closed = true; return nil }

func TestBodyError(t *testing.T) {
	g := newGate(t, gate.Config{Locations: inJSON})
	body := &broken{Reader: strings.NewReader(`{"access_token":"` + token() + `"}`)}
	r := request("POST", "/", "Content-Type: application/json")
	r.Body = body
	_, err := g.Check(r, gate.Policy{})
	checkVerdict(t, err, "body_unreadable")
	rest, err := io.ReadAll(r.Body)
	if len(rest) == 0 || err == nil {
		t.Errorf("for the handler: %d bytes, %v; want what came, and the error again", len(rest), err)
	}
	if r.Body.Close(); !body.closed {
		t.Error("Close does not reach the body")
	}
}

func TestNoBody(t *testing.T) {
	for _, tt := range []struct {
		name string
		body io.ReadCloser
	}{{"nil", nil}, {"http.NoBody", http.NoBody}} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Locations: inJSON})
			r := request("POST", "/", "Content-Type: application/json")
			r.Body = tt.body
			_, err := g.Check(r, gate.Policy{})
			checkVerdict(t, err, "missing_member")
		})
	}
}

// The limit holds with and without Content-Length, and even a Content-Length that
// lies; what is over it stays readable.
func TestBodyLimit(t *testing.T) {
	member := `{"access_token":"` + token() + `"}`
	for _, tt := range []struct {
		name   string
		limit  int
		size   int
		length int64
		want   string
	}{
		{"at the limit", 1000, 1000, 1000, "ok"},
		{"one over", 1000, 1001, 1001, "missing_large_body"},
		{"at the limit, length unknown", 1000, 1000, -1, "ok"},
		{"one over, length unknown", 1000, 1001, -1, "missing_large_body"},
		{"far over, length unknown", 1000, 1 << 20, -1, "missing_large_body"},
		{"longer than it says", 1000, 5000, 1, "missing_large_body"},
		{"by default at 256 KiB", 0, 256 << 10, -1, "ok"},
		{"by default over 256 KiB", 0, 256<<10 + 1, -1, "missing_large_body"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{Locations: inJSON, Accept: gate.Accept{Limits: gate.Limits{BodyBytes: tt.limit}}})
			text := member + strings.Repeat(" ", tt.size-len(member))
			r := request("POST", "/", "Content-Type: application/json")
			all := strings.NewReader(text)
			r.Body, r.ContentLength = io.NopCloser(all), tt.length
			_, err := g.Check(r, gate.Policy{})
			checkVerdict(t, err, tt.want)
			if read := tt.size - all.Len(); tt.limit > 0 && read > tt.limit+1 {
				t.Errorf("%d bytes read, want at most one over the limit of %d", read, tt.limit)
			}
			if got := string(must(io.ReadAll(r.Body))); got != text {
				t.Errorf("the handler reads %d bytes, want the same %d", len(got), len(text))
			}
		})
	}
}
