//go:build unix

package clients_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/internal/integration/servers"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
	"github.com/jwtgate/gate/oidc"
)

const (
	callback = "http://127.0.0.1:9/callback" // nothing is there: the browser stops before
	orders   = "https://orders.example"      // the name of the service
	nonce    = "n-1"
)

// newProvider starts npm's oidc-provider and returns its URL.
func newProvider(t *testing.T) string {
	t.Helper()
	servers.Need(t, "node/node_modules/oidc-provider/package.json")
	script, err := filepath.Abs("node/provider.mjs")
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", servers.FreePort(t))
	servers.Run(t, addr, []string{"ADDR=" + addr, "CALLBACK=" + callback}, servers.Need(t, "node"), script)
	return "http://" + addr
}

// tokens are what a provider gives to a client.
type tokens struct{ access, id string }

// codeFlow logs alice in at a client of the provider, for a service.
func codeFlow(t *testing.T, issuer, client, service string) tokens {
	t.Helper()
	login, err := discover(t, issuer, client, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := oauth2.Config{ClientID: client, ClientSecret: "secret", RedirectURL: callback, Scopes: []string{"openid", "orders:read"},
		Endpoint: oauth2.Endpoint{AuthURL: login.AuthURL, TokenURL: login.TokenURL}}
	verifier, resource := oauth2.GenerateVerifier(), oauth2.SetAuthURLParam("resource", service)
	answer := logIn(t, o.AuthCodeURL("s-1", oauth2.SetAuthURLParam("nonce", nonce), oauth2.S256ChallengeOption(verifier), resource))
	if got := answer.Query(); got.Get("state") != "s-1" || got.Get("iss") != issuer {
		t.Fatalf("the provider answers with %v", answer)
	}
	token, err := o.Exchange(t.Context(), answer.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := token.Extra("id_token").(string)
	return tokens{token.AccessToken, id}
}

// logIn opens a page of the provider, and submits its forms of login and consent, until it
// redirects to the callback.
func logIn(t *testing.T, page string) *url.URL {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	res, err := browser.Get(page)
	for _, form := range []url.Values{{"prompt": {"login"}, "login": {"alice"}, "password": {"any"}}, {"prompt": {"consent"}}} {
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Request.URL.Path, "/interaction/") {
			t.Fatalf("%s with status %d is not the provider's form", res.Request.URL, res.StatusCode)
		}
		res, err = browser.PostForm(res.Request.URL.String(), form)
	}
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	answer, err := res.Location()
	if err != nil {
		t.Fatalf("the login ends at %s with status %d: %v", res.Request.URL, res.StatusCode, err)
	}
	return answer
}

func discover(t *testing.T, issuer, client string, clock func() time.Time) (*oidc.Login, error) {
	t.Helper()
	return oidc.DiscoverLogin(t.Context(), issuer, client, oidc.Options{Keys: jwks.Options{InsecureLoopback: true, Clock: clock}})
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
	signed := segments(raw, 2)
	sig, err := key.Sign(t.Context(), signed)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + sig
}

// TestProvider takes the tokens of npm's oidc-provider, and refuses those that are meant
// for others.
func TestProvider(t *testing.T) {
	issuer, stranger := newProvider(t), newProvider(t)
	given := map[string]tokens{
		"ours":    codeFlow(t, issuer, "shop", orders),
		"mobile":  codeFlow(t, issuer, "mobile", orders),
		"other":   codeFlow(t, issuer, "other", orders),
		"billing": codeFlow(t, issuer, "shop", "https://billing.example"),
		"theirs":  codeFlow(t, stranger, "shop", orders),
	}
	t.Run("ID tokens", func(t *testing.T) { checkIDTokens(t, issuer, given) })
	t.Run("access tokens", func(t *testing.T) { checkAccessTokens(t, issuer, given) })
	for name, wrong := range map[string]string{"a slash more": issuer + "/", "another name of the host": strings.Replace(issuer, "127.0.0.1", "localhost", 1)} {
		if _, err := discover(t, wrong, "shop", nil); err == nil || !strings.Contains(err.Error(), "is that of the issuer") {
			t.Errorf("%s: the issuer %s is taken for %s: %v", name, issuer, wrong, err)
		}
	}
}

// checkIDTokens checks ID tokens as a client does.
func checkIDTokens(t *testing.T, issuer string, given map[string]tokens) {
	ours := given["ours"]
	good := oidc.Demands{Nonce: nonce, AccessToken: ours.access} // this provider writes no at_hash
	for _, tt := range []struct {
		name, client, raw string
		demands           oidc.Demands
		clock             func() time.Time
		want              error
	}{
		{"as it is", "shop", ours.id, good, nil, nil},
		{"of ES256", "mobile", given["mobile"].id, oidc.Demands{Nonce: nonce, AccessToken: given["mobile"].access}, nil, nil},
		{"another nonce", "shop", ours.id, oidc.Demands{Nonce: "n-2"}, nil, oidc.ErrNonce},
		{"another client's", "shop", given["other"].id, oidc.Demands{Nonce: nonce}, nil, gate.ErrInvalid},
		{"another issuer's", "shop", given["theirs"].id, oidc.Demands{Nonce: nonce}, nil, gate.ErrInvalid},
		{"another key", "shop", forged(t, ours.id), good, nil, gate.ErrInvalid},
		{"expired", "shop", ours.id, good, later, gate.ErrExpired},
		{"an access token", "shop", ours.access, oidc.Demands{NoNonce: true}, nil, gate.ErrInvalid},
		{"an access token for a service named as the client", orders, ours.access, oidc.Demands{NoNonce: true}, nil, gate.ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			login, err := discover(t, issuer, tt.client, tt.clock)
			if err != nil {
				t.Fatal(err)
			}
			tok, err := login.Check(t.Context(), tt.raw, tt.demands)
			if !errors.Is(err, tt.want) || err == nil && tok.Subject != "alice" {
				t.Errorf("Check = %v, %v; want the error %v", tok, err, tt.want)
			}
		})
	}
}

