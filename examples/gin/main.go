// Command gin is an API on gin: a login, a route for users, one for admins, one that needs a
// new login, and the routes that refresh tokens and log out.
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

func (a *api) routes() *gin.Engine {
	user := gategin.Require(a.gate, gate.Policy{})
	admin := gategin.Require(a.gate, gate.Policy{Scopes: []string{"admin"}})
	fresh := gategin.Require(a.gate, gate.Policy{Fresh: true})
	r := gin.New()
	r.Use(gin.Logger(), gin.Recovery())
	r.POST("/login", a.logIn)
	r.GET("/me", user, me)
	r.GET("/admin", admin, me)
	r.DELETE("/me", fresh, me)
	gategin.Mount(r, "/auth/", a.sessions.Handler("/auth/"))
	return r
}

func (a *api) logIn(c *gin.Context) {
	name := c.PostForm("name")
	account, ok := accounts[name]
	if !ok || c.PostForm("password") != account.password {
		c.JSON(http.StatusUnauthorized, gin.H{"error": "Wrong name or password"})
		return
	}
	pair, err := a.sessions.Start(c.Request.Context(), name, session.Login{Claims: gin.H{"scope": account.scope}})
	if err != nil {
		gategin.Error(c, a.gate, err)
		return
	}
	a.sessions.Write(c.Writer, c.Request, pair)
}

func me(c *gin.Context) {
	user, _ := gategin.User[account](c)
	c.String(http.StatusOK, "%s %s: you are %s\n", c.Request.Method, c.FullPath(), user.name)
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
