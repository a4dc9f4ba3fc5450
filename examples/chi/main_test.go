package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jwtgate/gate/internal/exampletest"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

// send sends a request of the page, and returns the answer and its body.
func send(t *testing.T, method, url, token string) (*http.Response, string) {
	t.Helper()
	headers := []string{"Origin", "https://app.example"}
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	if method == http.MethodOptions {
		headers = append(headers, "Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "authorization")
	}
	return exampletest.Send(t, http.DefaultClient, method, url, "", headers...)
}

// TestRoutes: what a visitor, a user and an admin may do, and that the page can read every
// answer.
func TestRoutes(t *testing.T) {
	address := exampletest.Serve(t)
	tokens := map[string]string{"visitor": "", "bob": exampletest.LogIn(t, address, "bob"), "alice": exampletest.LogIn(t, address, "alice")}
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
