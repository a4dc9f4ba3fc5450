package gateecho_test

import (
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateecho"
	"github.com/jwtgate/gate/internal/sessiontest"
	"github.com/jwtgate/gate/session"
)

// TestSessionHandler: the routes of package session, mounted with one line.
func TestSessionHandler(t *testing.T) {
	sessiontest.Routes(t, func(t *testing.T, s sessiontest.Site) func(net.Listener) error {
		e := routes(s)
		e.Any("/auth/*", echo.WrapHandler(s.Sessions.Handler("/auth/")))
		return func(l net.Listener) error { return http.Serve(l, e) }
	})
}

// routes has a login and a page.
func routes(s sessiontest.Site) *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = gateecho.ErrorHandler(e.HTTPErrorHandler)
	e.POST("/login", func(c *echo.Context) error {
		r := c.Request()
		pair, err := s.Sessions.Start(r.Context(), c.FormValue("name"), session.Login{Device: session.DeviceOf(gate.HTTPRequest(r))})
		if err != nil {
			return gateecho.Error(c, s.Gate, err)
		}
		s.Sessions.Write(c.Response(), r, pair)
		return nil
	})
	e.GET("/me", func(c *echo.Context) error {
		t, _ := gateecho.Token(c)
		return c.String(http.StatusOK, t.Subject)
	}, gateecho.Require(s.Gate, gate.Policy{}))
	return e
}

// TestSessionMethods: the same routes written with the methods of session.Manager.
func TestSessionMethods(t *testing.T) {
	sessiontest.Routes(t, func(t *testing.T, s sessiontest.Site) func(net.Listener) error {
		e := routes(s)
		h := handlers(s)
		auth := e.Group("/auth")
		auth.POST("/refresh", h.refresh)
		auth.POST("/logout", h.logout)
		auth.GET("/csrf", h.csrf)
		user := gateecho.Require(s.Gate, gate.Policy{})
		auth.GET("/sessions", h.list, user)
		auth.DELETE("/sessions/:id", h.end, user)
		auth.POST("/logout/others", h.endOthers, user)
		auth.POST("/logout/all", h.endAll, user)
		return func(l net.Listener) error { return http.Serve(l, e) }
	})
}

type handlers sessiontest.Site

func (h handlers) refresh(c *echo.Context) error {
	r := c.Request()
	pair, err := h.Sessions.RefreshRequest(r.Context(), gate.HTTPRequest(r))
	if err != nil {
		return gateecho.Error(c, h.Gate, err)
	}
	h.Sessions.Write(c.Response(), r, pair)
	return nil
}

func (h handlers) logout(c *echo.Context) error {
	r := c.Request()
	cookies, err := h.Sessions.Logout(r.Context(), gate.HTTPRequest(r))
	return h.ended(c, err, cookies)
}

// ended answers a request that has ended sessions.
func (h handlers) ended(c *echo.Context, err error, cookies []*http.Cookie) error {
	switch {
	case errors.Is(err, session.ErrNoSession):
		return echo.ErrNotFound
	case err != nil:
		return gateecho.Error(c, h.Gate, err)
	}
	gate.SetCookies(c.Response(), cookies)
	return c.NoContent(http.StatusNoContent)
}

func (h handlers) csrf(c *echo.Context) error {
	r := c.Request()
	value, err := h.Sessions.CSRF(r.Context(), gate.HTTPRequest(r))
	if err != nil {
		return gateecho.Error(c, h.Gate, err)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, map[string]string{"csrf_token": value})
}

func (h handlers) list(c *echo.Context) error {
	t, _ := gateecho.Token(c)
	sessions, err := h.Sessions.List(c.Request().Context(), t.Subject)
	if err != nil {
		return gateecho.Error(c, h.Gate, err)
	}
	list := []map[string]any{}
	for _, s := range sessions {
		list = append(list, map[string]any{"id": s.ID, "current": s.ID == t.SessionID, "user_agent": s.Device.UserAgent})
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, map[string]any{"sessions": list})
}

func (h handlers) end(c *echo.Context) error {
	t, _ := gateecho.Token(c)
	return h.ended(c, h.Sessions.End(c.Request().Context(), t.Subject, c.Param("id")), nil)
}

func (h handlers) endOthers(c *echo.Context) error {
	t, _ := gateecho.Token(c)
	return h.ended(c, h.Sessions.EndOthers(c.Request().Context(), t.Subject, t.SessionID), nil)
}

func (h handlers) endAll(c *echo.Context) error {
	t, _ := gateecho.Token(c)
	return h.ended(c, h.Sessions.EndAll(c.Request().Context(), t.Subject), h.Gate.ClearCookies(t.CookieOptions()))
}
