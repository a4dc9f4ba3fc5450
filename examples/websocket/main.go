// Command websocket is a chat of one: a WebSocket that a ticket opens. Browsers send no
// Authorization header with a WebSocket, and a token in a URL ends up in logs, so the
// page asks for a ticket first, which counts once and for half a minute.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

func main() {
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		log.Fatal(err)
	}
	h, err := newHandler(key)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", h))
}

// chat is what a ticket is for.
var chat = session.Use{Purpose: "chat"}

func newHandler(key keys.Source) (http.Handler, error) {
	store, err := gatemem.New(gatemem.Options{})
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: store, Create: gate.Create{Types: []gate.TokenType{"ticket"}}})
	if err != nil {
		return nil, err
	}
	m, err := session.New(g, store, session.Options{})
	if err != nil {
		return nil, err
	}
	tickets, err := session.NewOneTime(g, store, "ticket")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("password") != "correct horse" { // yours: look the user up
			http.Error(w, "wrong name or password", http.StatusUnauthorized)
			return
		}
		pair, err := m.Start(r.Context(), r.FormValue("name"), session.Login{Device: session.DeviceOf(gate.HTTPRequest(r))})
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		m.Write(w, r, pair)
	})
	mux.Handle("/auth/", m.Handler("/auth/"))
	mux.Handle("POST /ticket", g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		// The ticket belongs to the session, and ends with it.
		ticket, err := tickets.Issue(r.Context(), t.Identity(), chat, session.OneTimeOptions{ExpiresIn: 30 * time.Second, From: t})
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte(ticket))
	})))
	mux.HandleFunc("GET /chat", func(w http.ResponseWriter, r *http.Request) {
		t, err := tickets.Redeem(r.Context(), r.URL.Query().Get("ticket"), chat)
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		conn, err := websocket.Accept(w, r, nil) // refuses pages of other origins
		if err != nil {
			return // it has answered
		}
		if err := talk(r.Context(), conn, t.Subject); err != nil {
			log.Print("chat: ", err)
		}
	})
	return mux, nil
}

// talk repeats what it hears until the client leaves.
func talk(ctx context.Context, conn *websocket.Conn, name string) error {
	defer conn.CloseNow()
	for {
		typ, text, err := conn.Read(ctx)
		var left websocket.CloseError
		switch {
		case errors.As(err, &left):
			return nil
		case err != nil:
			return err
		}
		if err := conn.Write(ctx, typ, append([]byte(name+": "), text...)); err != nil {
			return err
		}
	}
}
