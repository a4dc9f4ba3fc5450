package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate/keys"
)

const origin = "https://app.example.com"

// tab is the page in a browser.
type tab struct {
	t            *testing.T
	c            *http.Client
	api          string
	access, csrf string // what the page keeps in memory
}

type reply struct {
	status   int
	text     string
	Access   string `json:"access_token"`
	CSRF     string `json:"csrf_token"`
	Name     string `json:"name"`
	Sessions []struct {
		ID      string `json:"id"`
		Current bool   `json:"current"`
	} `json:"sessions"`
}

func newTab(t *testing.T, srv *httptest.Server) *tab {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &tab{t: t, c: &http.Client{Transport: srv.Client().Transport, Jar: jar}, api: srv.URL}
}

// call is a fetch with credentials, as a page of another origin sends it.
func (b *tab) call(method, path string, body any) reply {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequest(method, b.api+path, strings.NewReader(string(text)))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "same-site")
	if b.access != "" {
		r.Header.Set("Authorization", "Bearer "+b.access)
	}
	if b.csrf != "" {
		r.Header.Set("X-CSRF-TOKEN", b.csrf)
	}
	resp, err := b.c.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.Header.Get("Access-Control-Allow-Origin") != origin {
		b.t.Errorf("%s %s: the page cannot read the answer", method, path)
	}
	a := reply{status: resp.StatusCode, text: string(got)}
	_ = json.Unmarshal(got, &a) // where it is JSON
	return a
}

func (b *tab) logIn(name, password string) {
	b.t.Helper()
	a := b.call("POST", "/login", credentials{Name: name, Password: password, Remember: true})
	if a.status != 200 || a.Access == "" {
		b.t.Fatalf("login of %s: %d %s", name, a.status, a.text)
	}
	b.access, b.csrf = a.Access, a.CSRF
}

// reload forgets what the page had in memory, and gets it again.
func (b *tab) reload() reply {
	b.access, b.csrf = "", ""
	b.csrf = b.call("GET", "/auth/csrf", nil).CSRF
	a := b.call("POST", "/auth/refresh", nil)
	b.access = a.Access
	return a
}

func (b *tab) want(status int, method, path string, body any) reply {
	b.t.Helper()
	a := b.call(method, path, body)
	if a.status != status {
		b.t.Errorf("%s %s: %d %s, want %d", method, path, a.status, a.text, status)
	}
	return a
}

func newServer(t *testing.T) *httptest.Server {
	t.Helper()
	db, err := openDB(t.Context(), filepath.Join(t.TempDir(), "spa.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAPI(t.Context(), db, key, origin, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.store.Close() })
	if err := a.users.add(t.Context(), "admin", "correct horse", true); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(a.handler(origin))
	t.Cleanup(srv.Close)
	return srv
}

func TestAPI(t *testing.T) {
	srv := newServer(t)
	admin := newTab(t, srv)
	admin.want(401, "GET", "/me", nil)
	admin.want(401, "POST", "/login", credentials{Name: "admin", Password: "wrong"})
	admin.logIn("admin", "correct horse")
	admin.want(201, "POST", "/users", credentials{Name: "alice", Password: "battery staple"})
	admin.want(409, "POST", "/users", credentials{Name: "alice", Password: "battery staple"})

	phone, laptop := newTab(t, srv), newTab(t, srv)
	phone.logIn("alice", "battery staple")
	laptop.logIn("alice", "battery staple")
	if a := laptop.want(200, "GET", "/me", nil); a.Name != "alice" {
		t.Errorf("GET /me: %s", a.text)
	}
	laptop.want(403, "POST", "/users", credentials{Name: "mallory", Password: "twelve letters"})
	if a := laptop.want(200, "GET", "/auth/sessions", nil); len(a.Sessions) != 2 {
		t.Errorf("devices: %s", a.text)
	}

	// A reload of the page keeps the login, which is not fresh any more.
	if a := laptop.reload(); a.status != 200 {
		t.Fatalf("a reload: %d %s", a.status, a.text)
	}
	laptop.want(200, "GET", "/me", nil)
	laptop.want(401, "POST", "/password", credentials{Password: "a longer password"})
	laptop.logIn("alice", "battery staple")
	laptop.want(200, "POST", "/password", credentials{Password: "a longer password"})
	phone.want(401, "GET", "/me", nil) // the other device
	if a := phone.reload(); a.status != 401 {
		t.Errorf("the other device refreshes: %d", a.status)
	}
	laptop.want(200, "GET", "/me", nil)

	admin.want(204, "DELETE", "/users/alice", nil)
	laptop.want(401, "GET", "/me", nil)
	if a := laptop.reload(); a.status != 401 {
		t.Errorf("a disabled user refreshes: %d", a.status)
	}
	admin.want(204, "POST", "/auth/logout", nil)
	admin.want(401, "GET", "/me", nil)
	if a := admin.reload(); a.status != 401 {
		t.Errorf("after the logout: %d", a.status)
	}
}

// TestOtherOrigin: a page of another site gets nothing.
func TestOtherOrigin(t *testing.T) {
	srv := newServer(t)
	b := newTab(t, srv)
	b.logIn("admin", "correct horse")
	for _, path := range []string{"/auth/refresh", "/login"} {
		r, err := http.NewRequest("POST", srv.URL+path, strings.NewReader(`{"name":"admin","password":"correct horse"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("X-CSRF-TOKEN", b.csrf)
		resp, err := b.c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 403 || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s from another site: %d", path, resp.StatusCode)
		}
	}
	r, err := http.NewRequest("OPTIONS", srv.URL+"/auth/refresh", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", origin)
	r.Header.Set("Access-Control-Request-Method", "POST")
	resp, err := b.c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 204 || resp.Header.Get("Access-Control-Allow-Headers") == "" {
		t.Errorf("a preflight: %d", resp.StatusCode)
	}
}

// TestLinesAboutAuth: what an application has to write.
func TestLinesAboutAuth(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	about := regexp.MustCompile(`\b(gate|session|gatesql|sessions|store)\.[A-Z]`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasSuffix(name, "_test.go"):
			case strings.HasSuffix(line, "// auth"):
				n++
			case about.MatchString(line) && !strings.HasPrefix(line, "//"):
				t.Errorf("%s: a line about authentication is not marked: %s", name, line)
			}
		}
	}
	if n > 60 || n < 30 {
		t.Errorf("%d lines about authentication, the goal is 60", n)
	}
	t.Logf("%d lines about authentication", n)
}

// TestProgram: the program starts, says where it listens, and stops.
func TestProgram(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-addr", "127.0.0.1:0", "-db", filepath.Join(t.TempDir(), "spa.db")}, w)
	}()
	line := make([]byte, 200)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	addr := regexp.MustCompile(`http://[0-9.:]+`).FindString(string(line[:n]))
	resp, err := http.Get(addr + "/me")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 401 {
		t.Errorf("GET /me: %d", resp.StatusCode)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
