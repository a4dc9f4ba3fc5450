package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// start builds the program and runs it until the end of the test.
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

// send sends a request of the page, and returns the answer and its body.
func send(t *testing.T, method, url, token string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://app.example")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if method == http.MethodOptions {
		r.Header.Set("Access-Control-Request-Method", "DELETE")
		r.Header.Set("Access-Control-Request-Headers", "authorization")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func logIn(t *testing.T, address, name string) string {
	t.Helper()
	resp, err := http.PostForm(address+"/login", url.Values{"name": {name}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body.Token
}

// TestRoutes: what a visitor, a user and an admin may do, and that the page can read every
// answer.
func TestRoutes(t *testing.T) {
	address := start(t)
	tokens := map[string]string{"visitor": "", "bob": logIn(t, address, "bob"), "alice": logIn(t, address, "alice")}
	for _, test := range []struct {
		request             string
		visitor, bob, alice int
		body                string // for alice
	}{
		{"GET /health", 200, 200, 200, "well"},
		{"GET /me", 401, 200, 200, "Hello alice"},
		{"DELETE /me", 401, 200, 200, "deleted"},
		{"GET /articles/", 401, 200, 200, "all articles"},
		{"GET /articles/7", 401, 200, 200, "GET article 7"},
		{"POST /articles/", 401, 403, 200, "created"},
		{"DELETE /articles/7", 401, 403, 200, "DELETE article 7"},
		{"GET /admin/users", 401, 403, 200, "all users"},
		{"GET /admin/nothing", 401, 403, 404, ""},
		{"GET /nothing", 401, 404, 404, ""},
		{"OPTIONS /admin/users", 200, 200, 200, ""},
	} {
		method, path, _ := strings.Cut(test.request, " ")
		for who, status := range map[string]int{"visitor": test.visitor, "bob": test.bob, "alice": test.alice} {
			resp, body := send(t, method, address+path, tokens[who])
			if resp.StatusCode != status || resp.Header.Get("Access-Control-Allow-Origin") != "https://app.example" {
				t.Errorf("%s by %s: %d, open to %q; want %d", test.request, who, resp.StatusCode, resp.Header.Get("Access-Control-Allow-Origin"), status)
			}
			refused := status == 401 || status == 403
			if refused && method != "HEAD" && !strings.Contains(body, `{"error":`) || who == "alice" && !strings.Contains(body, test.body) {
				t.Errorf("%s by %s: %s", test.request, who, body)
			}
		}
	}
}
