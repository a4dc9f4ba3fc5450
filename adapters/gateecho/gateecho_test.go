package gateecho_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateecho"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

func TestAdapter(t *testing.T) {
	gatetest.Adapter(t, func(t *testing.T, app gatetest.AdapterApp) func(net.Listener) error {
		e := newEcho()
		e.HTTPErrorHandler = gateecho.ErrorHandler(e.HTTPErrorHandler)
		e.Use(middleware.Recover())
		if app.Renew != nil {
			e.Use(gateecho.Renew(app.Gate, *app.Renew))
		}
		for _, route := range app.Routes {
			var chain []echo.MiddlewareFunc
			for _, p := range route.Policies {
				chain = append(chain, gateecho.Require(app.Gate, p))
			}
			path := strings.NewReplacer("{", ":", "}", "").Replace(route.Pattern)
			e.Any(path, handler(t, route), chain...)
		}
		return func(l net.Listener) error { return http.Serve(l, e) }
	})
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.Logger = slog.New(slog.DiscardHandler)
	return e
}

func handler(t *testing.T, route gatetest.AdapterRoute) echo.HandlerFunc {
	return func(c *echo.Context) error {
		token, _ := gateecho.Token(c)
		if kept, _ := c.Get(gateecho.TokenKey).(*gate.Token); kept != token {
			t.Errorf("echo.Context has the token %v, want %v", kept, token)
		}
		user, _ := gateecho.User[any](c)
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			t.Error(err)
		}
		a := route.Handle(c.Request().Context(), token, user, body)
		for name, values := range a.Header {
			c.Response().Header()[name] = values
		}
		gate.SetCookies(c.Response(), a.Cookies)
		if a.Body == "" && a.Status == http.StatusOK {
			return nil
		}
		return c.String(a.Status, a.Body)
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

func serve(h http.Handler, cookie string) *httptest.ResponseRecorder {
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// TestRenewWriters: whatever begins the response, the new cookies are in it.
func TestRenewWriters(t *testing.T) {
	g, cookie := site(t)
	for name, write := range map[string]echo.HandlerFunc{
		"Write":        func(c *echo.Context) error { _, err := c.Response().Write([]byte("x")); return err },
		"WriteHeader":  func(c *echo.Context) error { c.Response().WriteHeader(http.StatusOK); return nil },
		"101":          func(c *echo.Context) error { c.Response().WriteHeader(http.StatusSwitchingProtocols); return nil },
		"Flush":        func(c *echo.Context) error { c.Response().(http.Flusher).Flush(); return nil },
		"a controller": func(c *echo.Context) error { return http.NewResponseController(c.Response()).Flush() },
		"JSON":         func(c *echo.Context) error { return c.JSON(http.StatusOK, "x") },
		"NoContent":    func(c *echo.Context) error { return c.NoContent(http.StatusOK) },
		"a stream":     func(c *echo.Context) error { return c.Stream(http.StatusOK, "text/plain", strings.NewReader("x")) },
		"an error":     func(c *echo.Context) error { return echo.ErrBadRequest },
		"nothing":      func(*echo.Context) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEcho()
			e.GET("/", write, gateecho.Renew(g, gate.RenewOptions{}), gateecho.Require(g, gate.Policy{}))
			if w := serve(e, cookie); len(w.Result().Cookies()) != 2 {
				t.Errorf("status %d and cookies %v, want 2", w.Code, w.Result().Cookies())
			}
		})
	}
}

// TestHijack: a handler that takes the connection over finds the response untouched.
func TestHijack(t *testing.T) {
	g, cookie := site(t)
	e := newEcho()
	e.GET("/", func(c *echo.Context) error {
		conn, _, err := http.NewResponseController(c.Response()).Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Cookies: "+c.Response().Header().Get("Set-Cookie")+"\r\n\r\nx")
		return err
	}, gateecho.Renew(g, gate.RenewOptions{}), gateecho.Require(g, gate.Policy{}))
	server := httptest.NewServer(e)
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

// TestReturnedError: middleware and Echo's own error handler know what to do with it.
func TestReturnedError(t *testing.T) {
	g, _ := site(t)
	e := newEcho()
	var returned error
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error { returned = next(c); return returned }
	})
	e.GET("/", func(*echo.Context) error { t.Error("the handler was called"); return nil }, gateecho.Require(g, gate.Policy{}))
	w := serve(e, "")
	var body struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusUnauthorized || body.Message != "The cookie access_token_cookie is missing" || w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("Echo answers %d, %q, %v", w.Code, body.Message, w.Header())
	}
	if !errors.Is(returned, gate.ErrMissing) || echo.StatusCode(returned) != http.StatusUnauthorized {
		t.Errorf("the error is %v", returned)
	}
}

// TestErrorHandler: others' errors are left to others, and so is a response that began.
func TestErrorHandler(t *testing.T) {
	g, _ := site(t)
	e := newEcho()
	left := 0
	e.HTTPErrorHandler = gateecho.ErrorHandler(func(c *echo.Context, err error) { left++; c.NoContent(http.StatusTeapot) })
	e.GET("/", func(*echo.Context) error { return gate.ErrMissing })
	if w := serve(e, ""); w.Code != http.StatusTeapot || left != 1 {
		t.Errorf("an error of the application: status %d, left to the other handler %d times", w.Code, left)
	}
	e = newEcho()
	e.HTTPErrorHandler = gateecho.ErrorHandler(func(*echo.Context, error) { left++ })
	e.GET("/", func(*echo.Context) error { return nil }, func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error { c.Response().WriteHeader(http.StatusAccepted); return next(c) }
	}, gateecho.Require(g, gate.Policy{}))
	if w := serve(e, ""); w.Code != http.StatusAccepted || w.Body.Len() > 0 || left != 2 {
		t.Errorf("a response that began: status %d, %q, left to the other handler %d times", w.Code, w.Body, left)
	}
}
