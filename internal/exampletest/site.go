package exampletest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// Site drives the small site that there is for several frameworks.
func Site(t *testing.T) {
	t.Helper()
	address := Serve(t)
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
	thief.client.Jar.SetCookies(thief.url, bob.client.Jar.Cookies(bob.url))
	thief.want(200, "Hello Bob", "GET", "/me", "")
	bob.want(403, "CSRF", "POST", "/logout", "")
	bob.want(204, "", "POST", "/logout", bob.csrf())
	bob.want(401, "missing", "GET", "/me", "")
	thief.want(401, "revoked", "GET", "/me", "")
	alice.want(200, "Hello Alice", "GET", "/me", "")
}

// browser keeps cookies, and repeats the CSRF value that is in one.
type browser struct {
	*testing.T
	client *http.Client
	url    *url.URL
}

func newBrowser(t *testing.T, address string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{Jar: jar}, u}
}

func (b *browser) csrf() string {
	for _, c := range b.client.Jar.Cookies(b.url) {
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
	resp, body := Send(b.T, b.client, method, b.url.String()+path, form, "Content-Type", "application/x-www-form-urlencoded", "X-CSRF-Token", csrf)
	if resp.StatusCode != status || !strings.Contains(body, part) {
		b.Errorf("%s %s: %d %q, want %d and %q", method, path, resp.StatusCode, body, status, part)
	}
}
