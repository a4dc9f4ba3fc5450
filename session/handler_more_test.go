package session_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// TestDeviceAtRefresh: what is known of a device follows it where the application wants,
// and stays as the login said otherwise.
func TestDeviceAtRefresh(t *testing.T) {
	address := func(r gate.Request) session.Device { return session.Device{Address: r.Header("X-Real-Ip")[0]} }
	for name, tt := range map[string]struct {
		device func(gate.Request) session.Device
		want   session.Device
	}{
		"as at the login": {nil, session.Device{Name: "phone"}},
		"each time":       {address, session.Device{Address: "192.0.2.7"}},
	} {
		f := newFixture(t, gate.Config{}, session.Options{Device: tt.device})
		p := must(f.Start(t.Context(), "alice", session.Login{Device: session.Device{Name: "phone"}}))
		r := httptest.NewRequest("POST", "/auth/refresh", nil)
		r.Header.Set("Authorization", "Bearer "+p.Refresh())
		r.Header.Set("X-Real-IP", "192.0.2.7")
		if _, err := f.RefreshRequest(t.Context(), gate.HTTPRequest(r)); err != nil {
			t.Fatal(err)
		}
		if got := must(f.List(t.Context(), "alice"))[0].Device; got != tt.want {
			t.Errorf("%s: the device is %+v, want %+v", name, got, tt.want)
		}
	}
	silent := httptest.NewRequest("POST", "/", nil)
	if got := session.DeviceOf(gate.HTTPRequest(silent)); got != (session.Device{}) {
		t.Errorf("the device of a request without User-Agent is %+v", got)
	}
}

// TestEndingOneself clears the cookies of who ends the session of the request.
func TestEndingOneself(t *testing.T) {
	f := newFixture(t, splitConfig, session.Options{Delivery: session.Split})
	b := f.app(t)
	in := b.do("POST", "/login", "")
	list := b.do("GET", "/auth/sessions", "", "Authorization", "Bearer "+in.AccessToken)
	a := b.do("DELETE", "/auth/sessions/"+list.Sessions[0].ID, "", "Authorization", "Bearer "+in.AccessToken)
	if a.status != 204 || b.cookie("/auth/refresh", "refresh_token_cookie") != "" {
		t.Errorf("%d, cookies %q", a.status, a.header["Set-Cookie"])
	}
	if a := b.do("GET", "/auth/csrf", ""); a.status != 401 {
		t.Errorf("the CSRF value of nobody: %d %s", a.status, a.body)
	}
	alone := must(f.gate.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}))
	if a := b.do("POST", "/auth/logout/others", "", "Authorization", "Bearer "+alone); a.status != 204 {
		t.Errorf("ending the others by a token of another login: %d", a.status)
	}
}

// TestCSRFIsNotForOtherOrigins: the value is in an answer that no page of another origin
// can read or run.
func TestCSRFIsNotForOtherOrigins(t *testing.T) {
	f := newFixture(t, splitConfig, session.Options{Delivery: session.Split})
	b := f.app(t)
	b.do("POST", "/login", "")
	a := b.do("GET", "/auth/csrf", "", "Origin", "https://evil.example")
	if a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Content-Type") != "application/json" ||
		a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", a.header)
	}
}

// TestRenewHijacked leaves the response to a handler that takes the connection over.
func TestRenewHijacked(t *testing.T) {
	f := newFixture(t, pagesConfig, session.Options{Delivery: session.Cookies})
	p := f.start(t)
	b := f.serve(t, f.Renew(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var conn net.Conn
		var buf *bufio.ReadWriter
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(buf, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		buf.Flush()
	})))
	if a := b.do("GET", "/", "", "Cookie", "refresh_token_cookie="+p.Refresh()); a.status != 204 || len(a.header["Set-Cookie"]) != 0 {
		t.Errorf("%d, cookies %q", a.status, a.header["Set-Cookie"])
	}
}

// TestEventsHoldNoToken: what the application logs of sessions shows no token.
func TestEventsHoldNoToken(t *testing.T) {
	f := newFixture(t, gate.Config{}, session.Options{})
	p := f.start(t)
	next := f.refresh(t, p.Refresh())
	f.clock.Advance(time.Minute)
	if _, err := f.Refresh(t.Context(), p.Refresh(), nil); err == nil {
		t.Error("a reused token is taken")
	}
	text := fmt.Sprint(slog.Any("pair", p), slog.AnyValue(p).Resolve())
	for _, e := range f.events.list {
		text += fmt.Sprintf("%+v %v", e, e.Err)
	}
	for _, raw := range []string{p.Access(), p.Refresh(), next.Access(), next.Refresh()} {
		if strings.Contains(text, raw[len(raw)-20:]) {
			t.Errorf("an event shows a token: %s", text)
		}
	}
}
