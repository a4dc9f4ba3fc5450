package flask_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

// jsonGate looks for tokens in JSON bodies.
func jsonGate(t *testing.T) *gate.Gate {
	return newGate(t, with("JWT_TOKEN_LOCATION", "json"))
}

func TestJSONBodies(t *testing.T) {
	g := jsonGate(t)
	for _, tt := range []struct {
		name, contentType string
		body              io.Reader
		kind              error
		reason            string
	}{
		{"broken media type", "application/json; =", strings.NewReader(`{"access_token":"x"}`), gate.ErrInvalid, "segments"},
		{"media type too long", "application/json; a=" + strings.Repeat("x", 1<<10), strings.NewReader(`{"access_token":"x"}`), gate.ErrMissing, "missing_content_type"},
		{"upper case", "Application/JSON", strings.NewReader(`{"access_token":"x"}`), gate.ErrInvalid, "segments"},
		{"too large", "application/json", strings.NewReader(`{"a":"` + strings.Repeat("x", 256<<10) + `"}`), gate.ErrMissing, "missing_large_body"},
		{"unreadable", "application/json", failing{}, gate.ErrInvalid, "body_unreadable"},
		{"name twice", "application/json", strings.NewReader(`{"a":1,"a":2,"access_token":"x"}`), gate.ErrInvalid, "ambiguous"},
		{"zero in words", "application/json", strings.NewReader(`{"access_token":-0.0e5}`), gate.ErrMissing, "missing_member"},
		{"empty list", "application/json", strings.NewReader(`{"access_token":[ ]}`), gate.ErrMissing, "missing_member"},
		{"false", "application/json", strings.NewReader(`{"access_token":false}`), gate.ErrMissing, "missing_member"},
		{"true", "application/json", strings.NewReader(`{"access_token":true}`), gate.ErrInvalid, "member_type"},
		{"list", "application/json", strings.NewReader(`{"access_token":["x"]}`), gate.ErrInvalid, "member_type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", tt.body)
			r.Header.Set("Content-Type", tt.contentType)
			_, err := g.Check(r, gate.Policy{})
			var e *gate.Error
			if !errors.As(err, &e) || e.Kind != tt.kind || e.Reason != tt.reason || e.Location != "json" {
				t.Errorf("error %#v, want %v, %s", err, tt.kind, tt.reason)
			}
		})
	}
}

// failing is a body that breaks off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A media type that nobody can be sure of is none; a log has both sentences.
func TestTwoContentTypesAreNone(t *testing.T) {
	g := jsonGate(t)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"access_token":"x"}`))
	r.Header["Content-Type"] = []string{"application/json", "text/plain"}
	if _, err := g.Check(r, gate.Policy{}); !errors.Is(err, gate.ErrMissing) {
		t.Errorf("error %v, want %v", err, gate.ErrMissing)
	}
	_, err := newGate(t, with("JWT_HEADER_NAME", "X-T")).Check(r, gate.Policy{})
	if want := "gate: The X-T header is missing: Missing X-T Header"; err == nil || err.Error() != want {
		t.Errorf("error for logs %v, want %s", err, want)
	}
}

// The body is as it was for the handler.
func TestBodyStaysReadable(t *testing.T) {
	g := jsonGate(t)
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"access_token":"` + raw + `","n":1}`
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(want))
	r.Header.Set("Content-Type", "application/json")
	if _, err := g.Check(r, gate.Policy{}); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r.Body); err != nil || string(got) != want {
		t.Errorf("body %q, %v", got, err)
	}
}

// Tokens of other tools may be larger than the gate's own limit.
func TestLargeTokens(t *testing.T) {
	g := newGate(t, with("JWT_VERIFY_SUB", true))
	for size, ok := range map[int]bool{30 << 10: true, 64 << 10: false} {
		_, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{"x": strings.Repeat("x", size)}})
		if ok != (err == nil) {
			t.Errorf("%d bytes of claims: error %v", size, err)
		}
	}
}

// So may their claims be deeper and more than the gate's own limits allow.
func TestManyAndDeepClaims(t *testing.T) {
	g := newGate(t, with("JWT_VERIFY_SUB", true))
	var deep any = "x"
	for range 200 {
		deep = []any{deep}
	}
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{Claims: map[string]any{"many": make([]int, 3000), "deep": deep}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.CheckToken(t.Context(), raw, gate.Policy{}); err != nil {
		t.Error(err)
	}
}

// A header name in any case is found, as names of headers have none.
func TestHeaderNameHasNoCase(t *testing.T) {
	for _, name := range []string{"x-token", "X-TOKEN"} {
		g := newGate(t, with("JWT_HEADER_NAME", name))
		raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Token", "Bearer "+raw)
		if _, err := g.Check(r, gate.Policy{}); err != nil {
			t.Errorf("JWT_HEADER_NAME %s: %s", name, flask.Message(err))
		}
	}
}

// A location that several requests share holds nothing of any of them.
func TestLocationsAreSafeForConcurrentUse(t *testing.T) {
	g := newGate(t, with("JWT_TOKEN_LOCATION", []string{"headers", "query_string"}))
	done := make(chan string)
	for range 8 {
		go func() {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			_, err := g.Check(r, gate.Policy{})
			done <- flask.Message(err)
		}()
	}
	for range 8 {
		if got := <-done; !strings.HasPrefix(got, "Missing JWT in headers or query_string (") {
			t.Errorf("message %q", got)
		}
	}
}

// A header of a megabyte is not searched.
func TestHeaderTooLarge(t *testing.T) {
	g := newGate(t, with("JWT_TOKEN_LOCATION", "headers"))
	for value, want := range map[string]string{
		"Bearer x": "segments", strings.Repeat("Bearer,", 2000): "missing_scheme", strings.Repeat("Bearer,", 3000): "header_too_large",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", value)
		_, err := g.Check(r, gate.Policy{})
		if e := (*gate.Error)(nil); !errors.As(err, &e) || e.Reason != want {
			t.Errorf("%d bytes: error = %v, want %s", len(value), err, want)
		}
	}
}
