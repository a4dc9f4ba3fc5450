// Command echo is a small site on Echo v5: logins in cookies that renew themselves, a page for
// everybody, one for users, one for admins, and a logout that revokes.
//
//	go run ./examples/echo
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gateecho"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	app, err := newApp()
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	log.Fatal(http.Serve(l, app))
}

// An account is what the site knows of a user.
type account struct{ name, scope string }

// accounts are a database here, and a name is enough to log in.
var accounts = map[string]account{"alice": {"Alice", "admin"}, "bob": {"Bob", ""}}

// site is what its handlers need.
type site struct {
	gate  *gate.Gate
	store *gatemem.Store
}

func newSite() (*site, error) {
	key, err := keys.Generate(keys.HS256) // a real site keeps its key: docs/keys.md
	if err != nil {
		return nil, err
	}
	store, err := gatemem.New(gatemem.Options{})
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Config{
		Keys: key, Blocklist: store,
		Locations: []gate.Location{gate.FromCookies()},
		Cookies:   gate.Cookies{Insecure: true}, // no TLS here: not for production
		LoadUser: func(_ context.Context, t *gate.Token) (any, error) {
			if a, ok := accounts[t.Subject]; ok {
				return a, nil
			}
			return nil, gate.ErrNoUser
		},
	})
	return &site{g, store}, err
}

// cookies log a user in.
func (s *site) cookies(ctx context.Context, name string) ([]*http.Cookie, error) {
	raw, err := s.gate.CreateAccessToken(ctx, name, gate.TokenOptions{Fresh: true, Claims: map[string]any{"scope": accounts[name].scope}})
	if err != nil {
		return nil, err
	}
	return s.gate.AccessCookies(ctx, raw, gate.CookieOptions{})
}

func newApp() (*echo.Echo, error) {
	s, err := newSite()
	if err != nil {
		return nil, err
	}
	e := echo.New()
	// [routes]
	e.HTTPErrorHandler = gateecho.ErrorHandler(e.HTTPErrorHandler)
	e.Use(middleware.Recover(), gateecho.Renew(s.gate, gate.RenewOptions{}))
	e.GET("/", s.me, gateecho.Require(s.gate, gate.Policy{Public: true}))
	e.GET("/me", s.me, gateecho.Require(s.gate, gate.Policy{}))
	e.GET("/admin", s.me, gateecho.Require(s.gate, gate.Policy{Scopes: []string{"admin"}}))
	// [end]
	e.POST("/login", s.login)
	e.POST("/logout", s.logout, gateecho.Require(s.gate, gate.Policy{}))
	return e, nil
}

func (s *site) me(c *echo.Context) error {
	user, ok := gateecho.User[account](c)
	if !ok {
		user.name = "visitor"
	}
	return c.String(http.StatusOK, "Hello "+user.name)
}

func (s *site) login(c *echo.Context) error {
	name := c.FormValue("name")
	if _, ok := accounts[name]; !ok {
		return echo.ErrUnauthorized
	}
	cookies, err := s.cookies(c.Request().Context(), name)
	if err != nil {
		return err
	}
	gate.SetCookies(c.Response(), cookies)
	return c.NoContent(http.StatusNoContent)
}

func (s *site) logout(c *echo.Context) error {
	t, _ := gateecho.Token(c)
	if err := s.store.RevokeSession(c.Request().Context(), t.SessionID, stores.Note{}); err != nil {
		return err
	}
	gate.SetCookies(c.Response(), s.gate.ClearCookies(t.CookieOptions()))
	return c.NoContent(http.StatusNoContent)
}
