package gategin_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategin"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	m.Run()
}

func TestAdapter(t *testing.T) {
	gatetest.Adapter(t, func(t *testing.T, app gatetest.AdapterApp) func(net.Listener) error {
		r := gin.New()
		r.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }))
		if app.Renew != nil {
			r.Use(gategin.Renew(app.Gate, *app.Renew))
		}
		for _, route := range app.Routes {
			var chain []gin.HandlerFunc
			for _, p := range route.Policies {
				chain = append(chain, gategin.Require(app.Gate, p))
			}
			path := strings.NewReplacer("{", ":", "}", "").Replace(route.Pattern)
			r.Any(path, append(chain, handler(t, route))...)
			r.Handle("LINK", path, append(chain, handler(t, route))...)
		}
		return func(l net.Listener) error { return http.Serve(l, r) }
	})
}

func handler(t *testing.T, route gatetest.AdapterRoute) gin.HandlerFunc {
	return func(c *gin.Context) {
		token, _ := gategin.Token(c)
		if kept, _ := c.Get(gategin.TokenKey); token != nil && kept != token || token == nil && kept != nil && kept != token {
			t.Errorf("gin.Context has the token %v, want %v", kept, token)
		}
		user, _ := gategin.User[any](c)
		body, err := c.GetRawData()
		if err != nil {
			t.Error(err)
		}
		a := route.Handle(c.Request.Context(), token, user, body)
		for name, values := range a.Header {
			c.Writer.Header()[name] = values
		}
		c.Status(a.Status)
		gate.SetCookies(c.Writer, a.Cookies)
		if a.Body != "" {
			c.String(a.Status, a.Body)
		}
	}
}

// site has a login close to its end.
func site(t *testing.T) (g *gate.Gate, cookie string) {
	t.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	g, err = gate.New(gate.Config{Keys: key, Locations: []gate.Location{gate.FromCookies()}})
	if err != nil {
		t.Fatal(err)
	}
	return g, "access_token_cookie=" + gatetest.Token(t, key, map[string]any{
		"csrf": "value", "iat": time.Now().Add(-50 * time.Minute), "exp": time.Now().Add(10 * time.Minute),
	})
}

// TestRenewWriters: whatever begins the response, the new cookies are in it.
func TestRenewWriters(t *testing.T) {
	g, cookie := site(t)
	for name, write := range map[string]func(c *gin.Context){
		"Write":           func(c *gin.Context) { c.Writer.Write([]byte("x")) },
		"WriteString":     func(c *gin.Context) { c.Writer.WriteString("x") },
		"WriteHeaderNow":  func(c *gin.Context) { c.Writer.WriteHeaderNow() },
		"Flush":           func(c *gin.Context) { c.Writer.Flush() },
		"a controller":    func(c *gin.Context) { http.NewResponseController(c.Writer).Flush() },
		"JSON":            func(c *gin.Context) { c.JSON(http.StatusOK, "x") },
		"Status":          func(c *gin.Context) { c.Status(http.StatusOK) },
		"AbortWithStatus": func(c *gin.Context) { c.AbortWithStatus(http.StatusOK) },
		"nothing":         func(*gin.Context) {},
	} {
		t.Run(name, func(t *testing.T) {
			r := gin.New()
			r.GET("/", gategin.Renew(g, gate.RenewOptions{}), gategin.Require(g, gate.Policy{}), write)
			w := serve(r, "GET", "/", cookie)
			if n := len(w.Result().Cookies()); w.Code != http.StatusOK || n != 2 {
				t.Errorf("status %d and %d cookies, want 200 and 2", w.Code, n)
			}
		})
	}
}

func serve(h http.Handler, method, path, cookie string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, nil)
	req.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// TestHijack: a handler that takes the connection over finds the response untouched.
func TestHijack(t *testing.T) {
	g, cookie := site(t)
	r := gin.New()
	r.GET("/", gategin.Renew(g, gate.RenewOptions{}), gategin.Require(g, gate.Policy{}), func(c *gin.Context) {
		conn, _, err := c.Writer.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Cookies: "+c.Writer.Header().Get("Set-Cookie")+"\r\n\r\nx")
	})
	server := httptest.NewServer(r)
	defer server.Close()
	req, err := http.NewRequest("GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", cookie)
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("X-Cookies"); resp.StatusCode != http.StatusOK || got != "" {
		t.Errorf("status %d, cookies %q", resp.StatusCode, got)
	}
}

// TestError: middleware further out learns why a request was refused.
func TestError(t *testing.T) {
	g, _ := site(t)
	r := gin.New()
	var recorded []*gin.Error
	r.GET("/", func(c *gin.Context) { c.Next(); recorded = c.Errors }, gategin.Require(g, gate.Policy{}), func(*gin.Context) { t.Error("the handler was called") })
	if w := serve(r, "GET", "/", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("status = %d", w.Code)
	}
	if len(recorded) != 1 || gate.StatusCode(recorded[0]) != http.StatusUnauthorized {
		t.Errorf("errors = %v", recorded)
	}
}

func TestMount(t *testing.T) {
	r := gin.New()
	gategin.Mount(r, "/auth/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Method+" "+r.URL.Path) }))
	if got, want := serve(r, "DELETE", "/auth/sessions/1", "").Body.String(), "DELETE /auth/sessions/1"; got != want {
		t.Errorf("the handler sees %q, want %q", got, want)
	}
}
