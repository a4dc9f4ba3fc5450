package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/jwtgate/gate/internal/exampletest"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

// start runs the program until the end of the test.
func start(t *testing.T, lifetime string) (address string) {
	t.Helper()
	return exampletest.Serve(t, "-lifetime", lifetime)
}

// post sends a query, and returns the status and the answer.
func post(t *testing.T, address, token, query string) (int, string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	headers := []string{"Content-Type", "application/json"}
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	resp, answer := exampletest.Send(t, http.DefaultClient, "POST", address+"/graphql", string(body), headers...)
	return resp.StatusCode, answer
}

// TestFields: what a visitor and users may ask for, over HTTP and over a WebSocket. One
// query can have fields that are answered and fields that are refused.
func TestFields(t *testing.T) {
	address := start(t, "1h")
	tokens := map[string]string{"visitor": "", "bob": exampletest.LogIn(t, address, "bob"), "alice": exampletest.LogIn(t, address, "alice")}
	for _, test := range []struct{ query, visitor, bob, alice string }{
		{"{ count }", `{"count":0}`, `{"count":0}`, `{"count":0}`},
		{"{ me }", `"code":"missing`, `{"me":"bob"}`, `{"me":"alice"}`},
		{"{ count notes }", `"code":"missing`, `"notes":[]`, `"notes":[]`},
		{`mutation { add(note: "x") }`, `"code":"missing`, `"code":"scope"`, `{"add":`},
		{`mutation { clear }`, `"code":"missing`, `"code":"not_fresh"`, `"code":"not_fresh"`},
	} {
		for who, want := range map[string]string{"visitor": test.visitor, "bob": test.bob, "alice": test.alice} {
			if who != "alice" || !strings.Contains(test.query, "add") { // adds one note, once
				if status, got := post(t, address, tokens[who], test.query); status != 200 || !strings.Contains(got, want) {
					t.Errorf("%s by %s: %d %s, want %s", test.query, who, status, got, want)
				}
			}
			c := open(t, address, tokens[who])
			c.send("subscribe", "1", test.query)
			if m := c.read(); m.Type != "next" || !strings.Contains(string(m.Payload), want) {
				t.Errorf("%s by %s over a WebSocket: %+v, want %s", test.query, who, m, want)
			}
			if m := c.read(); m.Type != "complete" {
				t.Errorf("after the answer: %+v", m)
			}
		}
	}
	if status, _ := post(t, address, tokens["alice"], "{ count } #"+strings.Repeat("x", 1<<20)); status != 400 {
		t.Errorf("a query of a megabyte: %d", status)
	}
	if status, got := post(t, address, tokens["alice"]+"x", "{ count }"); status != 401 || strings.Contains(got, "data") {
		t.Errorf("a bad token: %d %s", status, got)
	}
}

// TestSchema: each field of the schema that is not for everybody refuses a visitor.
func TestSchema(t *testing.T) {
	address := start(t, "1h")
	open := 0
	for _, query := range []string{"{ count }", "{ me }", "{ notes }", `mutation { add(note: "x") }`, "mutation { clear }"} {
		if _, got := post(t, address, "", query); !strings.Contains(got, `"errors"`) {
			open++
		}
	}
	if fields := strings.Count(schema, "!\n"); open != 1 || fields != 6 {
		t.Errorf("%d of %d fields are open to a visitor, want 1; add new ones here", open, fields)
	}
}

// client is one end of a WebSocket.
type client struct {
	*testing.T
	conn *websocket.Conn
}

// dial opens a WebSocket and sends the token.
func dial(t *testing.T, address, token string) *client {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), address+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	c := &client{t, conn}
	payload, err := json.Marshal(map[string]string{"authorization": "Bearer " + token})
	if err != nil {
		t.Fatal(err)
	}
	c.write(message{Type: "connection_init", Payload: payload})
	return c
}

// open is dial for a token that is accepted.
func open(t *testing.T, address, token string) *client {
	t.Helper()
	c := dial(t, address, token)
	if m := c.read(); m.Type != "connection_ack" {
		t.Fatalf("the service says %+v", m)
	}
	return c
}

func (c *client) write(m message) {
	c.Helper()
	if err := wsjson.Write(c.Context(), c.conn, m); err != nil {
		c.Fatal(err)
	}
}

func (c *client) send(typ, id, query string) {
	c.Helper()
	payload, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		c.Fatal(err)
	}
	c.write(message{id, typ, payload})
}

func (c *client) read() (m message) {
	c.Helper()
	if err := wsjson.Read(c.Context(), c.conn, &m); err != nil {
		c.Fatal(err)
	}
	return m
}

// end wants the connection to end with this code and reason.
func (c *client) end(code websocket.StatusCode, reason string) {
	c.Helper()
	for {
		var m message
		err := wsjson.Read(c.Context(), c.conn, &m)
		if err == nil {
			continue
		}
		if end := (websocket.CloseError{}); !errors.As(err, &end) || end.Code != code || !strings.Contains(end.Reason, reason) {
			c.Errorf("%v, want %d and %q", err, code, reason)
		}
		return
	}
}

func TestSubscription(t *testing.T) {
	address := start(t, "1h")
	alice := exampletest.LogIn(t, address, "alice")
	bob := open(t, address, exampletest.LogIn(t, address, "bob"))
	for _, id := range []string{"1", "2"} {
		bob.send("subscribe", id, "subscription { added }")
	}
	bob.write(message{Type: "ping"})
	if m := bob.read(); m.Type != "pong" {
		t.Errorf("after a ping: %+v", m)
	}
	bob.write(message{ID: "2", Type: "complete"})
	bob.write(message{Type: "ping"}) // the answer says that the end was read
	if m := bob.read(); m.Type != "pong" {
		t.Errorf("after a ping: %+v", m)
	}
	post(t, address, alice, `mutation { add(note: "hello") }`)
	if m := bob.read(); m.ID != "1" || !strings.Contains(string(m.Payload), `{"added":"alice: hello"}`) {
		t.Errorf("the subscription says %+v", m)
	}
	bob.send("subscribe", "1", "subscription { added }")
	bob.end(duplicate, "already")
	visitor := open(t, address, "")
	visitor.send("subscribe", "1", "subscription { added }")
	if m := visitor.read(); !strings.Contains(string(m.Payload), `"errors"`) {
		t.Errorf("a visitor has subscribed: %+v", m)
	}
}

// TestEnds: a connection ends with its token, and does not begin with a bad one.
func TestEnds(t *testing.T) {
	address := start(t, "1h")
	dial(t, address, "bad").end(forbidden, "segments")
	token := exampletest.LogIn(t, address, "bob")
	loggedOut := open(t, address, token)
	if resp, _ := exampletest.Send(t, http.DefaultClient, "POST", address+"/logout", "", "Authorization", "Bearer "+token); resp.StatusCode != 204 {
		t.Fatal(resp.Status)
	}
	loggedOut.end(forbidden, "revoked")
	brief := start(t, "4s") // enough to connect on a loaded machine
	expired := open(t, brief, exampletest.LogIn(t, brief, "bob"))
	expired.send("subscribe", "1", "subscription { added }")
	expired.end(forbidden, "expired")
	if _, resp, err := websocket.Dial(t.Context(), address+"/graphql", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://evil.example"}}}); err == nil || resp.StatusCode != 403 {
		t.Errorf("a page of another origin: %v", err)
	}
	early, _, err := websocket.Dial(t.Context(), address+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t, early}
	c.send("subscribe", "1", "{ count }")
	c.end(unauthorized, "Unauthorized")
}
