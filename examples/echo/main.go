// Command echo is an API on Echo v5: a login, a route for users, one for admins, one that needs a
// new login, and the routes that refresh tokens and log out.
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
	"github.com/jwtgate/gate/session"
	"github.com/jwtgate/gate/stores/gatemem"
)

// An account is what the application knows of a user.
type account struct{ name, password, scope string }

// accounts are a database here; a real one has hashes of passwords.
var accounts = map[string]account{
	"alice": {"Alice", "wonderland", "admin"},
	"bob":   {"Bob", "builder", ""},
}

type api struct {
	gate     *gate.Gate
	sessions *session.Manager
}

func newAPI() (*api, error) {
	key, err := keys.Generate(keys.HS256) // lost at exit: docs/keys.md shows how to keep one
	if err != nil {
		return nil, err
	}
	store, err := gatemem.New(gatemem.Options{})
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: store, LoadUser: loadUser, OnError: gate.JSONErrors("error")})
	if err != nil {
		return nil, err
	}
	sessions, err := session.New(g, store, session.Options{})
	return &api{g, sessions}, err
}

// loadUser is called for every accepted token.
func loadUser(_ context.Context, t *gate.Token) (any, error) {
	if a, ok := accounts[t.Subject]; ok {
		return a, nil
	}
	return nil, gate.ErrNoUser
}

func (a *api) routes() *echo.Echo {
	user := gateecho.Require(a.gate, gate.Policy{})
	admin := gateecho.Require(a.gate, gate.Policy{Scopes: []string{"admin"}})
	fresh := gateecho.Require(a.gate, gate.Policy{Fresh: true})
	e := echo.New()
	e.HTTPErrorHandler = gateecho.ErrorHandler(e.HTTPErrorHandler)
	e.Use(middleware.RequestLogger(), middleware.Recover())
	e.POST("/login", a.logIn)
	e.GET("/me", me, user)
	e.GET("/admin", me, admin)
	e.DELETE("/me", me, fresh)
	e.Any("/auth/*", echo.WrapHandler(a.sessions.Handler("/auth/")))
	return e
}

func (a *api) logIn(c *echo.Context) error {
	name, r := c.FormValue("name"), c.Request()
	account, ok := accounts[name]
	if !ok || c.FormValue("password") != account.password {
		return c.JSON(http.StatusUnauthorized, map[string]string{"error": "Wrong name or password"})
	}
	pair, err := a.sessions.Start(r.Context(), name, session.Login{Claims: map[string]any{"scope": account.scope}})
	if err != nil {
		return gateecho.Error(c, a.gate, err)
	}
	a.sessions.Write(c.Response(), r, pair)
	return nil
}

func me(c *echo.Context) error {
	user, _ := gateecho.User[account](c)
	return c.String(http.StatusOK, fmt.Sprintf("%s %s: you are %s\n", c.Request().Method, c.Path(), user.name))
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	a, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	log.Fatal(http.Serve(l, a.routes()))
}
