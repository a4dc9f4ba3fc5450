package session_test

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/sessiontest"
	"github.com/jwtgate/gate/session"
)

// TestRoutes: net/http passes the suite that the adapters of frameworks pass.
func TestRoutes(t *testing.T) {
	sessiontest.Routes(t, func(t *testing.T, s sessiontest.Site) func(net.Listener) error {
		mux := http.NewServeMux()
		mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
			pair, err := s.Sessions.Start(r.Context(), r.FormValue("name"), session.Login{Device: session.DeviceOf(gate.HTTPRequest(r))})
			if err != nil {
				s.Gate.WriteError(w, r, err)
				return
			}
			s.Sessions.Write(w, r, pair)
		})
		mux.Handle("GET /me", s.Gate.Require(gate.Policy{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, _ := gate.FromContext(r.Context())
			io.WriteString(w, token.Subject)
		})))
		mux.Handle("/auth/", s.Sessions.Handler("/auth/"))
		return func(l net.Listener) error { return http.Serve(l, mux) }
	})
}
