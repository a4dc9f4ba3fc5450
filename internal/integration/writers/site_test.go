// Package writers_test wraps handlers of other libraries with Renew and Require, on real
// servers. It tests that the ResponseWriter and the request have what they need.
package writers_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// site is a server whose one route is behind Renew and Require, and the cookie of a user
// whose token is to be renewed.
type site struct {
	*httptest.Server
	gate   *gate.Gate
	cookie string
	csrf   string
}

func newSite(t *testing.T, h http.Handler, start func(*httptest.Server)) *site {
	t.Helper()
	clock := gatetest.NewClock()
	g := must(gate.New(gate.Config{
		Keys: must(keys.Generate(keys.HS256)), Clock: clock.Now, Locations: []gate.Location{gate.FromCookies()},
	}))
	raw := must(g.CreateAccessToken(context.Background(), "alice", gate.TokenOptions{}))
	tok := must(g.Decode(context.Background(), raw, gate.DecodeOptions{}))
	clock.Advance(14 * time.Minute)
	s := httptest.NewUnstartedServer(g.Renew(gate.RenewOptions{})(g.Require(gate.Policy{})(h)))
	start(s)
	t.Cleanup(s.Close)
	return &site{s, g, "access_token_cookie=" + raw, tok.CSRF()}
}

func overHTTP1(s *httptest.Server) { s.Start() }

func overHTTP2(s *httptest.Server) {
	s.EnableHTTP2 = true
	s.StartTLS()
}

// do sends a request with the cookie.
func (s *site) do(t *testing.T, method string, body io.Reader, headers ...string) *http.Response {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), method, s.URL, body))
	r.Header.Set("Cookie", s.cookie)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// checkRenewed reports whether an answer brings the new cookies.
func checkRenewed(t *testing.T, h http.Header) {
	t.Helper()
	if n := len(h["Set-Cookie"]); n != 2 {
		t.Errorf("%d cookies, want the 2 new ones", n)
	}
}
