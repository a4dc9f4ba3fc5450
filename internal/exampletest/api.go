package exampletest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jwtgate/gate/session"
)

// API drives the API that there is for several frameworks.
func API(t *testing.T) {
	t.Helper()
	s := service{t, Serve(t)}
	if status, _, body := s.send("POST", "/login", "", "name", "alice", "password", "builder"); status != 401 || !strings.HasPrefix(body, `{"error":"Wrong name or password"}`) {
		t.Errorf("wrong password: %d %q", status, body)
	}
	alice, bob := s.tokens("/login", "", "name", "alice", "password", "wonderland"), s.tokens("/login", "", "name", "bob", "password", "builder")
	later := s.tokens("/auth/refresh", bob.RefreshToken)
	for _, tt := range []struct {
		request, token string
		status         int
		want           string // a part of the challenge, or the body
	}{
		{"GET /me", "", 401, "Bearer"},
		{"GET /me", "nonsense", 401, "invalid_token"},
		{"GET /me", bob.AccessToken, 200, "GET /me: you are Bob\n"},
		{"GET /me", bob.RefreshToken, 401, "invalid_token"},
		{"GET /admin", bob.AccessToken, 403, "insufficient_scope"},
		{"GET /admin", alice.AccessToken, 200, "GET /admin: you are Alice\n"},
		{"DELETE /me", bob.AccessToken, 200, "DELETE /me: you are Bob\n"},
		{"DELETE /me", later.AccessToken, 401, "insufficient_user_authentication"},
		{"GET /me", later.AccessToken, 200, "GET /me: you are Bob\n"},
		{"POST /auth/logout", later.AccessToken, 204, ""},
		{"GET /me", bob.AccessToken, 401, "invalid_token"},
		{"GET /me", later.AccessToken, 401, "invalid_token"},
		{"POST /auth/refresh", later.RefreshToken, 401, "invalid_token"},
		{"GET /me", alice.AccessToken, 200, "GET /me: you are Alice\n"},
	} {
		method, path, _ := strings.Cut(tt.request, " ")
		status, challenge, body := s.send(method, path, tt.token)
		refused := status >= 400
		if status != tt.status || refused && (!strings.Contains(challenge, tt.want) || !strings.HasPrefix(body, `{"error":"`)) || !refused && body != tt.want {
			t.Errorf("%s: %d %q %q, want %d %q", tt.request, status, challenge, body, tt.status, tt.want)
		}
	}
}

type service struct {
	t       *testing.T
	address string
}

// send sends a request with a token, if there is one, and a form.
func (s service) send(method, path, token string, form ...string) (status int, challenge, body string) {
	s.t.Helper()
	values, headers := url.Values{}, []string{"Content-Type", "application/x-www-form-urlencoded"}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	resp, body := Send(s.t, http.DefaultClient, method, s.address+path, values.Encode(), headers...)
	return resp.StatusCode, resp.Header.Get("WWW-Authenticate"), body
}

// tokens sends a login or a refresh.
func (s service) tokens(path, token string, form ...string) (b session.Body) {
	s.t.Helper()
	status, _, body := s.send("POST", path, token, form...)
	if err := json.Unmarshal([]byte(body), &b); err != nil || status != 200 || b.AccessToken == "" || b.RefreshToken == "" {
		s.t.Fatalf("%s: %d %q, %v", path, status, body, err)
	}
	return b
}
