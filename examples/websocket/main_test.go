package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/session"
)

// post returns the status and the body.
func post(t *testing.T, url, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("POST", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// open returns the connection, or the status that refused it.
func open(t *testing.T, url, ticket string) (*websocket.Conn, int) {
	t.Helper()
	conn, resp, err := websocket.Dial(t.Context(), url+"/chat?ticket="+ticket, nil)
	if err != nil && resp == nil {
		t.Fatal(err)
	}
	return conn, resp.StatusCode
}

func TestChat(t *testing.T) {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHandler(key)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	if status, _ := post(t, srv.URL+"/login?name=alice&password=wrong", ""); status != 401 {
		t.Errorf("a wrong password: %d", status)
	}
	_, text := post(t, srv.URL+"/login?name=alice&password=correct+horse", "")
	var in session.Body
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	_, ticket := post(t, srv.URL+"/ticket", in.AccessToken)
	conn, status := open(t, srv.URL, ticket)
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("with a ticket: %d", status)
	}
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := conn.Read(t.Context()); err != nil || string(got) != "alice: hello" {
		t.Errorf("the chat says %q, %v", got, err)
	}
	conn.Close(websocket.StatusNormalClosure, "")
	_, late := post(t, srv.URL+"/ticket", in.AccessToken)
	for name, bad := range map[string]string{"again": ticket, "an access token": in.AccessToken, "none": "", "cut": strings.TrimSuffix(late, late[len(late)-4:])} {
		if _, status := open(t, srv.URL, bad); status != 401 {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, _ := post(t, srv.URL+"/auth/logout", in.AccessToken); status != 204 {
		t.Errorf("logout: %d", status)
	}
	if _, status := open(t, srv.URL, late); status != 401 {
		t.Errorf("a ticket after the logout: %d", status)
	}
}
