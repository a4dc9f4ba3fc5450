package gatefiber_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gatefiber"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
)

func config() fiber.Config {
	return fiber.Config{
		ErrorHandler: gatefiber.ErrorHandler(nil), ReadBufferSize: 16 << 10,
		RequestMethods: append(fiber.DefaultMethods, "LINK"),
	}
}

func TestAdapter(t *testing.T) { gatetest.AdapterHTTP1(t, build(config())) }

// TestVerbatimHeaders: header names are compared without case by the gate then.
func TestVerbatimHeaders(t *testing.T) {
	cfg := config()
	cfg.DisableHeaderNormalizing = true
	gatetest.AdapterHTTP1(t, build(cfg))
}

func build(cfg fiber.Config) func(*testing.T, gatetest.AdapterApp) func(net.Listener) error {
	return func(t *testing.T, app gatetest.AdapterApp) func(net.Listener) error {
		f := fiber.New(cfg)
		f.Use(recover.New())
		if app.Renew != nil {
			f.Use(gatefiber.Renew(app.Gate, *app.Renew))
		}
		for _, route := range app.Routes {
			var chain []any
			for _, p := range route.Policies {
				chain = append(chain, gatefiber.Require(app.Gate, p))
			}
			path := strings.NewReplacer("{", ":", "}", "").Replace(route.Pattern)
			chain = append(chain, handler(t, route))
			f.All(path, chain[0], chain[1:]...)
		}
		return func(l net.Listener) error { return f.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }
	}
}

func handler(t *testing.T, route gatetest.AdapterRoute) fiber.Handler {
	return func(c fiber.Ctx) error {
		token, _ := gatefiber.Token(c)
		if kept := fiber.Locals[*gate.Token](c, gatefiber.TokenKey); kept != token {
			t.Errorf("c.Locals has the token %v, want %v", kept, token)
		}
		user, _ := gatefiber.User[any](c)
		a := route.Handle(c.Context(), token, user, c.Body())
		for name, values := range a.Header {
			for _, v := range values {
				c.Set(name, v)
			}
		}
		gatefiber.SetCookies(c, a.Cookies)
		return c.Status(a.Status).SendString(a.Body)
	}
}

// site has a login close to its end.
func site(t *testing.T) (g *gate.Gate, cookie string) {
	t.Helper()
	key, err := keys.Generate(keys.HS256)
	if err != nil {
		t.Fatal(err)
	}
	g, err = gate.New(gate.Config{Keys: key, Locations: []gate.Location{gate.FromCookies(), gate.FromJSON("access_token", "")}})
	if err != nil {
		t.Fatal(err)
	}
	return g, "access_token_cookie=" + gatetest.Token(t, key, map[string]any{
		"csrf": "value", "iat": time.Now().Add(-50 * time.Minute), "exp": time.Now().Add(10 * time.Minute),
	})
}

