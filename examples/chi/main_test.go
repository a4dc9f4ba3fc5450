package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jwtgate/gate/internal/exampletest"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

func TestAPI(t *testing.T) { exampletest.API(t) }

// TestRefused: what a page of another origin may read, and what visitors find out.
func TestRefused(t *testing.T) {
	address := exampletest.Serve(t)
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/me", 401},
		{"GET", "/admin/users/alice", 401},
		{"GET", "/admin/nothing", 401},
		{"GET", "/nothing", 401},
		{"OPTIONS", "/me", 200},
	} {
		headers := []string{"Origin", "https://app.example"}
		if tt.method == "OPTIONS" {
			headers = append(headers, "Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "authorization")
		}
		resp, body := exampletest.Send(t, http.DefaultClient, tt.method, address+tt.path, "", headers...)
		open := resp.Header.Get("Access-Control-Allow-Origin")
		if resp.StatusCode != tt.status || open != "https://app.example" || tt.status == 401 && !strings.HasPrefix(body, `{"error":`) {
			t.Errorf("%s %s: %d %s, open to %q; want %d", tt.method, tt.path, resp.StatusCode, body, open, tt.status)
		}
	}
}
