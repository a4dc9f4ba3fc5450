package oidc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/keys/jwks"
	"github.com/jwtgate/gate/oidc"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// network answers for all servers, by URL.
type network map[string]string

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	switch body, ok := n[r.URL.String()]; {
	case !ok:
		http.NotFound(w, r)
	case body == "down":
		http.Error(w, "down", http.StatusBadGateway)
	case body == "cut":
		return nil, errors.New("connection cut")
	default:
		fmt.Fprint(w, body)
	}
	return w.Result(), nil
}

func (n network) options() jwks.Options {
	return jwks.Options{Client: &http.Client{Transport: n}}
}

const (
	name     = "https://login.example/realms/main"
	document = name + "/.well-known/openid-configuration"
	oauth    = "https://login.example/.well-known/oauth-authorization-server/realms/main"
)

func metadata(issuer, keys string) string {
	return `{"issuer":"` + issuer + `","jwks_uri":"` + keys + `","authorization_endpoint":"https://login.example/auth",
		"token_endpoint":"https://login.example/token","scopes_supported":["openid"]}`
}

func TestDiscover(t *testing.T) {
	good := metadata(name, "https://keys.example/set")
	for _, tt := range []struct {
		name, issuer, url string
		network           network
		want              string // part of the error
	}{
		{"OpenID Connect", name, "", network{document: good}, ""},
		{"RFC 8414", name, "", network{oauth: good}, ""},
		{"a URL of its own", name, "https://elsewhere.example/x", network{"https://elsewhere.example/x": good}, ""},
		{"a slash at the end", "https://login.example/", "",
			network{"https://login.example/.well-known/openid-configuration": metadata("https://login.example/", "https://login.example/k")}, ""},
		{"no path", "https://login.example", "",
			network{"https://login.example/.well-known/oauth-authorization-server": metadata("https://login.example", "https://login.example/k")}, ""},
		{"all tenants", "https://login.example/{tenantid}/v2.0", "",
			network{"https://login.example/common/v2.0/.well-known/openid-configuration": metadata("https://login.example/{tenantid}/v2.0", "https://login.example/k")}, ""},

		{"another issuer's", name, "", network{document: metadata("https://evil.example", "https://keys.example/set")}, "of the issuer"},
		{"a slash too much", name, "", network{document: metadata(name+"/", "https://keys.example/set")}, "every slash"},
		{"another issuer's, at a URL of its own", name, "https://elsewhere.example/x",
			network{"https://elsewhere.example/x": metadata("https://elsewhere.example", "https://keys.example/set")}, "of the issuer"},
		{"one tenant's for all", "https://login.example/{tenantid}/v2.0", "",
			network{"https://login.example/common/v2.0/.well-known/openid-configuration": metadata("https://login.example/common/v2.0", "https://login.example/k")}, "of the issuer"},
		{"no issuer", name, "", network{document: `{"jwks_uri":"https://keys.example/set"}`}, "of the issuer"},
		{"an issuer twice", name, "", network{document: strings.Replace(good, "{", `{"issuer":"`+name+`",`, 1)}, "no JSON object"},
		{"no keys", name, "", network{document: metadata(name, "")}, "jwks_uri"},
		{"keys by ftp", name, "", network{document: metadata(name, "ftp://keys.example/set")}, "jwks_uri"},
		{"keys by http", name, "", network{document: metadata(name, "http://keys.example/set")}, "although the document has https"},
		{"keys at a path", name, "", network{document: metadata(name, "/set")}, "jwks_uri"},
		{"all by http, as in a cluster", "http://keycloak/realms/a", "",
			network{"http://keycloak/realms/a/.well-known/openid-configuration": metadata("http://keycloak/realms/a", "http://keycloak/k")}, ""},
		{"no JSON", name, "", network{document: "<html>"}, "no JSON object"},
		{"too long", name, "", network{document: strings.Repeat(" ", 1<<20) + good}, "longer than 1 MiB"},
		{"nowhere", name, "", network{}, "status 404"},
		{"down", name, "", network{document: "down", oauth: good}, "status 502"},
		{"cut", name, "", network{document: "cut"}, "connection cut"},
		{"a query", name + "?a=b", "", network{}, "no URL of a host and a path"},
		{"no URL", "login", "", network{}, "no URL of a host and a path"},
		{"a password", "https://u:p@login.example", "", network{}, "password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i, err := oidc.Discover(t.Context(), tt.issuer, oidc.Options{Audiences: []string{"api"}, URL: tt.url, Keys: tt.network.options()})
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || i.Keys != nil {
					t.Fatalf("Discover = %v, %v; want an error with %q and no keys", i, err, tt.want)
				}
				return
			}
			if err != nil || i.Name != tt.issuer || i.Keys == nil {
				t.Fatalf("Discover = %v, %v", i, err)
			}
		})
	}
}

