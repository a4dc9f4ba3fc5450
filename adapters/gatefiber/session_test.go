package gatefiber_test

import (
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gatefiber"
	"github.com/jwtgate/gate/internal/sessiontest"
	"github.com/jwtgate/gate/session"
)

// TestSessionHandler: the routes of package session, mounted with one line.
func TestSessionHandler(t *testing.T) {
	sessiontest.Routes(t, func(t *testing.T, s sessiontest.Site) func(net.Listener) error {
		app := routes(s)
		gatefiber.Mount(app, "/auth/", s.Sessions.Handler("/auth/"))
		return on(app)
	})
}

// on returns the Serve method of app.
func on(app *fiber.App) func(net.Listener) error {
	return func(l net.Listener) error { return app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }
}

// routes has a login and a page.
func routes(s sessiontest.Site) *fiber.App {
	app := fiber.New(config())
	app.Post("/login", func(c fiber.Ctx) error {
		name := string([]byte(c.FormValue("name"))) // a copy
		pair, err := s.Sessions.Start(c.Context(), name, session.Login{Device: session.DeviceOf(gatefiber.Request(c))})
		if err != nil {
			return gatefiber.Error(c, s.Gate, err)
		}
		return handlers(s).tokens(c, pair)
	})
	app.Get("/me", gatefiber.Require(s.Gate, gate.Policy{}), func(c fiber.Ctx) error {
		t, _ := gatefiber.Token(c)
		return c.SendString(t.Subject)
	})
	return app
}

// TestSessionMethods: the same routes written with the methods of session.Manager, without
// any request of net/http.
func TestSessionMethods(t *testing.T) {
	sessiontest.Routes(t, func(t *testing.T, s sessiontest.Site) func(net.Listener) error {
		app := routes(s)
		h := handlers(s)
		auth := app.Group("/auth")
		auth.Post("/refresh", h.refresh)
		auth.Post("/logout", h.logout)
		auth.Get("/csrf", h.csrf)
		user := gatefiber.Require(s.Gate, gate.Policy{})
		auth.Get("/sessions", user, h.list)
		auth.Delete("/sessions/:id", user, h.end)
		auth.Post("/logout/others", user, h.endOthers)
		auth.Post("/logout/all", user, h.endAll)
		return on(app)
	})
}

type handlers sessiontest.Site

// tokens answers a login or a refresh.
func (h handlers) tokens(c fiber.Ctx, pair *session.Pair) error {
	cookies, err := h.Sessions.Cookies(c.Context(), pair)
	if err != nil {
		return err
	}
	gatefiber.SetCookies(c, cookies)
	c.Set("Cache-Control", "no-store")
	return c.JSON(h.Sessions.Body(pair))
}

func (h handlers) refresh(c fiber.Ctx) error {
	pair, err := h.Sessions.RefreshRequest(c.Context(), gatefiber.Request(c))
	if err != nil {
		return gatefiber.Error(c, h.Gate, err)
	}
	return h.tokens(c, pair)
}

func (h handlers) logout(c fiber.Ctx) error {
	cookies, err := h.Sessions.Logout(c.Context(), gatefiber.Request(c))
	return h.ended(c, err, cookies)
}

// ended answers a request that has ended sessions.
func (h handlers) ended(c fiber.Ctx, err error, cookies []*http.Cookie) error {
	switch {
	case errors.Is(err, session.ErrNoSession):
		return fiber.ErrNotFound
	case err != nil:
		return gatefiber.Error(c, h.Gate, err)
	}
	gatefiber.SetCookies(c, cookies)
	return c.SendStatus(http.StatusNoContent)
}

func (h handlers) csrf(c fiber.Ctx) error {
	value, err := h.Sessions.CSRF(c.Context(), gatefiber.Request(c))
	if err != nil {
		return gatefiber.Error(c, h.Gate, err)
	}
	c.Set("Cache-Control", "no-store")
	return c.JSON(fiber.Map{"csrf_token": value})
}

func (h handlers) list(c fiber.Ctx) error {
	t, _ := gatefiber.Token(c)
	sessions, err := h.Sessions.List(c.Context(), t.Subject)
	if err != nil {
		return gatefiber.Error(c, h.Gate, err)
	}
	list := []fiber.Map{}
	for _, s := range sessions {
		list = append(list, fiber.Map{"id": s.ID, "current": s.ID == t.SessionID, "user_agent": s.Device.UserAgent})
	}
	c.Set("Cache-Control", "no-store")
	return c.JSON(fiber.Map{"sessions": list})
}

func (h handlers) end(c fiber.Ctx) error {
	t, _ := gatefiber.Token(c)
	return h.ended(c, h.Sessions.End(c.Context(), t.Subject, c.Params("id")), nil)
}

func (h handlers) endOthers(c fiber.Ctx) error {
	t, _ := gatefiber.Token(c)
	return h.ended(c, h.Sessions.EndOthers(c.Context(), t.Subject, t.SessionID), nil)
}

func (h handlers) endAll(c fiber.Ctx) error {
	t, _ := gatefiber.Token(c)
	return h.ended(c, h.Sessions.EndAll(c.Context(), t.Subject), h.Gate.ClearCookies(t.CookieOptions()))
}
