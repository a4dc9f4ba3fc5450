// Command gin is a small site on gin: logins in cookies that renew themselves, a page for
// everybody, one for users, one for admins, and a logout that revokes.
//
//	go run ./examples/gin
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/adapters/gategin"
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

func newApp() (*gin.Engine, error) {
	s, err := newSite()
	if err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	// [routes]
	r.Use(gin.Recovery(), gategin.Renew(s.gate, gate.RenewOptions{}))
	r.GET("/", gategin.Require(s.gate, gate.Policy{Public: true}), s.me)
	r.GET("/me", gategin.Require(s.gate, gate.Policy{}), s.me)
	r.GET("/admin", gategin.Require(s.gate, gate.Policy{Scopes: []string{"admin"}}), s.me)
	// [end]
	r.POST("/login", s.login)
	r.POST("/logout", gategin.Require(s.gate, gate.Policy{}), s.logout)
	return r, nil
}

func (s *site) me(c *gin.Context) {
	user, ok := gategin.User[account](c)
	if !ok {
		user.name = "visitor"
	}
	c.String(http.StatusOK, "Hello %s", user.name)
}

func (s *site) login(c *gin.Context) {
	name := c.PostForm("name")
	if _, ok := accounts[name]; !ok {
		c.AbortWithStatus(http.StatusUnauthorized)
		return
	}
	cookies, err := s.cookies(c.Request.Context(), name)
	if err != nil {
		s.gate.WriteError(c.Writer, c.Request, err)
		return
	}
	gate.SetCookies(c.Writer, cookies)
	c.Status(http.StatusNoContent)
}

func (s *site) logout(c *gin.Context) {
	t, _ := gategin.Token(c)
	if err := s.store.RevokeSession(c.Request.Context(), t.SessionID, stores.Note{}); err != nil {
		s.gate.WriteError(c.Writer, c.Request, err)
		return
	}
	gate.SetCookies(c.Writer, s.gate.ClearCookies(t.CookieOptions()))
	c.Status(http.StatusNoContent)
}
