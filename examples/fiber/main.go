// Command fiber is a small site on Fiber v3: logins in cookies that renew themselves, a page for
// everybody, one for users, one for admins, and a logout that revokes.
//
//	go run ./examples/fiber
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gatefiber"
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
	log.Fatal(app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}))
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

func newApp() (*fiber.App, error) {
	s, err := newSite()
	if err != nil {
		return nil, err
	}
	// [routes]
	app := fiber.New(fiber.Config{ErrorHandler: gatefiber.ErrorHandler(nil), ReadBufferSize: 16 << 10})
	app.Use(recover.New(), gatefiber.Renew(s.gate, gate.RenewOptions{}))
	app.Get("/", gatefiber.Require(s.gate, gate.Policy{Public: true}), s.me)
	app.Get("/me", gatefiber.Require(s.gate, gate.Policy{}), s.me)
	app.Get("/admin", gatefiber.Require(s.gate, gate.Policy{Scopes: []string{"admin"}}), s.me)
	// [end]
	app.Post("/login", s.login)
	app.Post("/logout", gatefiber.Require(s.gate, gate.Policy{}), s.logout)
	return app, nil
}

func (s *site) me(c fiber.Ctx) error {
	user, ok := gatefiber.User[account](c)
	if !ok {
		user.name = "visitor"
	}
	return c.SendString("Hello " + user.name)
}

func (s *site) login(c fiber.Ctx) error {
	name := strings.Clone(c.FormValue("name"))
	if _, ok := accounts[name]; !ok {
		return fiber.ErrUnauthorized
	}
	cookies, err := s.cookies(c.Context(), name)
	if err != nil {
		return err
	}
	gatefiber.SetCookies(c, cookies)
	return c.SendStatus(http.StatusNoContent)
}

func (s *site) logout(c fiber.Ctx) error {
	t, _ := gatefiber.Token(c)
	if err := s.store.RevokeSession(c.Context(), t.SessionID, stores.Note{}); err != nil {
		return err
	}
	gatefiber.SetCookies(c, s.gate.ClearCookies(t.CookieOptions()))
	return c.SendStatus(http.StatusNoContent)
}
