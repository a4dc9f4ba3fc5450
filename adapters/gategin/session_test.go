package gategin_test

import (
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategin"
	"github.com/jwtgate/gate/internal/sessiontest"
	"github.com/jwtgate/gate/session"
)

// TestSessionHandler: the routes of package session, mounted with one line.
func TestSessionHandler(t *testing.T) {
	sessiontest.Routes(t, func(t *testing.T, s sessiontest.Site) func(net.Listener) error {
		r := routes(s)
		gategin.Mount(r, "/auth/", s.Sessions.Handler("/auth/"))
		return func(l net.Listener) error { return http.Serve(l, r) }
	})
}

// routes has a login and a page.
func routes(s sessiontest.Site) *gin.Engine {
	r := gin.New()
	r.POST("/login", func(c *gin.Context) {
		pair, err := s.Sessions.Start(c.Request.Context(), c.PostForm("name"), session.Login{Device: session.DeviceOf(gate.HTTPRequest(c.Request))})
		if err != nil {
			gategin.Error(c, s.Gate, err)
			return
		}
		s.Sessions.Write(c.Writer, c.Request, pair)
	})
	r.GET("/me", gategin.Require(s.Gate, gate.Policy{}), func(c *gin.Context) {
		t, _ := gategin.Token(c)
		c.String(http.StatusOK, t.Subject)
	})
	return r
}

// TestSessionMethods: the same routes written with the methods of session.Manager.
func TestSessionMethods(t *testing.T) {
	sessiontest.Routes(t, func(t *testing.T, s sessiontest.Site) func(net.Listener) error {
		r := routes(s)
		h := handlers(s)
		auth := r.Group("/auth")
		auth.POST("/refresh", h.refresh)
		auth.POST("/logout", h.logout)
		auth.GET("/csrf", h.csrf)
		user := auth.Group("", gategin.Require(s.Gate, gate.Policy{}))
		user.GET("/sessions", h.list)
		user.DELETE("/sessions/:id", h.end)
		user.POST("/logout/others", h.endOthers)
		user.POST("/logout/all", h.endAll)
		return func(l net.Listener) error { return http.Serve(l, r) }
	})
}

type handlers sessiontest.Site

func (h handlers) refresh(c *gin.Context) {
	pair, err := h.Sessions.RefreshRequest(c.Request.Context(), gate.HTTPRequest(c.Request))
	if err != nil {
		gategin.Error(c, h.Gate, err)
		return
	}
	h.Sessions.Write(c.Writer, c.Request, pair)
}

func (h handlers) logout(c *gin.Context) {
	cookies, err := h.Sessions.Logout(c.Request.Context(), gate.HTTPRequest(c.Request))
	h.ended(c, err, cookies)
}

// ended answers a request that has ended sessions.
func (h handlers) ended(c *gin.Context, err error, cookies []*http.Cookie) {
	switch {
	case errors.Is(err, session.ErrNoSession):
		c.JSON(http.StatusNotFound, gin.H{"msg": "No such session"})
	case err != nil:
		gategin.Error(c, h.Gate, err)
	default:
		gate.SetCookies(c.Writer, cookies)
		c.Status(http.StatusNoContent)
	}
}

func (h handlers) csrf(c *gin.Context) {
	value, err := h.Sessions.CSRF(c.Request.Context(), gate.HTTPRequest(c.Request))
	if err != nil {
		gategin.Error(c, h.Gate, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"csrf_token": value})
}

func (h handlers) list(c *gin.Context) {
	t, _ := gategin.Token(c)
	sessions, err := h.Sessions.List(c.Request.Context(), t.Subject)
	if err != nil {
		gategin.Error(c, h.Gate, err)
		return
	}
	list := []gin.H{}
	for _, s := range sessions {
		list = append(list, gin.H{"id": s.ID, "current": s.ID == t.SessionID, "user_agent": s.Device.UserAgent})
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"sessions": list})
}

func (h handlers) end(c *gin.Context) {
	t, _ := gategin.Token(c)
	h.ended(c, h.Sessions.End(c.Request.Context(), t.Subject, c.Param("id")), nil)
}

func (h handlers) endOthers(c *gin.Context) {
	t, _ := gategin.Token(c)
	h.ended(c, h.Sessions.EndOthers(c.Request.Context(), t.Subject, t.SessionID), nil)
}

func (h handlers) endAll(c *gin.Context) {
	t, _ := gategin.Token(c)
	h.ended(c, h.Sessions.EndAll(c.Request.Context(), t.Subject), h.Gate.ClearCookies(t.CookieOptions()))
}
