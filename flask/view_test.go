package flask_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/flask"
)

// A view that checks the token itself finds it with the getters, and its errors are
// answered as those of a guard.
func TestView(t *testing.T) {
	g := newGate(t, with("JWT_TOKEN_LOCATION", "headers"))
	raw, err := g.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	own := errors.New("the database has failed")
	h := flask.View(g, func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/own" {
			return own
		}
		r, err := flask.VerifyJWTInRequest(g, r, gate.Policy{Optional: r.URL.Path == "/optional"})
		if err != nil {
			return err
		}
		identity, err := flask.GetJWTIdentity(r.Context())
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(identity)
	})
	for _, tt := range []struct {
		path, authorization string
		status              int
		body                string
	}{
		{"/", "Bearer " + raw, 200, `"alice"`},
		{"/optional", "", 200, "null"},
		{"/", "", 401, `{"msg":"Missing Authorization Header"}`},
		{"/", "Bearer x", 422, `{"msg":"Not enough segments"}`},
		{"/own", "", 503, `{"msg":"The service cannot check the token now; try again"}`},
	} {
		r := httptest.NewRequest(http.MethodGet, tt.path, nil)
		r.Header.Set("Authorization", tt.authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || strings.TrimSpace(w.Body.String()) != tt.body {
			t.Errorf("%s %q: %d %s, want %d %s", tt.path, tt.authorization, w.Code, w.Body, tt.status, tt.body)
		}
	}
	if _, err := flask.VerifyJWTInRequest(nil, httptest.NewRequest(http.MethodGet, "/", nil), gate.Policy{}); err == nil {
		t.Error("no gate, and no error")
	}
}
