package gate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jwtgate/gate"
)

func TestRedirectErrors(t *testing.T) {
	const html = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
	expired := &gate.Error{Kind: gate.ErrExpired, Reason: "expired"}
	page := request("GET", "/account?jwt=canary", html)
	for _, tt := range []struct {
		name   string
		login  string
		r      *http.Request
		err    error
		status int
		where  string
	}{
		{"page", "/login", page, expired, 303, "/login"},
		{"page of another site", "https://id.example.com/login?app=1", page, expired, 303, "https://id.example.com/login?app=1"},
		{"page, says the browser", "/login", request("GET", "/", "Sec-Fetch-Mode: navigate"), expired, 303, "/login"},
		{"form", "/login", request("POST", "/account", html), gate.ErrMissing, 303, "/login"},
		{"not fresh", "/login", page, gate.ErrNotFresh, 303, "/login"},
		{"revoked", "/login", page, gate.ErrRevoked, 303, "/login"},

		{"script", "/login", request("GET", "/", "Sec-Fetch-Mode: cors", html), expired, 401, ""},
		{"API client", "/login", request("GET", "/", "Accept: application/json"), expired, 401, ""},
		{"curl", "/login", request("GET", "/"), expired, 401, ""},
		{"missing scope", "/login", page, gate.ErrScope, 403, ""},
		{"missing CSRF value", "/login", page, gate.ErrCSRF, 403, ""},
		{"rejected", "/login", page, gate.ErrRejected, 403, ""},
		{"store down", "/login", page, errDown, 503, ""},
		{"the login page", "/login", request("GET", "/login", html), expired, 401, ""},
		{"no request", "/login", nil, expired, 401, ""},
		{"no login page", "", page, expired, 401, ""},
		{"no URL", "http://[", page, expired, 401, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{OnError: gate.RedirectErrors(tt.login, nil), Challenge: gate.Challenge{Realm: "api"}})
			w := httptest.NewRecorder()
			g.WriteError(w, tt.r, tt.err)
			if got := w.Header().Get("Location"); w.Code != tt.status || got != tt.where {
				t.Errorf("answer = %d to %q, want %d to %q", w.Code, got, tt.status, tt.where)
			}
			challenge := w.Header().Get("WWW-Authenticate")
			if (challenge != "") != (tt.status == 401 || tt.err == gate.ErrScope) || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("header = %v", w.Header())
			}
		})
	}
	w := httptest.NewRecorder()
	own := func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(418) }
	gate.RedirectErrors("/login", own)(w, request("GET", "/"), expired)
	if w.Code != 418 {
		t.Errorf("status = %d, want that of the function for API requests", w.Code)
	}
}

// Pages are redirected to the login page; requests of scripts get JSON.
func ExampleRedirectErrors() {
	g, err := gate.New(gate.Config{
		Keys:      hs256,
		Locations: []gate.Location{gate.FromCookies()},
		OnError:   gate.RedirectErrors("/login", gate.JSONErrors("error")),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := g.Require(gate.Policy{})(http.NotFoundHandler())
	for _, accept := range []string{"text/html", "application/json"} {
		r := httptest.NewRequest("GET", "/account", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Location"))
	}
	// Output:
	// 303 /login
	// 401
}