// Without a client of the caller's own, the addresses and schemes are those of package
// jwks: nothing on this machine is asked, unless it is allowed.
func TestDiscoverAddresses(t *testing.T) {
	asked := 0
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if strings.HasPrefix(r.URL.Path, "/away/") {
			http.Redirect(w, r, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)+"/.well-known/openid-configuration", http.StatusFound)
			return
		}
		fmt.Fprint(w, metadata(server.URL, server.URL+"/keys"))
	}))
	defer server.Close()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	for _, tt := range []struct {
		name, issuer, want string
		loopback           bool
	}{
		{"allowed", server.URL, "", true},
		{"http", server.URL, "the scheme \"http\"", false},
		{"loopback", tls.URL, "private, local or reserved", false},
		{"redirect to another origin", server.URL + "/away", "another origin", true},
		{"http elsewhere", "http://login.example", "the scheme \"http\"", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked = 0
			_, err := oidc.Discover(t.Context(), tt.issuer, oidc.Options{Keys: jwks.Options{InsecureLoopback: tt.loopback}})
			switch {
			case tt.want == "":
				if err != nil {
					t.Fatal(err)
				}
			case err == nil || !strings.Contains(err.Error(), tt.want):
				t.Fatalf("error = %v, want %q", err, tt.want)
			case !tt.loopback && asked > 0:
				t.Error("the server was asked")
			}
		})
	}
}

// A server that does not answer costs the time-out, and not more.
func TestDiscoverTimeout(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	_, err := oidc.Discover(t.Context(), server.URL, oidc.Options{Keys: jwks.Options{InsecureLoopback: true, Timeout: 50 * time.Millisecond}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want that of the deadline", err)
	}
}

// The issuer that was discovered verifies tokens, by keys without "alg" too, and nobody
// else's.
func TestDiscoveredIssuer(t *testing.T) {
	key := must(keys.Generate(keys.RS256)).WithID("k1")
	set := must(keys.NewSet(nil, must(keys.FromPublic(keys.RS256, key.Public())).WithID("k1")))
	text := strings.ReplaceAll(string(must(set.MarshalJSON())), `"alg":"RS256",`, "")
	if strings.Contains(text, `"alg"`) {
		t.Fatalf("the set has an alg: %s", text)
	}
	n := network{document: metadata(name, "https://keys.example/set"), "https://keys.example/set": text}
	issuer := must(oidc.Discover(t.Context(), name, oidc.Options{Audiences: []string{"api"}, Keys: n.options()}))
	g := must(gate.New(gate.Config{Issuers: []gate.Issuer{issuer}}))
	login := must(gate.New(gate.Config{Keys: key, Create: gate.Create{Issuer: name, Audience: []string{"api"}}}))
	raw := must(login.CreateAccessToken(t.Context(), "alice", gate.TokenOptions{}))
	if tok, err := g.CheckToken(t.Context(), raw, gate.Policy{}); err != nil || tok.VerifiedIssuer() != name {
		t.Fatalf("the token of the issuer: %v, %v", tok, err)
	}
	forged := gatetest.Token(t, must(keys.Generate(keys.RS256)).WithID("k1"), map[string]any{"iss": name, "aud": "api"})
	if _, err := g.CheckToken(t.Context(), forged, gate.Policy{}); !errors.Is(err, gate.ErrInvalid) {
		t.Errorf("a token of another key: %v", err)
	}
}
