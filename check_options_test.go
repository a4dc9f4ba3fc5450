package gate_test

import (
	"net/http"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/compat"
)

// Anybody can send a preflight, and a handler need not look at the method: it is guarded
// as any request is, and what it brings no token for is not told from a good answer.
func TestPreflight(t *testing.T) {
	preflight, good := "Access-Control-Request-Method: PUT", "Authorization: Bearer "+token("fresh", "true")
	fresh := gate.Policy{Fresh: true}
	for _, tt := range []struct {
		name    string
		any     bool
		policy  gate.Policy
		method  string
		header  []string
		reached bool
		guarded bool
		status  int    // where it is not reached
		check   string // what Check says
	}{
		{"preflight", false, fresh, "OPTIONS", []string{preflight}, false, false, 204, "missing_header"},
		{"preflight with a token", false, fresh, "OPTIONS", []string{preflight, good}, true, true, 0, "ok"},
		{"preflight with a bad token", false, fresh, "OPTIONS", []string{preflight, good + "x"}, false, false, 401, "signature"},
		{"preflight of an optional route", false, gate.Policy{Optional: true}, "OPTIONS", []string{preflight}, true, true, 0, "ok"},
		{"OPTIONS without the header", false, fresh, "OPTIONS", nil, false, false, 401, "missing_header"},
		{"the header on a GET", false, fresh, "GET", []string{preflight}, false, false, 401, "missing_header"},
		{"the header on a POST", true, fresh, "POST", []string{preflight}, false, false, 401, "missing_header"},
		{"any OPTIONS where allowed", true, fresh, "OPTIONS", nil, true, false, 0, "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := compatGate(t, gate.Config{}, compat.Options{EveryOPTIONS: tt.any})
			s := serve(g.Require(tt.policy), request(tt.method, "/", tt.header...))
			if s.reached != tt.reached {
				t.Fatalf("handler reached: %v, want %v", s.reached, tt.reached)
			}
			if s.reached && gate.Guarded(s.request.Context()) != tt.guarded {
				t.Errorf("guarded: %v, want %v", !tt.guarded, tt.guarded)
			}
			if !s.reached && s.Code != tt.status {
				t.Errorf("status %d, want %d", s.Code, tt.status)
			}
			_, err := g.Check(request(tt.method, "/", tt.header...), tt.policy)
			checkVerdict(t, err, tt.check)
		})
	}
}

// A guard that lets a request pass unguarded does not lend it the token of another.
func TestUnguardedWithinGuard(t *testing.T) {
	users := newGate(t, gate.Config{})
	admins := compatGate(t, gate.Config{Keys: ed}, compat.Options{EveryOPTIONS: true})
	s := serve(func(h http.Handler) http.Handler {
		return users.Require(gate.Policy{})(admins.Require(gate.Policy{})(h))
	}, request("OPTIONS", "/", "Authorization: Bearer "+token()))
	if !s.reached {
		t.Fatalf("status %d, want the handler", s.Code)
	}
	if tok, ok := gate.FromContext(s.request.Context()); ok || gate.Guarded(s.request.Context()) {
		t.Errorf("the handler of the second guard has token %v of the first", tok)
	}
}
