package gate_test

import (
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
)

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
