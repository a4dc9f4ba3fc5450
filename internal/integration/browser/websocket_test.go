//go:build unix

package browser_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/session"
)

// talk opens a WebSocket in the page, and returns its first message, or "refused".
const talk = `(url) => new Promise((resolve) => {
	const socket = new WebSocket(url);
	socket.onmessage = ({ data }) => { resolve(data); socket.close(); };
	socket.onerror = () => resolve("refused");
})`

// greet answers a WebSocket with the name of its user. The option says whether it accepts
// pages of all origins.
func greet(w http.ResponseWriter, r *http.Request, name string, anyOrigin bool) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: anyOrigin})
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	_ = conn.Write(r.Context(), websocket.MessageText, []byte("hello "+name))
	_, _, _ = conn.Read(r.Context()) // until the page closes it
}

// TestWebSocketByCookie: the gate itself refuses a WebSocket that a page of another origin
// opens with the cookies of the user.
func TestWebSocketByCookie(t *testing.T) {
	s := newSite(t, gate.Cookies{SameSite: http.SameSiteNoneMode}, session.Cookies)
	s.mux.Handle("GET /chat", s.gate.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		greet(w, r, t.Subject, true)
	})))
	s.mux.HandleFunc("GET /unguarded", func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie("access_token_cookie")
		greet(w, r, fmt.Sprintf("cookie %v", err == nil), true)
	})
	tab := newProfile(t)
	logInAt(t, tab, s, "alice")
	for _, tt := range []struct{ from, path, want string }{
		{app, "/chat", "hello alice"},
		{"evil.example.com", "/chat", "refused"},
		{evil, "/chat", "refused"},
		// The control: without the gate the page gets through, with the cookie of the user.
		{"evil.example.com", "/unguarded", "hello cookie true"},
	} {
		visit(t, tab, s.url(tt.from)+"/page")
		url := "wss" + s.url(app)[len("https"):] + tt.path
		if got := eval[string](t, tab, fmt.Sprintf("(%s)(%q)", talk, url)); got != tt.want {
			t.Errorf("%s from %s: %q, want %q", tt.path, tt.from, got, tt.want)
		}
	}
}

// TestWebSocketByTicket: as in examples/websocket, a ticket opens a WebSocket once, on a page
// of the same origin.
func TestWebSocketByTicket(t *testing.T) {
	s := newSite(t, gate.Cookies{}, session.Split)
	g, err := gate.New(gate.Config{Keys: s.key, Blocklist: s.store, Clock: s.clock.Now, Create: gate.Create{Types: []gate.TokenType{"ticket"}}})
	if err != nil {
		t.Fatal(err)
	}
	tickets, err := session.NewOneTime(g, s.store, "ticket")
	if err != nil {
		t.Fatal(err)
	}
	chat := session.Use{Purpose: "chat"}
	s.mux.Handle("POST /ticket", s.gate.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		ticket, err := tickets.Issue(r.Context(), t.Identity(), chat, session.OneTimeOptions{ExpiresIn: 30 * time.Second, From: t})
		if err != nil {
			s.gate.WriteError(w, r, err)
			return
		}
		_, _ = w.Write([]byte(ticket))
	})))
	s.mux.HandleFunc("GET /chat", func(w http.ResponseWriter, r *http.Request) {
		t, err := tickets.Redeem(r.Context(), r.URL.Query().Get("ticket"), chat)
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		greet(w, r, t.Subject, false)
	})
	tab := newProfile(t)
	visitWithClient(t, tab, s.url(app)+"/page", "")
	logIn(t, tab, "alice")
	ticket := func() string {
		return eval[string](t, tab, `gate.fetch("/ticket", { method: "POST" }).then((r) => r.text())`)
	}
	open := func(ticket string) string {
		return eval[string](t, tab, fmt.Sprintf("(%s)(%q)", talk, "wss"+s.url(app)[len("https"):]+"/chat?ticket="+ticket))
	}
	first, unused := ticket(), ticket()
	if got := open(first); got != "hello alice" {
		t.Errorf("with a ticket: %q", got)
	}
	if got := open(first); got != "refused" {
		t.Errorf("with the same ticket: %q", got)
	}
	s.clock.Advance(time.Minute)
	if got := open(unused); got != "refused" {
		t.Errorf("a minute later: %q", got)
	}
	stolen := ticket()
	visit(t, tab, s.url(evil)+"/page")
	if got := open(stolen); got != "refused" {
		t.Errorf("from another site, with a ticket: %q", got)
	}
}
