// Command fiber is an API on Fiber v3: a login, a route for users, one for admins, one that needs a
// new login, and the routes that refresh tokens and log out.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"strings"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/logger"
	"github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gatefiber"
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

func (a *api) routes() *fiber.App {
	user := gatefiber.Require(a.gate, gate.Policy{})
	admin := gatefiber.Require(a.gate, gate.Policy{Scopes: []string{"admin"}})
	fresh := gatefiber.Require(a.gate, gate.Policy{Fresh: true})
	app := fiber.New(fiber.Config{ErrorHandler: gatefiber.ErrorHandler(nil)})
	app.Use(logger.New(), recover.New())
	app.Post("/login", a.logIn)
	app.Get("/me", user, me)
	app.Get("/admin", admin, me)
	app.Delete("/me", fresh, me)
	gatefiber.Mount(app, "/auth/", a.sessions.Handler("/auth/"))
	return app
}

func (a *api) logIn(c fiber.Ctx) error {
	name := strings.Clone(c.FormValue("name")) // Fiber reuses its memory
	account, ok := accounts[name]
	if !ok || c.FormValue("password") != account.password {
		return c.Status(fiber.StatusUnauthorized).JSON(fiber.Map{"error": "Wrong name or password"})
	}
	pair, err := a.sessions.Start(c.Context(), name, session.Login{Claims: fiber.Map{"scope": account.scope}})
	if err != nil {
		return gatefiber.Error(c, a.gate, err)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(a.sessions.Body(pair))
}

func me(c fiber.Ctx) error {
	user, _ := gatefiber.User[account](c)
	return c.SendString(fmt.Sprintf("%s %s: you are %s\n", c.Method(), c.Path(), user.name))
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
	log.Fatal(a.routes().Listener(l, fiber.ListenConfig{DisableStartupMessage: true}))
}
