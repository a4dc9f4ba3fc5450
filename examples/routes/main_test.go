package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jwtgate/gate/internal/exampletest"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

// TestRoutes: what a visitor, a user and an author may do.
func TestRoutes(t *testing.T) {
	address := exampletest.Serve(t)
	tokens := map[string]string{"visitor": "", "bob": "Bearer " + exampletest.LogIn(t, address, "bob"), "alice": "Bearer " + exampletest.LogIn(t, address, "alice")}
	for _, test := range []struct {
		request             string
		visitor, bob, alice int
		body                string // for alice
	}{
		{"GET /health", 200, 200, 200, "well"},
		{"GET /", 200, 200, 200, "Hello alice"},
		{"GET /me", 401, 200, 200, "Hello alice"},
		{"HEAD /me", 401, 200, 200, ""},
		{"DELETE /me", 401, 200, 200, "deleted"},
		{"GET /articles/7", 401, 200, 200, "GET article 7"},
		{"POST /articles", 401, 403, 200, "created"},
		{"DELETE /articles/7", 401, 403, 200, "DELETE article 7"},
		{"GET /files/a/b.txt", 401, 200, 200, "the file a/b.txt"},
		{"GET /nothing", 401, 404, 404, "not found"},
		{"PUT /me", 401, 404, 404, "not found"},
		{"GET /login", 401, 404, 404, "not found"},
	} {
		method, path, _ := strings.Cut(test.request, " ")
		for who, status := range map[string]int{"visitor": test.visitor, "bob": test.bob, "alice": test.alice} {
			resp, body := exampletest.Send(t, http.DefaultClient, method, address+path, "", "Authorization", tokens[who])
			if resp.StatusCode != status {
				t.Errorf("%s by %s: %d, want %d", test.request, who, resp.StatusCode, status)
			}
			refused := status == 401 || status == 403
			if refused && method != "HEAD" && !strings.Contains(body, `{"error":`) || who == "alice" && !strings.Contains(body, test.body) {
				t.Errorf("%s by %s: %s", test.request, who, body)
			}
		}
	}
	if resp, body := exampletest.Send(t, http.DefaultClient, "GET", address+"/", "", "Authorization", tokens["bob"]+"x"); resp.StatusCode != 200 || body != "Hello visitor\n" {
		t.Errorf("the page for everybody with a bad token: %d %s", resp.StatusCode, body)
	}
}
