package gatefiber_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/jwtgate/gate/adapters/gatefiber"
)

// mount returns an application whose middleware sets a context value and headers, and that
// serves h below /auth/.
func mount(cfg fiber.Config, h http.HandlerFunc) *fiber.App {
	type key struct{}
	app := fiber.New(cfg)
	app.Use(recover.New(), func(c fiber.Ctx) error {
		c.SetContext(context.WithValue(c.Context(), key{}, "of the middleware"))
		c.Set("Vary", "Origin")
		c.Set("X-Gone", "x")
		return c.Next()
	})
	gatefiber.Mount(app, "/auth/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Context", fmt.Sprint(r.Context().Value(key{})))
		h(w, r)
	}))
	return app
}

// TestMountRequest: the handler sees the request of the client.
func TestMountRequest(t *testing.T) {
	for _, stream := range []bool{false, true} {
		cfg := config()
		cfg.StreamRequestBody = stream
		app := mount(cfg, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			cookie, _ := r.Cookie("b")
			fmt.Fprintln(w, r.Method, r.Host, r.RequestURI, r.URL.Host, r.URL.Path, r.URL.RawQuery, r.ProtoMajor, r.ContentLength)
			fmt.Fprintln(w, r.Header["X-Twice"], cookie.Value, string(body), err, r.Header.Get("X-Context"))
			fmt.Fprint(w, strings.HasPrefix(r.RemoteAddr, "127.0.0.1:"), r.TLS == nil)
		})
		url := listen(t, app)
		req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader("the body"))
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = "/auth/x%2Fy?q=1"
		req.Host = "shop.example"
		req.Header = http.Header{"X-Twice": {"1", "2"}, "Cookie": {"a=1; b=2"}}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		want := "POST shop.example /auth/x%2Fy?q=1  /auth/x/y q=1 1 8\n[1 2] 2 the body <nil> of the middleware\ntrue true"
		if string(got) != want {
			t.Errorf("with StreamRequestBody %v the handler sees\n%s\nwant\n%s", stream, got, want)
		}
		if stream != resp.Close {
			t.Errorf("with StreamRequestBody %v the connection is closed: %v", stream, resp.Close)
		}
	}
}

// TestMountAnswer: the client sees the answer of the handler, and of middleware before it
// what the handler has not changed.
func TestMountAnswer(t *testing.T) {
	app := mount(config(), func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth/panic" {
			panic("in a handler")
		}
		if r.URL.Path == "/auth/nothing" {
			return
		}
		h := w.Header()
		h.Add("Vary", "Cookie")
		h.Del("X-Gone")
		h.Add("Set-Cookie", "a=1; Path=/")
		h.Add("Set-Cookie", "a=2; Path=/auth/")
		h.Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK) // too late
		io.WriteString(w, "a ")
		io.WriteString(w, "body")
	})
	resp, body := serve(t, app, httptest.NewRequest("GET", "/auth/x", nil))
	h := resp.Header
	if resp.StatusCode != http.StatusTeapot || body != "a body" || h.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s %v", resp.StatusCode, body, h)
	}
	if !slices.Equal(h["Vary"], []string{"Origin", "Cookie"}) || h["X-Gone"] != nil || len(h["Set-Cookie"]) != 2 {
		t.Errorf("headers %v", h)
	}
	resp, body = serve(t, app, httptest.NewRequest("GET", "/auth/nothing", nil))
	if resp.StatusCode != http.StatusOK || body != "" || resp.Header.Get("X-Gone") != "x" {
		t.Errorf("%d %s %v", resp.StatusCode, body, resp.Header)
	}
	if resp, _ = serve(t, app, httptest.NewRequest("GET", "/auth/panic", nil)); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("after a panic: %d", resp.StatusCode)
	}
	if resp, body = serve(t, app, httptest.NewRequest("HEAD", "/auth/x", nil)); resp.StatusCode != http.StatusTeapot || body != "" {
		t.Errorf("HEAD: %d %q", resp.StatusCode, body)
	}
}

// TestMountPaths: a path with two slashes does not name another host, and is not below the
// prefix.
func TestMountPaths(t *testing.T) {
	app := mount(config(), func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Host, r.URL.Path) })
	url := listen(t, app)
	for path, want := range map[string]int{"//evil.example/auth/x": 404, "/auth//evil.example/x": 200, "/other": 404, "/auth/%zz": 400} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n", path)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want || want == 200 && string(body) != path {
			t.Errorf("%s: %d %s, want %d; %v", path, resp.StatusCode, body, want, err)
		}
	}
}
