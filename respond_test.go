package gate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jwtgate/gate"
)

// refusal makes the error of a kind as a gate makes it.
func refusal(kind error, reason string) error {
	return fmt.Errorf("handler: %w", &gate.Error{Kind: kind, Reason: reason})
}

var errDown = errors.New("connection refused to canary-host")

func TestAnswers(t *testing.T) {
	const invalid = `Bearer error="invalid_token"`
	for _, tt := range []struct {
		name      string
		err       error
		status    int
		challenge string
		message   string
		slug      string
	}{
		{"missing", refusal(gate.ErrMissing, "missing"), 401, `Bearer`, "No token was sent", "missing"},
		{"CSRF", refusal(gate.ErrCSRF, "csrf_mismatch"), 403, ``, "The CSRF value does not belong to this token", "csrf"},
		{"invalid", refusal(gate.ErrInvalid, "signature"), 401, invalid, "The token's signature is wrong", "invalid"},
		{"wrong type", refusal(gate.ErrWrongType, "access_wanted"), 401, invalid, "An access token is wanted here", "wrong-type"},
		{"expired", refusal(gate.ErrExpired, "expired"), 401, invalid, "The token has expired", "expired"},
		{"revoked", refusal(gate.ErrRevoked, "revoked"), 401, invalid, "The token has been revoked", "revoked"},
		{"no user", refusal(gate.ErrNoUser, "no_user"), 401, invalid, "The token's user does not exist", "no-user"},
		{"rejected", refusal(gate.ErrRejected, "rejected"), 403, ``, "The token is not accepted here", "rejected"},
		{"a LocationFunc's own error", refusal(gate.ErrInvalid, ""), 401, invalid, "Unauthorized", "invalid"},
		{"a reason of one's own", refusal(gate.ErrRejected, "mine"), 403, ``, "Forbidden", "rejected"},
		{"bare kind", gate.ErrExpired, 401, invalid, "Unauthorized", "expired"},
		{"bare kind that wants freshness", gate.ErrNotFresh, 401, `Bearer error="insufficient_user_authentication"`, "Unauthorized", "not-fresh"},
		{"kind before cause", &gate.Error{Kind: gate.ErrRejected, Reason: "rejected", Err: gate.ErrExpired}, 403, ``, "The token is not accepted here", "rejected"},
		{"scope", &gate.Error{Kind: gate.ErrScope, Reason: "scope", Name: "read write"}, 403, `Bearer error="insufficient_scope", scope="read write"`,
			"The token lacks the scope that this route asks for", "scope"},
		{"scope that no header can hold", &gate.Error{Kind: gate.ErrScope, Reason: "scope", Name: "a\"b"}, 403, `Bearer error="insufficient_scope"`,
			"The token lacks the scope that this route asks for", "scope"},
		{"unavailable, said by the application", gate.Unavailable(gate.ErrExpired), 503, ``, "The service cannot answer the request now; try again", "unavailable"},
		{"failure", errDown, 503, ``, "The service cannot answer the request now; try again", "unavailable"},
		{"nothing", nil, 503, ``, "The service cannot answer the request now; try again", "unavailable"},
		{"no kind", &gate.Error{}, 503, ``, "The service cannot answer the request now; try again", "unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := gate.StatusCode(tt.err); got != tt.status {
				t.Errorf("StatusCode = %d, want %d", got, tt.status)
			}
			w := httptest.NewRecorder()
			gate.JSONErrors("msg")(w, nil, tt.err)
			checkAnswer(t, w, tt.status, tt.challenge, "application/json")
			if got, want := w.Body.String(), `{"msg":"`+tt.message+"\"}\n"; got != want {
				t.Errorf("body = %q, want %q", got, want)
			}
			w = httptest.NewRecorder()
			gate.ProblemErrors("https://example.com/errors/")(w, nil, tt.err)
			checkAnswer(t, w, tt.status, tt.challenge, "application/problem+json")
			checkProblem(t, w, tt.err, "https://example.com/errors/"+tt.slug, tt.message)
			w = httptest.NewRecorder()
			gate.ProblemErrors("")(w, nil, tt.err)
			checkProblem(t, w, tt.err, "about:blank", tt.message)
		})
	}
}

func checkAnswer(t *testing.T, w *httptest.ResponseRecorder, status int, challenge, contentType string) {
	t.Helper()
	want := http.Header{"Content-Type": {contentType}, "Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"}}
	if challenge != "" {
		want["Www-Authenticate"] = []string{challenge}
	}
	if w.Code != status || fmt.Sprint(w.Header()) != fmt.Sprint(want) {
		t.Errorf("answer = %d %v, want %d %v", w.Code, w.Header(), status, want)
	}
}

func checkProblem(t *testing.T, w *httptest.ResponseRecorder, err error, typ, detail string) {
	t.Helper()
	want := map[string]any{
		"type": typ, "title": http.StatusText(w.Code), "status": float64(w.Code), "detail": detail,
	}
	if e := (*gate.Error)(nil); errors.As(err, &e) {
		want["code"] = e.Reason
	}
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("problem = %v, %v; want %v", got, err, want)
	}
}

