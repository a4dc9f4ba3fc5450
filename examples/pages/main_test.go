package main

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

// visitor is a browser without a script.
type visitor struct {
	t    *testing.T
	c    *http.Client
	site string
}

func newVisitor(t *testing.T, srv *httptest.Server) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, &http.Client{Transport: srv.Client().Transport, Jar: jar}, srv.URL}
}

// page is where the visitor ended up, after redirects.
type page struct {
	status            int
	path, query, text string
}

func (v *visitor) send(r *http.Request) page {
	v.t.Helper()
	resp, err := v.c.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return page{resp.StatusCode, resp.Request.URL.Path, resp.Request.URL.RawQuery, string(text)}
}

func (v *visitor) request(method, path, contentType, body string) *http.Request {
	v.t.Helper()
	r, err := http.NewRequest(method, v.site+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func (v *visitor) get(path string) page { return v.send(v.request("GET", path, "", "")) }

// submit sends a form; fields are pairs.
func (v *visitor) submit(path string, fields ...string) page {
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return v.send(v.request("POST", path, "application/x-www-form-urlencoded", values.Encode()))
}

// csrf is the hidden field of a page's forms.
func csrf(p page) string {
	m := regexp.MustCompile(`name="csrf_token" value="([^"]+)"`).FindStringSubmatch(p.text)
	if m == nil {
		return ""
	}
	return m[1]
}

func serve(t *testing.T) (*httptest.Server, *gatetest.Clock) {
	t.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	// Cookie jars know the time of the machine alone, so the site's begins there.
	clock := gatetest.ClockAt(time.Now())
	s, err := newSite(key, false, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(s.handler())
	t.Cleanup(srv.Close)
	return srv, clock
}

func TestSite(t *testing.T) {
	srv, clock := serve(t)
	v := newVisitor(t, srv)
	if p := v.get("/"); p.path != "/login" || p.query != "next=%2F" {
		t.Errorf("a visitor is on %s?%s", p.path, p.query)
	}
	if p := v.submit("/login", "name", "alice", "password", "wrong"); p.status != 401 || !strings.Contains(p.text, "Wrong name") {
		t.Errorf("a wrong password: %d", p.status)
	}
	home := v.submit("/login", "name", "alice", "password", "correct horse", "remember", "on")
	if home.path != "/" || !strings.Contains(home.text, "Hello, alice") || !strings.Contains(home.text, "Go-http-client") {
		t.Fatalf("after the login: %s %s", home.path, home.text)
	}
	if p := v.submit("/notes", "note", "forged"); p.status != 403 {
		t.Errorf("a form without the CSRF field: %d", p.status)
	}
	clock.Advance(time.Hour) // the access cookie has expired; the form is still open
	if p := v.submit("/notes", "note", "buy milk", "csrf_token", csrf(home)); p.path != "/" || !strings.Contains(p.text, "buy milk") {
		t.Errorf("a form after an hour: %d on %s: %s", p.status, p.path, p.text)
	}
	clock.Advance(24 * time.Hour)
	if p := v.upload(csrf(home), 1<<20); p.path != "/" || !strings.Contains(p.text, "picture cat.png, 1048576 bytes") {
		t.Errorf("an upload the next day: %d on %s: %s", p.status, p.path, p.text)
	}
	other := newVisitor(t, srv)
	other.submit("/login", "name", "alice", "password", "correct horse")
	if p := v.get("/"); strings.Count(p.text, "last seen") != 2 {
		t.Errorf("two devices: %s", p.text)
	}
	if p := v.submit("/logout", "csrf_token", csrf(home)); p.path != "/login" {
		t.Errorf("after the logout: %s", p.path)
	}
	if p := v.get("/"); p.path != "/login" {
		t.Errorf("the page after the logout: %s", p.path)
	}
	if p := other.get("/"); p.path != "/" || strings.Count(p.text, "last seen") != 1 {
		t.Errorf("the other device: %s %s", p.path, p.text)
	}
}

// upload sends a picture of n bytes, behind the CSRF field.
func (v *visitor) upload(csrf string, n int) page {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("csrf_token", csrf); err != nil {
		v.t.Fatal(err)
	}
	file, err := form.CreateFormFile("picture", "cat.png")
	if err == nil {
		_, err = file.Write(make([]byte, n))
	}
	if err != nil {
		v.t.Fatal(err)
	}
	form.Close()
	return v.send(v.request("POST", "/pictures", form.FormDataContentType(), body.String()))
}

// TestWayBack: after the login the visitor is on the page that they wanted, and never on
// another site.
func TestWayBack(t *testing.T) {
	srv, _ := serve(t)
	v := newVisitor(t, srv)
	asked := v.get("/?from=mail&to=x%26y")
	if p := v.submit("/login?"+asked.query, "name", "alice", "password", "wrong"); p.status != 401 || p.query != asked.query {
		t.Errorf("a wrong password: %d, and the way back is %s", p.status, p.query)
	}
	if p := v.submit("/login?"+asked.query, "name", "alice", "password", "correct horse"); p.path != "/" || p.query != "from=mail&to=x%26y" {
		t.Errorf("after the login: %s?%s", p.path, p.query)
	}
	for _, next := range []string{"//evil.example/x", `/\evil.example/x`, "https://evil.example/x", "/\t/evil.example"} {
		if p := v.submit("/login?next="+url.QueryEscape(next), "name", "alice", "password", "correct horse"); p.path != "/" || p.query != "" {
			t.Errorf("a link with %q leads to %s?%s", next, p.path, p.query)
		}
	}
}

// TestOtherSite: a page of another site can neither log somebody in nor post.
func TestOtherSite(t *testing.T) {
	srv, _ := serve(t)
	v := newVisitor(t, srv)
	r := v.request("POST", "/login", "application/x-www-form-urlencoded", "name=alice&password=correct+horse")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if p := v.send(r); p.status != 403 {
		t.Errorf("a login from another site: %d", p.status)
	}
	home := v.submit("/login", "name", "alice", "password", "correct horse")
	r = v.request("POST", "/notes", "application/x-www-form-urlencoded", "note=x&csrf_token="+csrf(home))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if p := v.send(r); p.status != 403 {
		t.Errorf("a note from another site: %d", p.status)
	}
}

// TestLinesAboutAuth: what an application has to write.
func TestLinesAboutAuth(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			marked := strings.HasSuffix(strings.TrimSpace(line), "// auth")
			if marked {
				n++
			}
			about := strings.Contains(line, "gate.") || strings.Contains(line, "session.") || strings.Contains(line, "sessions.")
			if about && !marked && !strings.Contains(line, "github.com") && !strings.HasPrefix(line, "func") {
				t.Errorf("%s: a line about authentication is not marked: %s", name, line)
			}
		}
	}
	if n > 40 || n < 20 {
		t.Errorf("%d lines about authentication, the goal is 40", n)
	}
	t.Logf("%d lines about authentication", n)
}

// TestProgram: the program starts, says where it listens, and stops.
func TestProgram(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-addr", "127.0.0.1:0", "-insecure-cookies"}, w) }()
	line := make([]byte, 200)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	addr := regexp.MustCompile(`http://[0-9.:]+`).FindString(string(line[:n]))
	resp, err := http.Get(addr + "/login")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("GET /login: %d", resp.StatusCode)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), []string{"-unknown"}, io.Discard); err == nil {
		t.Error("an unknown flag is taken")
	}
}