// checkAccessTokens checks access tokens as a service does, for tokens of one client.
func checkAccessTokens(t *testing.T, issuer string, given map[string]tokens) {
	ours := given["ours"]
	for _, tt := range []struct {
		name, raw, scope string
		clock            func() time.Time
		want             error
	}{
		{"as it is", ours.access, "orders:read", nil, nil},
		{"a scope of another request", ours.access, "orders:write", nil, gate.ErrScope},
		{"an ID token", ours.id, "", nil, gate.ErrInvalid},
		{"for another service", given["billing"].access, "orders:read", nil, gate.ErrInvalid},
		{"another client's", given["other"].access, "orders:read", nil, gate.ErrInvalid},
		{"another issuer's", given["theirs"].access, "orders:read", nil, gate.ErrInvalid},
		{"another key", forged(t, ours.access), "orders:read", nil, gate.ErrInvalid},
		{"expired", ours.access, "orders:read", later, gate.ErrExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i, err := oidc.Discover(t.Context(), issuer, oidc.Options{
				Audiences: []string{orders, "shop"}, // as a careless service that is a client too
				Profile:   oidc.RFC9068().Only("client_id", "shop"),
				Keys:      jwks.Options{InsecureLoopback: true, Clock: tt.clock},
			})
			if err != nil {
				t.Fatal(err)
			}
			g, err := gate.New(gate.Config{Issuers: []gate.Issuer{i}, Clock: tt.clock})
			if err != nil {
				t.Fatal(err)
			}
			var p gate.Policy
			if tt.scope != "" {
				p.Scopes = []string{tt.scope}
			}
			tok, err := g.CheckToken(t.Context(), tt.raw, p)
			if !errors.Is(err, tt.want) || err == nil && (tok.Subject != "alice" || tok.VerifiedIssuer() != issuer) {
				t.Errorf("CheckToken = %v, %v; want the error %v", tok, err, tt.want)
			}
		})
	}
}