// RFC 9470: how old a login may be.
func TestMaxAge(t *testing.T) {
	for _, tt := range []struct {
		lifetime time.Duration
		want     string
	}{
		{0, `Bearer error="insufficient_user_authentication", max_age="900"`},
		{90*time.Second + 1, `Bearer error="insufficient_user_authentication", max_age="90"`},
		{gate.NoExpiry, `Bearer error="insufficient_user_authentication"`},
	} {
		g := newGate(t, gate.Config{
			Create: gate.Create{AccessLifetime: tt.lifetime},
			Accept: gate.Accept{Lenient: gate.Lenient{NoExpiry: true}},
		})
		s := serve(g.Require(gate.Policy{Fresh: true}), bearer(token()))
		if got := s.Header().Get("WWW-Authenticate"); s.Code != 401 || got != tt.want {
			t.Errorf("lifetime %v: %d, WWW-Authenticate: %s; want %s", tt.lifetime, s.Code, got, tt.want)
		}
	}
}

func TestJSONErrorsKey(t *testing.T) {
	for _, key := range []string{"msg", "", `a"b\`, "é\n", "</script>", "a.b"} {
		w := httptest.NewRecorder()
		gate.JSONErrors(key)(w, nil, gate.ErrExpired)
		var got map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got) != 1 || got[key] != "Unauthorized" {
			t.Errorf("body with the key %q = %s, %v", key, w.Body, err)
		}
	}
	w := httptest.NewRecorder()
	gate.JSONErrors("\xff")(w, nil, gate.ErrExpired)
	if got, want := w.Body.String(), "{\"\ufffd\":\"Unauthorized\"}\n"; got != want {
		t.Errorf("body = %q, want %q", got, want)
	}
}

func TestWriteError(t *testing.T) {
	r := request("GET", "/")
	g := newGate(t, gate.Config{OnError: func(w http.ResponseWriter, got *http.Request, err error) {
		if got != r || !errors.Is(err, errDown) {
			t.Errorf("OnError is given %v, %v", got, err)
		}
		w.WriteHeader(418)
	}})
	w := httptest.NewRecorder()
	g.WriteError(w, r, errDown)
	if w.Code != 418 {
		t.Errorf("status = %d, want that of OnError", w.Code)
	}
}

// What a gate knows of itself is in its challenges, whatever the format.
func TestChallenge(t *testing.T) {
	const metadata = "https://api.example.com/.well-known/oauth-protected-resource"
	for _, tt := range []struct {
		name      string
		challenge gate.Challenge
		err       error
		want      string
	}{
		{"realm", gate.Challenge{Realm: "api"}, gate.ErrMissing, `Bearer realm="api"`},
		{"all", gate.Challenge{Realm: "api", ResourceMetadata: metadata}, &gate.Error{Kind: gate.ErrScope, Reason: "scope", Name: "read"},
			`Bearer realm="api", error="insufficient_scope", scope="read", resource_metadata="` + metadata + `"`},
		{"none", gate.Challenge{Realm: "api"}, gate.ErrRejected, ``},
	} {
		for name, onError := range map[string]func(http.ResponseWriter, *http.Request, error){"default": nil, "problem": gate.ProblemErrors("")} {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				g := newGate(t, gate.Config{Challenge: tt.challenge, OnError: onError})
				w := httptest.NewRecorder()
				g.WriteError(w, nil, tt.err)
				if got := w.Header().Get("WWW-Authenticate"); got != tt.want {
					t.Errorf("WWW-Authenticate = %s, want %s", got, tt.want)
				}
			})
		}
	}
	for _, c := range []gate.Challenge{{Realm: `"`}, {ResourceMetadata: "https://example.com/\n"}} {
		if _, err := gate.New(gate.Config{Keys: hs256, Challenge: c}); err == nil {
			t.Errorf("New takes %+v", c)
		}
	}
}

func TestAnswer(t *testing.T) {
	for _, tt := range []struct {
		name    string
		onError func(http.ResponseWriter, *http.Request, error)
		status  int
		header  string
		body    string
	}{
		{"default", nil, 401, "application/json", "{\"msg\":\"Unauthorized\"}\n"},
		{"of one's own", func(w http.ResponseWriter, r *http.Request, err error) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprint(w, r == nil, err)
		}, 200, "text/plain", "true gate: token expired"},
		{"that writes nothing", func(http.ResponseWriter, *http.Request, error) {}, 401, "", ""},
		{"that writes the status alone", func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(418) }, 418, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, gate.Config{OnError: tt.onError})
			status, h, body := g.Answer(gate.ErrExpired)
			if status != tt.status || h.Get("Content-Type") != tt.header || string(body) != tt.body {
				t.Errorf("Answer = %d %v %q, want %d %q %q", status, h, body, tt.status, tt.header, tt.body)
			}
		})
	}
}

// An OnError reaches what is below by http.ResponseController.
func TestWriteErrorUnwraps(t *testing.T) {
	g := newGate(t, gate.Config{OnError: func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.WriteHeader(418)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}})
	w := httptest.NewRecorder()
	g.WriteError(w, nil, errDown)
	if !w.Flushed || w.Code != 418 {
		t.Errorf("flushed: %v, status = %d", w.Flushed, w.Code)
	}
}
