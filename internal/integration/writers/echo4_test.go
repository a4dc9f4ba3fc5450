package writers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/jwtgate/gate"
)

// TestEcho4: the middleware of net/http works in Echo v4, which needs no adapter.
func TestEcho4(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), overHTTP1)
	g, cookie := s.gate, s.cookie
	e := echo.New()
	// [echo4]
	e.Use(echo.WrapMiddleware(g.Renew(gate.RenewOptions{})))
	e.GET("/me", hello4, echo.WrapMiddleware(g.Require(gate.Policy{})))
	// [end]
	for _, test := range []struct {
		cookie string
		status int
		body   string
		set    int
	}{
		{cookie, http.StatusOK, "Hello alice", 2},
		{"", http.StatusUnauthorized, `{"msg":`, 0},
	} {
		r := httptest.NewRequest("GET", "/me", nil)
		r.Header.Set("Cookie", test.cookie)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) || len(w.Result().Cookies()) != test.set {
			t.Errorf("%d %s with %d cookies, want %d %s with %d", w.Code, w.Body, len(w.Result().Cookies()), test.status, test.body, test.set)
		}
	}
}

func hello4(c echo.Context) error {
	t, _ := gate.FromContext(c.Request().Context())
	return c.String(http.StatusOK, "Hello "+t.Subject)
}
