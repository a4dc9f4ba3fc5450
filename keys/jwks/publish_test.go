package jwks_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
)

func ask(h http.Handler, method, etag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/.well-known/jwks.json", nil)
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	ring := must(keys.NewRing(keys.RingOptions{Lifetime: time.Hour}, keys.RingKey{Key: newKey("a")}))
	h := jwks.Handler(ring, 10*time.Minute)
	got := ask(h, "GET", "")
	etag := got.Header().Get("ETag")
	for name, want := range map[string]string{
		"Content-Type": "application/jwk-set+json", "Cache-Control": "public, max-age=600", "X-Content-Type-Options": "nosniff",
	} {
		if got.Header().Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Header().Get(name), want)
		}
	}
	set, err := keys.ParseSet(got.Body.Bytes())
	if err != nil || len(set.Keys()) != 1 || strings.Contains(got.Body.String(), `"d"`) {
		t.Fatalf("body = %s, %v", got.Body, err)
	}
	if again := ask(h, "GET", etag); again.Code != http.StatusNotModified || again.Body.Len() > 0 || again.Header().Get("Cache-Control") == "" {
		t.Errorf("asked again: %d, %s", again.Code, again.Body)
	}
	if head := ask(h, "HEAD", ""); head.Code != http.StatusOK || head.Body.Len() > 0 || head.Header().Get("ETag") != etag || head.Header().Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d, %v", head.Code, head.Header())
	}
	if post := ask(h, "POST", ""); post.Code != http.StatusMethodNotAllowed || post.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, %v", post.Code, post.Header())
	}
	if err := ring.Rotate(newKey("b"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	next := ask(h, "GET", etag)
	if set, err = keys.ParseSet(next.Body.Bytes()); next.Code != http.StatusOK || err != nil || len(set.Keys()) != 2 {
		t.Errorf("with a pending key: %d, %s", next.Code, next.Body)
	}
}

// TestHandlerSecret: a secret is not published, nor is its ID.
func TestHandlerSecret(t *testing.T) {
	mac := must(keys.Generate(keys.HS256)).WithID("mac")
	got := ask(jwks.Handler(must(keys.NewSet(mac)), 0), "GET", "")
	if got.Body.String() != `{"keys":[]}` || got.Header().Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("answer = %s, %v", got.Body, got.Header())
	}
}

func TestMetadata(t *testing.T) {
	set := must(keys.NewSet(newKey("a"), newKey("b"), must(keys.Generate(keys.EdDSA))))
	h, err := jwks.Metadata("https://issuer.example/a", "https://issuer.example/jwks.json", set)
	if err != nil {
		t.Fatal(err)
	}
	got := ask(h, "GET", "")
	var doc map[string]any
	if err := json.Unmarshal(got.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc["issuer"] != "https://issuer.example/a" || doc["jwks_uri"] != "https://issuer.example/jwks.json" || got.Header().Get("Content-Type") != "application/json" {
		t.Errorf("document = %s", got.Body)
	}
	if algs, _ := doc["id_token_signing_alg_values_supported"].([]any); len(algs) != 2 || algs[0] != "ES256" || algs[1] != "EdDSA" {
		t.Errorf("algorithms = %v", algs)
	}
	for _, tt := range [][2]string{
		{"http://issuer.example", "https://issuer.example/jwks"}, {"https://issuer.example", "http://issuer.example/jwks"},
		{"issuer", "https://issuer.example/jwks"}, {"https:///x", "https://issuer.example/jwks"}, {"https://issuer.example?x", "https://issuer.example/jwks"},
		{"https://issuer.example#x", "https://issuer.example/jwks"}, {"https://a@issuer.example", "https://issuer.example/jwks"}, {"%", "%"},
	} {
		if _, err := jwks.Metadata(tt[0], tt[1], set); err == nil {
			t.Errorf("accepted: %v", tt)
		}
	}
	if _, err := jwks.Metadata("http://localhost:8080", "http://127.0.0.1:8080/jwks", set); err != nil {
		t.Error(err)
	}
}
