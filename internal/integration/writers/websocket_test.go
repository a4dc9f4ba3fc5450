package writers_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	xnet "golang.org/x/net/websocket"
)

// echoes are handlers that send each message back, by three libraries.
var echoes = map[string]http.Handler{
	"gorilla": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := (&gorilla.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		if typ, b, err := c.ReadMessage(); err == nil {
			_ = c.WriteMessage(typ, b)
		}
	}),
	"coder": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := coder.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		if typ, b, err := c.Read(r.Context()); err == nil {
			_ = c.Write(r.Context(), typ, b)
		}
	}),
	"x/net": xnet.Handler(func(c *xnet.Conn) { _, _ = io.Copy(c, c) }),
}

// hello sends a message and returns the answer.
func hello(ctx context.Context, s *site, origin string) (string, *http.Response, error) {
	header := http.Header{"Cookie": {s.cookie}, "Origin": {origin}}
	c, resp, err := coder.Dial(ctx, s.URL, &coder.DialOptions{HTTPHeader: header})
	if err != nil {
		return "", resp, err
	}
	defer c.CloseNow()
	if err := c.Write(ctx, coder.MessageText, []byte("hello")); err != nil {
		return "", resp, err
	}
	_, b, err := c.Read(ctx)
	return string(b), resp, err
}

func TestWebSockets(t *testing.T) {
	for name, h := range echoes {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, h, overHTTP1)
			got, resp, err := hello(t.Context(), s, s.URL)
			if err != nil || got != "hello" {
				t.Errorf("the answer is %q, %v", got, err)
			}
			if name == "coder" { // the others write the header of the answer themselves
				checkRenewed(t, resp.Header)
			}
		})
		t.Run(name+", from another site", func(t *testing.T) {
			s := newSite(t, h, overHTTP1)
			if _, resp, err := hello(t.Context(), s, "https://evil.example"); err == nil || resp.StatusCode != http.StatusForbidden {
				t.Errorf("the handshake is answered with %v, want 403", resp.Status)
			}
		})
	}
}

// A proxy inside the guard hands the upgrade on to a service that knows nothing of it.
func TestReverseProxyUpgrade(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Origin")
		echoes["gorilla"].ServeHTTP(w, r)
	}))
	defer inner.Close()
	s := newSite(t, httputil.NewSingleHostReverseProxy(must(url.Parse(inner.URL))), overHTTP1)
	got, resp, err := hello(t.Context(), s, s.URL)
	if err != nil || got != "hello" {
		t.Fatalf("the answer is %q, %v", got, err)
	}
	if !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") {
		t.Errorf("header of the answer: %v", resp.Header)
	}
}
