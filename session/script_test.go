package session_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jwtgate/gate/session"
)

func getScript(method, etag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/gate.js", nil)
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	w := httptest.NewRecorder()
	session.Script().ServeHTTP(w, r)
	return w
}

func TestScript(t *testing.T) {
	got := getScript("GET", "")
	h := got.Header()
	if got.Code != 200 || !strings.Contains(got.Body.String(), "export class Client ") {
		t.Fatalf("GET: %d %.80s", got.Code, got.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	for _, tt := range []struct {
		method, etag string
		status       int
	}{
		{"HEAD", "", 200},
		{"GET", h.Get("ETag"), http.StatusNotModified},
		{"GET", `"other"`, 200},
		{"POST", "", http.StatusMethodNotAllowed},
		{"OPTIONS", "", http.StatusMethodNotAllowed},
	} {
		w := getScript(tt.method, tt.etag)
		if w.Code != tt.status {
			t.Errorf("%s with If-None-Match %q: %d, want %d", tt.method, tt.etag, w.Code, tt.status)
		}
		if tt.method != "GET" && tt.status == 200 && w.Body.Len() > 0 {
			t.Errorf("%s: a body of %d bytes", tt.method, w.Body.Len())
		}
		if tt.status == http.StatusMethodNotAllowed && w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: Allow: %q", tt.method, w.Header().Get("Allow"))
		}
	}
}

// TestScriptSize: pages load the file at once, so it stays small.
func TestScriptSize(t *testing.T) {
	text := getScript("GET", "").Body.Bytes()
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if len(text) > 5<<10 || packed.Len() > 2<<10 {
		t.Errorf("the file has %d bytes and %d with gzip; the bounds are 5 KB and 2 KB", len(text), packed.Len())
	}
	t.Logf("%d bytes, %d with gzip", len(text), packed.Len())
}