func serve(t *testing.T, app *fiber.App, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := app.Test(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// TestReturnedError: middleware and Fiber's own error handler know what to do with it,
// and the client is told nothing that the gate would not tell.
func TestReturnedError(t *testing.T) {
	g, cookie := site(t)
	secret := gate.Policy{Allow: func(_ context.Context, _ *gate.Token) error { return errors.New("secret") }}
	for _, tt := range []struct {
		policy  gate.Policy
		cookie  string
		kind    error
		status  int
		message string
	}{
		{gate.Policy{Locations: []gate.Location{gate.FromCookies()}}, "", gate.ErrMissing, http.StatusUnauthorized, "The cookie access_token_cookie is missing"},
		{secret, cookie, gate.ErrRejected, http.StatusForbidden, ""},
	} {
		app := fiber.New()
		var returned error
		app.Use(func(c fiber.Ctx) error { returned = c.Next(); return returned })
		app.Get("/", gatefiber.Require(g, tt.policy), func(fiber.Ctx) error { t.Error("the handler was called"); return nil })
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", tt.cookie)
		resp, body := serve(t, app, r)
		if resp.StatusCode != tt.status || tt.message != "" && body != tt.message || strings.Contains(body, "secret") {
			t.Errorf("Fiber answers %d, %q", resp.StatusCode, body)
		}
		if challenged := resp.Header.Get("WWW-Authenticate") != ""; challenged != (tt.status == http.StatusUnauthorized) {
			t.Errorf("status %d, header %v", resp.StatusCode, resp.Header)
		}
		var e *fiber.Error
		if !errors.Is(returned, tt.kind) || !errors.As(returned, &e) || e.Code != tt.status {
			t.Errorf("the error is %v", returned)
		}
	}
}

// TestErrorHandler leaves others' errors to others.
func TestErrorHandler(t *testing.T) {
	app := fiber.New(fiber.Config{ErrorHandler: gatefiber.ErrorHandler(func(c fiber.Ctx, _ error) error { return c.SendStatus(http.StatusTeapot) })})
	app.Get("/", func(fiber.Ctx) error { return gate.ErrMissing })
	if resp, _ := serve(t, app, httptest.NewRequest("GET", "/", nil)); resp.StatusCode != http.StatusTeapot {
		t.Errorf("status = %d", resp.StatusCode)
	}
}

// TestRenewedError: the cookies are in the answer to an error too, and not in that of a
// connection that was taken over.
func TestRenewedError(t *testing.T) {
	g, cookie := site(t)
	app := fiber.New()
	app.Use(gatefiber.Renew(g, gate.RenewOptions{}), gatefiber.Require(g, gate.Policy{}))
	app.Get("/error", func(fiber.Ctx) error { return fiber.ErrBadRequest })
	app.Get("/stream", func(c fiber.Ctx) error { return c.SendStream(strings.NewReader("x")) })
	app.Get("/hijack", func(c fiber.Ctx) error { c.RequestCtx().Hijack(func(net.Conn) {}); return nil })
	for path, want := range map[string]int{"/error": 2, "/stream": 2, "/hijack": 0} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Cookie", cookie)
		if resp, _ := serve(t, app, r); len(resp.Cookies()) != want {
			t.Errorf("%s: cookies %v, want %d", path, resp.Cookies(), want)
		}
	}
}

// TestStreamedBodies: the gate reads a streamed body only where that is safe.
func TestStreamedBodies(t *testing.T) {
	g, cookie := site(t)
	_, raw, _ := strings.Cut(cookie, "=")
	app := fiber.New(fiber.Config{StreamRequestBody: true, ErrorHandler: gatefiber.ErrorHandler(nil)})
	app.Post("/", gatefiber.Require(g, gate.Policy{Locations: []gate.Location{gate.FromJSON("access_token", "")}}), func(c fiber.Ctx) error { return c.Send(c.Body()) })
	url := listen(t, app)
	short, long := `{"access_token":"`+raw+`"}`, `{"access_token":"`+raw+`","long":"`+strings.Repeat("x", 2<<20)+`"}`
	for _, tt := range []struct {
		name, body string
		chunked    bool
		status     int
	}{
		{"short", short, false, http.StatusOK},
		{"of unknown length", short, true, http.StatusUnauthorized},
		{"long", long, false, http.StatusUnauthorized},
	} {
		body := io.Reader(strings.NewReader(tt.body))
		if tt.chunked {
			body = struct{ io.Reader }{body}
		}
		resp, err := http.Post(url, "application/json", body)
		if err != nil {
			if tt.status == http.StatusOK {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue // the server has hung up before all of the body was sent
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if tt.status != http.StatusOK && !resp.Close {
			t.Errorf("%s: the connection stays, with the rest of the body in it", tt.name)
		}
		if err != nil || resp.StatusCode != tt.status || tt.status == http.StatusOK && string(got) != tt.body {
			t.Errorf("%s: status %d, %q, %v", tt.name, resp.StatusCode, got, err)
		}
	}
}

// listen serves the application until the end of the test.
func listen(t *testing.T, app *fiber.App) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		l.Close()
		<-ended
	})
	return "http://" + l.Addr().String()
}
