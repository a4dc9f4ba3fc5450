package gate_test

import (
	"errors"
	"io"
	"mime/multipart"
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

var inForm = gate.Config{
	Locations: []gate.Location{gate.FromCookies()},
	Cookies:   gate.Cookies{CSRF: gate.CSRF{Form: true}},
	Accept:    gate.Accept{Limits: gate.Limits{BodyBytes: 1000}},
}

// form makes a POST with the token of alice in a cookie, and a body.
func form(contentType, body string) *http.Request {
	r := withBody("POST", contentType, body)
	r.Header.Set("Cookie", "access_token_cookie="+token())
	return r
}

// multipartForm writes fields, of which names that begin with @ are files.
func multipartForm(fields ...string) (contentType, body string) {
	var b strings.Builder
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		create := w.CreateFormField
		name, isFile := strings.CutPrefix(fields[i], "@")
		if isFile {
			create = func(name string) (io.Writer, error) { return w.CreateFormFile(name, "x.txt") }
		}
		must(io.WriteString(must(create(name)), fields[i+1]))
	}
	w.Close()
	return w.FormDataContentType(), b.String()
}

func TestFormField(t *testing.T) {
	const value, encoded = "canary-csrf-1", "application/x-www-form-urlencoded"
	long := strings.Repeat("x", 2000)
	multi := func(fields ...string) *http.Request { return form(multipartForm(fields...)) }
	for _, tt := range []struct {
		name string
		r    *http.Request
		want string
	}{
		{"field", form(encoded, "csrf_token="+value), "ok"},
		{"field among others", form(encoded, "a=b&csrf_token="+value+"&c"), "ok"},
		{"escaped", form(encoded, "csrf%5Ftoken=canary%2Dcsrf-1"), "ok"},
		{"type in upper case, with a charset", form("Application/X-WWW-Form-urlencoded; charset=utf-8", "csrf_token="+value), "ok"},
		{"first of two", form(encoded, "csrf_token="+value+"&csrf_token=x"), "ok"},
		{"before the limit of a long body", form(encoded, "csrf_token="+value+"&a="+long), "ok"},
		{"multipart", multi("csrf_token", value), "ok"},
		{"multipart among others", multi("a", "b", "csrf_token", value, "@file", "text"), "ok"},
		{"multipart, long file behind it", multi("csrf_token", value, "@file", long), "ok"},

		{"wrong", form(encoded, "csrf_token=x"), "csrf_mismatch"},
		{"wrong before right", form(encoded, "csrf_token=x&csrf_token="+value), "csrf_mismatch"},
		{"of another token", form(encoded, "csrf_token=canary-csrf-2"), "csrf_mismatch"},
		{"multipart, wrong", multi("csrf_token", "x"), "csrf_mismatch"},
		{"absent", form(encoded, "a=b"), "csrf_missing"},
		{"empty", form(encoded, "csrf_token="), "csrf_missing"},
		{"empty body", form(encoded, ""), "csrf_missing"},
		{"bad escape", form(encoded, "csrf_token=%zz"), "csrf_missing"},
		{"bad escape in the name", form(encoded, "%zz="+value), "csrf_missing"},
		{"JSON", form("application/json", `{"csrf_token":"`+value+`"}`), "csrf_missing"},
		{"field of another name", form(encoded, "CSRF_token="+value), "csrf_missing"},
		{"behind the limit", form(encoded, "a="+long+"&csrf_token="+value), "csrf_large_form"},
		{"no field before the limit", form(encoded, long), "csrf_large_form"},
		{"cut by the limit", form(encoded, "a="+long[:980]+"&csrf_token="+value), "csrf_large_form"},
		{"multipart, absent", multi("a", "b"), "csrf_missing"},
		{"multipart, as a file", multi("@csrf_token", value), "csrf_missing"},
		{"multipart, no boundary", form("multipart/form-data", "csrf_token="+value), "csrf_missing"},
		{"multipart, broken", form("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=csrf_token\r\n\r\n"+value), "csrf_missing"},
		{"multipart, behind the limit", multi("@file", long, "csrf_token", value), "csrf_large_form"},
		{"multipart, cut by the limit", multi("csrf_token", value+long), "csrf_large_form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, inForm)
			text := string(must(io.ReadAll(tt.r.Body)))
			tt.r.Body = io.NopCloser(strings.NewReader(text))
			_, err := g.Check(tt.r, gate.Policy{})
			checkVerdict(t, err, tt.want)
			if got := string(must(io.ReadAll(tt.r.Body))); got != text {
				t.Errorf("the handler reads %q, want %q", got, text)
			}
		})
	}
}

// Whether the application parses its form before or after the gate, both see it.
func TestFormParsed(t *testing.T) {
	const encoded = "application/x-www-form-urlencoded"
	multiType, multi := multipartForm("csrf_token", "canary-csrf-1", "a", "b")
	for _, tt := range []struct {
		name              string
		contentType, body string
		parse             func(*http.Request) error
	}{
		{"urlencoded", encoded, "csrf_token=canary-csrf-1&a=b", (*http.Request).ParseForm},
		{"multipart", multiType, multi, func(r *http.Request) error { return r.ParseMultipartForm(1 << 20) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, inForm)
			for _, before := range []bool{true, false} {
				r := form(tt.contentType, tt.body)
				if before {
					if err := tt.parse(r); err != nil {
						t.Fatal(err)
					}
				}
				_, err := g.Check(r, gate.Policy{})
				checkVerdict(t, err, "ok")
				if err := tt.parse(r); err != nil || r.PostForm.Get("a") != "b" {
					t.Errorf("parsed before: %v: the handler has %v, %v", before, r.PostForm, err)
				}
			}
		})
	}
}

// ParseForm leaves a multipart body unread, and PostForm not nil.
func TestFormParsedByHalf(t *testing.T) {
	g := newGate(t, inForm)
	r := form(multipartForm("csrf_token", "canary-csrf-1"))
	if err := r.ParseForm(); err != nil || r.PostForm == nil {
		t.Fatalf("ParseForm: %v, %v", r.PostForm, err)
	}
	_, err := g.Check(r, gate.Policy{})
	checkVerdict(t, err, "ok")
}

func TestFormUnreadable(t *testing.T) {
	g := newGate(t, inForm)
	r := form("application/x-www-form-urlencoded", "")
	r.Body = &broken{Reader: strings.NewReader("csrf_token=canary-csrf-1")}
	_, err := g.Check(r, gate.Policy{})
	checkVerdict(t, err, "body_unreadable")
}
