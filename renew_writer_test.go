package gate_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// The cookies are set at the last moment before the header goes out.
func TestRenewBeforeTheHeader(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    bool
	}{
		{"nothing written", func(http.ResponseWriter, *http.Request) {}, true},
		{"WriteHeader", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }, true},
		{"Write", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }, true},
		{"Flush", func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }, true},
		{"ResponseController", func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
		}, true},
		{"WriteHeader twice", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); w.WriteHeader(500) }, true},
		{"error status", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "x", 500) }, true},
		{"another cookie", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "a=b") }, true},
		{"a name that begins alike", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "access_token_cookie2=b") }, true},
		{"cookie set", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "access_token_cookie=b") }, false},
		{"cookie cleared", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Set-Cookie", "a=b")
			w.Header().Add("Set-Cookie", "access_token_cookie=; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, tok := site{handler: tt.handler}.visit(t, cookie(ending()))
			if (tok != nil) != tt.want {
				t.Errorf("renewed token = %v, want one: %v", tok, tt.want)
			}
			if n := strings.Count(strings.Join(w.Result().Header["Set-Cookie"], "\n"), "access_token_cookie="); n > 1 {
				t.Errorf("%d access cookies", n)
			}
		})
	}
}

// A shared cache must not hand the cookies of one to others; an answer without them is
// as the handler made it.
func TestRenewIsNotStored(t *testing.T) {
	s := site{handler: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=600")
		w.WriteHeader(204)
	}}
	w, _ := s.visit(t, cookie(ending()))
	if got := w.Result().Header["Cache-Control"]; len(got) != 1 || got[0] != "no-store" {
		t.Errorf("with new cookies: Cache-Control %q, want no-store", got)
	}
	w, _ = s.visit(t, cookie(token()))
	if got := w.Result().Header["Cache-Control"]; len(got) != 1 || got[0] != "public, max-age=600" {
		t.Errorf("without: Cache-Control %q, want the handler's", got)
	}
}

// A handler that was given up may come to its guard while the answer is being sent: run
// with -race.
func TestRenewAroundTimeout(t *testing.T) {
	late := gate.Config{Verify: func(ctx context.Context, _ *gate.Token) error {
		<-ctx.Done()
		return nil
	}}
	g := site{cfg: late}.gate(t)
	for range 20 {
		verified, answered := make(chan struct{}), make(chan struct{})
		inner := g.Require(gate.Policy{})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(verified)
			<-answered // else the handler may be in time after all
		}))
		w := httptest.NewRecorder()
		g.Renew(gate.RenewOptions{})(http.TimeoutHandler(inner, time.Millisecond, "late")).ServeHTTP(w, cookie(ending()))
		close(answered)
		if <-verified; w.Code != http.StatusServiceUnavailable {
			t.Errorf("status %d, want 503", w.Code)
		}
	}
}

// An informational answer is not the last word: cookies that the handler sets behind
// it still count.
func TestRenewAfterEarlyHints(t *testing.T) {
	s := site{handler: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Set-Cookie", "access_token_cookie=mine")
		w.WriteHeader(204)
	}}
	g := s.gate(t)
	server := httptest.NewServer(g.Renew(s.options)(g.Require(s.policy)(s.handler)))
	defer server.Close()
	r, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	r.Header.Set("Cookie", "access_token_cookie="+ending())
	resp := must(server.Client().Do(r))
	defer resp.Body.Close()
	if got := resp.Header["Set-Cookie"]; resp.StatusCode != 204 || len(got) != 1 || got[0] != "access_token_cookie=mine" {
		t.Errorf("status %d, cookies %v; want the handler's alone", resp.StatusCode, got)
	}
}

// A protocol switch ends the HTTP answer: its header takes the cookies.
func TestRenewWithSwitchingProtocols(t *testing.T) {
	_, tok := site{handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSwitchingProtocols) }}.
		visit(t, cookie(ending()))
	if tok == nil {
		t.Error("not renewed")
	}
}

// What the server's writer can do, the handler can do through the middleware.
func TestRenewWriterUnwraps(t *testing.T) {
	s := site{handler: func(w http.ResponseWriter, _ *http.Request) {
		c := http.NewResponseController(w)
		err := errors.Join(c.SetReadDeadline(time.Now().Add(time.Minute)), c.SetWriteDeadline(time.Now().Add(time.Minute)), c.EnableFullDuplex())
		_, _ = io.WriteString(w, strconv.FormatBool(err == nil))
		if err := c.Flush(); err != nil {
			_, _ = io.WriteString(w, err.Error())
		}
	}}
	g := s.gate(t)
	server := httptest.NewServer(g.Renew(s.options)(g.Require(s.policy)(s.handler)))
	defer server.Close()
	r, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	r.Header.Set("Cookie", "access_token_cookie="+token())
	resp := must(server.Client().Do(r))
	defer resp.Body.Close()
	if body := string(must(io.ReadAll(resp.Body))); body != "true" {
		t.Errorf("body = %q, want true", body)
	}
}

// A handler that takes over the connection writes its own header: no token is made in
// vain.
func TestRenewNotAfterHijack(t *testing.T) {
	made := 0
	s := site{cfg: gate.Config{OnEvent: func(_ context.Context, e gate.Event) {
		if e.Name == gate.TokenRenewed {
			made++
		}
	}}}
	s.handler = func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			_ = conn.Close()
		}
	}
	server := httptest.NewServer(s.gate(t).Renew(s.options)(s.gate(t).Require(s.policy)(s.handler)))
	defer server.Close()
	r, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	r.Header.Set("Cookie", "access_token_cookie="+ending())
	resp := must(server.Client().Do(r))
	defer resp.Body.Close()
	if resp.StatusCode != 204 || len(resp.Header["Set-Cookie"]) != 0 || made != 0 {
		t.Errorf("status %d, %d cookies, %d tokens; want 204 and none", resp.StatusCode, len(resp.Header["Set-Cookie"]), made)
	}
}
