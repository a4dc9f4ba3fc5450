//go:build unix

package gateredis_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gateredis"
)

// Logging in gives two tokens; logging out revokes both, whichever the request came
// with, since they share a session ID.
func Example() {
	// The server keeps what it acknowledges: appendonly yes, appendfsync always,
	// maxmemory-policy noeviction.
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:      []string{"localhost:6379"},
		ConnWriteTimeout: 2 * time.Second, // give up on a dead connection
		// For Options.CacheFor: the server reports what has changed.
		ClientTrackingOptions: gateredis.Tracking(""),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	app, err := newApp(client)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8000", app))
}

// newApp is the application.
func newApp(client rueidis.Client) (http.Handler, error) {
	revoked, err := gateredis.New(client, gateredis.Options{CacheFor: time.Second})
	if err != nil {
		return nil, err
	}
	if err := revoked.Check(context.Background()); err != nil { // a server that may forget is found now
		return nil, err
	}
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		return nil, err
	}
	// The breaker answers 503 in time when the server does not.
	breaker := stores.NewBreaker(revoked, stores.FailurePolicy{})
	g, err := gate.New(gate.Config{Keys: key, Blocklist: breaker})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		session := gate.TokenOptions{Fresh: true, Claims: map[string]any{"sid": rand.Text()}}
		access, err := g.CreateAccessToken(r.Context(), "example_user", session)
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		refresh, err := g.CreateRefreshToken(r.Context(), "example_user", session)
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"access_token": access, "refresh_token": refresh})
	})
	anyType := g.Require(gate.Policy{Type: gate.AnyTokenType})
	mux.Handle("DELETE /logout", anyType(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		if err := revoked.RevokeSession(r.Context(), t.SessionID, stores.Note{By: t.Subject, Why: "logout"}); err != nil {
			g.WriteError(w, r, err)
			return
		}
		fmt.Fprint(w, `{"msg":"Access and refresh token revoked"}`)
	})))
	mux.Handle("GET /protected", g.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"hello":"world"}`)
	})))
	mux.Handle("POST /refresh", g.Require(gate.Policy{Type: gate.Refresh})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := gate.FromContext(r.Context())
		access, err := g.CreateAccessToken(r.Context(), t.Subject, gate.TokenOptions{Claims: map[string]any{"sid": t.SessionID}})
		if err != nil {
			g.WriteError(w, r, err)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"access_token": access})
	})))
	return mux, nil
}

// TestExample runs the program of the example against a real server.
func TestExample(t *testing.T) {
	r, client := single(t, servers.Durable...)
	app, err := newApp(client)
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path, token string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, path, nil)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, req)
		return w
	}
	login := func() (access, refresh string) {
		var got struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		if err := json.NewDecoder(send("POST", "/login", "").Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		return got.Access, got.Refresh
	}
	expect := func(method, path, token string, code int, body string) {
		t.Helper()
		if w := send(method, path, token); w.Code != code || strings.TrimSpace(w.Body.String()) != body && body != "" {
			t.Errorf("%s %s = %d %s, want %d %s", method, path, w.Code, w.Body, code, body)
		}
	}
	access, refresh := login()
	otherAccess, otherRefresh := login()
	expect("GET", "/protected", "", 401, "")
	expect("GET", "/protected", access, 200, `{"hello":"world"}`)
	expect("POST", "/refresh", refresh, 200, "")
	expect("DELETE", "/logout", access, 200, `{"msg":"Access and refresh token revoked"}`)
	expect("GET", "/protected", access, 401, `{"msg":"The token has been revoked"}`)
	expect("POST", "/refresh", refresh, 401, `{"msg":"The token has been revoked"}`)
	expect("GET", "/protected", otherAccess, 200, "")
	expect("DELETE", "/logout", otherRefresh, 200, "")
	expect("GET", "/protected", otherAccess, 401, "")
	access, _ = login()
	expect("GET", "/protected", access, 200, "")
	r.Kill()
	time.Sleep(1100 * time.Millisecond) // CacheFor
	expect("GET", "/protected", access, 503, "")
	expect("DELETE", "/logout", access, 503, "")
}
