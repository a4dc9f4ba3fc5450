// Command login is a site whose users log in at an OpenID provider: authorization code
// flow with PKCE on golang.org/x/oauth2, the ID token checked by package oidc, and then a
// cookie of the site's own.
//
//	CLIENT_SECRET=... login -issuer https://login.example/realms/main -client shop -self https://shop.example
package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/oauth2"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
	"github.com/jwtgate/gate/oidc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "login:", err)
		os.Exit(1)
	}
}

// settings are where the site and its provider are.
type settings struct {
	issuer, client, secret string
	self                   string // URL of this site, as browsers see it
	dev                    bool   // site and provider are on this machine, without TLS
}

// run serves until ctx is done.
func run(ctx context.Context, args []string) error {
	s := settings{secret: os.Getenv("CLIENT_SECRET")}
	flags := flag.NewFlagSet("login", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on")
	flags.StringVar(&s.issuer, "issuer", "", "the provider's `name`, as it writes it into iss")
	flags.StringVar(&s.client, "client", "", "`ID` of this client at the provider")
	flags.StringVar(&s.self, "self", "http://127.0.0.1:8080", "`URL` of this site")
	flags.BoolVar(&s.dev, "dev", false, "site and provider are on this machine, without TLS")
	if err := flags.Parse(args); err != nil {
		return err
	}
	handler, err := newSite(ctx, s)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: *addr, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(late)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// site has what the routes need.
type site struct {
	login    *oidc.Login
	oauth    oauth2.Config
	gate     *gate.Gate
	insecure bool
}

func newSite(ctx context.Context, s settings) (http.Handler, error) {
	login, err := oidc.DiscoverLogin(ctx, s.issuer, s.client, oidc.Options{Keys: jwks.Options{InsecureLoopback: s.dev}})
	if err != nil {
		return nil, err
	}
	key, err := keys.Generate(keys.HS256) // a restart logs everybody out: keep a key to avoid it
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Config{
		Keys:      key,
		Create:    gate.Create{AccessLifetime: 8 * time.Hour},
		Locations: []gate.Location{gate.FromCookies()},
		Cookies:   gate.Cookies{Insecure: s.dev},
		OnError:   gate.RedirectErrors("/login", nil),
	})
	if err != nil {
		return nil, err
	}
	app := &site{login: login, gate: g, insecure: s.dev, oauth: oauth2.Config{
		ClientID: s.client, ClientSecret: s.secret, RedirectURL: s.self + "/callback", Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{AuthURL: login.AuthURL, TokenURL: login.TokenURL},
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", app.start)
	mux.HandleFunc("GET /callback", app.finish)
	mux.Handle("GET /{$}", g.Require(gate.Policy{})(http.HandlerFunc(home)))
	return mux, nil
}

// start sends the browser to the provider. A cookie keeps what the answer has to fit to, and
// the page to return to.
func (s *site) start(w http.ResponseWriter, r *http.Request) {
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	next := base64.RawURLEncoding.EncodeToString([]byte(gate.LocalURL(r.FormValue("next"), "/")))
	http.SetCookie(w, s.attempt(strings.Join([]string{state, nonce, verifier, next}, "."), 600))
	url := s.oauth.AuthCodeURL(state, oauth2.SetAuthURLParam("nonce", nonce), oauth2.S256ChallengeOption(verifier))
	http.Redirect(w, r, url, http.StatusSeeOther)
}

// attempt returns the cookie of a login under way.
func (s *site) attempt(value string, maxAge int) *http.Cookie {
	c := &http.Cookie{Name: "__Host-login", Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
	if s.insecure {
		c.Name, c.Secure = "login", false
	}
	return c
}

// finish takes the answer of the provider, and logs the user in.
func (s *site) finish(w http.ResponseWriter, r *http.Request) {
	user, next, err := s.userOf(r)
	http.SetCookie(w, s.attempt("", -1)) // one attempt, one answer
	if err != nil {
		fmt.Fprintln(os.Stderr, "login:", err)
		http.Error(w, "The login has failed. Start again at /login", http.StatusForbidden)
		return
	}
	token, err := s.gate.CreateAccessToken(r.Context(), user, gate.TokenOptions{Fresh: true})
	if err != nil {
		s.gate.WriteError(w, r, err)
		return
	}
	cookies, err := s.gate.AccessCookies(r.Context(), token, gate.CookieOptions{})
	if err != nil {
		s.gate.WriteError(w, r, err)
		return
	}
	gate.SetCookies(w, cookies)
	http.Redirect(w, r, gate.LocalURL(next, "/"), http.StatusSeeOther)
}

// userOf exchanges the code of an answer for an ID token. It returns its user, and the page
// that the user wanted.
func (s *site) userOf(r *http.Request) (user, next string, err error) {
	cookie, err := r.Cookie(s.attempt("", 0).Name)
	if err != nil {
		return "", "", errors.New("this browser has started no login")
	}
	attempt := strings.Split(cookie.Value, ".")
	if len(attempt) != 4 || subtle.ConstantTimeCompare([]byte(attempt[0]), []byte(r.FormValue("state"))) == 0 {
		return "", "", errors.New("the answer belongs to another login (state)")
	}
	if code := r.FormValue("error"); code != "" {
		return "", "", fmt.Errorf("the provider refused: %q", code)
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	token, err := s.oauth.Exchange(ctx, r.FormValue("code"), oauth2.VerifierOption(attempt[2]))
	if err != nil {
		return "", "", err
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := s.login.Check(ctx, raw, oidc.Demands{Nonce: attempt[1], AccessToken: token.AccessToken})
	if err != nil {
		return "", "", err
	}
	page, err := base64.RawURLEncoding.DecodeString(attempt[3])
	return id.VerifiedIssuer() + "|" + id.Subject, string(page), err
}

func home(w http.ResponseWriter, r *http.Request) {
	t, _ := gate.FromContext(r.Context())
	fmt.Fprintf(w, "You are %s\n", t.Subject)
}
