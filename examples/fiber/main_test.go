package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// start builds the site and runs it until the end of the test.
func start(t *testing.T) (address string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "site")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(binary, "-addr", "127.0.0.1:0")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}

// browser keeps cookies, and repeats the CSRF value that is in one.
type browser struct {
	*testing.T
	client  *http.Client
	address string
}

func newBrowser(t *testing.T, address string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{Jar: jar}, address}
}

func (b *browser) csrf() string {
	u, err := url.Parse(b.address)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "csrf_access_token" {
			return c.Value
		}
	}
	return ""
}

// want sends a request, and wants this answer.
func (b *browser) want(status int, part, method, path, csrf string) {
	b.Helper()
	path, form, _ := strings.Cut(path, "?")
	r, err := http.NewRequestWithContext(b.Context(), method, b.address+path, strings.NewReader(form))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if csrf != "" {
		r.Header.Set("X-CSRF-Token", csrf)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	if resp.StatusCode != status || !strings.Contains(string(body), part) {
		b.Errorf("%s %s: %d %q, want %d and %q", method, path, resp.StatusCode, body, status, part)
	}
}

func TestSite(t *testing.T) {
	address := start(t)
	bob := newBrowser(t, address)
	bob.want(200, "Hello visitor", "GET", "/", "")
	bob.want(401, `{"msg":`, "GET", "/me", "")
	bob.want(401, "", "POST", "/login?name=mallory", "")
	bob.want(204, "", "POST", "/login?name=bob", "")
	bob.want(200, "Hello Bob", "GET", "/", "")
	bob.want(200, "Hello Bob", "GET", "/me", "")
	bob.want(403, `{"msg":`, "GET", "/admin", "")

	alice := newBrowser(t, address)
	alice.want(204, "", "POST", "/login?name=alice", "")
	alice.want(200, "Hello Alice", "GET", "/admin", "")

	thief := newBrowser(t, address)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	thief.client.Jar.SetCookies(u, bob.client.Jar.Cookies(u))
	thief.want(200, "Hello Bob", "GET", "/me", "")
	bob.want(403, "CSRF", "POST", "/logout", "")
	bob.want(204, "", "POST", "/logout", bob.csrf())
	bob.want(401, "missing", "GET", "/me", "")
	thief.want(401, "revoked", "GET", "/me", "")
	alice.want(200, "Hello Alice", "GET", "/me", "")
}
