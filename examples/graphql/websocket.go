package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/jwtgate/gate"
)

// The close codes of graphql-transport-ws.
const (
	badRequest   = 4400
	unauthorized = 4401
	forbidden    = 4403
	duplicate    = 4409
)

// message is a message of graphql-transport-ws.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// socket is a connection, whose token came in its first message. Browsers can send no
// header with a WebSocket.
type socket struct {
	site *site
	conn *websocket.Conn
	raw  string // the token; "" for a visitor

	mu   sync.Mutex
	open map[string]context.CancelFunc // the subscriptions by their ID
}

// subscribe serves queries and subscriptions over a WebSocket.
func (s *site) subscribe(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-transport-ws"}}) // refuses pages of other origins
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel() // ends the subscriptions
	c := &socket{site: s, conn: conn, open: map[string]context.CancelFunc{}}
	err = c.begin(ctx)
	if err == nil {
		go c.recheck(ctx)
		err = c.serve(withChecker(ctx, c.check))
	}
	if end := (websocket.CloseError{}); errors.As(err, &end) {
		conn.Close(end.Code, end.Reason)
	}
}

// check checks the token, or finds that there is none.
func (c *socket) check(p gate.Policy) (*gate.Token, error) {
	if c.raw == "" {
		return nil, &gate.Error{Kind: gate.ErrMissing, Reason: "missing"}
	}
	return c.site.gate.CheckToken(context.Background(), c.raw, p)
}

// begin reads the first message, with the token.
func (c *socket) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var m message
	if err := wsjson.Read(ctx, c.conn, &m); err != nil || m.Type != "connection_init" {
		return websocket.CloseError{Code: unauthorized, Reason: "Unauthorized"}
	}
	var sent struct{ Authorization string }
	if len(m.Payload) > 0 && json.Unmarshal(m.Payload, &sent) != nil {
		return websocket.CloseError{Code: badRequest, Reason: "The payload is no object"}
	}
	c.raw = strings.TrimPrefix(sent.Authorization, "Bearer ")
	if c.raw != "" {
		if _, err := c.check(user); err != nil {
			return websocket.CloseError{Code: forbidden, Reason: fieldError{err}.Error()}
		}
	}
	return wsjson.Write(ctx, c.conn, message{Type: "connection_ack"})
}

// recheck ends the connection when its token has expired or was revoked.
func (c *socket) recheck(ctx context.Context) {
	for tick := time.Tick(time.Second); c.raw != ""; {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		if _, err := c.check(user); err != nil {
			c.conn.Close(forbidden, fieldError{err}.Error())
			return
		}
	}
}

// serve reads messages until the end.
func (c *socket) serve(ctx context.Context) error {
	for {
		var m message
		if err := wsjson.Read(ctx, c.conn, &m); err != nil {
			return err
		}
		var err error
		switch m.Type {
		case "ping":
			err = wsjson.Write(ctx, c.conn, message{Type: "pong"})
		case "pong":
		case "complete":
			c.end(m.ID)
		case "subscribe":
			err = c.start(ctx, m)
		default:
			err = websocket.CloseError{Code: badRequest, Reason: "Unknown type"}
		}
		if err != nil {
			return err
		}
	}
}

// start starts a query or a subscription.
func (c *socket) start(ctx context.Context, m message) error {
	var p struct {
		Query, OperationName string
		Variables            map[string]any
	}
	if json.Unmarshal(m.Payload, &p) != nil || m.ID == "" {
		return websocket.CloseError{Code: badRequest, Reason: "The message is no subscription"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[m.ID] != nil || len(c.open) == 100 {
		return websocket.CloseError{Code: duplicate, Reason: "Subscriber for this ID already exists, or too many"}
	}
	own, cancel := context.WithCancel(ctx)
	results, err := c.site.schema.Subscribe(own, p.Query, p.OperationName, p.Variables)
	if err != nil {
		cancel()
		return err
	}
	c.open[m.ID] = cancel
	go c.forward(ctx, m.ID, results)
	return nil
}

// forward sends the results of one subscription, until there are no more.
func (c *socket) forward(ctx context.Context, id string, results <-chan any) {
	for r := range results {
		payload, err := json.Marshal(r)
		if err == nil {
			err = wsjson.Write(ctx, c.conn, message{id, "next", payload})
		}
		if err != nil {
			break
		}
	}
	if c.end(id) { // and not the client
		_ = wsjson.Write(ctx, c.conn, message{ID: id, Type: "complete"}) // an error ends serve too
	}
}

// end ends a subscription, and reports whether it was open.
func (c *socket) end(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	cancel := c.open[id]
	if cancel != nil {
		cancel()
		delete(c.open, id)
	}
	return cancel != nil
}
