package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/oauth2"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
	"github.com/jwtgate/gate/oidc"
)

// serve starts a server for a handler that needs its URL.
func serve(t *testing.T, handler func(self string) http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	self := "http://" + server.Listener.Addr().String()
	server.Config.Handler = handler(self)
	server.Start()
	t.Cleanup(server.Close)
	return self
}

// jwtStorage makes the provider's access tokens JWTs.
type jwtStorage struct{ *storage.Storage }

func (s jwtStorage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.Storage.GetClientByClientID(ctx, id)
	return jwtClient{c}, err
}

type jwtClient struct{ op.Client }

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// newProvider starts a provider with the clients "shop" and "other", and returns its URL.
func newProvider(t *testing.T, callback string) string {
	t.Helper()
	return serve(t, func(self string) http.Handler {
		s := jwtStorage{storage.NewStorageWithClients(storage.NewUserStore(self), map[string]*storage.Client{
			"shop":  storage.WebClient("shop", "secret", callback),
			"other": storage.WebClient("other", "secret", callback),
		})}
		return exampleop.SetupServer(self, s, slog.New(slog.DiscardHandler), false)
	})
}

// newBrowser returns a client that keeps cookies and follows redirects up to a URL.
func newBrowser(t *testing.T, until string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if until != "" && strings.HasPrefix(r.URL.String(), until) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// logIn opens a page that leads to the provider, and gives it a password there.
func logIn(t *testing.T, browser *http.Client, page string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	form, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	form.Body.Close()
	at := form.Request.URL
	if at.Path != "/login/username" {
		t.Fatalf("%s leads to %s, status %d, and not to the provider's form", page, at, form.StatusCode)
	}
	res, err := browser.PostForm(at.ResolveReference(&url.URL{Path: "/login/username"}).String(), url.Values{
		"id": {at.Query().Get("authRequestID")}, "username": {"test-user2"}, "password": {"verysecure"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// A user opens the site, logs in at the provider, and is known to the site.
func TestSite(t *testing.T) {
	var issuer string
	self := serve(t, func(self string) http.Handler {
		issuer = newProvider(t, self+"/callback")
		site, err := newSite(t.Context(), settings{issuer: issuer, client: "shop", secret: "secret", self: self, dev: true})
		if err != nil {
			t.Fatal(err)
		}
		return site
	})
	res := logIn(t, newBrowser(t, ""), self+"/?from=mail")
	body, err := io.ReadAll(res.Body)
	if want := "You are " + issuer + "|id2\n"; err != nil || string(body) != want {
		t.Errorf("the page says %q, %v; want %q", body, err, want)
	}
	if got := res.Request.URL.String(); got != self+"/?from=mail" {
		t.Errorf("the user is on %s, and not on the page that they wanted", got)
	}
	if res := logIn(t, newBrowser(t, ""), self+"/login?next=//evil.example"); res.Request.URL.String() != self+"/" {
		t.Errorf("a link to the login leads to %s", res.Request.URL)
	}
	long, err := newBrowser(t, issuer).Get(self + "/login?next=/" + strings.Repeat("x", 5000))
	if err != nil {
		t.Fatal(err)
	}
	long.Body.Close()
	if cookie := long.Header.Get("Set-Cookie"); cookie == "" || len(cookie) > 4096 {
		t.Errorf("a link to the login sets a cookie of %d bytes, which browsers drop", len(cookie))
	}

	// The answer of a login that this browser has not started is refused.
	victim, attacker := newBrowser(t, ""), newBrowser(t, self+"/callback")
	answer := logIn(t, attacker, self+"/").Header.Get("Location")
	for name, browser := range map[string]*http.Client{"without a login": newBrowser(t, ""), "with another login": victim} {
		if browser == victim {
			if form, err := victim.Get(self + "/login"); err != nil || form.Body.Close() != nil {
				t.Fatal(err)
			}
		}
		res, err := browser.Get(answer)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("a browser %s takes the answer of the attacker's: status %d", name, res.StatusCode)
		}
	}
	if _, err := newSite(t.Context(), settings{issuer: self, client: "shop", dev: true}); err == nil {
		t.Error("a site starts without a provider")
	}
}

const callback = "http://127.0.0.1:9/callback" // nothing is there: the browser stops before

// tokens are what a provider gives to a client.
type tokens struct{ access, id string }

// codeFlow logs a user in at a client of the provider.
func codeFlow(t *testing.T, issuer, client string) tokens {
	t.Helper()
	login, err := discover(t, issuer, client, jwks.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := oauth2.Config{ClientID: client, ClientSecret: "secret", RedirectURL: callback, Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{AuthURL: login.AuthURL, TokenURL: login.TokenURL}}
	verifier := oauth2.GenerateVerifier()
	res := logIn(t, newBrowser(t, callback), o.AuthCodeURL("s", oauth2.SetAuthURLParam("nonce", "n-1"), oauth2.S256ChallengeOption(verifier)))
	answer, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	token, err := o.Exchange(t.Context(), answer.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := token.Extra("id_token").(string)
	return tokens{token.AccessToken, id}
}

func discover(t *testing.T, issuer, client string, o jwks.Options) (*oidc.Login, error) {
	o.InsecureLoopback = true
	return oidc.DiscoverLogin(t.Context(), issuer, client, oidc.Options{Keys: o})
}

// later is a clock two hours ahead.
func later() time.Time { return time.Now().Add(2 * time.Hour) }

// forged is a token with the claims and the header of another, signed by another key.
func forged(t *testing.T, raw string) string {
	t.Helper()
	key, err := keys.Generate(keys.RS256)
	if err != nil {
		t.Fatal(err)
	}
	signed := raw[:strings.LastIndexByte(raw, '.')]
	sig, err := key.Sign(t.Context(), signed)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + sig
}

// TestIDTokens checks the ID tokens of the provider as a client does.
func TestIDTokens(t *testing.T) {
	issuer, stranger := newProvider(t, callback), newProvider(t, callback)
	ours, others, theirs := codeFlow(t, issuer, "shop"), codeFlow(t, issuer, "other"), codeFlow(t, stranger, "shop")
	good := oidc.Demands{Nonce: "n-1", AccessToken: ours.access, MaxAge: time.Hour}
	for _, tt := range []struct {
		name, raw string
		demands   oidc.Demands
		clock     func() time.Time
		want      error
	}{
		{"as it is", ours.id, good, nil, nil},
		{"another nonce", ours.id, oidc.Demands{Nonce: "n-2"}, nil, oidc.ErrNonce},
		{"another access token", ours.id, oidc.Demands{Nonce: "n-1", AccessToken: others.access}, nil, oidc.ErrAccessToken},
		{"another client's", others.id, oidc.Demands{Nonce: "n-1"}, nil, gate.ErrInvalid},
		{"another issuer's", theirs.id, oidc.Demands{Nonce: "n-1"}, nil, gate.ErrInvalid},
		{"another key", forged(t, ours.id), good, nil, gate.ErrInvalid},
		{"expired", ours.id, good, later, gate.ErrExpired},
		{"an access token", ours.access, oidc.Demands{Nonce: "n-1"}, nil, oidc.ErrNonce},
	} {
		t.Run(tt.name, func(t *testing.T) {
			login, err := discover(t, issuer, "shop", jwks.Options{Clock: tt.clock})
			if err != nil {
				t.Fatal(err)
			}
			tok, err := login.Check(t.Context(), tt.raw, tt.demands)
			if !errors.Is(err, tt.want) || err == nil && tok.Subject != "id2" {
				t.Errorf("Check = %v, %v; want the error %v", tok, err, tt.want)
			}
		})
	}
}

// TestAccessTokens checks the access tokens of the provider as a service does. It has no
// profile in package oidc, so that this one is made by hand.
func TestAccessTokens(t *testing.T) {
	issuer, stranger := newProvider(t, callback), newProvider(t, callback)
	ours, others, theirs := codeFlow(t, issuer, "shop"), codeFlow(t, issuer, "other"), codeFlow(t, stranger, "shop")
	profile := oidc.Profile{Lenient: gate.Lenient{AnyType: true}, Claims: map[string][]string{"client_id": {"shop"}}, Absent: []string{"azp", "nonce", "at_hash"}}
	for _, tt := range []struct {
		name, raw string
		clock     func() time.Time
		want      error
	}{
		{"as it is", ours.access, nil, nil},
		{"an ID token", ours.id, nil, gate.ErrInvalid},
		{"another client's", others.access, nil, gate.ErrInvalid},
		{"another issuer's", theirs.access, nil, gate.ErrInvalid},
		{"another key", forged(t, ours.access), nil, gate.ErrInvalid},
		{"expired", ours.access, later, gate.ErrExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i, err := oidc.Discover(t.Context(), issuer, oidc.Options{Audiences: []string{"shop"}, Profile: profile, Keys: jwks.Options{InsecureLoopback: true, Clock: tt.clock}})
			if err != nil {
				t.Fatal(err)
			}
			g, err := gate.New(gate.Config{Issuers: []gate.Issuer{i}, Clock: tt.clock})
			if err != nil {
				t.Fatal(err)
			}
			tok, err := g.CheckToken(t.Context(), tt.raw, gate.Policy{})
			if !errors.Is(err, tt.want) || err == nil && tok.Subject != "id2" {
				t.Errorf("CheckToken = %v, %v; want the error %v", tok, err, tt.want)
			}
		})
	}
}
